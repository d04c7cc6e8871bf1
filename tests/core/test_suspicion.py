"""Which days may be learned: after 48 hours, after nine days at the latest, or never."""

from __future__ import annotations

import pytest

from guard.core.rules.profile import Verdict
from guard.core.settings import DAY_MS, HOUR_MS
from guard.core.suspicion import SuspicionRow, Suspicions

DAY = 100
START, END = DAY * DAY_MS, (DAY + 1) * DAY_MS
LEARN, WAIT = Verdict.LEARN, Verdict.WAIT


def verdict(suspicions: Suspicions, days_after: int, *, stands: bool = False) -> Verdict:
    """About the day, so many days after its end."""
    return suspicions.verdict("A1", START, END, END + days_after * DAY_MS, stands=stands)


def test_a_day_of_which_nothing_is_suspected_is_learned() -> None:
    assert verdict(Suspicions(), 2) is LEARN


@pytest.mark.parametrize(
    ("hit_ms", "expected"), [(START - 1, LEARN), (START, WAIT), (END - 1, WAIT), (END + DAY_MS, WAIT)]
)
def test_a_hit_on_the_day_or_since_delays_it(hit_ms: int, expected: Verdict) -> None:
    suspicions = Suspicions()
    suspicions.hit("A1", hit_ms)
    suspicions.hit("A1", hit_ms - HOUR_MS)
    assert verdict(suspicions, 2) is expected
    assert suspicions.verdict("A2", START, END, END, stands=False) is LEARN


def test_a_hit_or_a_standing_mark_delays_by_seven_days() -> None:
    suspicions = Suspicions()
    suspicions.hit("A1", START)
    assert [verdict(suspicions, days) for days in (2, 8, 9)] == [WAIT, WAIT, LEARN]
    assert [verdict(Suspicions(), days, stands=True) for days in (2, 8, 9)] == [WAIT, WAIT, LEARN]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((START - 2, START - 1), LEARN),
        ((START - 2, START), WAIT),
        ((START + 1, START + 2), WAIT),
        ((START - 1, END), WAIT),
        ((END, END + 1), LEARN),
    ],
)
def test_what_was_blocked_is_never_learned(span: tuple[int, int], expected: Verdict) -> None:
    suspicions = Suspicions()
    suspicions.blocked("A1", *span)
    assert verdict(suspicions, 30) is expected


def test_a_false_alarm_is_forgotten() -> None:
    suspicions = Suspicions()
    suspicions.hit("A1", START)
    suspicions.blocked("A1", START, END)
    suspicions.cleared("A1")
    assert verdict(suspicions, 2) is LEARN


def test_spans_that_follow_each_other_are_one_and_old_ones_go() -> None:
    suspicions = Suspicions()
    for day in range(60):
        suspicions.blocked("A1", day * DAY_MS, day * DAY_MS + HOUR_MS)
        suspicions.blocked("A1", day * DAY_MS + HOUR_MS, day * DAY_MS + 2 * HOUR_MS)
    ((_, row),) = suspicions.take_changed()
    assert row is not None
    assert row.blocked == tuple((day * DAY_MS, day * DAY_MS + 2 * HOUR_MS) for day in range(50, 60))


def test_it_comes_back_as_it_was_stored() -> None:
    suspicions, again = Suspicions(), Suspicions()
    suspicions.hit("A1", START)
    suspicions.hit("A2", START)
    suspicions.cleared("A2")
    suspicions.blocked("A1", START, START)
    changed = dict(suspicions.take_changed())
    assert changed == {"A1": SuspicionRow(START, ((START, START),)), "A2": None}
    assert not dict(suspicions.take_changed())
    again.restore("A1", changed["A1"] or SuspicionRow())
    assert verdict(again, 30) is WAIT
