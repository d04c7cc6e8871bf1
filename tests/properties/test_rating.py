"""Rating and plans against the oracle: what is posted, what is used, what is in flight, when the limit is reached.

Calls are told in any order, in part, twice, too late, and by two switches; they end around the 1st of a month in five
time zones; some are taken for lost and come back; guard is restarted in between. The oracle hears the same and must
come to the same lines. Only one thing is taken from the engine: the order in which calls were posted as lost.

`GUARD_DEEP=n` runs n times as many examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from guard.core.cycles import cycle_of
from guard.core.decisions import Action, LedgerLine
from guard.core.engine import FORGET_EVERY_MS
from guard.core.money import MS_PER_MINUTE, Micros
from guard.core.records import AccountMessage, Credit, CreditMessage, Event, Report
from guard.core.settings import DAY_MS, HOUR_MS, Settings
from tests.properties.rating_draws import EDGES, House, Sketch, edge_ms, plans, sketches, tariffs
from tests.properties.rating_oracle import Line, Oracle, cycle_start_ms
from tests.scenarios.stage import Stage

DEEP = int(os.environ.get("GUARD_DEEP", "1"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]
OPEN = Credit(limit_micros=None)
MOST_WAKES = 60
PATIENT = Settings(stale_after_ms=DAY_MS, blind_carry_ms=DAY_MS, lost_after_ms=2 * DAY_MS)
"""Calls grow on without another report."""


# -- what is posted


@dataclass
class Trial:
    """Engine and oracle side by side."""

    house: House
    stage: Stage
    oracle: Oracle

    @classmethod
    def at(cls, house: House, now_ms: int, configured: Settings) -> Trial:
        """Accounts are open, without a limit."""
        stage = Stage(configured, rating=house.rating(), now_ms=now_ms)
        for account, plan in house.plans.items():
            message = AccountMessage(
                id=f"m-{account}",
                account=account,
                timezone=house.timezones[account],
                plan=plan.id if plan is not None else None,
                credit=OPEN,
            )
            stage.billing(message)
        return cls(house, stage, house.oracle())

    def all_switches_speak(self) -> None:
        """A report of this moment, so that late ones are not mistaken for a clock that is behind."""
        for switch in ("sw1", "sw2"):
            attempt = Report(f"attempt-{self.stage.now_ms}", Event.FAILED, "A1", self.stage.now_ms, to="+15550100")
            self.stage.report(switch, attempt)

    def written(self) -> list[LedgerLine]:
        """The lines since somebody last looked."""
        lines, self.stage.happened.lines = self.stage.happened.lines, []
        return lines

    def hear(self, switch: str, report: Report) -> None:
        """Both hear a report, and the same lines follow."""
        self.stage.report(switch, report)
        assert moved(map(seen, self.written())) == moved(self.oracle.hear(switch, report))

    def hear_all(self, told: list[tuple[str, Report]], restart_at: int) -> None:
        """Both hear reports, each in its turn; guard is restarted before one of them."""
        self.all_switches_speak()
        for number, (switch, report) in enumerate(told):
            if number == restart_at:
                self.stage.restart(crash=False)
                self.stage.subscribed()
                self.all_switches_speak()
            self.hear(switch, report)
        self.agrees()

    def give_up(self) -> None:
        """Nobody speaks for hours: what is up is posted as lost, each call once, in the order that the engine finds."""
        up = {key for key, told in self.oracle.calls.items() if not told.over}
        self.stage.advance_to(self.stage.now_ms + 5 * HOUR_MS)
        lines = self.written()
        assert sorted((line.switch, line.call) for line in lines) == sorted(up)
        for line in lines:
            assert seen(line) == self.oracle.lose(line.switch, line.call)
        self.agrees()

    def agrees(self) -> None:
        """Owed, and what is used of the plans, per cycle."""
        world = self.stage.engine.world
        used: dict[tuple[str, int, str], int] = {}
        for name, account in world.accounts.items():
            assert account.owed_micros == self.oracle.owed[name]
            for cycle_ms, parts in (account.books.use if account.books is not None else {}).items():
                used |= {(name, cycle_ms, key): amount for key, amount in parts.items() if amount}
        assert used == {key: amount for key, amount in self.oracle.use.items() if amount}


def seen(line: LedgerLine) -> Line:
    """A line of the engine, as the oracle writes it."""
    assert line.gross_micros is not None
    return Line(
        account=line.account,
        call=line.call,
        kind=line.kind.value,
        at_ms=line.at_ms,
        amount=line.amount_micros,
        gross=line.gross_micros,
        billed_s=line.billed_s,
        covered_s=line.covered_s,
    )


def moved(lines: Iterable[Line]) -> list[Line]:
    """Lines without corrections that correct nothing."""
    return [line for line in lines if line.kind != "correction" or line.amount or line.gross or line.billed_s]


@st.composite
def houses(draw: st.DrawFn) -> tuple[House, dict[str, int]]:
    """Two accounts under one plan, one under another or none; each with the edge of its cycle."""
    zone, year, month = draw(st.sampled_from(EDGES))
    other = draw(st.sampled_from([edge for edge in EDGES if abs(edge[1] * 12 + edge[2] - year * 12 - month) <= 1]))
    plan = draw(plans())
    house = House(
        rows=draw(tariffs()),
        plans={"A1": plan, "A2": plan, "A3": draw(st.none() | plans("other"))},
        timezones={"A1": zone, "A2": zone, "A3": other[0]},
    )
    edge = edge_ms(zone, year, month)
    return house, {"A1": edge, "A2": edge, "A3": cycle_start_ms(edge + DAY_MS, other[0])}


@dataclass(frozen=True)
class Story:
    """What is heard at once, in any order and partly twice, and what is heard when all that was up is lost."""

    house: House
    now_ms: int
    first: list[tuple[str, Report]]
    second: list[tuple[str, Report]]
    restarts: tuple[int, int]
    """Before which report of each part guard is restarted."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A few calls around the edge."""
    house, edges = draw(houses())
    calls = [draw(sketches(edges, number)) for number in range(draw(st.integers(2, 10)))]
    told = [(call.switch, report) for call in calls for report in call.middle()]
    told += [(call.switch, call.end()) for call in calls if not call.comes_back]
    # Some come back only to be lost again.
    late = [
        (call.switch, report)
        for call in calls
        if call.comes_back
        for report in call.ending()[: draw(st.sampled_from([2, 2, 1]))]
    ]
    again = st.lists(st.sampled_from(told), max_size=4)
    first = draw(st.permutations(told + draw(again)))
    second = draw(st.permutations(late + draw(again)))
    restarts = draw(st.integers(0, len(first))), draw(st.integers(0, len(second)))
    return Story(house, max(edges.values()) + HOUR_MS, first, second, restarts)


@settings(max_examples=250 * DEEP, deadline=None, suppress_health_check=SLOW)
@given(stories())
def test_every_line_is_what_the_oracle_writes(story: Story) -> None:
    """Amount, gross, seconds billed and covered, owed, use of the plan: for any order of arrival."""
    trial = Trial.at(story.house, story.now_ms, Settings())
    trial.hear_all(story.first, story.restarts[0])
    trial.give_up()
    trial.hear_all(story.second, story.restarts[1])
    trial.give_up()


@pytest.mark.parametrize(("zone", "year", "month"), EDGES)
def test_a_cycle_begins_with_the_first_moment_of_the_month(zone: str, year: int, month: int) -> None:
    """Where the 1st has 23 or 25 hours, two midnights or none, too."""
    edge = edge_ms(zone, year, month)
    assert cycle_of(edge, zone).start_ms == edge == cycle_of(edge - 1, zone).end_ms
    assert cycle_start_ms(edge, zone) == edge > cycle_start_ms(edge - 1, zone) == cycle_of(edge - 1, zone).start_ms


# -- what is in flight


@st.composite
def flights(draw: st.DrawFn) -> tuple[House, list[Sketch]]:
    """Calls of one account that are heard of as they go on, some time before the edge."""
    house, edges = draw(houses())
    calls = [draw(sketches({"A1": edges["A1"]}, number)) for number in range(draw(st.integers(1, 7)))]
    return house, calls


def in_time(calls: Iterable[Sketch]) -> list[tuple[int, str, Report]]:
    """All reports, each at its moment."""
    told = [(call.switch, report) for call in calls for report in (*call.middle(), call.end())]
    return sorted(
        ((report.at_ms, switch, report) for switch, report in told), key=lambda each: (each[0], each[2].event)
    )


MOST_PARTS = 8
"""Pools and discounts of an account at two switches."""


def agrees_in_flight(trial: Trial, account: str, now_ms: int) -> None:
    """Exposure is the oracle's: exactly with one rate in the plan, else within a micro for each call."""
    known = trial.stage.engine.world.accounts[account]
    got_scaled = known.exposure_scaled(now_ms)
    got = got_scaled // MS_PER_MINUTE
    exact = trial.oracle.exposure(account, now_ms)
    gross = trial.oracle.gross_in_flight(account, now_ms)
    assert known.in_flight_gross_scaled(now_ms) == gross * MS_PER_MINUTE
    calls = len(trial.oracle.live(account))
    if len(trial.oracle.rates_in_plan(account)) <= 1 and calls:
        # Each pool and discount is rounded down once, to the sixty-thousandth part of a micro.
        assert 0 <= exact * MS_PER_MINUTE - got_scaled <= MOST_PARTS
    else:
        assert abs(got - exact.__floor__()) <= calls


@settings(max_examples=200 * DEEP, deadline=None, suppress_health_check=SLOW)
@given(flights(), st.lists(st.integers(0, 120_000), min_size=3, max_size=3))
def test_exposure_is_the_oracle_s_at_any_time(flight: tuple[House, list[Sketch]], waits_ms: list[int]) -> None:
    """Before, at and after every report, over the edge of the cycle."""
    house, calls = flight
    reports = in_time(calls)
    trial = Trial.at(house, reports[0][0], PATIENT)
    for number, (at_ms, switch, report) in enumerate(reports):
        trial.stage.advance_to(at_ms)
        agrees_in_flight(trial, "A1", at_ms)
        trial.hear(switch, report)
        agrees_in_flight(trial, "A1", at_ms)
        agrees_in_flight(trial, "A1", at_ms + waits_ms[number % len(waits_ms)])
    trial.agrees()


# -- the breach


def first_ms(trial: Trial, limit: Fraction, begin_ms: int, end_ms: int) -> int | None:
    """The first millisecond in (begin, end] at which exposure has reached a limit, cycle by cycle."""
    zone = trial.house.timezones["A1"]
    edge_ms = cycle_of(begin_ms, zone).end_ms
    if edge_ms <= begin_ms + 1 or edge_ms > end_ms:
        return _first_within(trial.oracle, limit, begin_ms, end_ms)
    before = _first_within(trial.oracle, limit, begin_ms, edge_ms - 1)
    return before if before is not None else _first_within(trial.oracle, limit, edge_ms - 1, end_ms, may_jump=True)


def _first_within(oracle: Oracle, limit: Fraction, begin_ms: int, end_ms: int, *, may_jump: bool = False) -> int | None:
    """The same within one cycle, where exposure only grows; it may jump with the first millisecond of a cycle."""
    if may_jump and oracle.exposure("A1", begin_ms + 1) >= limit:
        return begin_ms + 1
    if oracle.exposure("A1", end_ms) < limit:
        return None
    while end_ms - begin_ms > 1:
        middle_ms = (begin_ms + end_ms) // 2
        if oracle.exposure("A1", middle_ms) >= limit:
            end_ms = middle_ms
        else:
            begin_ms = middle_ms
    return end_ms


def wakes_until_decided(stage: Stage, until_ms: int) -> int:
    """Let the engine wake by itself until it blocks; how often it did, but for its forgetting once a minute."""
    begun_ms, wakes = stage.now_ms, 0
    while not any(decision.action is Action.BLOCK for decision in stage.happened.decisions):
        wake_ms = stage.engine.next_wake_ms
        assert wake_ms > stage.now_ms, "what is due is done"
        if wake_ms > until_ms:
            break
        wakes += (wake_ms - begun_ms) % FORGET_EVERY_MS != 0
        stage.now_ms = wake_ms
        stage.engine.advance(wake_ms)
        stage.settle()
    return wakes


@settings(max_examples=150 * DEEP, deadline=None, suppress_health_check=SLOW)
@given(flights(), st.integers(1, 25 * 60_000), st.integers(0, 20 * 60_000) | st.just(10 * DAY_MS))
def test_the_block_comes_at_the_very_millisecond(
    flight: tuple[House, list[Sketch]], after_ms: int, before_edge_ms: int
) -> None:
    """Found by the engine's own wake-ups alone, and by few of them; warnings come as exactly."""
    house, calls = flight
    now_ms = min(call.began_ms + call.duration_ms for call in calls) + 600_000 - before_edge_ms
    trial = Trial.at(house, now_ms, PATIENT)
    stage, oracle = trial.stage, trial.oracle
    for call in calls:
        told = replace(call, began_ms=now_ms - call.duration_ms, told_by="all")
        trial.hear(call.switch, told.end() if call.comes_back else told.at(Event.TICK, call.duration_ms))
    limit = oracle.exposure("A1", now_ms + after_ms).__floor__()
    assume(limit > oracle.exposure("A1", now_ms) and limit > 0)
    # Where dear and cheap calls share a discount, value can stand still or even fall for a while; not here.
    assume(oracle.exposure("A1", now_ms + after_ms + 1_000) > limit + len(calls))
    credit = CreditMessage(id="c1", account="A1", credit=Credit(limit_micros=Micros(limit)))
    stage.billing(credit)
    told_at_once = len(stage.happened.decisions)
    wakes = wakes_until_decided(stage, now_ms + after_ms + 60_000)
    assert wakes < MOST_WAKES
    for decision in stage.happened.decisions[told_at_once:]:
        mark = limit * Fraction(int(decision.mark), 100)
        if decision.action is Action.BLOCK or cycle_of(now_ms, house.timezones["A1"]).end_ms > stage.now_ms:
            comes_as_computed(trial, first_ms(trial, mark, now_ms, now_ms + after_ms), decision.at_ms)
    assert stage.happened.decisions[-1].action is Action.BLOCK


def comes_as_computed(trial: Trial, expected_ms: int | None, got_ms: int) -> None:
    """Exactly with one rate in the plan; else within 2 ms, or by what a micro for each call makes."""
    assert expected_ms is not None
    if len(trial.oracle.rates_in_plan("A1")) <= 1:
        assert got_ms == expected_ms
    elif abs(got_ms - expected_ms) > 2:
        apart = trial.oracle.exposure("A1", got_ms) - trial.oracle.exposure("A1", expected_ms)
        assert abs(apart) <= len(trial.oracle.live("A1"))
