"""What the auditor is worth: it finds faults that are made on purpose, and its arithmetic is that of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.simulation.limits import By, Limit, Word
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.plans import Plan, comes_to
from tests.simulation.prices import cost
from tests.simulation.runner import Simulator

WITHIN = 40
"""Worlds in which each must be found. None has needed more than 30."""


@pytest.mark.interpreted
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_made_on_purpose_is_found(mutant: Callable[[], Mutant]) -> None:
    """In one of a few worlds with the kinds of trouble in which it shows."""
    with Simulator() as simulator, mutant():
        assert any(simulator.run(seed, MUTANTS[mutant]).broken for seed in range(WITHIN)), mutant.__doc__


@pytest.mark.parametrize(
    ("rate", "connect", "minimum_s", "increment_s", "duration_ms", "expected"),
    [
        (600_000, 0, 0, 1, 1, 10_000),
        (600_000, 0, 0, 1, 1_001, 20_000),
        (600_000, 50_000, 30, 6, 0, 350_000),
        (600_000, 50_000, 30, 6, 31_000, 410_000),
        (1, 0, 0, 1, 30_000, 1),
        (1, 0, 0, 1, 29_000, 0),
    ],
)
def test_the_auditors_price_is_the_contracts(
    rate: int, connect: int, minimum_s: int, increment_s: int, duration_ms: int, expected: int
) -> None:
    """Connect and rate by started increments, at least the minimum, rounded half up once."""
    assert cost(rate, connect, minimum_s, increment_s, duration_ms) == expected


PLAN = Plan(
    id="p",
    quota_kinds=("domestic",),
    quota_s=100,
    discount_kinds=("domestic", "international"),
    tiers=((0, 0), (60, 10), (120, 50)),
)


@pytest.mark.parametrize(
    ("kind", "used_s", "position", "billed_s", "expected"),
    [
        ("domestic", 0, 0, 60, (50_000, 60, 0)),
        ("domestic", 70, 0, 60, (50_000 + 300_000, 30, 30)),
        ("domestic", 500, 0, 60, (50_000 + 600_000, 0, 60)),
        ("international", 0, 30, 60, (50_000 + 300_000 + 270_000, 0, 60)),
        ("international", 0, 119, 2, (50_000 + 9_000 + 5_000, 0, 2)),
        ("premium", 0, 0, 60, (50_000 + 600_000, 0, 0)),
    ],
)
def test_a_plan_is_the_contracts(
    kind: str, used_s: int, position: int, billed_s: int, expected: tuple[int, int, int]
) -> None:
    """Quota, then discount; never `connect`; a second belongs to the tier in which it starts."""
    comes = comes_to(
        PLAN, kind, used_s, Fraction(position), rate_micros=600_000, connect_micros=50_000, billed_s=billed_s
    )
    assert tuple(comes) == expected


def test_tiers_by_money_count_what_is_undiscounted() -> None:
    """Ten seconds at 10,000 a second reach the tier at 50,000 in the middle, whatever they cost."""
    plan = replace(PLAN, quota_s=0, by_money=True, tiers=((0, 0), (50_000, 50)))
    comes = comes_to(plan, "international", 0, Fraction(0), rate_micros=600_000, connect_micros=0, billed_s=10)
    assert tuple(comes) == (75_000, 0, 100_000)


def words(*amounts: int) -> list[Word]:
    """Twice the mean invoice, and these invoices in the order of their months."""
    stated = Word(sent_ms=0, by=By.CYCLES, cycles=Fraction(2), floor_micros=5, cap_micros=100)
    months = enumerate(amounts, 1)
    return [stated, *(Word(sent_ms=0, by=By.INVOICE, amount_micros=amount, ends=f"{at:02}") for at, amount in months)]


@pytest.mark.parametrize(
    ("said", "in_force", "waits"),
    [
        (words(), 5, None),
        (words(10), 20, None),
        (words(10, 40), 50, None),
        (words(10, 10, 10), 20, None),
        (words(10, 10, 10, 25), 30, None),
        (words(10, 10, 10, 26), 20, 31),
        (words(10, 10, 10, 26, 10), 20, 31),
        (words(10, 10, 10, 26, 1), 25, None),
        (words(1), 5, None),
        (words(90), 100, None),
    ],
)
def test_a_limit_by_cycles_is_the_contracts(said: list[Word], in_force: int, waits: int | None) -> None:
    """The last three invoices within floor and cap; once three are known a step up of more than half waits."""
    limit = Limit(7).take(said)
    assert (limit.at(0), limit.waits_micros) == (in_force, waits)
