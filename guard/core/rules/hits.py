"""A hit: a rule's mark was crossed on a key, said once, with what made it so.

A hit is not a decision. Whether it acts, is only recorded (`Rule.mode`), waits for an operator (the fuse) or is covered
by an allowance is for its reader to say; `text` is the sentence that goes with any of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guard.core.decisions import Evidence
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Rule
from guard.core.rules.sentences import call_in_words, key_in_words, number_in_words, sentence

_MOST_CALLS = 5
"""Calls named as evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A mark was crossed."""

    rule: Rule
    account: str
    key: str
    """What was counted: a number, a country; for `duration` the call; empty: the account."""
    shown_key: str
    """The same as others may see it: numbers are masked, and still differ from each other."""
    at_ms: int
    level: Level
    value: int
    threshold: int
    estimated: bool
    learning: bool
    """It would block if the account were better known."""
    evidence: tuple[Evidence, ...]
    text: str

    @property
    def mark(self) -> str:
        """The mark that this is about; what has cleared has the mark of its warning."""
        return "block" if self.level is Level.BLOCK else "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a rule stands on a key now."""

    rule: Rule
    key: str
    shown_key: str
    level: int
    """0 below its marks, 1 warned, 2 blocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What a hit is made of."""

    rule: Rule
    account: str
    key: str
    at_ms: int
    level: Level
    value: int
    estimated: bool = False
    learning: bool = False
    usual_micros: int | None = None
    calls: tuple[Observation, ...] = ()
    """Of those that count: the newest first."""


def hit_of(crossing: Crossing) -> Hit:
    """The hit, with its evidence and its sentence."""
    rule, level = crossing.rule, crossing.level
    threshold = rule.block if level is Level.BLOCK and rule.block is not None else rule.lowest
    return Hit(
        rule=rule,
        account=crossing.account,
        key=crossing.key,
        shown_key=key_in_words(rule, crossing.key),
        at_ms=crossing.at_ms,
        level=level,
        value=crossing.value,
        threshold=threshold,
        estimated=crossing.estimated,
        learning=crossing.learning,
        evidence=tuple(_evidence(crossing, threshold)),
        text=sentence(
            rule,
            value=crossing.value,
            threshold=threshold,
            key=crossing.key,
            level=level,
            last=crossing.calls[0] if crossing.calls else None,
            estimated=crossing.estimated,
            learning=crossing.learning,
        ),
    )


def hit_that_stands(standing: Standing, account: str, at_ms: int, text: str) -> Hit:
    """The block of a rule whose mark was crossed before and has not been left since; `text` says why it acts now."""
    rule = standing.rule
    threshold = rule.block or 0
    words = number_in_words(rule.unit, threshold)
    stands = Evidence(what=rule.measure.value, value=f"{words} reached, and not below 90 % since", threshold=words)
    return Hit(
        rule=rule,
        account=account,
        key=standing.key,
        shown_key=standing.shown_key,
        at_ms=at_ms,
        level=Level.BLOCK,
        value=0,
        threshold=threshold,
        estimated=False,
        learning=False,
        evidence=(stands,),
        text=text,
    )


def _evidence(crossing: Crossing, threshold: int) -> Iterable[Evidence]:
    rule = crossing.rule
    value = number_in_words(rule.unit, crossing.value)
    about = "about " if crossing.estimated else ""
    yield Evidence(what=rule.measure.value, value=about + value, threshold=number_in_words(rule.unit, threshold))
    if crossing.usual_micros is not None:
        yield Evidence(what="usual", value=number_in_words(None, crossing.usual_micros))
    told: set[str] = set()
    for call in crossing.calls:
        words = call_in_words(call)
        if words not in told and len(told) < _MOST_CALLS:
            told.add(words)
            yield Evidence(what="call", value=words)
