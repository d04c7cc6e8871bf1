"""What the watch does with time, with releases, with what is new, and within which bounds."""

from __future__ import annotations

from dataclasses import replace

from guard.core.rules.levels import Level
from guard.core.rules.observation import What
from guard.core.rules.rule import Per, Where
from guard.core.rules.subjects import MOST_TALLIES
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, UNIT, at_home, brief, calls, known, rule, seen, told

NEW = replace(ABROAD, new_for_days=90)


def test_a_warning_clears_at_the_moment_at_which_it_should() -> None:
    watch = Watch([rule(warn=2, block=None)])
    (warned,) = told(watch, calls(2, every_ms=30 * MINUTE_MS))
    assert watch.advance(MONDAY + HOUR_MS - 1) == []
    (cleared,) = watch.advance(MONDAY + 5 * HOUR_MS)
    assert (cleared.level, cleared.value, cleared.at_ms) == (Level.CLEARED, 1, MONDAY + HOUR_MS)
    assert (cleared.rule.id, cleared.key, cleared.mark) == (warned.rule.id, warned.key, warned.mark)
    assert cleared.text == (
        "Cleared: 1 call in 1 hour, the last to +25261*** (Somalia) at 3.40 a minute; that is back below 90 % of 2."
    )


def test_a_value_within_nine_tenths_of_the_mark_neither_clears_nor_speaks_again() -> None:
    watch = Watch([rule(warn=10, block=None)])
    assert len(told(watch, calls(10, every_ms=MINUTE_MS))) == 1
    later = calls(5, at_ms=MONDAY + HOUR_MS, every_ms=MINUTE_MS)
    assert [hit for each in later for hit in watch.advance(each.at_ms) + watch.observe(each)] == []


def test_time_alone_frees_what_no_window_holds_any_more() -> None:
    watch = Watch([rule(), rule(id="by-number", per=Per.NUMBER)])
    told(watch, calls(3))
    for call in calls(3, at_ms=MONDAY + MINUTE_MS):
        watch.observe(replace(call, what=What.ENDS))
    assert len(watch._subjects["A1"].tallies) == 2
    watch.advance(MONDAY + 4 * HOUR_MS)
    assert watch._subjects == {}
    assert not watch.moments.heap


def test_an_account_that_is_put_away_comes_back_as_it_was() -> None:
    watch = Watch([rule(where=NEW, warn=2)])
    midnight = known(watch)
    profile, row = watch.profile("A1"), watch.row("A1")
    assert profile is not None
    assert row is not None
    watch.advance(midnight + DAY_MS)
    assert watch._subjects == {}
    asleep = watch.row("A1")
    assert asleep is not None
    assert asleep.profile == profile.row() == row.profile
    assert brief(told(watch, calls(2, at_ms=midnight + DAY_MS))) == [("calls", "warn", 2)]


def test_keys_are_bounded_and_what_was_let_go_is_counted() -> None:
    watch = Watch([rule(per=Per.NUMBER)])
    for each in range(3 * MOST_TALLIES):
        watch.observe(seen("failed", MONDAY + each, number=f"2526{each:08d}"))
        watch.observe(seen("begins", MONDAY + each, call=("sw1", f"c{each}"), number=f"2526{each:08d}"))
        watch.observe(seen("ends", MONDAY + each, call=("sw1", f"c{each}"), number=f"2526{each:08d}"))
    assert len(watch._subjects["A1"].tallies) <= MOST_TALLIES
    assert watch.forgotten >= 2 * MOST_TALLIES
    last = f"2526{3 * MOST_TALLIES - 1:08d}"
    assert len(told(watch, calls(4, number=last, at_ms=MONDAY + MINUTE_MS))) == 1, "the newest is still known"


def test_a_tick_counts_on_after_its_tally_was_let_go() -> None:
    watch = Watch([rule("gross", per=Per.NUMBER, warn=UNIT, block=None)])
    told(watch, [seen(), seen("goes_on", gross_micros=100)])
    for each in range(2 * MOST_TALLIES):
        watch.observe(at_home("begins", MONDAY + MINUTE_MS, call=("sw1", f"x{each}"), number=f"1416{each:07d}"))
    assert brief(watch.observe(seen("goes_on", MONDAY + MINUTE_MS, gross_micros=UNIT))) == [("gross", "warn", UNIT)]


def test_a_release_begins_the_window_anew_and_clears_what_was_warned_about() -> None:
    watch = Watch([rule(), rule("attempts", warn=3, block=None)])
    told(watch, calls(10))
    released = watch.restart("A1", "calls", "", MONDAY + 10 * MINUTE_MS)
    assert brief(released) == [("attempts", "cleared", 0), ("calls", "cleared", 0)]
    assert brief(told(watch, calls(5, at_ms=MONDAY + 11 * MINUTE_MS))) == [
        ("attempts", "warn", 3),
        ("calls", "warn", 5),
    ]


def test_a_release_says_nothing_anew_of_calls_that_are_still_up() -> None:
    watch = Watch([rule("concurrent", warn=2, block=3)])
    told(watch, calls(3))
    assert watch.restart("A1", "concurrent", "", MONDAY + HOUR_MS) == []
    assert watch.observe(replace(calls(1)[0], what=What.GOES_ON)) == []
    assert [(each.rule.id, each.level) for each in watch.standing("A1")] == [("concurrent", 2)]


def test_an_account_that_is_not_known_yet_is_only_warned_about_what_is_new() -> None:
    watch = Watch([rule(where=NEW)])
    hits = told(watch, calls(12))
    assert [(hit.level, hit.learning) for hit in hits] == [(Level.WARN, False)]
    (hit,) = told(Watch([rule(where=NEW, warn=None)]), calls(12))
    assert (hit.level, hit.learning, hit.threshold) == (Level.WARN, True, 10)
    assert hit.text.endswith("The account has been known for less than 14 days, so this only warns.")


def test_unless_the_calls_are_as_dear_as_the_rule_says() -> None:
    watch = Watch([rule(where=NEW, min_rate_micros=3_400_000)])
    assert [hit.level for hit in told(watch, calls(12))] == [Level.WARN, Level.BLOCK]
    watch = Watch([rule(where=NEW, min_rate_micros=3_400_001)])
    assert [hit.level for hit in told(watch, calls(12))] == [Level.WARN]


def test_a_known_account_is_blocked_for_what_is_new_and_not_for_what_is_usual() -> None:
    watch = Watch([rule(where=NEW)])
    for day in range(20):
        for call in calls(4, at_ms=MONDAY + day * DAY_MS, country="GB", number="442071234567"):
            watch.observe(call)
    now = MONDAY + 20 * DAY_MS
    assert told(watch, calls(12, at_ms=now, country="GB", number="442071234567")) == []
    assert [hit.level for hit in told(watch, calls(12, at_ms=now + HOUR_MS))] == [Level.WARN, Level.BLOCK]


def test_an_attack_does_not_make_itself_usual_while_it_goes_on() -> None:
    watch = Watch([rule(where=NEW, warn=1, block=None, window_ms=MINUTE_MS)])
    midnight = known(watch)
    for hour in range(0, 48, 4):
        at_ms = midnight + hour * HOUR_MS
        watch.advance(at_ms)
        assert len(told(watch, calls(1, at_ms=at_ms))) == 1


def test_a_call_that_goes_on_is_no_longer_new_when_its_destination_has_been_learned() -> None:
    watch = Watch([rule("gross", where=NEW, warn=UNIT, block=None)])
    midnight = known(watch)
    told(watch, [seen(at_ms=midnight), seen("goes_on", midnight + MINUTE_MS)])
    for day in (2, 3):
        watch.observe(seen("goes_on", midnight + day * DAY_MS, gross_micros=UNIT // 2))
    assert watch.observe(seen("goes_on", midnight + 3 * DAY_MS + MINUTE_MS, gross_micros=9 * UNIT)) == []


def test_a_call_of_the_night_stays_one_in_the_morning_also_after_a_restart() -> None:
    night = Where(hours=(0, 7 * 60))
    watch = Watch([rule("in_flight", where=night, warn=UNIT, block=None)])
    told(watch, [seen(at_ms=MONDAY + 6 * HOUR_MS)])
    row = watch.row("A1")
    assert row is not None
    again = Watch(watch.rules)
    again.restore(row)
    morning = seen("goes_on", MONDAY + 8 * HOUR_MS, net_micros=UNIT)
    assert brief(again.observe(morning)) == brief(watch.observe(morning)) == [("in_flight", "warn", UNIT)]


def test_a_source_is_new_when_others_are_known() -> None:
    watch = Watch([rule(warn=1, block=None, where=Where(source_new=True), per=Per.SOURCE)])
    midnight = known(watch, source="198.51.100.1")
    assert told(watch, calls(1, at_ms=midnight, source="198.51.100.1")) == []
    assert told(watch, calls(1, at_ms=midnight, source="")) == []
    (hit,) = told(watch, calls(1, at_ms=midnight))
    assert (hit.key, hit.shown_key) == ("203.0.113.9", "203.0.113.9")


def test_history_teaches_without_counting() -> None:
    watch = Watch([rule(where=NEW, warn=1, block=2)])
    for day in range(20):
        for call in calls(9, at_ms=MONDAY + day * DAY_MS):
            watch.learn(call)
    assert watch.standing("A1") == ()
    assert told(watch, calls(9, at_ms=MONDAY + 20 * DAY_MS)) == []
    assert told(watch, calls(9, at_ms=MONDAY + 20 * DAY_MS, country="GM")) != []


def test_other_rules_keep_what_still_fits() -> None:
    watch = Watch([rule(), rule("gross", warn=UNIT, per=Per.NUMBER)])
    told(watch, calls(4))
    watch.swap([rule(id="renamed", warn=5, block=None), rule("concurrent", warn=5, block=None)], MONDAY)
    hits = told(watch, [replace(call, what=What.GOES_ON) for call in calls(4)])
    assert hits == []
    assert sorted(brief(told(watch, [calls(5)[4]]))) == [("concurrent", "warn", 5), ("renamed", "warn", 5)]


def test_rows_of_rules_that_are_no_more_are_left_out() -> None:
    watch = Watch([rule(), rule("concurrent"), rule("drift", floor_micros=UNIT)])
    told(watch, calls(6))
    row = watch.row("A1")
    assert row is not None
    other = Watch([rule("failed")])
    other.restore(row)
    left = other.row("A1")
    assert left is not None
    assert (left.tallies, left.present, other.standing("A1")) == ((), (), ())


def test_an_account_that_is_let_go_and_taken_up_again_is_the_same() -> None:
    watch = Watch([rule()])
    told(watch, calls(9))
    row = watch.row("A1")
    assert row is not None
    watch.forget("A1")
    assert watch.row("A1") is None
    watch.restore(row)
    assert brief(told(watch, calls(10)[9:])) == [("calls", "block", 10)]
    assert [hit.level for hit in watch.advance(MONDAY + DAY_MS)] == [Level.CLEARED]


def test_accounts_do_not_know_of_each_other() -> None:
    watch = Watch([rule()])
    assert told(watch, calls(4) + calls(4, account="A2")) == []
