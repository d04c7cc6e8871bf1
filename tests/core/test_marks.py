"""Marks: where an account climbs and where it falls, exactly."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from guard.core.marks import MARKS_PERCENT, TOP, climb_threshold, fall_threshold, mark_name
from guard.core.money import MAX_MICROS, MS_PER_MINUTE

limits = st.integers(1, MAX_MICROS)
levels = st.integers(1, TOP)


def test_the_marks_are_the_contracts() -> None:
    """At 50 % and 80 % guard warns, at 100 % it blocks; a decision names them so."""
    assert MARKS_PERCENT == (50, 80, 100)
    assert [mark_name(level) for level in range(1, TOP + 1)] == ["50", "80", "100"]


@given(limits, levels)
def test_a_mark_is_reached_at_its_share_of_the_limit(limit: int, level: int) -> None:
    """Exposure >= the share, to the last scaled micro."""
    share = Fraction(limit * MARKS_PERCENT[level - 1], 100) * MS_PER_MINUTE
    assert climb_threshold(limit, level) == share


@given(limits, levels)
def test_a_mark_is_left_below_nine_tenths_of_it(limit: int, level: int) -> None:
    """`cleared` below 90 % of the mark."""
    share = Fraction(limit * MARKS_PERCENT[level - 1], 100) * MS_PER_MINUTE
    assert fall_threshold(limit, level) == share * Fraction(9, 10)


@given(limits)
def test_the_marks_are_in_order_and_no_mark_is_left_where_it_is_reached(limit: int) -> None:
    """Between climbing and falling lies a stretch in which nothing is said: no flapping."""
    climbs = [climb_threshold(limit, level) for level in range(1, TOP + 1)]
    assert climbs == sorted(climbs)
    assert all(fall_threshold(limit, level) < climb_threshold(limit, level) for level in range(1, TOP + 1))


def test_a_limit_of_zero_is_reached_by_anything_positive_and_left_at_nothing() -> None:
    """{"limit":"0"}: any positive exposure blocks."""
    for level in range(1, TOP + 1):
        assert climb_threshold(0, level) == 1
        assert fall_threshold(0, level) == 1
