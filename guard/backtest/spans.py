"""Labelled spans: what was lost in one until guard stopped what it is about.

*Loss* is what an account was charged inside a span that is labelled fraud, all its calls together. It counts as lost
before the block up to the first block that acted and stopped the fraud (a report at that very moment still counts as
before), else all of it does. A block stops only calls in its scope, and premium numbers at home are not what a thief
in Somalia calls. A label says whose and when, but not which calls. So what a span is about is told from the money:
numbers are told apart by which scopes cover them, and those on which the account spends most above what it spends on
such numbers at other times are what the fraud calls. Where no money moves, as inside a plan, any block will do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.backtest.inputs import Span
from guard.core.records import Scope

Reach = frozenset[Scope]
"""The scopes that cover a number."""
EVERY: Reach = frozenset(Scope)


@dataclass(slots=True)
class Elsewhere:
    """What an account spends outside of its labelled spans."""

    spent: Counter[Reach] = field(default_factory=Counter)
    first_ms: int = 0
    last_ms: int = 0

    def charged(self, at_ms: int, micros: int, reach: Reach) -> None:
        """It has spent so much more."""
        self.spent[reach] += micros
        self.first_ms, self.last_ms = self.first_ms or at_ms, max(self.last_ms, at_ms)

    def usual_micros(self, reach: Reach, span: Span) -> int:
        """What it would spend on such numbers in as long a time as the span; all of it if less is known."""
        lasts_ms = max(1, span.end_ms - span.start_ms)
        return self.spent[reach] * lasts_ms // max(lasts_ms, self.last_ms - self.first_ms)


@dataclass(slots=True)
class Stop:
    """The first block of one scope within a span, and what had been charged by then."""

    at_ms: int | None = None
    by: str = ""
    before_micros: int = 0

    def blocked(self, at_ms: int, by: str) -> None:
        """There was a block."""
        if self.at_ms is None:
            self.at_ms, self.by = at_ms, by

    def charged(self, at_ms: int, micros: int) -> None:
        """A call has cost so much more."""
        if self.at_ms is None or at_ms <= self.at_ms:
            self.before_micros += micros


def _stops() -> dict[Scope, Stop]:
    return {scope: Stop() for scope in Scope}


@dataclass(slots=True)
class SpanTally:
    """One labelled span."""

    span: Span
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    """Of its account."""
    charged_micros: int = 0
    prevented_micros: int = 0
    blocks: int = 0
    warned: bool = False
    """A rule has said something within it, if only a warning."""
    rules: set[str] = field(default_factory=set)
    """Rules that would have blocked within it."""
    acted: dict[Scope, Stop] = field(default_factory=_stops)
    """Blocks that acted."""
    decided: dict[Scope, Stop] = field(default_factory=_stops)
    """Blocks of any mode."""
    _spent: Counter[Reach] = field(default_factory=Counter)
    """Charged or prevented."""

    def holds(self, at_ms: int, grace_ms: int = 0) -> bool:
        """Whether a moment belongs to it."""
        return self.span.start_ms <= at_ms <= self.span.end_ms + grace_ms

    def charged(self, at_ms: int, micros: int, reach: Reach) -> None:
        """A call has cost so much more."""
        self.charged_micros += micros
        self._spent[reach] += micros
        for stops in (self.acted, self.decided):
            for stop in stops.values():
                stop.charged(at_ms, micros)

    def prevented(self, micros: int, reach: Reach) -> None:
        """A block has saved so much more."""
        self.prevented_micros += micros
        self._spent[reach] += micros

    def blocked(self, at_ms: int, scope: Scope, by: str, *, acts: bool) -> None:
        """There was a block, if only one that is recorded."""
        self.decided[scope].blocked(at_ms, by)
        if acts:
            self.acted[scope].blocked(at_ms, by)

    @property
    def aim(self) -> Reach:
        """Which scopes cover what the fraud calls."""
        above = {reach: spent - self.elsewhere.usual_micros(reach, self.span) for reach, spent in self._spent.items()}
        return max(above, key=lambda reach: (above[reach], len(reach), sorted(map(str, reach))), default=EVERY)

    def _stopped(self, stops: dict[Scope, Stop]) -> Stop:
        """The first block that stopped it; one that never came if none did."""
        aim = self.aim
        found = [stop for scope, stop in stops.items() if scope in aim and stop.at_ms is not None]
        return min(found, key=lambda stop: stop.at_ms or 0, default=Stop(before_micros=self.charged_micros))

    @property
    def blocked_ms(self) -> int | None:
        """When it was stopped."""
        return self._stopped(self.acted).at_ms

    @property
    def blocked_by(self) -> str:
        """By what."""
        return self._stopped(self.acted).by

    @property
    def would_block_ms(self) -> int | None:
        """When it would have been, if rules in shadow acted."""
        return self._stopped(self.decided).at_ms

    @property
    def before_micros(self) -> int:
        """Lost before."""
        return self._stopped(self.acted).before_micros

    @property
    def before_would_micros(self) -> int:
        """Lost before, if rules in shadow acted."""
        return self._stopped(self.decided).before_micros

    @property
    def after_micros(self) -> int:
        """Lost after."""
        return self.charged_micros - self.before_micros


def incidents(entries: Iterable[SpanTally]) -> list[list[SpanTally]]:
    """Spans by what happened: those of a wave over many accounts are one, where cases say so."""
    found: dict[object, list[SpanTally]] = {}
    for entry in entries:
        found.setdefault(entry.span.case or entry.span, []).append(entry)
    return list(found.values())
