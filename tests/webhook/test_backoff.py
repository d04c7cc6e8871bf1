"""The schedule of retries: soon at first, never more than about an hour apart, for a day and not longer."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guard.core.settings import DAY_MS, HOUR_MS
from guard.shell.backoff import next_attempt_ms

NOW = 1_795_317_165_120
IDS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)


def schedule(event: str, asked_ms: int = 0, lasts_ms: int = 0) -> list[int]:
    """When each attempt is made, from the first, if each takes so long and fails."""
    moments = [0]
    attempts = 1
    while (due_ms := next_attempt_ms(event, attempts, NOW, NOW + moments[-1] + lasts_ms, asked_ms)) is not None:
        moments.append(due_ms - NOW)
        attempts += 1
    return moments


def test_a_schedule_as_the_documentation_tells_it() -> None:
    """Within a minute four attempts, within the hour ten, in the day about 34."""
    moments = schedule("01KAMDBA8000000000000000AB")
    assert sum(moment <= 60_000 for moment in moments) in {4, 5}
    assert sum(moment <= HOUR_MS for moment in moments) in {10, 11}
    assert 30 <= len(moments) <= 42


@given(event=IDS, lasts_ms=st.integers(0, 15_000))
def test_the_last_attempt_is_made_when_the_day_is_over(event: str, lasts_ms: int) -> None:
    """Unless the one before it is under way just then."""
    last = schedule(event, lasts_ms=lasts_ms)[-1]
    assert last == DAY_MS or last < DAY_MS <= last + lasts_ms


@given(event=IDS)
def test_pauses_grow_to_an_hour_give_or_take_a_quarter(event: str) -> None:
    moments = schedule(event)
    pauses = [later - sooner for sooner, later in pairwise(moments)][:-1]
    assert pauses[0] <= 5_000
    for number, pause in enumerate(pauses):
        mean = min(4_000 << number, HOUR_MS)
        assert mean * 3 // 4 <= pause <= mean * 5 // 4


def test_events_that_failed_together_do_not_come_back_together() -> None:
    firsts = {schedule(f"01KAMDBA80000000000000{number:04d}")[5] for number in range(200)}
    assert len(firsts) > 40


@given(event=IDS, attempts=st.integers(1, 60), asked_ms=st.integers(0, 10 * DAY_MS))
def test_a_target_is_left_alone_as_long_as_it_asks_but_not_for_more_than_an_hour(
    event: str, attempts: int, asked_ms: int
) -> None:
    due_ms = next_attempt_ms(event, attempts, NOW, NOW, asked_ms)
    assert due_ms is not None
    assert due_ms - NOW >= min(asked_ms, HOUR_MS)
    assert due_ms - NOW <= HOUR_MS * 5 // 4


@given(event=IDS, attempts=st.integers(1, 60), now_ms=st.integers(NOW, NOW + 2 * DAY_MS))
def test_nothing_is_tried_after_the_day(event: str, attempts: int, now_ms: int) -> None:
    due_ms = next_attempt_ms(event, attempts, NOW, now_ms, 0)
    assert (due_ms is None) == (now_ms >= NOW + DAY_MS)
    assert due_ms is None or now_ms < due_ms <= NOW + DAY_MS
