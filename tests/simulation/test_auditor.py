"""What the auditor is worth: it finds faults that are made on purpose, and its arithmetic is that of the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.prices import cost
from tests.simulation.runner import Simulator

WITHIN = 40
"""Worlds in which each must be found. None has needed more than 30."""


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
