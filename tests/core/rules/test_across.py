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
from tests.core.rules.builders import ABROAD, MONDAY, rule, seen, told

WANGIRI = rule("accounts", warn=3, block=5)


def callers(count: int, first: int = 1, **fields: Any) -> list[Observation]:
    """One call each, of different accounts to one number."""
    return [
        seen("begins", MONDAY + each * MINUTE_MS, account=f"A{each}", call=("sw1", f"c{each}"), **fields)
        for each in range(first, first + count)
    ]


def spoken(hits: list[Hit]) -> list[tuple[str, str, int]]:
    return [(hit.account, hit.level.value, hit.value) for hit in hits]


def test_the_third_account_warns_and_from_the_fifth_on_each_is_blocked() -> None:
    watch = Watch([WANGIRI])
    assert spoken(told(watch, callers(6))) == [("A3", "warn", 3), ("A5", "block", 5), ("A6", "block", 6)]


def test_those_who_called_before_are_blocked_while_their_call_goes_on_and_once_only() -> None:
    watch = Watch([WANGIRI])
    told(watch, callers(5))
    ticks = [replace(each, what=What.GOES_ON, at_ms=each.at_ms + MINUTE_MS) for each in callers(5)]
    assert [each[:2] for each in spoken(told(watch, ticks + ticks))] == [
        ("A1", "block"),
        ("A2", "block"),
        ("A3", "block"),
        ("A4", "block"),
    ]


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
    told(watch, callers(6))
    watch.advance(MONDAY + 3 * HOUR_MS)
    later = [replace(each, at_ms=each.at_ms + 4 * HOUR_MS, call=("sw1", f"d{each.account}")) for each in callers(5)]
    assert spoken(told(watch, later)) == [("A3", "warn", 3), ("A5", "block", 5)]


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
    assert spoken(told(watch, spread)) == [("A3", "warn", 3), ("A5", "block", 5)]


def test_a_restart_changes_nothing() -> None:
    rules: list[Rule] = [WANGIRI]
    watch, again = Watch(rules), Watch(rules)
    told(watch, callers(4))
    again.restore_across(watch.across_rows())
    assert spoken(told(again, callers(2, first=5))) == spoken(told(watch, callers(2, first=5)))
    assert spoken(again.advance(MONDAY + DAY_MS)) == spoken(watch.advance(MONDAY + DAY_MS)) != []
