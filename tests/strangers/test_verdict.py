"""The judge judges by the calls: what stops a fraud, what it had cost by then, who was cut off for nothing."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from tests.strangers.paper import DAY, MINUTE, STYLES, Call
from tests.strangers.people import HABITS, customer
from tests.strangers.places import HOMES
from tests.strangers.scene import Case
from tests.strangers.town import Town
from tests.strangers.verdict import Block, Fraud, at_most, judge

START = 10 * DAY


def town() -> Town:
    """A dollar a minute to Somalia for an hour, charged by the second."""
    who = customer(1, HABITS[0], HOMES["CA"], STYLES[0], Random(1))
    call = Call(who.account, STYLES[0], START, 60 * MINUTE, "252611234567", 1_000_000, "", "", case="theft 1")
    case = Case(
        "theft 1", "theft", fraud=True, account=who.account, start_ms=START, end_ms=call.ends_ms, spent=call.cost
    )
    return Town(HOMES["CA"], date(2025, 1, 1), 30, [who], [call], [], [case])


def block(minute: float, *, scope: str = "all", acts: bool = True, by: str = "rule", blocks: bool = True) -> Block:
    return Block(START + int(minute * MINUTE), town().people[0].account, blocks, acts, by, scope, "why")


def fraud(*blocks: Block) -> Fraud:
    (found,) = judge(1, town(), blocks, []).frauds
    return found


def test_what_was_lost_is_what_was_charged_until_the_block() -> None:
    assert fraud(block(7.5)).guard.lost == 7_500_000
    assert fraud().guard.lost == 60_000_000


def test_a_block_that_does_not_cover_the_calls_stops_nothing() -> None:
    assert fraud(block(2, scope="premium")).guard.block is None
    assert fraud(block(2, scope="premium"), block(5, scope="international")).guard.lost == 5_000_000


def test_shadow_is_told_apart() -> None:
    found = fraud(block(3, acts=False), block(9))
    assert (found.guard.lost, found.shadow.lost) == (9_000_000, 3_000_000)


def test_a_block_in_force_before_stops_at_once_and_one_that_was_lifted_does_not() -> None:
    assert fraud(block(-60)).guard.lost == 0
    assert fraud(block(-60), block(-30, blocks=False)).guard.lost == 60_000_000


@pytest.mark.parametrize(
    ("minute", "by", "wrong"), [(-5, "rule", 1), (5, "rule", 0), (90, "rule", 0), (-5, "credit_limit", 0)]
)
def test_a_false_block_is_one_by_a_rule_without_a_fraud_near(minute: float, by: str, wrong: int) -> None:
    assert len(judge(1, town(), [block(minute, by=by)], []).wrong) == wrong


def test_limits_alone_are_judged_by_limits_alone() -> None:
    (found,) = judge(1, town(), [], [block(1, by="rule"), block(4, by="credit_limit")]).frauds
    assert found.limits.lost == 4_000_000


@pytest.mark.parametrize(("seen", "mean"), [(0, 3.00), (1, 4.74), (5, 10.51)])
def test_few_seen_may_still_be_more(seen: int, mean: float) -> None:
    assert at_most(seen) == pytest.approx(mean, abs=0.01)
