"""Customers and switch on one time line: deterministic, exact, and true to its own speed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Event, Report
from guard.replay.attacks import RevenueShareFraud
from guard.replay.customers import DEMO_CUSTOMERS, merge, traffic
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.truth import Span, Truth, breach_at_ms, charge_of
from tests.replay.builders import T0, block

ACCOUNTS = [customer.account for customer in DEMO_CUSTOMERS]


def simulation(*, speed: float = 1.0, seed: int = 1) -> Simulation:
    streams = [traffic(customer, seed=seed, busy=10) for customer in DEMO_CUSTOMERS]
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
