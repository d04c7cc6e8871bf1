"""Customers and switch on one time line: deterministic, exact, and true to its own speed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Event, Report
from guard.replay.attacks import RevenueShareFraud
from guard.replay.attempts import Attempt, Outcome, Stream, merge
from guard.replay.customers import DEMO_CUSTOMERS
from guard.replay.faults import Fault, FaultKind, Faults
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.traffic import traffic
from guard.replay.truth import Span, Truth, breach_at_ms, charge_of
from tests.replay.builders import T0, attempt, block, told, unblock

ACCOUNTS = [customer.account for customer in DEMO_CUSTOMERS]


def simulation(*, speed: float = 1.0, seed: int = 1) -> Simulation:
    streams = [stream for customer in DEMO_CUSTOMERS for stream in traffic(customer, seed=seed, busy=10)]
    fraud = RevenueShareFraud(account="A1002", starts_ms=8_000).attempts(seed=seed)
    switch = SimulatedSwitch("sw1", truth=Truth(ACCOUNTS))
    return Simulation(switch, merge([*streams, fraud]), start_ms=T0, speed=speed, run="r")


@given(steps=st.lists(st.integers(1, 20_000), max_size=12))
def test_how_coarsely_time_is_advanced_changes_nothing(steps: list[int]) -> None:
    fine, coarse = simulation(), simulation()
    now_ms = T0
    reports: list[Report] = []
    for step in steps:
        now_ms += step
        reports += fine.advance(now_ms)
    assert reports == coarse.advance(now_ms)


def test_time_never_runs_backwards_in_the_reports() -> None:
    times = [report.at_ms for report in simulation().advance(T0 + 60_000)]
    assert times == sorted(times)
    assert len(times) > 100


def test_the_truth_is_the_sum_of_the_final_charges() -> None:
    sut = simulation()
    reports = sut.advance(T0 + 20_000)
    obeyed = sut.obey(block(1, "A1002"), T0 + 20_000)
    reports += obeyed.reports + sut.shut_down(T0 + 40_000)
    for account in ACCOUNTS:
        final = [r for r in reports if r.account == account and r.event is Event.ENDED]
        truth = sut.switch.truth.account(account)
        assert truth.posted_micros == sum(report.charge_micros or 0 for report in final)
        assert truth.charges == {report.call: report.charge_micros for report in final}
    assert sut.switch.truth.account("A1002").ended_by_block > 10
    assert sut.switch.truth.account("A1002").refused > 10


def test_call_ids_are_unique_and_begin_with_the_run() -> None:
    reports = simulation().advance(T0 + 30_000)
    begun = [report.call for report in reports if report.event in {Event.ANSWERED, Event.FAILED}]
    assert len(set(begun)) == len(begun)
    assert all(call.startswith("r-") for call in begun)


def test_speed_shortens_the_story_and_not_its_sums() -> None:
    """Twice as fast: after half the time the same calls have cost the same, but for the rounding of milliseconds."""
    slow, fast = simulation(), simulation(speed=2.0)
    slow.advance(T0 + 30_000)
    fast.advance(T0 + 15_000)
    for account in ACCOUNTS:
        spent = slow.switch.spent_micros(account, T0 + 30_000)
        assert abs(spent - fast.switch.spent_micros(account, T0 + 15_000)) <= max(1_000, spent // 100)


def test_the_next_moment_is_never_in_the_past() -> None:
    sut = simulation()
    for now_ms in range(T0, T0 + 20_000, 777):
        sut.advance(now_ms)
        due_ms = sut.next_at_ms()
        assert due_ms is not None
        assert due_ms > now_ms


def dialled(*offsets: int, talk_ms: int = 25_000, heard: list[Outcome | None] | None = None) -> Stream:
    """A call at each of these times; what becomes of them is kept."""
    for offset_ms in offsets:
        call: Attempt = replace(attempt(talk_ms=talk_ms), offset_ms=offset_ms)
        outcome = yield call
        if heard is not None:
            heard.append(outcome)


def test_whoever_dials_hears_what_became_of_it() -> None:
    heard: list[Outcome | None] = []
    sut = Simulation(SimulatedSwitch("sw1"), merge([dialled(0, 5_000, 9_000, heard=heard)]), start_ms=T0)
    sut.advance(T0 + 4_000)
    sut.obey(block(1), T0 + 4_500)
    sut.advance(T0 + 6_000)
    sut.obey(unblock(2), T0 + 6_000)
    sut.advance(T0 + 10_000)
    assert heard == [Outcome.ANSWERED, Outcome.BLOCKED, Outcome.ANSWERED]


def test_merging_sends_each_outcome_to_its_own_stream() -> None:
    early: list[Outcome | None] = []
    late: list[Outcome | None] = []
    stream = merge([dialled(1, 4, heard=early), dialled(2, heard=late)])
    assert next(stream).offset_ms == 1
    assert stream.send(Outcome.FAILED).offset_ms == 2
    assert stream.send(Outcome.BLOCKED).offset_ms == 4
    assert (early, late) == ([Outcome.FAILED], [Outcome.BLOCKED])


def test_events_are_everything_in_order_with_its_switch() -> None:
    played = Simulation(SimulatedSwitch("sw1"), dialled(0, 7_000), start_ms=T0, run="r")
    told_at = list(played.events())
    assert [(at_ms - T0, name, report.call) for at_ms, name, report in told_at] == [
        (0, "sw1", "r-1"),
        (7_000, "sw1", "r-2"),
        (10_000, "sw1", "r-1"),
        (17_000, "sw1", "r-2"),
        (20_000, "sw1", "r-1"),
        (25_000, "sw1", "r-1"),
        (27_000, "sw1", "r-2"),
        (32_000, "sw1", "r-2"),
    ]
    assert all(at_ms == report.at_ms for at_ms, _, report in told_at)


def test_a_command_between_two_events_ends_calls_and_the_next_event_says_so() -> None:
    sut = Simulation(
        SimulatedSwitch("sw1", truth=Truth(["A1"])), dialled(0, 7_000, talk_ms=600_000), start_ms=T0, run="r"
    )
    events = sut.events()
    seen = [next(events)[2], next(events)[2]]
    obeyed = sut.obey(block(1), T0 + 7_000)
    seen += [report for _, _, report in events]
    assert told(seen) == [
        ("r-1", Event.ANSWERED),
        ("r-2", Event.ANSWERED),
        ("r-1", Event.ENDED),
        ("r-2", Event.ENDED),
    ]
    assert obeyed.ack is not None
    assert obeyed.ack.ended_calls == 2
    assert sut.switch.truth.account("A1").saved_micros == 59_300_000 + 60_000_000


def faulty(kind: FaultKind, *, jump_ms: int = 0) -> list[tuple[int, str, Report]]:
    fault = Fault(kind=kind, account="A1", from_ms=5_000, until_ms=40_000, jump_ms=jump_ms)
    return list(
        Simulation(
            SimulatedSwitch("sw1"), dialled(0, 7_000, 50_000), start_ms=T0, run="r", faults=Faults([fault])
        ).events()
    )


def test_a_duplicate_start_is_told_twice_and_once_as_a_call_never_heard_of_again() -> None:
    reports = [report for _, _, report in faulty(FaultKind.DUPLICATE_START)]
    assert [report.call for report in reports if report.event is Event.ANSWERED] == [
        "r-1", "r-2", "r-2", "r-2-again", "r-3",
    ]  # fmt: skip
    assert [report.call for report in reports if report.event is Event.ENDED] == ["r-1", "r-2", "r-3"]


def test_a_missing_stop_leaves_a_call_silent() -> None:
    reports = [report for _, _, report in faulty(FaultKind.MISSING_STOP)]
    assert [report.call for report in reports if report.event is Event.ENDED] == ["r-3"]
    assert [report.call for report in reports if report.event is Event.ANSWERED] == ["r-1", "r-2", "r-3"]


def test_a_clock_that_jumps_has_a_switch_of_its_own_and_comes_back() -> None:
    events = faulty(FaultKind.CLOCK_JUMP, jump_ms=60_000)
    assert {name for _, name, _ in events} == {"sw1-clock1"}
    assert [at_ms for at_ms, _, _ in events] == sorted(at_ms for at_ms, _, _ in events)
    off = [report.at_ms - at_ms for at_ms, _, report in events]
    assert off == [0] + [60_000] * 7 + [0] * 4


spans = st.lists(
    st.tuples(st.integers(0, 50_000), st.integers(0, 50_000), st.integers(0, 30_000_000)), min_size=1, max_size=6
).map(lambda raw: [Span(T0 + start, T0 + start + length, rate) for start, length, rate in raw])


@given(spans=spans, limit=st.integers(1, 60_000_000))
def test_the_breach_is_the_first_millisecond_at_the_limit(spans: list[Span], limit: int) -> None:
    def value(at_ms: int) -> int:
        return sum(span.charge_at(at_ms) for span in spans)

    breach_ms = breach_at_ms(spans, owed_micros=0, limit_micros=limit)
    end_ms = max(span.until_ms for span in spans)
    if breach_ms is None:
        assert value(end_ms) < limit
    else:
        assert value(breach_ms) >= limit
        assert value(breach_ms - 1) < limit


def test_what_is_owed_counts_towards_the_breach() -> None:
    span = Span(T0, T0 + 60_000, 6_000_000)
    assert charge_of(6_000_000, 60_000) == 6_000_000
    assert breach_at_ms([span], owed_micros=9_000_000, limit_micros=10_000_000) == T0 + 10_000
    assert breach_at_ms([span], owed_micros=0, limit_micros=10_000_000) is None
    assert breach_at_ms([], owed_micros=9, limit_micros=10) is None
