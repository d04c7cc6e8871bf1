"""Ground truth: what every account really spent at the simulated switch, and what was saved.

The switch writes here what a perfect meter would show. guard's ledger must agree to the micro. A
call's price grows evenly: `floor(rate x duration)`, in whole micros, so the moment at which an
account passes a value can be computed exactly afterwards (`breach_at_ms`): that is what guard's
own computed moment is judged by. What belongs to a case (a fraud, or a surprise that is none) is
also kept by case and account: when it began and ended, what it cost, and what blocks saved of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.core.money import Micros, floor_from_scaled


def charge_of(rate_micros: int, duration_ms: int) -> Micros:
    """Price of a call after a duration."""
    return floor_from_scaled(rate_micros * duration_ms)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which an account was charged at a rate."""

    answered_at_ms: int
    until_ms: int
    rate_micros: int

    def charge_at(self, at_ms: int) -> int:
        """What had been charged by then."""
        return charge_of(self.rate_micros, min(max(at_ms, self.answered_at_ms), self.until_ms) - self.answered_at_ms)


@dataclass(slots=True)
class AccountTruth:
    """One account as the switch's meter shows it."""

    posted_micros: int = 0
    """Sum of the calls that have ended."""
    calls: int = 0
    """Calls that have ended."""
    charges: dict[str, int] = field(default_factory=dict)
    """Charge by call, for watched accounts."""
    spans: list[Span] = field(default_factory=list)
    """Ended calls, for watched accounts."""
    refused: int = 0
    """Attempts refused because of a block."""
    ended_by_block: int = 0
    saved_micros: int = 0
    """What the calls that a block ended would still have cost."""


@dataclass(slots=True)
class CaseTruth:
    """What one case did at one account."""

    first_at_ms: int
    """Its first attempt."""
    last_at_ms: int
    """Its last attempt or the end of its last call."""
    attempts: int = 0
    calls: int = 0
    """Calls that have ended."""
    spent_micros: int = 0
    """What they cost."""
    refused: int = 0
    saved_micros: int = 0
    """What blocks saved of it: the rest of ended calls, and the whole of refused ones that would have been answered."""


class Truth:
    """All accounts; `watched` ones keep every call, the others only sums, so that a long run stays small."""

    def __init__(self, watched: Iterable[str] = ()) -> None:
        """Watch these accounts call by call."""
        self._watched = frozenset(watched)
        self._accounts: defaultdict[str, AccountTruth] = defaultdict(AccountTruth)
        self._cases: dict[tuple[str, str], CaseTruth] = {}

    def account(self, account: str) -> AccountTruth:
        """The truth about one account."""
        return self._accounts[account]

    def accounts(self) -> dict[str, AccountTruth]:
        """The truth about all accounts that have had a call."""
        return dict(self._accounts)

    def cases(self) -> dict[tuple[str, str], CaseTruth]:
        """The truth about every case at every account it has touched."""
        return dict(self._cases)

    def attempted(self, account: str, case: str, at_ms: int) -> None:
        """Somebody dialled who is part of a case."""
        entry = self._cases.setdefault((case, account), CaseTruth(at_ms, at_ms))
        entry.attempts += 1
        entry.last_at_ms = max(entry.last_at_ms, at_ms)

    def ended(self, account: str, call: str, span: Span, case: str = "") -> None:
        """A call is over."""
        entry = self._accounts[account]
        charge = span.charge_at(span.until_ms)
        entry.posted_micros += charge
        entry.calls += 1
        if case:
            part = self._cases[case, account]
            part.calls += 1
            part.spent_micros += charge
            part.last_at_ms = max(part.last_at_ms, span.until_ms)
        if account in self._watched:
            entry.charges[call] = charge
            entry.spans.append(span)

    def cut(self, account: str, saved_micros: int, case: str = "") -> None:
        """A block ended a call that would have cost so much more."""
        entry = self._accounts[account]
        entry.ended_by_block += 1
        entry.saved_micros += saved_micros
        if case:
            self._cases[case, account].saved_micros += saved_micros

    def refused(self, account: str, saved_micros: int = 0, case: str = "") -> None:
        """A block refused an attempt that would have cost so much."""
        self._accounts[account].refused += 1
        if case:
            part = self._cases[case, account]
            part.refused += 1
            part.saved_micros += saved_micros


def breach_at_ms(spans: Iterable[Span], *, owed_micros: int, limit_micros: int) -> int | None:
    """The first millisecond at which owed plus all charges reached the limit; None when they never did."""
    every = list(spans)
    if not every:
        return None
    low = min(span.answered_at_ms for span in every)
    high = max(span.until_ms for span in every)

    def value(at_ms: int) -> int:
        return owed_micros + sum(span.charge_at(at_ms) for span in every)

    if value(high) < limit_micros:
        return None
    # The value never falls, so halving finds the first moment.
    while low < high:
        middle = (low + high) // 2
        if value(middle) >= limit_micros:
            high = middle
        else:
            low = middle + 1
    return low
