"""Other rules in place of these: what goes on, what clears, what is judged at once."""

from __future__ import annotations

from dataclasses import replace

from guard.core.rules.hits import Hit
from guard.core.rules.levels import Level
from guard.core.rules.observation import What
from guard.core.rules.rule import Per, Rule, RuleMode
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, UNIT, at_home, brief, calls, kept_across, rule, seen, told

LATER = MONDAY + 10 * MINUTE_MS


def said(hits: list[Hit]) -> list[tuple[str, str, str]]:
    """Account, rule and level of each."""
    return sorted((hit.account, hit.rule.id, hit.level.value) for hit in hits)


def test_a_rule_that_joins_a_window_or_leaves_it_costs_the_others_nothing_of_what_they_have_counted() -> None:
    numbers = rule("numbers", warn=3, block=None)
    watch = Watch([rule(), numbers])
    told(watch, calls(4))
    assert watch.swap([rule(), numbers, rule("gross", warn=UNIT, block=None)], LATER) == []
    assert watch.swap([rule()], LATER) == []
    assert brief(told(watch, calls(5)[4:])) == [("calls", "warn", 5)]


def test_what_a_new_rule_asks_for_begins_at_nothing_and_what_was_counted_already_counts() -> None:
    watch = Watch([rule()])
    told(watch, [replace(call, gross_micros=UNIT) for call in calls(4)])
    hits = watch.swap([rule(), rule(id="twin", warn=4, block=None), rule("gross", warn=UNIT, block=None)], LATER)
    assert brief(hits) == [("twin", "warn", 4)]
    assert brief(watch.observe(seen("goes_on", LATER, call=("sw1", "c0"), gross_micros=UNIT))) == [
        ("gross", "warn", UNIT)
    ]


def test_a_window_that_is_over_by_now_is_not_judged() -> None:
    watch = Watch([rule()])
    told(watch, calls(4))
    assert watch.swap([rule(warn=3)], MONDAY + 2 * HOUR_MS) == []


def test_warnings_of_every_kind_of_rule_clear_with_it() -> None:
    rules = [
        rule(warn=2, block=None),
        rule("concurrent", warn=2, block=None),
        rule("duration", warn=MINUTE_MS, block=None),
        rule("accounts", warn=2, block=None),
    ]
    watch = Watch(rules)
    told(watch, calls(2) + calls(2, account="A2"))
    watch.observe(seen("goes_on", LATER, call=("sw1", "c0"), duration_ms=2 * MINUTE_MS))
    other = rule(id="other", window_ms=2 * HOUR_MS)
    hits = watch.swap([other], LATER)
    assert said(hits) == [
        ("A1", "calls", "cleared"),
        ("A1", "concurrent", "cleared"),
        ("A1", "duration", "cleared"),
        ("A2", "accounts", "cleared"),
        ("A2", "calls", "cleared"),
        ("A2", "concurrent", "cleared"),
    ]
    assert {hit.mark for hit in hits} == {"warn"}
    assert all("is in force no longer" in hit.text for hit in hits)
    assert (watch.standing("A1"), watch.standing("A2")) == ((), ())
    assert watch.advance(MONDAY + HOUR_MS) == []
    for call in range(2):
        watch.observe(seen("ends", LATER, call=("sw1", f"c{call}")))
    assert watch._subjects["A1"].present == {}


def test_a_window_of_another_length_or_other_calls_is_another_window() -> None:
    for change in ({"window_ms": 2 * HOUR_MS}, {"per": Per.NUMBER}, {"where": ABROAD}, {"mode": RuleMode.SHADOW}):
        watch = Watch([rule(warn=2)])
        told(watch, calls(4))
        hits = watch.swap([rule(warn=2, **change)], LATER)
        assert hits[0].level is Level.CLEARED
        assert hits[0].rule.mode is RuleMode.ENFORCE, "as it had warned"
        again = [hit.level for hit in hits[1:]]
        assert again == ([Level.WARN] if "mode" in change else []), change


def test_calls_that_are_up_go_on_being_counted() -> None:
    watch = Watch([rule("concurrent", warn=3, block=None)])
    told(watch, calls(2))
    watch.swap([rule("concurrent", warn=2, block=None), rule("in_flight", warn=UNIT, block=None)], LATER)
    ticks = [replace(call, what=What.GOES_ON, net_micros=UNIT) for call in calls(2)]
    assert sorted(brief(told(watch, ticks))) == [("concurrent", "warn", 2), ("in_flight", "warn", UNIT)]


def test_the_same_rules_again_change_nothing() -> None:
    watch = Watch([rule(warn=2), rule("accounts", warn=1, block=None)])
    told(watch, calls(4))
    before = watch.row("A1"), kept_across(watch)
    assert watch.swap([rule(warn=2, title="otherwise"), rule("accounts", warn=1, block=None)], LATER) == []
    assert (watch.row("A1"), kept_across(watch)) == before


def test_a_lower_mark_of_drift_counts_from_the_next_report_on() -> None:
    def drift(mark: int) -> Rule:
        return rule("drift", warn=mark * UNIT, block=None, floor_micros=UNIT)

    watch = Watch([drift(50)])
    for day in range(30):
        spent = 10 * UNIT if day < 24 else 20 * UNIT
        assert watch.observe(at_home(at_ms=MONDAY + day * DAY_MS, call=("sw1", f"d{day}"), gross_micros=spent)) == []
    at_ms = MONDAY + 29 * DAY_MS
    watch.swap([drift(2)], at_ms)
    (hit,) = watch.observe(at_home(at_ms=at_ms, call=("sw1", "d29"), what="goes_on", gross_micros=1))
    assert (hit.rule.id, hit.level) == ("drift", Level.WARN)
