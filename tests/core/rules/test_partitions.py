"""Accounts of many partitions that call one number: the same warnings and blocks as in a single daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from guard.core.neighbours import CrowdFalls, CrowdStands, Sighting
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rules.across import CROWD, STANDING, home_of
from guard.core.rules.crowds import MOST_OF_A_PARTITION
from guard.core.rules.dealing import dealt
from guard.core.rules.hits import Hit
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rows import CrowdRow
from guard.core.rules.rule import Rule, RuleMode
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, kept_across, rule, seen, told
from tests.core.rules.partitions import Partitions
from tests.core.rules.test_across import WANGIRI, callers, over, spoken

NUMBER = "252612345678"
(COUNTER,) = Compiled([WANGIRI]).counters
HOME = home_of(COUNTER, NUMBER)
ACCOUNTS = [f"A{each}" for each in range(12)]
PARTS = sorted({HOME, *map(partition_of, ACCOUNTS)})


def partitions(*rules: Rule) -> Partitions:
    return Partitions(rules or (WANGIRI,), PARTS)


def levels(hits: Sequence[Hit]) -> list[tuple[str, str]]:
    return [(hit.account, hit.level.value) for hit in hits]


def again(calls: Sequence[Observation], what: What, later_ms: int = MINUTE_MS) -> list[Observation]:
    return [replace(call, what=what, at_ms=call.at_ms + later_ms) for call in calls]


def test_the_accounts_lie_apart() -> None:
    assert len(PARTS) > 10


@pytest.mark.parametrize("twice", [False, True])
def test_the_third_account_warns_and_from_the_fifth_on_each_is_blocked(*, twice: bool) -> None:
    calls = over(callers(7))
    hits = partitions().told(calls, twice=twice)
    assert (
        levels(hits)
        == levels(told(Watch([WANGIRI]), calls))
        == [
            ("A3", "warn"),
            ("A5", "block"),
            ("A6", "block"),
            ("A7", "block"),
        ]
    )
    assert [hit.value for hit in hits] == [3, 5, 5, 5], "of later blocks it is the number at the crossing"
    assert [hit.evidence[1:] for hit in hits] == [hit.evidence[1:] for hit in told(Watch([WANGIRI]), calls)]


def test_those_whose_call_goes_on_are_blocked_at_the_crossing_and_once_only() -> None:
    apart = partitions()
    apart.told(over(callers(1)) + callers(3, first=2))
    assert sorted(levels(apart.told(callers(1, first=5)))) == [(f"A{each}", "block") for each in (2, 3, 4, 5)]
    assert apart.told(again(callers(4, first=2), What.GOES_ON)) == []


def test_who_called_before_is_blocked_at_once_when_he_calls_again() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    (hit,) = apart.observe(seen("begins", MONDAY + HOUR_MS // 2, account="A1", call=("sw1", "again")))
    assert (hit.account, hit.level) == ("A1", Level.BLOCK), "without waiting for the home"


def test_who_calls_while_the_crossing_is_on_its_way_is_blocked_when_it_is_heard() -> None:
    apart = partitions()
    apart.told(over(callers(4)))
    for call in callers(2, first=5):
        assert apart.observe(call) == []
    assert sorted(levels(apart.settle())) == [("A5", "block"), ("A6", "block")]


def test_a_call_that_goes_on_longer_than_the_window_is_blocked_with_its_next_report() -> None:
    apart, early = partitions(), seen("begins", MONDAY - 2 * HOUR_MS, account="A9", call=("sw1", "early"))
    apart.told([early, *over(callers(5))])
    (hit,) = apart.observe(replace(early, what=What.GOES_ON, at_ms=MONDAY + 10 * MINUTE_MS))
    assert (hit.account, hit.level) == ("A9", Level.BLOCK)


def test_accounts_that_are_hardly_known_are_warned_of_and_not_blocked() -> None:
    of = replace(WANGIRI, where=replace(ABROAD, new_for_days=90))
    apart, alone = Partitions([of], range(PARTITIONS)), Watch([of])
    hits = apart.told(callers(6), twice=True)
    assert levels(hits) == levels(told(alone, callers(6))) == [("A3", "warn"), ("A5", "warn")]
    assert [hit.learning for hit in hits] == [False, True]


def test_the_warning_clears_for_the_account_that_it_was_about() -> None:
    apart = partitions()
    apart.told(callers(6))
    (cleared,) = apart.advance(MONDAY + 2 * HOUR_MS)
    assert (cleared.account, cleared.level, cleared.key, cleared.value) == ("A3", Level.CLEARED, NUMBER, 2)


def test_a_second_wave_blocks_again_and_a_late_word_of_the_first_does_nothing() -> None:
    apart = partitions()
    apart.told(over(callers(6)))
    first = [each.word for each in apart.said if isinstance(each.word, CrowdStands)]
    apart.advance(MONDAY + 3 * HOUR_MS)
    assert any(isinstance(each.word, CrowdFalls) for each in apart.said)
    for part in PARTS:
        assert apart.hear(part, first[0]) == [], "it has fallen since"
    later = [replace(each, at_ms=each.at_ms + 4 * HOUR_MS, call=("sw1", f"d{each.account}")) for each in callers(5)]
    assert levels(apart.told(over(later))) == [("A3", "warn"), ("A5", "block")]
    fell = next(each.word for each in apart.said if isinstance(each.word, CrowdFalls))
    assert apart.hear(partition_of("A1"), fell) == []
    (hit,) = apart.observe(seen("begins", MONDAY + 5 * HOUR_MS, account="A1", call=("sw1", "third")))
    assert (hit.account, hit.level) == ("A1", Level.BLOCK), "the fall of the first is older than the second"


def test_a_home_that_dies_in_the_middle_has_lost_nothing() -> None:
    apart = partitions()
    hits: list[Hit] = []
    for call in over(callers(7)):
        hits += apart.told([call])
        apart.restart(HOME)
    assert levels(hits) == levels(told(Watch([WANGIRI]), over(callers(7))))
    assert spoken(apart.advance(MONDAY + DAY_MS)) == [("A3", "cleared", 2)]


def test_whoever_takes_up_a_partition_knows_which_marks_stand() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    apart.restart(partition_of("A9"))
    (hit,) = apart.observe(seen("begins", MONDAY + 10 * MINUTE_MS, account="A9"))
    assert (hit.account, hit.level) == ("A9", Level.BLOCK)


def test_a_crowd_that_holds_nothing_any_more_is_gone_everywhere() -> None:
    apart = partitions()
    apart.told(over(callers(2)))
    assert {kind for _, kind, _ in apart.kept} == {CROWD}
    apart.advance(MONDAY + DAY_MS)
    assert [row.row for row in apart.kept.values()] == [None]


def test_a_rule_that_is_gone_stands_nowhere_and_clears_its_warning() -> None:
    apart = partitions()
    apart.told(over(callers(6)))
    hits = apart.swap([], MONDAY + 20 * MINUTE_MS)
    assert levels(hits) == [("A3", "cleared")]
    apart.settle()
    apart.swap([WANGIRI], MONDAY + 21 * MINUTE_MS)
    assert apart.observe(seen("begins", MONDAY + 22 * MINUTE_MS, account="A9")) == []


def test_a_rule_that_acts_from_now_on_needs_no_further_call() -> None:
    shadow = replace(WANGIRI, mode=RuleMode.SHADOW)
    apart = Partitions([shadow], PARTS)
    assert [hit.rule.mode for hit in apart.told(callers(5)) if hit.level is Level.BLOCK] == [RuleMode.SHADOW] * 5
    hits = apart.swap([WANGIRI], MONDAY + 20 * MINUTE_MS)
    hits += apart.settle()
    assert sorted(hit.account for hit in hits if hit.level is Level.BLOCK) == [f"A{each}" for each in range(1, 6)]
    assert {hit.rule.mode for hit in hits if hit.level is Level.BLOCK} == {RuleMode.ENFORCE}


def test_a_partition_that_takes_up_new_rules_late_knows_what_stands_by_them() -> None:
    late = partition_of("A9")
    apart = Partitions([], PARTS)
    apart.swap([WANGIRI], MONDAY, [part for part in PARTS if part != late])
    apart.told([call for call in over(callers(5)) if partition_of(call.account) != late])
    assert apart.unknown == 1
    apart.swap([WANGIRI], MONDAY + 9 * MINUTE_MS, [late])
    (hit,) = apart.observe(seen("begins", MONDAY + 10 * MINUTE_MS, account="A9"))
    assert (hit.account, hit.level) == ("A9", Level.BLOCK)


def test_other_rules_over_a_restart_leave_no_mark_behind() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    other = replace(WANGIRI, where=replace(ABROAD, rate_from_micros=1))
    apart.rules = [other]
    for part in PARTS:
        apart.restart(part)
    assert apart.observe(seen("begins", MONDAY + 10 * MINUTE_MS, account="A9")) == [], "what it counts is another thing"
    apart.settle()
    standing = [row.row for (_, kind, _), row in apart.kept.items() if kind == STANDING]
    assert not any(getattr(row, "stands", False) for row in standing)


def test_a_word_about_a_counter_that_is_not_known_is_passed_over() -> None:
    apart = partitions()
    assert apart.hear(HOME, Sighting(counter="other", key="1", account="A1", at_ms=MONDAY)) == []
    assert apart.unknown == 1


def test_crowds_of_a_partition_are_bounded_and_a_mark_that_is_forgotten_stands_nowhere() -> None:
    one = replace(WANGIRI, warn=None, block=1)
    apart = Partitions([one], [HOME])
    for number in range(MOST_OF_A_PARTITION + 1):
        at_ms = MONDAY + number
        apart.hear(HOME, Sighting(counter=COUNTER, key=f"{number}", account="A1", at_ms=at_ms))
    fallen = [each.word for each in apart.said if isinstance(each.word, CrowdFalls)]
    assert len(fallen) == MOST_OF_A_PARTITION // 4


def test_what_a_daemon_has_counted_goes_on_in_partitions() -> None:
    alone = Watch([WANGIRI])
    told(alone, over(callers(5)))
    apart = partitions()
    (kept,) = kept_across(alone)
    rows = kept.row
    assert isinstance(rows, tuple)
    for part, row in dealt([each for each in rows if isinstance(each, CrowdRow)]):
        if part in apart.watches:
            apart.watches[part].restore_across(row)
    (hit,) = apart.told([seen("begins", MONDAY + 10 * MINUTE_MS, account="A9")])
    assert (hit.account, hit.level, hit.value) == ("A9", Level.BLOCK, 6)
    assert spoken(apart.advance(MONDAY + 2 * HOUR_MS)) == [("A3", "cleared", 2)]


def test_the_rows_of_a_single_daemon_are_not_taken_up_by_a_partition() -> None:
    alone, (apart,) = Watch([WANGIRI]), Partitions([WANGIRI], [HOME]).watches.values()
    told(alone, over(callers(5)))
    for row in kept_across(alone):
        apart.restore_across(row)
    assert kept_across(apart) == []


def test_the_rule_counts_in_one_place_only() -> None:
    apart = partitions(rule("accounts", warn=2, block=None))
    apart.told(over(callers(2)))
    assert {part for part, kind, _ in apart.kept if kind == CROWD} == {HOME}


def ghost(since_ms: int) -> CrowdStands:
    """What a home has said that died before it was so."""
    return CrowdStands(
        rule="accounts",
        counter=COUNTER,
        key=NUMBER,
        since_ms=since_ms,
        at_ms=since_ms,
        until_ms=since_ms + HOUR_MS,
        value=5,
        estimated=False,
    )


def test_a_mark_that_was_said_and_never_was_hits_one_call_and_no_more() -> None:
    apart = partitions()
    for part in PARTS:
        apart.hear(part, ghost(MONDAY))
    (hit,) = apart.told([seen("begins", MONDAY + MINUTE_MS, account="A9")])
    assert (hit.account, hit.level) == ("A9", Level.BLOCK)
    assert apart.told([seen("begins", MONDAY + 2 * MINUTE_MS, account="A9", call=("sw1", "next"))]) == []
    assert levels(apart.told(callers(3))) == [("A2", "warn")], "with A9 they are three, then four"


def test_a_mark_of_which_nothing_more_is_heard_lapses_with_its_window() -> None:
    apart = partitions()
    for part in PARTS:
        apart.hear(part, ghost(MONDAY))
    assert apart.told([seen("begins", MONDAY + HOUR_MS, account="A9")]) == []


def test_a_mark_that_was_said_and_never_was_hides_no_other() -> None:
    apart = partitions()
    for part in PARTS:
        apart.hear(part, ghost(MONDAY + 20 * MINUTE_MS))
    expected = {(f"A{each}", "block") for each in range(1, 8)}
    assert {each for each in levels(apart.told(callers(7))) if each[1] == "block"} == expected
    apart.advance(MONDAY + 3 * HOUR_MS)
    assert apart.told([seen("begins", MONDAY + 4 * HOUR_MS, account="A9")]) == []


def test_a_fall_that_was_said_and_never_was_is_put_right_by_the_next_call() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    (since_ms,) = {each.word.since_ms for each in apart.said if isinstance(each.word, CrowdStands)}
    for part in PARTS:
        apart.hear(part, CrowdFalls(rule="accounts", key=NUMBER, since_ms=since_ms))
    call = seen("begins", MONDAY + 10 * MINUTE_MS, account="A9")
    assert apart.observe(call) == []
    (hit,) = apart.settle()
    assert (hit.account, hit.level) == ("A9", Level.BLOCK)
    (hit,) = apart.observe(replace(call, call=("sw1", "other"), account="A8", at_ms=call.at_ms + 1)) or apart.settle()
    assert (hit.account, hit.level) == ("A8", Level.BLOCK)


def test_a_mark_that_goes_on_standing_is_said_again_before_it_lapses() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    for late in range(1, 40):
        at_ms = MONDAY + late * 6 * MINUTE_MS
        again = [
            seen("begins", at_ms + each, account=f"A{each}", call=("sw1", f"{late} {each}")) for each in range(1, 8)
        ]
        apart.advance(at_ms)
        apart.told(over(again))
    (hit,) = apart.observe(seen("begins", MONDAY + 235 * MINUTE_MS, account="A9"))
    assert (hit.account, hit.level) == ("A9", Level.BLOCK), "at once, hours after the crossing"
    everyone = [each for each in apart.said if isinstance(each.word, CrowdStands) and each.to is None]
    assert 5 <= len(everyone) <= 10, "every half an hour"


def test_whoever_takes_up_a_home_says_again_only_what_may_soon_lapse() -> None:
    apart = partitions()
    apart.told(over(callers(5)))
    before = len(apart.said)
    apart.restart(HOME)
    apart.advance(MONDAY + 20 * MINUTE_MS)
    assert apart.said[before:] == []
    apart.restart(HOME)
    apart.advance(MONDAY + 45 * MINUTE_MS)
    assert {type(each.word) for each in apart.said[before:]} == {CrowdStands}
