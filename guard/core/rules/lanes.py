"""Lanes: a rule set, laid out by what concerns calls of one direction and class.

A report looks at nothing but its lane: a tick of a domestic call walks past every rule that counts calls, or calls
abroad. Counters that say the same of a call as long as it and the quarter of an hour are the same are *steady*: they
are asked once, and what they said is kept with the call (`guard.core.rules.routes`). The others are *fickle*.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import groupby

from guard.core.records import Direction
from guard.core.rules.counters import Counter, PresentCounter, Step, basis_of
from guard.core.rules.observation import What
from guard.core.rules.rule import PRESENT, Measure, Rule, RuleMode
from guard.core.tariff import CallClass

Steps = tuple[tuple[Step, ...], ...]
"""By kind of event."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What concerns calls of one direction and class."""

    direction: Direction
    kind: CallClass
    attempts: tuple[Step, ...]
    """What an attempt that was not answered does."""
    steady: tuple[Counter, ...]
    """The account's own: those that go on saying the same of a call."""
    fickle: Steps
    """What a call does to the others."""
    across: Steps
    """The same, for counters across accounts."""
    present: tuple[PresentCounter, ...]
    durations: tuple[PresentCounter, ...]
    drifts: tuple[PresentCounter, ...]


class Compiled:
    """A rule set, ready to count. Rules that are off are not in it."""

    __slots__ = ("counters", "drifts", "lanes", "present", "present_name", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules if rule.mode is not RuleMode.OFF}
        windowed, present, durations, drifts = [], [], [], []
        for group in _groups(self.rules.values()):
            match group[0].measure:
                case Measure.DURATION:
                    durations.append(PresentCounter(group))
                case Measure.DRIFT:
                    drifts.append(PresentCounter(group))
                case measure if measure in PRESENT:
                    present.append(PresentCounter(group))
                case _:
                    windowed.append(Counter(group))
        self.counters = {counter.name: counter for counter in windowed}
        self.present = {counter.name: counter for counter in present}
        self.drifts = tuple(drifts)
        self.present_name = blake2b(repr(sorted(self.present)).encode(), digest_size=6).hexdigest()
        """Names all its counters of the present: calls that are up keep their places exactly if it is the same."""
        self.lanes: dict[tuple[Direction, CallClass], Lane] = {}
        for direction in Direction:
            for kind in CallClass:
                counters = [each for each in windowed if _concerns(each, direction, kind)]
                own = [each for each in counters if not each.across]
                self.lanes[direction, kind] = Lane(
                    direction,
                    kind,
                    attempts=_steps(own, What.FAILED),
                    steady=tuple(each for each in own if not each.fickle),
                    fickle=tuple(_steps([each for each in own if each.fickle], what) for what in What),
                    across=tuple(_steps([each for each in counters if each.across], what) for what in What),
                    present=tuple(each for each in present if _concerns(each, direction, kind)),
                    durations=tuple(each for each in durations if _concerns(each, direction, kind)),
                    drifts=tuple(each for each in drifts if _concerns(each, direction, kind)),
                )


@lru_cache(maxsize=8)
def compiled(rules: tuple[Rule, ...]) -> Compiled:
    """The same for the same rules: nobody changes it, so all partitions of a worker share one."""
    return Compiled(rules)


def _steps(counters: Iterable[Counter], what: What) -> tuple[Step, ...]:
    return tuple(step for each in counters if (step := each.steps[what]) is not None)


def _concerns(counter: Counter | PresentCounter, direction: Direction, kind: CallClass) -> bool:
    return direction in counter.directions and (not counter.kinds or kind in counter.kinds)


def _groups(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Rules that look at the same calls, by the same key, over the same window."""
    in_order = sorted(rules, key=lambda rule: (basis_of(rule), rule.id))
    return [list(group) for _, group in groupby(in_order, key=basis_of)]
