"""Every measure against a naive recount of everything that happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.rules.observation import CallKey, Observation, What
from guard.core.rules.rule import Per, Rule, Where
from guard.core.rules.watch import Watch
from guard.core.settings import HOUR_MS, MINUTE_MS
from guard.core.tariff import CallClass
from tests.core.rules import naive
from tests.core.rules.builders import ABROAD, rule
from tests.core.rules.draws import disordered, histories

DEAR = Where(kinds=frozenset({CallClass.INTERNATIONAL}), rate_from_micros=1_000_000)
FEW = {"warn": 2, "block": 4}
WINDOWED = (
    rule("attempts", **FEW),
    rule("failed", warn=1, block=3, per=Per.COUNTRY),
    rule("calls", **FEW, per=Per.NUMBER, window_ms=15 * MINUTE_MS),
    rule("calls", id="calls-here", **FEW, where=Where(countries=frozenset({"CA"}), not_countries=frozenset({"SO"}))),
    rule("minutes", **FEW, per=Per.CLASS),
    rule("gross", warn=3_000_000, block=8_000_000, per=Per.NUMBER, where=ABROAD),
    rule("gross", id="gross-often", warn=3_000_000, block=8_000_000, where=DEAR, min_calls=3),
    rule("gross", id="gross-many", warn=3_000_000, block=8_000_000, per=Per.RANGE, min_numbers=2),
    rule("minutes", id="minutes-many", **FEW, where=Where(not_prefixes=("1416", "252")), min_numbers=2),
    rule("net", warn=3_000_000, block=8_000_000, window_ms=5 * MINUTE_MS, where=Where(prefixes=("252", "1900"))),
    rule("numbers", **FEW),
    rule("variants", **FEW),
    rule("short_share", warn=300_000, block=600_000, min_calls=3),
    rule("new_countries", **FEW),
    rule("new_prefixes", **FEW, per=Per.SOURCE),
)
PRESENT = (
    rule("concurrent", **FEW),
    rule("concurrent", id="concurrent-abroad", **FEW, per=Per.COUNTRY, where=ABROAD),
    rule("in_flight", warn=3_000_000, block=8_000_000),
    rule("rate", warn=4_000_000, block=9_000_000, per=Per.PREFIX),
    rule("rate", id="rate-at-once", warn=4_000_000, block=9_000_000, min_calls=2),
    rule("concurrent", id="concurrent-range", **FEW, per=Per.RANGE),
)


def crossed(watch: Watch, observations: list[Observation], rule_id: str) -> list[tuple[int, str, str, int]]:
    return [
        (at, hit.key, hit.level.value, hit.value)
        for at, each in enumerate(observations)
        for hit in watch.observe(each)
        if hit.rule.id == rule_id
    ]


def at_once(of: Rule) -> Rule:
    """The same rule, but an account that is not known yet may be blocked."""
    return replace(of, min_rate_micros=0)


@pytest.mark.parametrize("of", WINDOWED, ids=lambda each: each.id)
@settings(max_examples=30)
@given(observations=histories())
def test_a_rule_over_a_window_says_what_a_recount_says(of: Rule, observations: list[Observation]) -> None:
    assert crossed(Watch([at_once(of)]), observations, of.id) == naive.crossings(of, observations)


@settings(max_examples=60)
@given(observations=histories())
def test_rules_that_share_counters_say_what_each_says_alone(observations: list[Observation]) -> None:
    together = [
        (at, hit.rule.id, hit.key, hit.level, hit.value)
        for watch in [Watch(map(at_once, WINDOWED + PRESENT))]
        for at, each in enumerate(observations)
        for hit in watch.observe(each)
    ]
    alone = [
        (at, hit.rule.id, hit.key, hit.level, hit.value)
        for of in WINDOWED + PRESENT
        for watch in [Watch([at_once(of)])]
        for at, each in enumerate(observations)
        for hit in watch.observe(each)
    ]
    assert sorted(together, key=repr) == sorted(alone, key=repr)


@pytest.mark.parametrize("of", WINDOWED, ids=lambda each: each.id)
@settings(max_examples=15)
@given(observations=disordered())
def test_late_reports_count_in_their_own_time(of: Rule, observations: list[Observation]) -> None:
    """Whatever the order of arrival, what a window holds in the end is what happened within it."""
    watch = Watch([of])
    for each in observations:
        watch.observe(each)
    until_ms = max(each.at_ms for each in observations)
    (counter,) = watch._compiled.counters.values()
    subject = watch._subjects["A1"]
    for (_, key), tally in subject.tallies.items():
        tally.advance(until_ms // counter.width_ms)
        assert counter.readings[0].read(tally, subject.profile, 0) == naive.value(of, key, observations, until_ms)


@pytest.mark.parametrize("of", PRESENT, ids=lambda each: each.id)
@settings(max_examples=60)
@given(observations=histories())
def test_a_rule_of_the_present_looks_at_the_calls_that_are_up(of: Rule, observations: list[Observation]) -> None:
    watch = Watch([of])
    stands: dict[str, int] = {}
    for at, each in enumerate(observations):
        for hit in watch.observe(each):
            stands[hit.key] = hit.value
            assert hit.value == naive.present(of, hit.key, observations[: at + 1])
        if each.what is not What.FAILED and naive.looks_at(of, each):
            key = naive.key_of(of, each)
            now = naive.present(of, key, observations[: at + 1])
            level = next((each.level for each in watch.standing("A1") if each.key == key), 0)
            assert level == 2 if now >= (of.block or 0) else level <= 2
            assert level >= 1 if now >= of.lowest else now * 10 >= of.lowest * 9 or level == 0


@settings(max_examples=40)
@given(observations=histories(60), cut=st.floats(0, 1))
def test_a_restart_in_the_middle_changes_nothing(observations: list[Observation], cut: float) -> None:
    rules = [at_once(each) for each in (*WINDOWED, *PRESENT, rule("duration", warn=60_000, block=120_000))]

    def play(*, restarts: bool) -> list[object]:
        watch, said = Watch(rules), list[object]()
        for at, each in enumerate(observations):
            if restarts and at == int(cut * len(observations)) and (row := watch.row("A1")) is not None:
                watch = Watch(rules)
                watch.restore(row)
            said.append(watch.advance(each.at_ms))
            said.append(watch.observe(each))
        said.append(watch.advance(observations[-1].at_ms + 2 * HOUR_MS))
        return said

    assert play(restarts=True) == play(restarts=False)


def in_one_record(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The same, a call's ticks and its end told by one record that is brought up to date, as the intake does."""
    records: dict[CallKey, Observation] = {}
    for each in observations:
        record = records.get(each.call)
        if record is None or each.what not in {What.GOES_ON, What.ENDS}:
            told = replace(each)
            if each.what is What.GOES_ON:
                records[each.call] = told
            yield told
            continue
        for changed in ("what", "at_ms", "rate_micros", "gross_micros", "net_micros", "spoken_ms", "duration_ms"):
            setattr(record, changed, getattr(each, changed))
        yield record


@settings(max_examples=60)
@given(observations=histories(60))
def test_a_record_that_is_brought_up_to_date_says_what_a_new_one_says(observations: list[Observation]) -> None:
    at_night = Where(hours=(0, 60), days=frozenset({0}))
    rules = [
        *map(at_once, WINDOWED + PRESENT),
        rule("gross", id="gross-at-night", warn=3_000_000, block=8_000_000, where=at_night),
        rule("accounts", warn=1, block=2),
        rule("duration", warn=60_000, block=120_000),
        rule("drift", warn=2_000_000, block=5_000_000, floor_micros=1_000_000),
        rule("growth", warn=2_000_000, block=5_000_000, floor_micros=1_000_000),
    ]
    afresh, again = Watch(rules), Watch(rules)
    for each, record in zip(observations, in_one_record(observations), strict=True):
        assert again.advance(each.at_ms) == afresh.advance(each.at_ms)
        assert again.observe(record) == afresh.observe(each)
    assert again.row("A1") == afresh.row("A1")
