"""The last hour, as sums that cost the same however many calls there are."""

from __future__ import annotations

from typing import Any

from guard.anomaly.recent import MOST_DIFFERENT, STEP_MS, Recent
from guard.core.records import Direction
from guard.core.rules.local import day_of
from guard.core.rules.observation import What
from guard.core.rules.profile import COUNTRY, NUMBER, PREFIX, SOURCE, Profile
from guard.core.settings import HOUR_MS, MINUTE_MS
from guard.core.tariff import CallClass
from tests.anomaly.builders import START_MS, seen


def profile() -> Profile:
    return Profile(day_of(START_MS))


def test_the_hour_before_a_moment_is_summed() -> None:
    recent, known = Recent(), profile()
    recent.take(seen(START_MS + 1, gross_micros=5, spoken_ms=7), known, 2)
    recent.take(seen(START_MS + 30 * MINUTE_MS, What.ENDS, gross_micros=10, spoken_ms=11, duration_ms=6_000), known, 1)
    recent.take(seen(START_MS + 31 * MINUTE_MS, What.FAILED), known, 0)
    hour = recent.hour(START_MS + HOUR_MS)
    assert (hour.gross_micros, hour.spoken_ms, hour.calls, hour.ended, hour.failed) == (15, 18, 1, 1, 1)
    assert (hour.short, hour.peak_calls, hour.numbers) == (1, 2, {"16475550100"})


def test_what_is_older_than_an_hour_is_not_in_it() -> None:
    recent, known = Recent(), profile()
    recent.take(seen(START_MS, gross_micros=5), known, 1)
    recent.take(seen(START_MS + STEP_MS, gross_micros=7), known, 1)
    assert recent.hour(START_MS + HOUR_MS).gross_micros == 12
    assert recent.hour(START_MS + HOUR_MS + STEP_MS).gross_micros == 7
    assert recent.hour(START_MS + HOUR_MS + 2 * STEP_MS).gross_micros == 0


def test_a_late_observation_counts_where_its_time_says() -> None:
    recent, known = Recent(), profile()
    recent.take(seen(START_MS + 50 * MINUTE_MS, gross_micros=1), known, 1)
    recent.take(seen(START_MS + 2 * MINUTE_MS, gross_micros=2), known, 1)
    assert recent.hour(START_MS + HOUR_MS).gross_micros == 3
    assert recent.hour(START_MS + HOUR_MS + STEP_MS).gross_micros == 1


def test_one_that_is_too_late_for_the_hour_is_left_out() -> None:
    recent, known = Recent(), profile()
    recent.take(seen(START_MS + 2 * HOUR_MS, gross_micros=1), known, 1)
    recent.take(seen(START_MS, gross_micros=2), known, 1)
    assert recent.hour(START_MS + HOUR_MS).gross_micros == 0


def test_what_is_new_counts_once_and_what_is_habitual_does_not() -> None:
    recent, known = Recent(), profile()
    known.habits[COUNTRY]["CA"] = known.today
    abroad: dict[str, Any] = {"country": "SO", "kind": CallClass.INTERNATIONAL, "number": "25261555", "prefix": "252"}
    for minute in range(3):
        recent.take(seen(START_MS + minute * MINUTE_MS, gross_micros=4, **abroad), known, 1)
    recent.take(seen(START_MS + 4 * MINUTE_MS, prefix=""), known, 1)
    hour = recent.hour(START_MS + HOUR_MS)
    assert {(kind, what) for kind, what in hour.news if kind in {COUNTRY, NUMBER}} == {
        (COUNTRY, "SO"),
        (NUMBER, "25261555"),
    }
    assert (hour.new_micros, hour.abroad_micros, hour.premium_micros) == (12, 12, 0)


def test_numbers_are_told_apart_up_to_a_bound() -> None:
    recent, known = Recent(), profile()
    for number in range(MOST_DIFFERENT + 50):
        recent.take(seen(START_MS + number, number=f"1647555{number:04}"), known, 1)
    hour = recent.hour(START_MS + STEP_MS)
    assert (hour.calls, len(hour.numbers)) == (MOST_DIFFERENT + 50, MOST_DIFFERENT)


def test_hours_of_the_day_with_any_spend_are_counted() -> None:
    recent, known = Recent(), profile()
    for hour in (0, 1, 5, 30):
        recent.take(seen(START_MS + hour * HOUR_MS, gross_micros=1), known, 1)
    assert recent.active_hours(START_MS + 31 * HOUR_MS) == 1
    assert recent.active_hours(START_MS + 24 * HOUR_MS) == 0, "hours that are to come say nothing"


def test_what_is_spent_on_new_places_is_summed_over_a_day() -> None:
    recent, known = Recent(), profile()
    known.habits[COUNTRY]["CA"] = known.habits[PREFIX]["1"] = known.today
    abroad: dict[str, Any] = {"country": "SO", "kind": CallClass.INTERNATIONAL, "number": "25261555", "prefix": "252"}
    for hour in (0, 3, 20):
        recent.take(seen(START_MS + hour * HOUR_MS, gross_micros=5, **abroad), known, 1)
        recent.take(seen(START_MS + hour * HOUR_MS + 1, gross_micros=7), known, 1)
    assert recent.hour(START_MS + 21 * HOUR_MS).new_micros == 5
    assert recent.new_day_micros(START_MS + 21 * HOUR_MS) == 15
    assert recent.new_day_micros(START_MS + 28 * HOUR_MS) == 5
    assert recent.active_hours(START_MS + 21 * HOUR_MS) == 3


def test_another_country_behind_the_same_prefix_is_new() -> None:
    recent, known = Recent(), profile()
    known.habits[COUNTRY]["CA"] = known.habits[PREFIX]["1"] = known.today
    for country in ("CA", "US", "CA"):
        recent.take(seen(START_MS, gross_micros=3, country=country), known, 1)
    assert recent.hour(START_MS + STEP_MS).new_micros == 3


def test_what_is_spent_from_a_strange_address_is_summed() -> None:
    recent, known = Recent(), profile()
    for source in ("", "192.0.2.1"):
        recent.take(seen(START_MS, gross_micros=3, source=source), known, 1)
    assert recent.hour(START_MS + STEP_MS).source_micros == 0, "where none is known, none is strange"
    known.habits[SOURCE]["192.0.2.1"] = known.today
    for source in ("192.0.2.1", "198.51.100.7"):
        recent.take(seen(START_MS, What.GOES_ON, gross_micros=4, source=source), known, 1)
    assert recent.hour(START_MS + STEP_MS).source_micros == 4


def test_forwarded_calls_are_counted_apart() -> None:
    recent, known = Recent(), profile()
    recent.take(seen(START_MS, direction=Direction.FORWARDED), known, 1)
    recent.take(seen(START_MS + 1), known, 1)
    assert recent.hour(START_MS + STEP_MS).forwarded == 1
