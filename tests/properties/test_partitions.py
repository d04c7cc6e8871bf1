"""Any calls through one watch, and through those of all partitions: the same warnings and blocks.

With words heard at once, each twice, it is the same hit by hit. With words that wait in line while further calls begin
it is the same accounts that are blocked; whom a warning names may differ, because home sees another order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import hypothesis.strategies as st
from hypothesis import given, settings

from guard.core.partitions import partition_of
from guard.core.rules.across import home_of
from guard.core.rules.hits import Hit
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Per, RuleMode, Where
from guard.core.rules.watch import Watch
from guard.core.settings import MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, rule, seen
from tests.core.rules.partitions import Partitions

NUMBERS = ("252612345678", "252612345679", "252699999999")
RULES = (
    rule("accounts", window_ms=3 * MINUTE_MS, warn=2, block=3),
    rule("accounts", id="dear", window_ms=MINUTE_MS, warn=None, block=2, where=replace(ABROAD, rate_from_micros=2)),
    rule("accounts", id="range", window_ms=5 * MINUTE_MS, per=Per.COUNTRY, warn=4, block=None, mode=RuleMode.SHADOW),
    rule("accounts", id="news", window_ms=5 * MINUTE_MS, warn=3, block=4, where=Where(new_for_days=90)),
)
ACCOUNTS = tuple(f"account {each}" for each in range(9))
KEYS = (*NUMBERS, "SO")
HOMES = (home_of(counter, key) for counter in Compiled(RULES).counters for key in KEYS)
PARTS = sorted({*map(partition_of, ACCOUNTS), *HOMES})


@dataclass(frozen=True, slots=True)
class Step:
    """What an account does, so long after the step before, and how many words are heard then."""

    after_ms: int
    account: str
    number: str
    what: What
    rate_micros: int
    words: int


steps = st.builds(
    Step,
    after_ms=st.sampled_from([0, 0, 1, 5, 4_000, 20_000, 70_000, 400_000]),
    account=st.sampled_from(ACCOUNTS),
    number=st.sampled_from(NUMBERS),
    what=st.sampled_from([What.BEGINS, What.BEGINS, What.BEGINS, What.GOES_ON, What.ENDS]),
    rate_micros=st.sampled_from([1, 3]),
    words=st.integers(0, 3),
)


class Calls:
    """Steps made into reports."""

    def __init__(self) -> None:
        self.at_ms = MONDAY
        self.up: dict[str, list[Observation]] = {}
        self._count = 0

    def next(self, step: Step) -> Observation | None:
        self.at_ms += step.after_ms
        up = self.up.setdefault(step.account, [])
        if step.what is What.BEGINS:
            self._count += 1
            call = seen(
                at_ms=self.at_ms,
                account=step.account,
                number=step.number,
                call=("sw1", f"c{self._count}"),
                rate_micros=step.rate_micros,
            )
            up.append(call)
            return call
        if not up:
            return None
        call = up.pop(0)
        if step.what is What.GOES_ON:
            up.append(call)
        return replace(call, at_ms=self.at_ms, what=step.what)


def brief(hits: list[Hit]) -> list[tuple[int, str, str, str, str]]:
    return sorted((hit.at_ms, hit.account, hit.rule.id, hit.key, hit.level.value) for hit in hits)


def blocked(hits: list[Hit]) -> set[tuple[str, str, str]]:
    return {(hit.account, hit.rule.id, hit.key) for hit in hits if hit.level is Level.BLOCK}


@settings(deadline=None, max_examples=150)
@given(made=st.lists(steps, max_size=40))
def test_what_is_heard_at_once_and_twice_leads_to_the_same_hits(made: list[Step]) -> None:
    alone, apart, calls = Watch(RULES), Partitions(RULES, PARTS), Calls()
    for step in made:
        each = calls.next(step)
        assert brief(apart.advance(calls.at_ms)) == brief(alone.advance(calls.at_ms))
        if each is not None:
            # A watch may keep what it is given.
            assert brief(apart.told([replace(each)], twice=True)) == brief(alone.observe(each))
    end_ms = calls.at_ms + 20 * MINUTE_MS
    assert brief(apart.advance(end_ms)) == brief(alone.advance(end_ms))


@settings(deadline=None, max_examples=150)
@given(made=st.lists(steps, max_size=40), order=st.randoms(use_true_random=False))
def test_what_waits_in_line_blocks_the_same_accounts(made: list[Step], order: Random) -> None:
    alone, apart, calls = Watch(RULES), Partitions(RULES, PARTS), Calls()
    of_alone: list[Hit] = []
    of_apart: list[Hit] = []
    for step in made:
        if step.after_ms > 1 or step.what is What.ENDS:
            # Words take some milliseconds: less than a call.
            of_apart += apart.settle()
        each = calls.next(step)
        of_alone += alone.advance(calls.at_ms)
        if step.after_ms > 1:
            of_apart += apart.advance(calls.at_ms)
        if each is not None:
            of_apart += apart.observe(replace(each))
            of_alone += alone.observe(each)
        for _ in range(step.words):
            if apart.lines:
                of_apart += apart.pass_on(order.choice(sorted(apart.lines)), twice=order.random() < 0.5)
    assert blocked(of_apart + apart.settle()) == blocked(of_alone)
