"""What is usual for a switch is learned by hour of the week; silence is unusual where chance does not explain it."""

from __future__ import annotations

import pytest

from guard.core.expectation import ENOUGH, HOURS_OF_WEEK, LEARNED, SLOW, THOUSANDTHS, Expectation, hour_of_week
from guard.core.rows import ExpectationRow
from guard.core.settings import HOUR_MS, MINUTE_MS

MONDAY = 4 * 24
"""Monday, 5 January 1970, 00:00 UTC, in hours."""


def learned(calls: dict[int, int], weeks: int = LEARNED) -> Expectation:
    """So many calls in these hours of the week (from Monday, 00:00 UTC), none in the others."""
    expectation = Expectation()
    expectation.spoilt = False
    for hour in range(MONDAY, MONDAY + weeks * HOURS_OF_WEEK):
        for _ in range(calls.get((hour - MONDAY) % HOURS_OF_WEEK, 0)):
            expectation.note(late=False)
        expectation.finish(hour, spoilt=False)
    return expectation


def silent_ms(expectation: Expectation, hour: int, minutes: int = 0) -> int | None:
    """How long silence from that hour (since a later Monday) on must last to be unusual."""
    since_ms = (MONDAY + 10 * HOURS_OF_WEEK + hour) * HOUR_MS + minutes * MINUTE_MS
    enough_ms = expectation.enough_ms(since_ms)
    return None if enough_ms is None else enough_ms - since_ms


OFFICE = {hour: 60 for day in range(5) for hour in range(day * 24 + 9, day * 24 + 17)}
"""A call a minute from nine to five, Monday to Friday."""


def test_fourteen_calls_that_did_not_come_are_no_chance() -> None:
    assert silent_ms(learned(OFFICE), 12) == ENOUGH * MINUTE_MS


def test_an_hour_that_was_seen_once_says_nothing() -> None:
    assert silent_ms(learned(OFFICE, weeks=1), 12) is None
    assert learned(OFFICE, weeks=1).usual(MONDAY + 12) is None


def test_a_quiet_night_expects_nothing_until_the_morning() -> None:
    """The first hour of the day counts for as much as the one before it: nothing."""
    night = silent_ms(learned(OFFICE), 18)
    assert night == 16 * HOUR_MS + ENOUGH * MINUTE_MS


def test_a_quiet_weekend_expects_nothing_until_monday() -> None:
    weekend = silent_ms(learned(OFFICE), 4 * 24 + 18)
    assert weekend == (6 + 2 * 24 + 10) * HOUR_MS + ENOUGH * MINUTE_MS


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_daylight_saving_makes_no_night_an_alarm(shift: int) -> None:
    """The office opens and closes an hour earlier or later by UTC than was learned: between is quiet."""
    opens, closes = 9 + shift, 17 + shift
    quiet = silent_ms(learned(OFFICE), closes)
    assert quiet is not None
    assert quiet > (24 - closes + opens) * HOUR_MS


def test_an_office_that_opens_at_half_past_is_not_expected_on_the_hour() -> None:
    calls = OFFICE | {8: 30}
    assert silent_ms(learned(calls), 7, 59) == MINUTE_MS + HOUR_MS + ENOUGH * 2 * MINUTE_MS


def test_what_is_rare_adds_up_over_hours() -> None:
    """Two calls an hour, day and night: silence of seven hours is no chance."""
    assert silent_ms(learned(dict.fromkeys(range(HOURS_OF_WEEK), 2)), 3, 30) == 7 * HOUR_MS


def test_a_new_custom_is_learned_within_a_month_or_two() -> None:
    """Fridays are closed from now on: each week takes a quarter off."""
    expectation = learned(OFFICE, weeks=4)
    friday = MONDAY + 4 * 24 + 12
    usual = []
    for week in range(4, 12):
        expectation.finish(friday + week * HOURS_OF_WEEK, spoilt=False)
        usual.append((expectation.usual(friday) or 0) // THOUSANDTHS)
    assert usual == [45, 33, 25, 18, 14, 10, 8, 6]


def test_the_first_weeks_are_averaged() -> None:
    expectation = Expectation()
    for week, calls in enumerate((10, 20, 60, 30)):
        expectation.spoilt = False
        for _ in range(calls):
            expectation.note(late=False)
        expectation.finish(MONDAY + week * HOURS_OF_WEEK, spoilt=True)
    assert expectation.usual(MONDAY) == 30 * THOUSANDTHS


def test_hours_in_which_something_was_amiss_are_not_learned() -> None:
    expectation = learned(OFFICE)
    noon = MONDAY + 12
    expectation.spoilt = True
    assert not expectation.finish(noon, spoilt=False)
    expectation.note(late=True)
    assert not expectation.finish(noon, spoilt=False)
    assert expectation.usual(noon) == 60 * THOUSANDTHS
    assert expectation.finish(noon, spoilt=False)


def test_a_row_brings_back_what_was_learned() -> None:
    again = Expectation()
    again.restore(learned(OFFICE).row())
    assert silent_ms(again, 12) == ENOUGH * MINUTE_MS
    assert again.row() == learned(OFFICE).row()
    assert len(again.row().usual) == HOURS_OF_WEEK
    assert max(again.row().learned) <= SLOW


def test_a_row_of_another_length_is_no_row() -> None:
    again = Expectation()
    again.restore(ExpectationRow(usual=(1, 2), learned=(3, 4)))
    assert again.row() == Expectation().row()


@pytest.mark.parametrize(("hour", "words"), [(0, "Monday 00:00 UTC"), (2 * 24 + 9, "Wednesday 09:00 UTC")])
def test_an_hour_of_the_week_has_a_name(hour: int, words: str) -> None:
    assert hour_of_week(MONDAY + hour) == words
