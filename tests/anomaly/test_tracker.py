"""Rows come at moments of their own, and depend on what was observed and on nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.anomaly.recent import STEP_MS
from guard.anomaly.tracker import IDLE_MS, Row, Tracker
from guard.core.records import Direction
from guard.core.rules.local import day_of
from guard.core.rules.observation import Observation, What
from guard.core.rules.profile import Profile
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.anomaly.builders import START_MS, seen


def followed(observations: list[Observation], *, asked_ms: int) -> list[Row]:
    """All rows of these observations, asked for each so many milliseconds."""
    tracker, watch = Tracker(), Watch()
    rows: list[Row] = []
    clock = START_MS
    for each in observations:
        while clock + asked_ms <= each.at_ms:
            clock += asked_ms
            rows += tracker.due(clock)
        rows += tracker.due(each.at_ms)
        watch.observe(each)
        known = watch.now(each.account)
        assert known is not None
        tracker.take(each, *known)
    return rows + tracker.due(observations[-1].at_ms + STEP_MS)


def test_an_account_is_looked_at_at_the_end_of_the_step() -> None:
    tracker = Tracker()
    tracker.take(seen(START_MS + 1, gross_micros=2_500_000), Profile(day_of(START_MS)), 1)
    assert tracker.next_due_ms == START_MS + STEP_MS
    assert tracker.due(START_MS + STEP_MS - 1) == []
    (row,) = tracker.due(START_MS + STEP_MS)
    assert (row.account, row.at_ms, row.measures.spend_hour) == ("A", START_MS + STEP_MS, 2.5)
    assert tracker.due(START_MS + HOUR_MS) == [], "only when it is heard of again"


def test_incoming_and_internal_calls_are_nothing_to_the_model() -> None:
    tracker = Tracker()
    tracker.take(seen(START_MS, direction=Direction.INCOMING), Profile(day_of(START_MS)), 1)
    assert tracker.next_due_ms is None


calls = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.integers(0, 6 * 3_600), st.integers(0, 500_000), st.sampled_from(list(What)[:3])
    ),
    min_size=1,
    max_size=40,
)


@given(calls, st.sampled_from([1_000, 7_000, 61_000, STEP_MS, HOUR_MS]))
def test_how_often_it_is_asked_changes_no_row(told: list[tuple[str, int, int, What]], asked_ms: int) -> None:
    observations = [
        seen(START_MS + at_s * 1_000, what, account=account, gross_micros=gross, call=("sw1", f"{number}"))
        for number, (account, at_s, gross, what) in enumerate(sorted(told, key=lambda each: each[1]))
    ]
    often = followed(observations, asked_ms=asked_ms)
    assert often == followed(observations, asked_ms=DAY_MS)
    assert len({(row.account, row.at_ms) for row in often}) == len(often)


def test_one_that_is_followed_is_looked_at_though_it_is_silent() -> None:
    tracker = Tracker()
    tracker.take(seen(START_MS, gross_micros=1_000_000), Profile(day_of(START_MS)), 1)
    (row,) = tracker.due(START_MS + STEP_MS)
    tracker.follow("A", row.at_ms)
    rows = tracker.due(START_MS + HOUR_MS + STEP_MS)
    assert [each.measures.spend_hour for each in rows] == [1.0] * 11 + [0.0]
    tracker.unfollow("A")
    assert len(tracker.due(START_MS + 3 * HOUR_MS)) <= 1


def test_a_day_that_has_passed_unheard_of_is_not_today() -> None:
    tracker = Tracker()
    profile = Profile(day_of(START_MS))
    profile.spent_micros = 9_000_000
    tracker.take(seen(START_MS + 23 * HOUR_MS + 58 * MINUTE_MS), profile, 1)
    (row,) = tracker.due(START_MS + DAY_MS)
    assert row.measures.spend_today == 9.0
    tracker.follow("A", row.at_ms)
    (row,) = tracker.due(START_MS + DAY_MS + STEP_MS)
    assert row.measures.spend_today == 0.0


def test_accounts_that_fall_silent_are_let_go_after_a_day() -> None:
    tracker = Tracker()
    tracker.take(seen(START_MS), Profile(day_of(START_MS)), 1)
    tracker.due(START_MS + IDLE_MS)
    assert len(tracker) == 1
    tracker.due(START_MS + IDLE_MS + 2 * HOUR_MS)
    assert len(tracker) == 0
    assert tracker.next_due_ms is None, "nothing is left of it on the heap"


def test_what_is_usual_survives_as_a_row() -> None:
    tracker, watch = Tracker(), Watch()
    for day in range(8):
        for number in range(3):
            each = seen(START_MS + day * DAY_MS + number * 1_000, number=f"164755501{number:02}")
            watch.observe(each)
            known = watch.now("A")
            assert known is not None
            tracker.take(each, *known)
        tracker.due(START_MS + day * DAY_MS + STEP_MS)
    row = tracker.row("A")
    assert row is not None
    assert row.thousandths[:2] == (3_000, 3_000), "three calls to three numbers in the busiest hour"
    after = Tracker()
    after.restore("A", row)
    assert after.row("A") == row
    assert after.row("B") is None


@pytest.mark.parametrize("opened_days", [None, 3, 5_000])
def test_age_is_the_accounts_or_that_of_what_is_known(opened_days: int | None) -> None:
    tracker = Tracker()
    opened_ms = None if opened_days is None else START_MS - opened_days * DAY_MS
    tracker.take(seen(START_MS, opened_ms=opened_ms), Profile(day_of(START_MS) - 20), 1)
    (row,) = tracker.due(START_MS + STEP_MS)
    assert row.measures.known_days == pytest.approx(20, abs=0.01)
    assert row.measures.age_days == pytest.approx({None: 20, 3: 3, 5_000: 1_000}[opened_days], abs=0.01)
