"""Windows: sums and distinct things in sixty buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.rules.windows import BUCKETS, EXACT, Distinct, Tally


def add(tally: Tally, bucket: int, amount: int) -> None:
    row = tally.locate(bucket)
    if row >= 0:
        tally.cells[row] += amount
        tally.totals[0] += amount


@given(events=st.lists(st.tuples(st.integers(0, 200), st.integers(-5, 50)), max_size=60))
def test_totals_are_those_of_the_last_sixty_buckets(events: list[tuple[int, int]]) -> None:
    tally, head = Tally(1_000, events[0][0] if events else 0, 1, 0), -1
    for bucket, amount in events:
        head = max(head, bucket)
        add(tally, bucket, amount)
    assert tally.totals == [sum(amount for bucket, amount in events if bucket > head - BUCKETS)]
    assert sorted(tally.cells[::2]) == tally.cells[::2]
    assert len(tally.cells) <= 2 * BUCKETS


@given(events=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), min_size=1, max_size=60))
def test_few_things_are_counted_exactly(events: list[tuple[int, int]]) -> None:
    tally = Tally(1_000, events[0][0], 0, 1)
    head = events[0][0]
    for bucket, thing in events:
        head = max(head, bucket)
        if tally.locate(bucket) >= 0:
            tally.sets[0].add(str(thing), bucket, tally.head)
    assert tally.sets[0].count == len({thing for bucket, thing in events if bucket > head - BUCKETS})
    assert not tally.sets[0].estimated


@pytest.mark.parametrize("count", [65, 100, 500, 1_000, 3_000])
def test_many_things_are_estimated_and_said_to_be(count: int) -> None:
    distinct = Distinct()
    for number in range(count):
        distinct.add(f"1416555{number:04d}", 0, 0)
        distinct.add(f"1416555{number:04d}", 0, 0)
    assert distinct.estimated
    assert abs(distinct.count - count) <= max(5, count // 12)


def test_an_estimate_forgets_what_falls_out_of_the_window_and_becomes_exact_again() -> None:
    distinct = Distinct()
    for number in range(2 * EXACT):
        distinct.add(str(number), number % 2, 1)
    distinct.advance(1, BUCKETS)
    assert EXACT - 8 <= distinct.count <= EXACT + 8
    distinct.advance(BUCKETS, BUCKETS + 1)
    assert (distinct.count, distinct.estimated) == (0, False)
    distinct.add("again", BUCKETS + 1, BUCKETS + 1)
    assert distinct.count == 1


def test_a_thing_seen_again_stays_whatever_the_order_in_which_that_is_heard() -> None:
    for exact in (True, False):
        distinct = Distinct()
        for other in () if exact else range(2 * EXACT):
            distinct.add(f"other{other}", 0, 50)
        distinct.add("number", 50, 50)
        distinct.add("number", 10, 50)
        distinct.advance(50, BUCKETS + 20)
        assert distinct.count == 1
        assert distinct.holds("number")
        distinct.advance(BUCKETS + 20, BUCKETS + 51)
        assert distinct.count == 0


@given(events=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 200)), max_size=150))
def test_rows_carry_a_tally_over(events: list[tuple[int, int]]) -> None:
    tally = Tally(1_000, 0, 1, 1)
    for bucket, thing in events:
        add(tally, bucket, thing)
        if bucket > tally.head - BUCKETS:
            tally.sets[0].add(str(thing), bucket, tally.head)
    tally.marks["rule"] = 5
    again = Tally.from_row(tally.row("counter", "key"), 1_000, 1)
    for head in (0, 40, 150):
        tally.advance(head)
        again.advance(head)
        assert again.row("counter", "key") == tally.row("counter", "key")
        assert (again.totals, again.sets[0].count) == (tally.totals, tally.sets[0].count)
