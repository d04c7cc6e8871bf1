"""The recount of an account under plans: its calls, line by line in the order in which they were posted, to the micro.

What a call comes to under a plan depends on the calls that were posted before it, so the auditor goes through the
ledger in its order and uses up quota and tiers itself. Three things cannot be seen from outside, and each leaves a
choice of few: which version of the files was in force, whether billing's word about the plan had come by then, and
whether a call that was given up had come back by then (it gives back what it had used). The recount follows every
choice that explains each line so far; when none is left, the line is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.simulation.billing import Terms
from tests.simulation.calls import Call
from tests.simulation.plans import Comes, comes_to
from tests.simulation.prices import Prices

NO_PLACE = (0, "")


class Line(NamedTuple):
    """A ledger line of a call."""

    call: Call
    kind: str
    amount_micros: int
    gross_micros: int
    billed_s: int
    covered_s: int
    duration_ms: int
    at_ms: int
    named: bool
    """It says where the call went."""
    terms: int
    """So many of billing's words about the plan had come for sure."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a call has been posted at so far, and what it has used of a plan."""

    net_micros: int = 0
    gross_micros: int = 0
    billed_s: int = 0
    covered_s: int = 0
    shown_covered_s: int = 0
    counted: Fraction = Fraction(0)
    place: tuple[int, str] = NO_PLACE
    """Beginning of the cycle and plan."""
    lost: bool = False

    @property
    def returns(self) -> bool:
        """It may come back, and would give something back."""
        return self.lost and bool(self.covered_s or self.counted)


Use = dict[tuple[int, str], tuple[int, Fraction]]


@dataclass(frozen=True, slots=True)
class State:
    """One choice that explains all lines so far."""

    terms: int
    use: Use
    took: dict[str, Took]

    def give_back(self, call: str) -> State:
        """The call is up again."""
        took = self.took[call]
        used_s, position = self.use[took.place]
        use = self.use | {took.place: (used_s - took.covered_s, position - took.counted)}
        return State(self.terms, use, self.took | {call: replace(took, covered_s=0, counted=Fraction(0))})


class Recount:
    """Of one account."""

    def __init__(self, terms: list[Terms], prices: tuple[Prices, ...]) -> None:
        """`terms` are billing's words about the plan in their order, the first of them that there is none."""
        self._terms = terms
        self._prices = prices
        self._states = [State(0, {}, {})]

    def take(self, line: Line) -> bool:
        """Go on by a line; False: nothing explains it."""
        after = [
            new for state in self._states for before in self._before(state, line) for new in self._posted(before, line)
        ]
        self._states = _distinct(after)
        return bool(after)

    def _before(self, state: State, line: Line) -> Iterator[State]:
        """What may have happened since the line before."""
        mine = state.took.get(line.call.id)
        if mine is not None and mine.returns:
            state = state.give_back(line.call.id)
        away = [call for call, took in state.took.items() if took.returns]
        for terms in range(max(state.terms, line.terms), len(self._terms)):
            for count in range(len(away) + 1):
                for back in combinations(away, count):
                    new = State(terms, state.use, state.took)
                    for call in back:
                        new = new.give_back(call)
                    yield new

    def _posted(self, state: State, line: Line) -> Iterator[State]:
        """The states after the line: of each version of the files that explains it."""
        terms, before = self._terms[state.terms], state.took.get(line.call.id, Took())
        cycle_ms = cycle_start_ms(line.at_ms, terms.timezone)
        digits = line.call.to.removeprefix("+") if line.named else ""
        for prices in self._prices:
            row = prices.row(digits)
            gross, billed_s = row.price(line.duration_ms), row.billed_s(line.duration_ms)
            plan = prices.plan(terms.plan) if digits else None
            place = NO_PLACE if plan is None else (cycle_ms, plan.id)
            used_s, position = state.use.get(place, (0, Fraction(0)))
            comes = Comes(gross, 0, Fraction(0))
            if plan is not None and plan.covers(row.kind):
                comes = comes_to(
                    plan,
                    row.kind,
                    used_s,
                    position,
                    rate_micros=row.rate_micros,
                    connect_micros=row.connect_micros,
                    billed_s=billed_s,
                )
            expected = (
                comes.net_micros - before.net_micros,
                gross - before.gross_micros,
                billed_s - before.billed_s,
                comes.covered_s - before.shown_covered_s,
            )
            if expected == (line.amount_micros, line.gross_micros, line.billed_s, line.covered_s):
                took = Took(
                    net_micros=comes.net_micros,
                    gross_micros=gross,
                    billed_s=billed_s,
                    covered_s=comes.covered_s,
                    shown_covered_s=comes.covered_s,
                    counted=comes.counted,
                    place=place,
                    lost=line.kind == "lost",
                )
                use = state.use | {place: (used_s + comes.covered_s, position + comes.counted)}
                yield State(state.terms, use, state.took | {line.call.id: took})


def cycle_start_ms(at_ms: int, timezone: str) -> int:
    """The 1st 00:00 before a moment, in a time zone."""
    zone = ZoneInfo(timezone or "UTC")
    there = datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(zone)
    return int(datetime(there.year, there.month, 1, tzinfo=zone).timestamp() * 1_000)


def _distinct(states: list[State]) -> list[State]:
    """Each once: several choices may come to the same."""
    known: dict[tuple[object, ...], State] = {}
    for state in states:
        known[state.terms, frozenset(state.use.items()), frozenset(state.took.items())] = state
    return list(known.values())
