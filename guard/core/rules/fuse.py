"""The fuse: a wrong rule must not cut off a city (contract 2).

It counts blocks by rule and model, never those for credit. More of them within its window than it lets through, and
the next ones are held for an operator: it is open. It closes by itself when a whole window has passed in which no such
block was asked for, or by hand. Time is that of the decisions, in any order.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from guard.core.settings import MINUTE_MS

DEFAULT_BLOCKS = 20
DEFAULT_WINDOW_MS = 10 * MINUTE_MS
_OF_ACCOUNTS = 500
"""0.2 % of the active accounts may be blocked within a window even if that is more."""


class FuseRow(NamedTuple):
    """What must survive of the fuse."""

    passed: tuple[int, ...]
    open_since_ms: int | None
    asked_ms: int


class Fuse:
    """Lets blocks pass or has them held."""

    __slots__ = ("_asked_ms", "_blocks", "_passed", "_window_ms", "open_since_ms")

    def __init__(self, blocks: int = DEFAULT_BLOCKS, window_ms: int = DEFAULT_WINDOW_MS) -> None:
        self._blocks = blocks
        self._window_ms = window_ms
        self._passed: deque[int] = deque()
        """Times of blocks let through within the window: never more than it lets through."""
        self._asked_ms = 0
        """When a block was last asked for."""
        self.open_since_ms: int | None = None

    @property
    def open(self) -> bool:
        """Whether blocks are held."""
        return self.open_since_ms is not None

    @property
    def closes_ms(self) -> int | None:
        """When it will close if nothing more is asked for; None: it is closed."""
        return None if self.open_since_ms is None else self._asked_ms + self._window_ms

    def refit(self, blocks: int, window_ms: int) -> None:
        """Let so many pass within another window; what it has counted and whether it is open stays."""
        self._blocks, self._window_ms = blocks, window_ms

    def admit(self, at_ms: int, active_accounts: int) -> bool:
        """A rule or the model wants to block: True to let it, False to hold it."""
        self.advance(at_ms)
        self._asked_ms = max(self._asked_ms, at_ms)
        if self.open_since_ms is not None:
            return False
        passed = self._passed
        while passed and passed[0] <= self._asked_ms - self._window_ms:
            passed.popleft()
        if len(passed) >= max(self._blocks, active_accounts // _OF_ACCOUNTS):
            self.open_since_ms = self._asked_ms
            return False
        passed.append(self._asked_ms)
        return True

    def heed(self, at_ms: int) -> None:
        """A block was asked for and held without it: so much longer it stays open."""
        self._asked_ms = max(self._asked_ms, at_ms)

    def advance(self, at_ms: int) -> bool:
        """Time has come so far: True if the fuse has closed by itself."""
        closes_ms = self.closes_ms
        if closes_ms is None or at_ms < closes_ms:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Closed, by hand or by itself: it counts anew."""
        self.open_since_ms = None
        self._passed.clear()

    def row(self) -> FuseRow:
        """What must survive of it."""
        return FuseRow(tuple(self._passed), self.open_since_ms, self._asked_ms)

    def restore(self, row: FuseRow) -> None:
        """Take it up where `row()` left it."""
        self._passed = deque(row.passed)
        self.open_since_ms, self._asked_ms = row.open_since_ms, row.asked_ms
