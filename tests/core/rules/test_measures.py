"""Each measure by example: what it counts, and how it speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.core.records import Direction
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Per, RuleMode, Where
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from guard.core.tariff import CallClass
from tests.core.rules.builders import ABROAD, MONDAY, UNIT, at_home, brief, calls, known, rule, seen, told


def ticks(count: int) -> list[Observation]:
    """One call that goes on, a minute each time."""
    return [seen()] + [
        seen("goes_on", MONDAY + each * MINUTE_MS, duration_ms=each * MINUTE_MS, spoken_ms=MINUTE_MS)
        for each in range(1, count + 1)
    ]


def test_calls_warn_and_block_once_per_crossing() -> None:
    assert brief(told(Watch([rule()]), calls(20))) == [("calls", "warn", 5), ("calls", "block", 10)]


def test_marks_crossed_together_speak_once_as_the_highest() -> None:
    watch = Watch([rule("gross", warn=1 * UNIT, block=2 * UNIT)])
    assert brief(watch.observe(seen(gross_micros=3 * UNIT))) == [("gross", "block", 3 * UNIT)]


def test_attempts_and_failed_ones() -> None:
    watch = Watch([rule("attempts"), rule("failed")])
    mixed = [seen("failed" if each % 2 else "begins", MONDAY, call=("sw1", str(each))) for each in range(10)]
    assert brief(told(watch, mixed)) == [("attempts", "warn", 5), ("attempts", "block", 10), ("failed", "warn", 5)]


def test_minutes_are_whole_ones_of_all_calls_together() -> None:
    assert brief(told(Watch([rule("minutes", block=None)]), ticks(5))) == [("minutes", "warn", 5)]


def test_gross_counts_what_a_plan_gives_away_and_net_does_not() -> None:
    watch = Watch([rule("gross", warn=5 * UNIT, block=None), rule("net", warn=5 * UNIT, block=None)])
    given = [replace(each, gross_micros=UNIT, net_micros=UNIT // 2) for each in calls(10)]
    hits = told(watch, given)
    assert brief(hits) == [("gross", "warn", 5 * UNIT), ("net", "warn", 5 * UNIT)]
    assert [hit.at_ms for hit in hits] == [given[4].at_ms, given[9].at_ms]


def test_numbers_countries_and_prefixes() -> None:
    new = Where(kinds=ABROAD.kinds)
    watch = Watch([rule("numbers"), rule("new_countries", where=new), rule("new_prefixes", where=new, warn=2)])
    known(watch)
    same = calls(9)
    assert told(watch, same) == []
    spread = [
        replace(call, number=f"25261234567{each}", country=f"X{each}", prefix=f"25{each % 3}")
        for each, call in enumerate(calls(6, at_ms=MONDAY + 30 * DAY_MS))
    ]
    assert brief(told(watch, spread)) == [
        ("new_prefixes", "warn", 2),
        ("new_countries", "warn", 5),
        ("numbers", "warn", 5),
    ]


def test_variants_are_ways_of_dialling_one_number() -> None:
    watch = Watch([rule("variants", warn=3, block=None)])
    prefixes = ("", "9", "00", "011", "9011")
    tried = [seen("failed", MONDAY, call=("sw1", each), number="", dialled=f"{each}252612345678") for each in prefixes]
    (hit,) = told(watch, tried)
    assert (hit.value, hit.key) == (3, "12345678")
    assert "12345678" not in hit.shown_key + hit.text


def test_the_share_of_short_calls_needs_enough_calls() -> None:
    watch = Watch([rule("short_share", warn=300_000, block=None, min_calls=20)])
    ends = [
        seen("ends", MONDAY + each * SECOND_MS, call=("sw1", str(each)), duration_ms=4_000 if each % 2 else 60_000)
        for each in range(30)
    ]
    (hit,) = told(watch, ends)
    assert (hit.at_ms, hit.value) == (MONDAY + 19 * SECOND_MS, 500_000)
    assert hit.text.startswith("50 % of calls over within 6 seconds in 1 hour, the last to +25261*** (Somalia)")
    assert hit.text.endswith("; 30 % is the mark.")


def test_concurrent_in_flight_and_rate_rise_and_clear_with_the_calls_that_are_up() -> None:
    watch = Watch(
        [
            rule("concurrent", warn=2, block=None),
            rule("in_flight", warn=5 * UNIT, block=None),
            rule("rate", warn=6 * UNIT, block=None),
        ]
    )
    first, second = calls(2)
    assert told(watch, [first]) == []
    assert brief(told(watch, [second])) == [("concurrent", "warn", 2), ("rate", "warn", 6_800_000)]
    grown = replace(first, what=What.GOES_ON, net_micros=5 * UNIT)
    assert brief(told(watch, [grown])) == [("in_flight", "warn", 5 * UNIT)]
    over = replace(first, what=What.ENDS)
    assert brief(told(watch, [over])) == [
        ("concurrent", "cleared", 1),
        ("in_flight", "cleared", 0),
        ("rate", "cleared", 3_400_000),
    ]


def test_a_rate_that_changes_counts_at_once() -> None:
    watch = Watch([rule("rate", warn=6 * UNIT, block=None)])
    assert told(watch, [seen()]) == []
    assert brief(told(watch, [seen("goes_on", rate_micros=7 * UNIT)])) == [("rate", "warn", 7 * UNIT)]


def test_a_call_whose_number_comes_late_moves_to_where_it_belongs() -> None:
    watch = Watch([rule("concurrent", per=Per.COUNTRY, warn=1, block=None, where=Where(countries=frozenset({"SO"})))])
    assert told(watch, [seen(number="", country="", prefix="", place="")]) == []
    assert brief(told(watch, [seen("goes_on")])) == [("concurrent", "warn", 1)]


def test_duration_is_of_each_call_and_over_with_it() -> None:
    watch = Watch([rule("duration", warn=10 * MINUTE_MS, block=20 * MINUTE_MS)])
    hits = told(watch, ticks(25))
    assert [(hit.level, hit.value, hit.key) for hit in hits] == [
        (Level.WARN, 10 * MINUTE_MS, "sw1/c1"),
        (Level.BLOCK, 20 * MINUTE_MS, "sw1/c1"),
    ]
    over = told(watch, [seen("ends", MONDAY + HOUR_MS, duration_ms=HOUR_MS)])
    assert brief(over) == [("duration", "cleared", 0)]


def test_growth_is_over_what_is_usual_for_these_hours() -> None:
    watch = Watch([rule("growth", warn=5 * UNIT, block=None, floor_micros=UNIT)])
    for day in range(28):
        noon = MONDAY + day * DAY_MS + 12 * HOUR_MS
        watch.observe(at_home("begins", noon, call=("sw1", f"d{day}"), gross_micros=8 * UNIT))
    noon = MONDAY + 28 * DAY_MS + 12 * HOUR_MS
    # Half of an hour is blended with its neighbours, in which nothing is usual: 4.00 from 12 to 13.
    assert told(watch, [seen(at_ms=noon + HOUR_MS - 1, gross_micros=19 * UNIT)]) == []
    (hit,) = watch.observe(seen("goes_on", noon + HOUR_MS - 1, gross_micros=UNIT + 1))
    assert hit.value == 5 * UNIT
    assert [(each.what, each.value) for each in hit.evidence][:2] == [("growth", "5 times"), ("usual", "4.00")]
    night = MONDAY + 28 * DAY_MS + 27 * HOUR_MS
    assert [hit.level for hit in watch.advance(night)] == [Level.CLEARED]
    (hit,) = watch.observe(seen(at_ms=night, call=("sw1", "night"), gross_micros=5 * UNIT))
    assert hit.value == 5 * UNIT, "where nothing is usual the floor is"


def test_drift_adds_up_over_days_what_no_day_shows() -> None:
    watch = Watch([rule("drift", warn=4 * UNIT, block=None, floor_micros=UNIT)])
    days = 40
    hits = []
    for day in range(days):
        spent = 10 * UNIT if day < 24 else 20 * UNIT
        hits += watch.observe(at_home(at_ms=MONDAY + day * DAY_MS, call=("sw1", f"d{day}"), gross_micros=spent))
    # From day 24 each day costs 7.50 more than a quarter above the usual 10.00; a sixteenth of the sum fades.
    assert brief(hits) == [("drift", "warn", hits[0].value)]
    assert 28 <= (hits[0].at_ms - MONDAY) // DAY_MS <= 31


def test_a_fifth_above_the_usual_is_no_drift() -> None:
    watch = Watch([rule("drift", warn=UNIT, block=None, floor_micros=UNIT)])
    for day in range(60):
        spent = 10 * UNIT if day < 24 else 12 * UNIT
        assert watch.observe(at_home(at_ms=MONDAY + day * DAY_MS, call=("sw1", f"d{day}"), gross_micros=spent)) == []


def test_where_narrows_by_the_clock_and_the_age_of_the_account() -> None:
    night = Where(hours=(19 * 60, 7 * 60), days=frozenset({5, 6}))
    young = Where(account_age_under_ms=30 * DAY_MS)
    watch = Watch(
        [rule(id="night", warn=1, block=None, where=night), rule(id="young", warn=1, block=None, where=young)]
    )
    toronto = {"timezone": "America/Toronto"}
    saturday = MONDAY + 5 * DAY_MS
    assert told(watch, [seen(at_ms=saturday + 20 * HOUR_MS, **toronto)]) == [], "16:00 there"
    assert brief(told(watch, [seen(at_ms=saturday + 23 * HOUR_MS, **toronto)])) == [("night", "warn", 1)]
    assert told(watch, [seen(account="A2", opened_ms=MONDAY - 30 * DAY_MS)]) == []
    assert told(watch, [seen(account="A3")]) == [], "when it was opened is not known"
    assert brief(told(watch, [seen(account="A4", opened_ms=MONDAY - 29 * DAY_MS)])) == [("young", "warn", 1)]


def test_where_narrows_by_account_direction_and_rate() -> None:
    rules = [
        rule(id="only", warn=1, block=None, where=Where(accounts=frozenset({"A1"}))),
        rule(id="not", warn=1, block=None, where=Where(not_accounts=frozenset({"A1"}))),
        rule(id="forwarded", warn=1, block=None, where=Where(directions=frozenset({Direction.FORWARDED}))),
        rule(id="dear", warn=1, block=None, where=Where(rate_from_micros=4 * UNIT)),
        rule(id="off", warn=1, block=None, mode=RuleMode.OFF),
    ]
    assert brief(told(Watch(rules), [seen()])) == [("only", "warn", 1)]
    assert brief(told(Watch(rules), [seen(account="A2")])) == [("not", "warn", 1)]
    dear = seen(account="A2", direction=Direction.FORWARDED, rate_micros=4 * UNIT)
    assert brief(told(Watch(rules), [dear])) == [("dear", "warn", 1), ("forwarded", "warn", 1), ("not", "warn", 1)]


def made(field: str, value: object) -> dict[str, Any]:
    return {field: value}


def test_each_key_has_its_own_count() -> None:
    for per, field, values in (
        (Per.COUNTRY, "country", ("SO", "GM")),
        (Per.PREFIX, "prefix", ("252", "220")),
        (Per.NUMBER, "number", ("252612345678", "252612345679")),
        (Per.SOURCE, "source", ("203.0.113.9", "203.0.113.10")),
        (Per.CLASS, "kind", (CallClass.INTERNATIONAL, CallClass.PREMIUM)),
    ):
        watch = Watch([rule(per=per, block=None)])
        mixed = [replace(call, **made(field, values[each % 2])) for each, call in enumerate(calls(9))]
        (hit,) = told(watch, mixed)
        assert (hit.at_ms, hit.value) == (mixed[8].at_ms, 5), per


def test_incoming_calls_are_looked_at_only_where_a_rule_asks() -> None:
    incoming = Where(directions=frozenset({Direction.INCOMING}))
    watch = Watch([rule(id="in", where=incoming, block=None), rule(id="out", block=None)])
    assert brief(told(watch, calls(6, direction=Direction.INCOMING))) == [("in", "warn", 5)]
