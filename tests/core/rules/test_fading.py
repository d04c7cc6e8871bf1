"""Profiles let go of whom was called; a silent account's stored row does too, and no rule sees the difference."""

from __future__ import annotations

import pytest

from guard.core.records import Direction
from guard.core.rules.fading import faded
from guard.core.rules.profile import COUNTRY, NUMBER, REFRESH_DAYS, SOURCE
from guard.core.rules.rule import Rule, Where
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, MINUTE_MS
from tests.core.rules.builders import MONDAY, at_home, brief, calls, known, rule, seen, told

KEEP_DAYS = 30
CALLED = "252612345678"
RULES: tuple[Rule, ...] = (
    rule("calls", warn=2, block=3),
    rule("numbers", warn=2, block=3, window_ms=DAY_MS),
    rule("gross", id="new", warn=1, block=None, where=Where(new_for_days=20), min_rate_micros=1),
    rule("calls", id="from-new-sources", warn=1, block=None, where=Where(source_new=True)),
)


def watch(keep_days: int | None = KEEP_DAYS) -> Watch:
    made = Watch(RULES)
    made.keep_days = keep_days
    return made


def habits(of: Watch) -> tuple[dict[str, int], ...]:
    profile = of.profile("A1")
    assert profile is not None
    return profile.habits


def called_abroad(of: Watch) -> int:
    """Two known weeks, then a call to Somalia that is learned; the midnight at which it is."""
    midnight = known(of)
    of.observe(seen(at_ms=midnight, call=("sw1", "abroad")))
    of.observe(seen("ends", midnight + MINUTE_MS, call=("sw1", "abroad"), duration_ms=MINUTE_MS))
    learned = midnight + 4 * DAY_MS
    of.observe(at_home(at_ms=learned, call=("sw1", "later"), source="203.0.113.7"))
    of.observe(at_home("ends", learned + MINUTE_MS, call=("sw1", "later"), source="203.0.113.7"))
    assert CALLED in habits(of)[NUMBER]
    return learned


def test_a_silent_account_forgets_who_rang_it() -> None:
    of = watch()
    of.observe(at_home())
    of.observe(seen("failed", direction=Direction.INCOMING, rung_from=CALLED))
    row = of.row("A1")
    assert row is not None
    assert faded(row, MONDAY + DAY_MS, KEEP_DAYS).profile.rings == ((CALLED[:-4], MONDAY),)
    assert faded(row, MONDAY + 2 * DAY_MS, KEEP_DAYS).profile.rings == ()


@pytest.mark.parametrize(("keep_days", "kept"), [(KEEP_DAYS, False), (KEEP_DAYS + 10, True), (None, True)])
def test_a_profile_keeps_numbers_and_sources_as_long_as_call_details_are_kept(
    keep_days: int | None,
    kept: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """A week longer, because what is habitual is noted once a week; where they lie it remembers for ever."""
    of = watch(keep_days)
    learned = called_abroad(of)
    of.observe(at_home(at_ms=learned + (KEEP_DAYS + REFRESH_DAYS) * DAY_MS, source="203.0.113.8"))
    assert (CALLED in habits(of)[NUMBER]) is kept
    assert ("203.0.113.9" in habits(of)[SOURCE]) is kept
    assert "SO" in habits(of)[COUNTRY]


def test_nothing_goes_before_its_time() -> None:
    of = watch()
    learned = called_abroad(of)
    of.observe(at_home(at_ms=learned + (KEEP_DAYS - 4) * DAY_MS))
    assert CALLED in habits(of)[NUMBER]


@pytest.mark.parametrize("silent_days", [1, 20, 33, 45, 200])
def test_a_row_that_has_faded_means_the_same_to_every_rule(silent_days: int) -> None:
    """Taken up instead of the row itself when the account calls again, the same hits come of it."""
    of = watch()
    learned = called_abroad(of)
    row = of.row("A1")
    assert row is not None
    again_ms = learned + silent_days * DAY_MS
    less = faded(row, again_ms, KEEP_DAYS)
    found = []
    for taken in (row, less):
        after = watch()
        after.restore(taken)
        after.advance(again_ms)
        hits = told(after, calls(4, at_ms=again_ms, number=CALLED))
        hits += told(after, calls(2, at_ms=again_ms + DAY_MS, number="252999999999", source="198.51.100.1"))
        found.append((brief(hits), habits(after)))
    assert found[0] == found[1]
    assert found[0][0]
    gone = CALLED not in dict(less.profile.habits[NUMBER])
    assert gone is (silent_days > KEEP_DAYS + REFRESH_DAYS)
    assert faded(less, again_ms, KEEP_DAYS) == less


def test_a_silent_account_keeps_its_profile_and_no_evidence() -> None:
    of = watch()
    called_abroad(of)
    row = of.row("A1")
    assert row is not None
    assert row.seen
    less = faded(row, MONDAY + 200 * DAY_MS, KEEP_DAYS)
    assert less.seen == ()
    assert less.tallies == tuple(tally for tally in row.tallies if tally.marks)
    assert less.profile._replace(habits=(), days=()) == row.profile._replace(habits=(), days=())
    assert less.profile.habits[:2] == row.profile.habits[:2]
    assert CALLED not in str(less)
