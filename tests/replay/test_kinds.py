"""The shape of each kind of customer over weeks: hours, places, repetition, growth, addresses; over several seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from guard.core.records import Direction
from guard.core.tariff import CallClass
from guard.replay import kinds
from guard.replay.attempts import Attempt, merge
from guard.replay.catalog import destination_of
from guard.replay.customers import Customer, make_customer
from guard.replay.habits import Kind
from guard.replay.traffic import traffic
from guard.replay.weeks import DAY_MS, HOUR_MS, Calendar
from tests.replay.test_customers import MONDAY_MS

DAYS = 28
SEEDS = (1, 2, 3)
ZONE = "America/Toronto"


@dataclass(frozen=True)
class Weeks:
    """What some customers of one kind do in four weeks."""

    customers: list[Customer]
    calls: list[Attempt]
    calendar: Calendar

    def share(self, which: Callable[[Attempt], bool]) -> float:
        return sum(map(which, self.calls)) / len(self.calls)

    def hour_of_week(self, call: Attempt) -> int:
        zone = next(each.timezone for each in self.customers if each.account == call.account)
        return self.calendar.hours(zone)[call.offset_ms // HOUR_MS]

    def at_night(self, call: Attempt) -> bool:
        return self.hour_of_week(call) % 24 in {22, 23, 0, 1, 2, 3, 4, 5}

    def at_the_weekend(self, call: Attempt) -> bool:
        return self.hour_of_week(call) >= 5 * 24

    def of_day(self, day: int) -> int:
        return sum(call.offset_ms // DAY_MS == day for call in self.calls)


@cache
def weeks(kind: Kind) -> Weeks:
    calendar = Calendar(MONDAY_MS, DAYS)
    customers = [make_customer(f"S{seed}", kind, seed, calendar) for seed in SEEDS]
    calls = merge(
        stream
        for seed, who in zip(SEEDS, customers, strict=True)
        for stream in traffic(who, seed=seed, calendar=calendar)
    )
    return Weeks(customers, list(calls), calendar)


def abroad(call: Attempt) -> bool:
    place = destination_of(call.to)
    return call.direction is Direction.OUTGOING and place is not None and place.kind is not CallClass.DOMESTIC


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_calls_are_in_order_within_the_days_and_never_of_a_case(kind: Kind) -> None:
    calls = weeks(kind).calls
    assert [call.offset_ms for call in calls] == sorted(call.offset_ms for call in calls)
    assert calls[-1].offset_ms < DAYS * DAY_MS
    assert {call.case for call in calls} == {""}


@pytest.mark.parametrize("kind", [kinds.OFFICE, kinds.NEW_BRANCH, kinds.START_UP], ids=lambda kind: kind.name)
def test_offices_work_by_day_on_working_days(kind: Kind) -> None:
    seen = weeks(kind)
    assert seen.share(seen.at_night) < 0.03
    assert seen.share(seen.at_the_weekend) < 0.04
    assert 0.5 < seen.share(lambda call: call.direction is Direction.OUTGOING) < 0.75


def test_a_shop_opens_on_saturday_and_is_called_as_often_as_it_calls() -> None:
    seen = weeks(kinds.SHOP)
    assert seen.share(seen.at_the_weekend) > 0.15
    assert 0.4 < seen.share(lambda call: call.direction is Direction.INCOMING) < 0.6
    assert not any(abroad(call) for call in seen.calls)


def test_a_call_centre_calls_hundreds_of_new_numbers_a_day_and_many_fail() -> None:
    seen = weeks(kinds.CALL_CENTRE)
    outgoing = [call for call in seen.calls if call.direction is Direction.OUTGOING]
    assert len({call.to for call in outgoing}) > 0.6 * len(outgoing)
    assert max(seen.of_day(day) for day in range(7)) > 900
    assert 0.35 < 1 - seen.share(lambda call: call.answered) < 0.45


def test_an_importer_calls_asia_at_night_and_the_same_suppliers() -> None:
    seen = weeks(kinds.IMPORTER)
    by_night = [call for call in seen.calls if seen.at_night(call)]
    assert sum(map(abroad, by_night)) > 0.9 * len(by_night)
    assert len(by_night) > 0.15 * len(seen.calls)
    assert len({call.to for call in by_night}) < 0.35 * len(by_night)


def test_a_hotel_has_guests_from_everywhere_and_they_call_new_numbers() -> None:
    seen = weeks(kinds.HOTEL)
    far = [call for call in seen.calls if abroad(call)]
    assert len({place.country for call in far if (place := destination_of(call.to))}) > 20
    assert len({call.to for call in far}) > 0.6 * len(far)
    assert max(call.rate_micros for call in seen.calls) < 450_000


def test_a_hospital_never_sleeps_and_calls_inside() -> None:
    seen = weeks(kinds.HOSPITAL)
    assert seen.share(seen.at_night) > 0.12
    assert seen.share(seen.at_the_weekend) > 0.18
    assert seen.share(lambda call: call.direction is Direction.INTERNAL) > 0.25


def test_a_start_up_nearly_doubles_in_a_month() -> None:
    seen = weeks(kinds.START_UP)
    first, last = (sum(seen.of_day(day) for day in days) for days in (range(7), range(21, 28)))
    assert 1.3 * first < last < 2.2 * first
    assert len({call.source for call in seen.calls}) > 8


def test_a_season_is_far_above_the_rest() -> None:
    seen = weeks(kinds.SEASONAL)
    for customer in seen.customers:
        (season,) = customer.changes
        inside, outside = 0, 0
        for call in seen.calls:
            if call.account == customer.account:
                inside += season.from_ms <= call.offset_ms < season.until_ms
                outside += not season.from_ms <= call.offset_ms < season.until_ms
        days_inside = (min(season.until_ms, DAYS * DAY_MS) - season.from_ms) / DAY_MS
        assert inside / days_inside > 1.8 * outside / (DAYS - days_inside)


def test_a_new_branch_doubles_an_office_from_an_address_of_its_own() -> None:
    seen = weeks(kinds.NEW_BRANCH)
    for customer in seen.customers:
        (branch,) = customer.changes
        sources = [(call.offset_ms, call.source) for call in seen.calls if call.account == customer.account]
        theirs = [offset_ms for offset_ms, source in sources if source == branch.address]
        assert branch.from_ms <= min(theirs)
        later = [source for offset_ms, source in sources if source and offset_ms >= branch.from_ms]
        assert 0.35 < len(theirs) / len(later) < 0.6


def test_a_traveller_calls_from_where_he_is_and_to_there() -> None:
    seen = weeks(kinds.TRAVELLER)
    for customer in seen.customers:
        for journey in customer.journeys:
            inside = [
                call
                for call in seen.calls
                if call.account == customer.account and journey.from_ms <= call.offset_ms < journey.until_ms
            ]
            assert {call.source for call in inside if call.direction is Direction.OUTGOING} == {journey.address}
            assert {destination_of(call.to) for call in inside if abroad(call)} <= {journey.place}
    assert any(abroad(call) for call in seen.calls)


def test_a_household_calls_few_relatives_long() -> None:
    far = [call for call in weeks(kinds.HOUSEHOLD).calls if abroad(call)]
    assert len({call.to for call in far}) <= 5 * len(SEEDS) + 3
    assert sum(call.talk_ms for call in far) / len(far) > 10 * 60_000


def test_a_nearly_silent_line_is() -> None:
    assert 3 <= len(weeks(kinds.NEARLY_SILENT).calls) < 100


def test_hours_are_those_of_the_customers_clock_in_summer_and_in_winter() -> None:
    """Across the night in which the clock goes back, nine o'clock stays nine o'clock."""
    calendar = Calendar(1_793_318_400_000, 7)  # 2026-10-30T00:00:00Z
    zone = ZoneInfo(ZONE)
    for day in range(1, 7):
        midnight = calendar.midnight(day, ZONE)
        offset_ms = calendar.offset(midnight)
        assert midnight.astimezone(zone).hour == 0
        assert calendar.hours(ZONE)[offset_ms // HOUR_MS] == midnight.weekday() * 24
