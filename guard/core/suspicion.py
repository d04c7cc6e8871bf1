"""Suspicion: which days of an account its profile must not learn yet, or ever (contract 2, Learning).

A profile asks 48 hours after a day is over (`guard.core.rules.profile`). The answer:

| then | the day |
|---|---|
| the account is blocked, for whatever cause | waits |
| a rule or an operator blocked it for that day, and nobody has released it since | waits |
| a rule has hit it on that day or since, or a mark of a rule stands | waits, at most 7 days |
| else | is learned |

A day that has waited for longer than these 7 days is dropped by the profile: what was fraud is never learned. Releasing
an account, or rejecting a held block, says that it was a false alarm: nothing is suspected any more, and days that
still wait are learned.

Time here is that of the events, so history is learned as it was at the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guard.core.rules.profile import Verdict
from guard.core.settings import DAY_MS

LEARNED_AFTER_MS = 2 * DAY_MS
MOST_DELAY_MS = 7 * DAY_MS
_ASKED_ABOUT_MS = LEARNED_AFTER_MS + MOST_DELAY_MS + DAY_MS
"""No day is asked about that was over for longer."""


class SuspicionRow(NamedTuple):
    """What is suspected of one account."""

    hit_ms: int = 0
    """When a rule last hit it."""
    blocked: tuple[tuple[int, int], ...] = ()
    """Spans for which a rule or an operator blocked it, each with what led to it."""


_NOTHING = SuspicionRow()


class Suspicions:
    """What is suspected of all accounts; of most of them nothing."""

    __slots__ = ("_changed", "_rows")

    def __init__(self) -> None:
        self._rows: dict[str, SuspicionRow] = {}
        self._changed: dict[str, None] = {}

    def hit(self, account: str, at_ms: int) -> None:
        """A rule has hit it."""
        row = self._rows.get(account, _NOTHING)
        self._put(account, row._replace(hit_ms=max(row.hit_ms, at_ms)))

    def blocked(self, account: str, from_ms: int, to_ms: int) -> None:
        """What happened in this span was blocked."""
        row = self._rows.get(account, _NOTHING)
        spans = [span for span in row.blocked if span[1] > to_ms - _ASKED_ABOUT_MS]
        if spans and spans[-1][0] <= from_ms <= spans[-1][1]:
            from_ms = spans.pop()[0]
        self._put(account, row._replace(blocked=(*spans, (from_ms, to_ms))))

    def cleared(self, account: str) -> None:
        """It was a false alarm."""
        if self._rows.pop(account, None) is not None:
            self._changed[account] = None

    def forget(self, account: str) -> None:
        """Nothing is known of it any more."""
        self._rows.pop(account, None)
        self._changed.pop(account, None)

    def verdict(self, account: str, start_ms: int, end_ms: int, at_ms: int, *, stands: bool) -> Verdict:
        """Whether a day may be learned at that time; `stands`: a mark of a rule does."""
        row = self._rows.get(account, _NOTHING)
        if any(begin_ms < end_ms and start_ms <= until_ms for begin_ms, until_ms in row.blocked):
            return Verdict.WAIT
        late = at_ms - end_ms >= LEARNED_AFTER_MS + MOST_DELAY_MS
        return Verdict.WAIT if (stands or row.hit_ms >= start_ms) and not late else Verdict.LEARN

    def _put(self, account: str, row: SuspicionRow) -> None:
        self._rows[account] = row
        self._changed[account] = None

    def take_changed(self) -> Iterator[tuple[str, SuspicionRow | None]]:
        """What is to be stored since the last time; None: nothing is suspected any more."""
        changed, self._changed = self._changed, {}
        return ((account, self._rows.get(account)) for account in changed)

    def restore(self, account: str, row: SuspicionRow) -> None:
        """Take up what was stored."""
        self._rows[account] = row
