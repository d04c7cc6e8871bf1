"""Activity: how many accounts are in use, which is what the fuse measures itself by (contract 2).

An account is active if a report about it was accepted in this half of the day or in the one before (noon and midnight
UTC), so within the last 12 to 24 hours: an operator may know a million accounts of which a tenth calls, and a wrong
rule that cuts off the tenth has cut off everybody. Two sets of names and a count, whatever comes: no scan, nothing to
expire.

After a restart those count whose rules' state says that they were heard of yesterday or today.
"""

from __future__ import annotations

from collections.abc import Iterable

from guard.core.decisions import KeptRow
from guard.core.rules.rows import SubjectRow
from guard.core.settings import DAY_MS

HALF_DAY_MS = DAY_MS // 2


class Activity:
    """Counts active accounts."""

    __slots__ = ("_before", "_heard", "_until_ms", "count")

    def __init__(self) -> None:
        self._before: frozenset[str] | set[str] = frozenset()
        self._heard: set[str] = set()
        self._until_ms = 0
        """The end of the half day in which `_heard` was heard."""
        self.count = 0
        """Active accounts."""

    def note(self, account: str, now_ms: int) -> None:
        """A report about the account was accepted."""
        if now_ms >= self._until_ms:
            self._turn(now_ms)
        if account not in self._heard:
            self._heard.add(account)
            self.count += account not in self._before

    def restore(self, kept: Iterable[KeptRow], now_ms: int) -> None:
        """Begin with those that were heard of shortly before the restart."""
        yesterday = now_ms // DAY_MS - 1
        for row in kept:
            if isinstance(row.row, SubjectRow) and row.row.profile.today >= yesterday:
                self.note(row.key, now_ms)

    def _turn(self, now_ms: int) -> None:
        """A half day is over; after a longer silence nobody is active."""
        self._before = self._heard if now_ms < self._until_ms + HALF_DAY_MS else frozenset()
        self._heard = set()
        self.count = len(self._before)
        self._until_ms = (now_ms // HALF_DAY_MS + 1) * HALF_DAY_MS
