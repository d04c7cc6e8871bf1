"""Days of history in a profile: what they teach, and that each counts once."""

from __future__ import annotations

from dataclasses import replace

from guard.core.rules.levels import Level
from guard.core.rules.past import PAST_DAYS, Past
from guard.core.rules.profile import COUNTRY, NUMBER, PREFIX, SOURCE, Profile
from guard.core.rules.rows import DayRow
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, UNIT, at_home, calls, rule, seen, told

TODAY = MONDAY // DAY_MS
NEW = rule(where=replace(ABROAD, new_for_days=90), warn=1, block=2)
HABITS = ((COUNTRY, "SO"), (PREFIX, "252"), (NUMBER, "252612345678"), (SOURCE, "203.0.113.9"))


def past(days: int = 21, ended_before: int = 0, **fields: object) -> Past:
    """So many days, each with a unit spent at nine."""
    until = TODAY - ended_before
    rows = tuple(DayRow(day, ((9, UNIT),), HABITS, 3_400_000, 4, HOUR_MS) for day in range(until - days, until))
    made = Past(account="A1", timezone="", from_day=until - days, until_day=until, days=rows)
    return replace(made, **fields)  # type: ignore[arg-type]


def profile_of(watch: Watch) -> Profile:
    profile = watch.profile("A1")
    assert profile is not None
    return profile


def test_what_history_knows_is_usual_at_once_and_novelty_may_block() -> None:
    unknown, known = Watch([NEW]), Watch([NEW])
    assert known.absorb(past(), MONDAY) == 19
    abroad = calls(2, at_ms=MONDAY + HOUR_MS)
    assert [(hit.level, hit.learning) for hit in told(unknown, abroad)] == [(Level.WARN, False)]
    assert told(known, abroad) == []
    elsewhere = calls(2, at_ms=MONDAY + HOUR_MS, country="GM")
    assert [hit.level for hit in told(known, elsewhere)] == [Level.WARN, Level.BLOCK]


def test_fourteen_days_make_an_account_known_and_thirteen_do_not() -> None:
    for days, mature in ((13, False), (14, True)):
        watch = Watch()
        watch.absorb(past(days, ended_before=3), MONDAY)
        profile = profile_of(watch)
        assert (profile.known_days, profile.mature()) == (days, mature)


def test_the_days_of_history_and_those_of_life_count_together() -> None:
    watch = Watch()
    watch.absorb(past(10, ended_before=3), MONDAY)
    watch.observe(at_home(at_ms=MONDAY + 4 * DAY_MS))
    assert (profile_of(watch).known_days, profile_of(watch).mature()) == (14, True)


def test_telling_it_again_in_part_or_whole_changes_nothing() -> None:
    watch = Watch()
    watch.absorb(past(), MONDAY)
    before = profile_of(watch).row()
    assert [watch.absorb(past(days), MONDAY) for days in (21, 10, 3)] == [0, 0, 0]
    assert profile_of(watch).row() == before
    assert watch.absorb(past(30), MONDAY) == 9
    assert profile_of(watch).known_days == 28


def test_history_does_not_touch_what_guard_has_seen_itself() -> None:
    watch = Watch()
    for day in range(5):
        watch.observe(
            at_home(at_ms=MONDAY + day * DAY_MS + 9 * HOUR_MS, call=("sw1", f"c{day}"), gross_micros=7 * UNIT)
        )
    later = MONDAY + 5 * DAY_MS
    watch.observe(at_home(at_ms=later))
    own = profile_of(watch).row()
    overlapping = past(30, ended_before=-4)
    assert watch.absorb(overlapping, later) == 26
    profile = profile_of(watch)
    assert (
        profile.row()._replace(
            samples=own.samples,
            spend_mills=own.spend_mills,
            habits=own.habits,
            top_rate_micros=own.top_rate_micros,
            peak_thousandths=own.peak_thousandths,
            busiest_ms=own.busiest_ms,
            past=(),
        )
        == own
    )
    # Monday was 7 units by guard's own eyes, once, and 1 unit on three Mondays before.
    assert profile.usual_day_micros(TODAY + 7) == (7 + 3) * UNIT // 4


def test_what_is_usual_remembers_eight_weeks_and_nothing_older_is_learned() -> None:
    watch = Watch()
    old = past(200, ended_before=3)
    assert watch.absorb(old, MONDAY) == PAST_DAYS - 3
    profile = profile_of(watch)
    assert profile.past == ((TODAY - PAST_DAYS, TODAY - 3),)
    assert profile.samples == [8, 8, 8, 8, 7, 7, 7]
    assert Watch().absorb(past(30, ended_before=60), MONDAY) == 0


def test_days_that_have_not_been_over_for_48_hours_wait_for_another_telling() -> None:
    watch = Watch()
    assert watch.absorb(past(10), MONDAY) == 8
    assert watch.absorb(past(10), MONDAY + DAY_MS) == 1
    assert profile_of(watch).past == ((TODAY - 10, TODAY - 1),)


def test_fraud_is_left_out_and_its_days_are_not_known() -> None:
    fraud = TODAY - 10
    rows = tuple(
        DayRow(day, ((2, 900 * UNIT),), ((COUNTRY, "GM"),), 9 * UNIT, 40) if day == fraud else row
        for day, row in ((row.day, row) for row in past().days)
    )
    watch = Watch()
    assert watch.absorb(replace(past(), days=rows, left_out=frozenset({fraud})), MONDAY) == 18
    profile = profile_of(watch)
    assert profile.new(COUNTRY, "GM", 90)
    assert not profile.new(COUNTRY, "SO", 90)
    assert profile.usual_micros((fraud + 7) * DAY_MS + 3 * HOUR_MS, HOUR_MS) == 0
    assert profile.known_days == 18


def test_spend_falls_on_the_hours_of_the_account_s_own_week() -> None:
    watch = Watch()
    rows = tuple(row._replace(spend=((9, 2 * UNIT),)) for row in past().days if row.day % 7 == TODAY % 7)
    watch.absorb(replace(past(), days=rows, timezone="America/Toronto"), MONDAY + 12 * HOUR_MS)
    profile = profile_of(watch)
    # Mondays at nine on the wall of the account; half of it is expected a little before and after.
    local_nine = TODAY * DAY_MS + 9 * HOUR_MS
    assert profile.usual_micros(local_nine + HOUR_MS, HOUR_MS) == UNIT
    assert profile.usual_micros(local_nine + 30 * MINUTE_MS, 30 * MINUTE_MS) == UNIT // 2
    assert profile.usual_micros(local_nine + DAY_MS + HOUR_MS, HOUR_MS) == 0
    assert profile.usual_day_micros(TODAY) == 2 * UNIT


def test_price_and_concurrency_have_faded_since() -> None:
    watch = Watch()
    watch.absorb(past(1, ended_before=40), MONDAY)
    profile = profile_of(watch)
    assert UNIT // 2 < profile.top_rate_micros < 3_400_000 // 2
    assert 1_000 < profile.peak_thousandths < 2_000
    assert HOUR_MS // 4 < profile.busiest_ms < HOUR_MS // 2


def test_an_account_nobody_has_heard_of_is_known_when_it_comes_and_after_a_restart() -> None:
    watch, again = Watch([NEW]), Watch([NEW])
    watch.absorb(past(), MONDAY)
    row = watch.row("A1")
    assert row is not None
    again.restore(row)
    assert told(again, calls(2, at_ms=MONDAY + HOUR_MS)) == []
    assert profile_of(again).past == ((TODAY - 21, TODAY - 2),)


def test_an_account_in_the_middle_of_a_call_learns_too() -> None:
    watch = Watch([NEW])
    watch.observe(seen(at_ms=MONDAY, country="GB"))
    assert watch.absorb(past(), MONDAY) == 19
    assert told(watch, calls(2, at_ms=MONDAY + HOUR_MS)) == []
