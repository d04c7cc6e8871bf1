"""Pace: charges that come evenly are told as they are, from the first day on; old ones fade; order hardly matters."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core import pace
from guard.core.books import Books
from guard.core.settings import DAY_MS, HOUR_MS

START_MS = 1_800_000_000_000
UNIT = 1_000_000


def spent(per_day_micros: int, days: int) -> Books:
    """Books of an account that spends as much each hour, for so many days."""
    books = Books()
    for hour in range(24 * days):
        pace.note(books, per_day_micros // 24, START_MS + hour * HOUR_MS)
    return books


@pytest.mark.parametrize("days", [1, 2, 7, 14, 30, 90])
def test_an_even_pace_is_told_as_it_is(days: int) -> None:
    """Within 3 per cent, however young the account is."""
    told = pace.per_day(spent(24 * UNIT, days), START_MS + days * DAY_MS)
    assert abs(told - 24 * UNIT) * 100 <= 3 * 24 * UNIT


def test_a_single_charge_is_spread_over_a_day_at_least() -> None:
    """An account seen for a minute does not spend a fortune a day."""
    books = Books()
    pace.note(books, 10 * UNIT, START_MS)
    told = pace.per_day(books, START_MS + 60_000)
    assert abs(told - 10 * UNIT) * 100 <= 8 * 10 * UNIT


def test_what_stops_fades_by_half_in_a_week() -> None:
    """Once it is old enough that its age no longer corrects it."""
    books = spent(24 * UNIT, 100)
    end_ms = START_MS + 100 * DAY_MS
    now, later = pace.per_day(books, end_ms), pace.per_day(books, end_ms + pace.HALF_LIFE_MS)
    assert abs(2 * later - now) * 100 <= now
    assert pace.per_day(books, end_ms + 3_650 * DAY_MS) == 0


def test_the_table_is_exact_at_whole_half_lives() -> None:
    """A half after seven days, a quarter after fourteen."""
    for halves in (1, 2, 10):
        books = Books()
        pace.note(books, 1_024 * UNIT, START_MS)
        pace.note(books, 0, START_MS + halves * pace.HALF_LIFE_MS)
        assert books.pace_micros == 1_024 * UNIT >> halves


def test_nothing_was_spent() -> None:
    """No books' worth of charges, no pace."""
    assert pace.per_day(Books(), START_MS) == 0
    assert pace.known_days(Books(), START_MS) == 0


def test_how_long_charges_have_been_seen() -> None:
    """In whole days, from the oldest charge on, though it may come late."""
    books = Books()
    pace.note(books, UNIT, START_MS)
    assert pace.known_days(books, START_MS + 14 * DAY_MS - 1) == 13
    pace.note(books, UNIT, START_MS - DAY_MS)
    assert pace.known_days(books, START_MS + 14 * DAY_MS - 1) == 14


charges = st.lists(st.tuples(st.integers(0, 1_000 * UNIT), st.integers(0, 60 * DAY_MS)), min_size=1, max_size=20)


@given(charges, st.randoms(use_true_random=False))
def test_the_order_of_arrival_hardly_matters(drawn: list[tuple[int, int]], shuffle: Random) -> None:
    """A charge that comes late counts for what is left of it, to within the steps of time."""
    now_ms = START_MS + 60 * DAY_MS
    told = []
    shuffled = list(drawn)
    shuffle.shuffle(shuffled)
    for order in (sorted(drawn, key=lambda charge: charge[1]), shuffled):
        books = Books()
        for amount, at_ms in order:
            pace.note(books, amount, START_MS + at_ms)
        told.append(pace.per_day(books, now_ms))
    assert abs(told[0] - told[1]) * 100 <= max(told) + 100 * len(drawn)


@pytest.mark.parametrize(
    ("exposure", "limit", "per_day", "days"),
    [
        (0, 500, 100, 5),
        (100, 500, 100, 4),
        (0, 500, 150, 3),
        (0, 500, 200, 3),
        (480, 500, 100, 0),
        (600, 500, 100, 0),
        (-100, 500, 100, 6),
        (0, None, 100, None),
        (0, 500, 0, None),
    ],
)
def test_days_to_the_limit_are_the_nearest_whole_number(
    exposure: int, limit: int | None, per_day: int, days: int | None
) -> None:
    """Half a day more counts as one; without a limit or a pace there is no such day."""
    assert pace.days_to_limit(exposure, limit, per_day) == days
