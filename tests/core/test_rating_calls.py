"""Calls under a plan, in the engine: one pool per account, the moment of the limit, and work that does not grow."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from guard.core.decisions import Action, Decision
from guard.core.engine import FORGET_EVERY_MS
from guard.core.money import MS_PER_MINUTE, Micros
from guard.core.plans import Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.rating import Rating
from guard.core.records import AccountMessage, Credit, CreditMessage, Direction, Event, Report
from guard.core.settings import DAY_MS, HOUR_MS, Settings
from guard.core.tariff import CallClass, Destination, Tariff
from tests.scenarios.stage import START_MS, Stage

RATE = 600_000
"""0.60 a minute: a cent a second."""
DOMESTIC = Reach(kinds=frozenset({CallClass.DOMESTIC}))
ABROAD = Reach(kinds=frozenset({CallClass.INTERNATIONAL}))
TORONTO, LONDON = "+14165550100", "+442075550100"
PATIENT = Settings(stale_after_ms=DAY_MS, blind_carry_ms=DAY_MS, lost_after_ms=2 * DAY_MS)
NEW_CYCLE_MS = START_MS + 400 * HOUR_MS
"""The 1st of February, UTC."""


def rating(quota_s: int, tiers: tuple[Tier, ...] = ()) -> Rating:
    """Minutes to Canada in the plan `office`, and a discount on those abroad."""
    discounts = [Discount(key="abroad", reach=ABROAD, by=TierBy.MINUTES, tiers=tiers)] if tiers else []
    rows = [
        Destination(prefix="1", name="Canada", kind=CallClass.DOMESTIC, rate_micros=RATE),
        Destination(prefix="44", name="UK", kind=CallClass.INTERNATIONAL, rate_micros=2 * RATE),
    ]
    quota = Quota(key="minutes", reach=DOMESTIC, seconds=quota_s)
    plan = Plan("office", "office", [quota], discounts)
    return Rating(unknown_rate_micros=1_000_000, tariff=Tariff(rows), plans={"office": plan})


def stage_of(rated: Rating, *, limit: int | None = None, now_ms: int = START_MS, settings: Settings = PATIENT) -> Stage:
    """An account A1 with that plan."""
    stage = Stage(settings, rating=rated, now_ms=now_ms)
    credit = Credit(limit_micros=None if limit is None else Micros(limit))
    stage.billing(AccountMessage(id="m1", account="A1", plan="office", timezone="UTC", credit=credit))
    return stage


def say(stage: Stage, call: str, event: Event, duration_s: int = 0, *, to: str | None = TORONTO, **more: Any) -> None:
    """A report of this moment; its switch is the first part of the call's name."""
    report = Report(call, event, "A1", stage.now_ms, 1_000 * duration_s, to, **more)
    stage.report(call.partition("-")[0], report)


def exposure(stage: Stage) -> int:
    """Of A1, now."""
    return stage.engine.world.accounts["A1"].exposure_scaled(stage.now_ms) // MS_PER_MINUTE


@pytest.mark.parametrize("calls", [1, 2, 10])
@pytest.mark.parametrize("left_s", [0, 1, 60, 61])
def test_calls_at_once_share_what_is_left(calls: int, left_s: int) -> None:
    """With n calls in flight for t seconds and q seconds left it is the price of n t - q seconds, at two switches."""
    stage = stage_of(rating(100))
    say(stage, "sw1-used", Event.ENDED, 100 - left_s)
    for number in range(calls):
        say(stage, f"sw{1 + number % 2}-{number}", Event.ANSWERED)
    for seconds in (0, 1, 5, 6, 7, 30, 61, 120):
        stage.advance_to(START_MS + 1_000 * seconds)
        assert exposure(stage) == RATE * max(0, calls * seconds - left_s) // 60


def test_what_is_in_flight_is_what_will_be_posted() -> None:
    """Calls of one rate that end now come to the micro to what they were worth together."""
    stage = stage_of(rating(60))
    for number in range(7):
        say(stage, f"sw1-{number}", Event.ANSWERED)
    stage.advance_to(START_MS + 43_000)
    worth = exposure(stage)
    for number in range(7):
        say(stage, f"sw1-{number}", Event.ENDED, 43)
        assert exposure(stage) == worth


def test_the_tiers_of_a_discount_are_shared_too() -> None:
    """Two calls of a minute each in a discount that halves the price after the first minute."""
    stage = stage_of(rating(60, (Tier(0, 0), Tier(60, 500_000))))
    say(stage, "sw1-1", Event.ANSWERED, to=LONDON)
    say(stage, "sw2-2", Event.ANSWERED, to=LONDON)
    stage.advance_to(START_MS + 30_000)
    assert exposure(stage) == 2 * RATE
    stage.advance_to(START_MS + 60_000)
    assert exposure(stage) == 3 * RATE


def test_a_call_that_turns_out_to_be_an_emergency_leaves_the_pool() -> None:
    """What it had taken of the quota is there for the others again."""
    stage = stage_of(rating(60))
    say(stage, "sw1-1", Event.ANSWERED)
    say(stage, "sw1-2", Event.ANSWERED)
    stage.advance_to(START_MS + 60_000)
    assert exposure(stage) == RATE
    say(stage, "sw1-2", Event.TICK, 60, to=None, emergency=True)
    assert exposure(stage) == 0


def test_a_call_whose_charge_is_stated_in_the_end_leaves_the_pool() -> None:
    """A stated charge bypasses plans, from then on."""
    stage = stage_of(rating(60))
    say(stage, "sw1-1", Event.ANSWERED)
    say(stage, "sw1-2", Event.ANSWERED)
    stage.advance_to(START_MS + 60_000)
    say(stage, "sw1-2", Event.TICK, 60, to=None, charge_micros=Micros(70_000))
    assert exposure(stage) == 70_000


def test_an_incoming_call_uses_nothing() -> None:
    stage = stage_of(rating(60))
    say(stage, "sw1-1", Event.ENDED, 600, direction=Direction.INCOMING)
    say(stage, "sw1-2", Event.ENDED, 60)
    assert [(line.amount_micros, line.covered_s) for line in stage.happened.lines] == [(0, 0), (0, 60)]


def test_a_silent_call_stops_in_the_pool() -> None:
    """Its switch speaks of another call only: it stays at what it had grown to in `stale_after`."""
    stage = stage_of(rating(60), settings=Settings())
    say(stage, "sw1-1", Event.ANSWERED)
    say(stage, "sw1-2", Event.ANSWERED)
    for seconds in range(30, 301, 30):
        stage.advance_to(START_MS + 1_000 * seconds)
        say(stage, "sw1-1", Event.TICK, seconds, to=None)
    assert exposure(stage) == RATE * (300 + 90 - 60) // 60


# -- the moment


def until_blocked(stage: Stage, end_ms: int) -> tuple[list[Decision], int]:
    """Nothing but the engine's own wake-ups: what it decides, and how often it woke but to forget old calls."""
    wakes = 0
    while stage.engine.next_wake_ms <= end_ms:
        stage.now_ms = stage.engine.next_wake_ms
        wakes += (stage.now_ms - START_MS) % FORGET_EVERY_MS != 0
        stage.engine.advance(stage.now_ms)
        stage.settle()
        if stage.happened.decisions and stage.happened.decisions[-1].action is Action.BLOCK:
            break
    return stage.happened.decisions, wakes


@pytest.mark.parametrize("calls", [1, 7, 100])
def test_the_block_comes_when_the_pool_reaches_the_limit(calls: int) -> None:
    """100 minutes are free, 10.00 the limit: at 0.60 a minute it is reached with 7,000 seconds."""
    stage = stage_of(rating(6_000), limit=10_000_000)
    for number in range(calls):
        say(stage, f"sw1-{number}", Event.ANSWERED)
    decisions, wakes = until_blocked(stage, START_MS + 3 * HOUR_MS)
    assert decisions[-1].action is Action.BLOCK
    assert decisions[-1].at_ms == START_MS + -(-7_000_000 // calls)
    assert wakes < 60


def test_a_new_cycle_renews_the_quota_before_the_limit_is_reached() -> None:
    """0.90 is charged by midnight; then the call is within the new cycle's minutes, as long as they last."""
    stage = stage_of(rating(300), limit=1_000_000, now_ms=NEW_CYCLE_MS - 90_000)
    say(stage, "sw1-used", Event.ENDED, 300)
    say(stage, "sw1-1", Event.ANSWERED)
    decisions, wakes = until_blocked(stage, NEW_CYCLE_MS + HOUR_MS)
    # 400 seconds long then: 100 beyond the new quota, all of them charged in the new cycle.
    assert [decision.at_ms for decision in decisions if decision.action is Action.BLOCK] == [NEW_CYCLE_MS + 310_000]
    assert wakes < 60


def test_a_new_cycle_takes_a_discount_away() -> None:
    """With the first millisecond of the month the tiers begin anew, and what is in flight jumps over the limit."""
    stage = stage_of(rating(60, (Tier(0, 0), Tier(600, 500_000))), limit=14_500_000, now_ms=NEW_CYCLE_MS - 120_000)
    say(stage, "sw1-used", Event.ENDED, 600, to=LONDON)
    say(stage, "sw1-1", Event.ANSWERED, to=LONDON)
    stage.advance_to(NEW_CYCLE_MS - 1)
    assert exposure(stage) < 13_200_000
    decisions, _wakes = until_blocked(stage, NEW_CYCLE_MS + HOUR_MS)
    assert decisions[-1].action is Action.BLOCK
    # 12.00 are owed; 1.20 a minute for the whole call reaches 2.50 after 125 seconds.
    assert decisions[-1].at_ms == NEW_CYCLE_MS + 5_000


def test_a_payment_in_time_moves_the_moment() -> None:
    """What was foreseen for the pool is foreseen anew when the limit is another."""
    stage = stage_of(rating(60), limit=600_000)
    say(stage, "sw1-1", Event.ANSWERED)
    stage.advance_to(START_MS + 110_000)
    stage.billing(CreditMessage(id="c1", account="A1", credit=Credit(limit_micros=Micros(1_200_000))))
    decisions, _wakes = until_blocked(stage, START_MS + HOUR_MS)
    assert [decision.at_ms for decision in decisions if decision.action is Action.BLOCK] == [START_MS + 180_000]


def test_dear_seconds_in_a_discount_by_minutes_are_foreseen_in_time() -> None:
    """What is beyond a tier has the mean price of all: fifty cheap calls bring a dear one's money with them."""
    stage = stage_of(rating(60, (Tier(0, 1_000_000), Tier(3_600, 0))), limit=100_000_000)
    say(stage, "sw1-dear", Event.TICK, 600, to=LONDON, rate_micros=1_000_000_000)
    for number in range(50):
        say(stage, f"sw1-{number}", Event.TICK, 60, to=LONDON, rate_micros=20_000)
    decisions, _wakes = until_blocked(stage, START_MS + HOUR_MS)
    # 10,001 for 3,600 s, all of them free so far; 36 s of 3,636 come to 100, which 51 calls take 0.7 s for.
    assert decisions[-1].action is Action.BLOCK
    stage.now_ms = decisions[-1].at_ms
    assert exposure(stage) >= 100_000_000
    stage.now_ms -= 1
    assert exposure(stage) < 100_000_000


# -- work


def lines_run(stage: Stage, live: int) -> int:
    """Lines of Python that a few reports take about calls of an account with so many of them up."""
    for number in range(live):
        say(stage, f"sw1-{number}", Event.ANSWERED, to=TORONTO if number % 2 else LONDON)
    stage.settle()
    reports = [
        Report(f"sw1-{number}", event, "A1", START_MS + 1_000, 1_000)
        for number in range(5)
        for event in (Event.TICK, Event.ENDED)
    ]
    reports += [Report(f"sw1-new-{number}", Event.ANSWERED, "A1", START_MS + 1_000, 0, LONDON) for number in range(5)]
    engine, now_ms, count = stage.engine, START_MS + 1_000, 0

    def tracer(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        for report in reports:
            engine.report("sw1", report, now_ms)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.interpreted
def test_work_for_a_report_does_not_grow_with_the_calls() -> None:
    """Ten thousand live calls on one account take no more lines of code than ten."""
    tiers = (Tier(0, 0), Tier(600, 100_000), Tier(100_000, 250_000))
    few = lines_run(stage_of(rating(600, tiers), limit=900_000_000_000), 10)
    many = lines_run(stage_of(rating(600, tiers), limit=900_000_000_000), 10_000)
    assert few > 0
    assert many <= few * 11 // 10
