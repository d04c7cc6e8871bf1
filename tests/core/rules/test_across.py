"""Many accounts that call one number: warned about once, each account that calls it blocked once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.core.rules.hits import Hit
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Per, Rule
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, kept_across, rule, seen, told

WANGIRI = rule("accounts", warn=3, block=5)


def callers(count: int, first: int = 1, **fields: Any) -> list[Observation]:
    """One call each, of different accounts to one number."""
    return [
        seen("begins", MONDAY + each * MINUTE_MS, account=f"A{each}", call=("sw1", f"c{each}"), **fields)
        for each in range(first, first + count)
    ]


def over(calls: list[Observation]) -> list[Observation]:
    """The same calls, each over after a minute."""
    return [
        each
        for call in calls
        for each in (call, replace(call, what=What.ENDS, at_ms=call.at_ms + MINUTE_MS, duration_ms=MINUTE_MS))
    ]


def spoken(hits: list[Hit]) -> list[tuple[str, str, int]]:
    return [(hit.account, hit.level.value, hit.value) for hit in hits]


def test_the_third_account_warns_and_from_the_fifth_on_each_is_blocked() -> None:
    watch = Watch([WANGIRI])
    assert spoken(told(watch, over(callers(6)))) == [("A3", "warn", 3), ("A5", "block", 5), ("A6", "block", 6)]


def test_those_whose_call_goes_on_are_blocked_at_the_crossing_and_once_only() -> None:
    watch = Watch([WANGIRI])
    told(watch, over(callers(1)) + callers(3, first=2))
    (fifth,) = callers(1, first=5)
    assert spoken(watch.observe(fifth)) == [
        ("A5", "block", 5),
        ("A2", "block", 5),
        ("A3", "block", 5),
        ("A4", "block", 5),
    ], "the call of A1 is over"
    ticks = [replace(each, what=What.GOES_ON, at_ms=fifth.at_ms + MINUTE_MS) for each in callers(4, first=2)]
    assert told(watch, ticks) == []


def test_who_called_before_is_blocked_when_he_calls_again() -> None:
    watch = Watch([WANGIRI])
    told(watch, over(callers(5)))
    again = [seen("begins", MONDAY + HOUR_MS // 2, account="A1", call=("sw1", "again"))]
    assert spoken(told(watch, again)) == [("A1", "block", 5)]


def test_a_call_to_elsewhere_is_not_cut() -> None:
    watch = Watch([WANGIRI])
    elsewhere = seen("begins", MONDAY, account="A1", call=("sw1", "other"), number="493012345678")
    told(watch, [elsewhere, *over(callers(4))])
    assert spoken(told(watch, callers(1, first=5))) == [("A5", "block", 5)]


def test_of_those_up_only_whom_the_rule_may_block_is_cut() -> None:
    watch = Watch([replace(WANGIRI, where=replace(ABROAD, new_for_days=90), min_rate_micros=1_000_000)])
    cheap = [replace(each, rate_micros=500_000) for each in callers(1)]
    hits = spoken(told(watch, cheap + over(callers(3, first=2)) + callers(1, first=5)))
    assert hits == [("A3", "warn", 3), ("A5", "block", 5)], "A1 is hardly known, and its call is cheap"


def test_the_same_account_again_and_other_numbers_do_not_count() -> None:
    watch = Watch([WANGIRI])
    again = [replace(seen(), call=("sw1", f"c{each}")) for each in range(9)]
    other = [replace(each, number=f"25261{each.account}") for each in callers(9)]
    assert told(watch, again + other) == []


def test_the_warning_clears_for_the_account_that_it_was_about() -> None:
    watch = Watch([WANGIRI])
    told(watch, callers(6))
    (cleared,) = watch.advance(MONDAY + 2 * HOUR_MS)
    assert (cleared.account, cleared.level, cleared.key) == ("A3", Level.CLEARED, "252612345678")


def test_a_second_wave_blocks_again() -> None:
    watch = Watch([WANGIRI])
    told(watch, over(callers(6)))
    watch.advance(MONDAY + 3 * HOUR_MS)
    later = [replace(each, at_ms=each.at_ms + 4 * HOUR_MS, call=("sw1", f"d{each.account}")) for each in callers(5)]
    assert spoken(told(watch, over(later))) == [("A3", "warn", 3), ("A5", "block", 5)]


def test_novelty_is_that_of_each_account() -> None:
    of = replace(WANGIRI, where=replace(ABROAD, new_for_days=90))
    watch = Watch([of])
    for day in range(20):
        watch.observe(seen(at_ms=MONDAY - (30 - day) * DAY_MS, account="A1", call=("sw1", f"old{day}")))
    hits = told(watch, callers(6))
    assert spoken(hits) == [("A4", "warn", 3), ("A6", "warn", 5)], "A1 knows the number; nobody else is known to guard"
    assert [hit.learning for hit in hits] == [False, True]


def test_ranges_count_by_prefix() -> None:
    watch = Watch([replace(WANGIRI, per=Per.PREFIX)])
    spread = [replace(each, number=f"25261{each.account}") for each in callers(5)]
    assert spoken(told(watch, over(spread))) == [("A3", "warn", 3), ("A5", "block", 5)]


def test_a_restart_changes_nothing() -> None:
    rules: list[Rule] = [WANGIRI]
    watch, again = Watch(rules), Watch(rules)
    told(watch, callers(4))
    for kept in kept_across(watch):
        again.restore_across(kept)
    for row in filter(None, map(watch.row, ("A1", "A2", "A3", "A4"))):
        again.restore(row)
    assert spoken(told(again, callers(2, first=5))) == spoken(told(watch, callers(2, first=5)))
    assert spoken(again.advance(MONDAY + DAY_MS)) == spoken(watch.advance(MONDAY + DAY_MS)) != []
