"""Surprises are as hard to tell from fraud as they are meant to be, and cost what honest people would spend."""

from __future__ import annotations

from collections import Counter

import pytest

from guard.core.money import parse_money
from guard.core.records import Direction, Event
from guard.replay.cases.library import SCENARIOS
from guard.replay.catalog import destination_of, place
from guard.replay.faults import FaultKind
from guard.replay.weeks import DAY_MS
from tests.replay.worlds import DAYS, START_MS, played, world

SURPRISES = [scenario.name for scenario in SCENARIOS if not scenario.fraud]
CALLS = ["crisis-abroad", "hotel-guest-cuba", "new-market", "charity-marathon", "month-end-nights", "stuck-call"]
STRETCHES = ["seasonal-surge", "sale", "new-branch", "new-provider", "duplicate-start", "missing-stop", "clock-jump"]

seeds = pytest.mark.parametrize("seed", [1, 2])


def test_every_surprise_is_one_or_the_other() -> None:
    assert sorted(CALLS + STRETCHES) == sorted(SURPRISES)


@pytest.mark.parametrize("name", CALLS)
@seeds
def test_nobody_spends_beyond_his_limit(name: str, seed: int) -> None:
    """With a month already owed: whoever is blocked then is blocked wrongly."""
    case = played(name, seed)
    limits = {account: parse_money(each.limit) for account, each in case.customers.items()}
    owed = {account: parse_money(each.owed) for account, each in case.customers.items()}
    within = [part.spent_micros + owed[account] < limits[account] for account, part in case.truth.items()]
    assert sum(within) >= 0.75 * len(within)


@pytest.mark.parametrize("name", STRETCHES)
@seeds
def test_what_is_no_calls_of_its_own_has_a_stretch(name: str, seed: int) -> None:
    case = played(name, seed).case
    (stretch,) = case.stretches
    assert 0 <= stretch.from_ms < stretch.until_ms <= 24 * 86_400_000
    assert not case.fraud


@seeds
def test_a_crisis_is_many_customers_calling_one_country_mostly_in_vain(seed: int) -> None:
    case = played("crisis-abroad", seed)
    assert len(case.truth) >= 6
    for part in case.truth.values():
        assert part.attempts > 1.5 * part.calls
    (country, times), *_ = Counter(
        found.country
        for report in case.during(Event.FAILED)
        if (found := destination_of(report.to or "")) and (report.to or "")[1] != "1"
    ).most_common()
    assert times > 50
    assert country in {"Philippines", "Nepal", "Turkey", "Haiti", "Morocco", "Lebanon", "Syria", "Ukraine"}


@seeds
def test_a_hotel_guest_calls_cuba_one_call_at_a_time_to_one_or_two_numbers(seed: int) -> None:
    case = played("hotel-guest-cuba", seed)
    cuban = [report for report in case.during() if destination_of(report.to or "") is place("Cuba")]
    assert 1 <= len({report.to for report in cuban}) <= 2
    assert case.customer.kind.name == "hotel"
    assert 5 <= case.truth[case.account].calls < 80


@seeds
def test_a_new_market_is_many_new_numbers_in_office_hours(seed: int) -> None:
    case = played("new-market", seed)
    (country, _), *_ = Counter(
        found.country for report in case.during(Event.ANSWERED) if (found := destination_of(report.to or ""))
        and (report.to or "")[1] != "1"
    ).most_common()  # fmt: skip
    there = [
        report
        for _, report in case.reports
        if (found := destination_of(report.to or "")) and found.country == country and report.event is Event.ANSWERED
    ]
    assert len({report.to for report in there}) > 10
    assert case.hours > 24


@seeds
def test_a_marathon_fills_the_lines_with_short_calls_near_home(seed: int) -> None:
    case = played("charity-marathon", seed)
    calls = case.during(Event.ANSWERED)
    assert case.hours < 9
    assert len(calls) > 60
    assert len(case.during(Event.ANSWERED, direction=Direction.INCOMING)) > 40
    assert len({report.to for report in calls}) > 0.7 * len(calls)


@seeds
def test_month_end_nights_are_late_and_three(seed: int) -> None:
    case = played("month-end-nights", seed)
    part = case.truth[case.account]
    assert 24 < case.hours < 75
    assert part.calls > 10


@seeds
def test_a_stuck_call_is_up_for_half_a_day(seed: int) -> None:
    case = played("stuck-call", seed)
    assert case.truth[case.account].calls == 1
    assert max(report.duration_ms for _, report in case.reports) >= 6 * 3_600_000


@pytest.mark.parametrize(("name", "least"), [("sale", 2.0), ("seasonal-surge", 1.4), ("new-branch", 1.2)])
@seeds
def test_a_change_is_more_of_the_same(name: str, least: float, seed: int) -> None:
    """As many a day as usual, times a factor; weekends and moods make it rough."""
    case = played(name, seed)
    ((stretch,)) = case.case.stretches
    times = [report.at_ms - START_MS for _, report in case.reports if report.event in {Event.ANSWERED, Event.FAILED}]
    inside = sum(stretch.from_ms <= each < stretch.until_ms for each in times)
    span_ms = stretch.until_ms - stretch.from_ms
    outside, rest_ms = len(times) - inside, DAYS * DAY_MS - span_ms
    assert inside / span_ms > least * 0.6 * outside / rest_ms


@seeds
def test_a_new_provider_gives_every_device_another_address(seed: int) -> None:
    case = played("new-provider", seed)
    (stretch,) = case.case.stretches
    sources = [(report.at_ms - START_MS, report.source) for _, report in case.reports if report.source]
    begun = {source for at_ms, source in sources if at_ms >= stretch.from_ms + DAY_MS}
    assert len(begun) == 1
    assert not begun & {source for at_ms, source in sources if at_ms < stretch.from_ms}


def test_faults_are_of_a_switch_and_never_of_the_truth() -> None:
    made = world("missing-stop", "duplicate-start", "clock-jump", seed=1, days=3)
    assert {fault.kind for case in made.cases for fault in case.faults} == set(FaultKind)
    names = {name for _, name, _ in made.events()}
    assert names == {"sim1", "sim1-clock1"}
    assert made.simulation.switch.live_calls == 0
