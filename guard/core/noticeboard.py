"""What on-call has been told of once: neither a misconfigured switch nor a hostile one may flood the night.

A notice about one thing of an account is told once (`about`, beside its kind and the account). Of one kind and switch
there are at most `MOST_AN_HOUR`: somebody who has been told a hundred times knows, and what comes after must not stand
before a block in the queue of a webhook. What was not told for that reason counts as never told.
"""

from __future__ import annotations

from guard.core.decisions import Notice, NoticeKind
from guard.core.partitions import share_of
from guard.core.settings import HOUR_MS

MAX_REMEMBERED = 10_000
"""Accounts whose notice is remembered; when there are more, all are told again: better twice than never."""
MOST_AN_HOUR = 100


class NoticeBoard:
    """Says whether a notice is news."""

    __slots__ = ("_counts", "_most_of_none", "_told")

    def __init__(self, *, composed: bool = False) -> None:
        """`composed`: others have one, too; what is told of a switch is counted at its home for all."""
        self._most_of_none = share_of(MOST_AN_HOUR) if composed else MOST_AN_HOUR
        self._told: dict[tuple[NoticeKind, str, str], None] = {}
        self._counts: dict[tuple[NoticeKind, str], tuple[int, int]] = {}
        """By kind and switch: the hour that is counted, and how many were told in it."""

    def is_news(self, notice: Notice, about: str) -> bool:
        """Whether to tell it; the next one about the same is none."""
        told = (notice.kind, notice.account, about)
        if told in self._told:
            return False
        source, hour = (notice.kind, notice.switch), notice.at_ms // HOUR_MS
        counted, count = self._counts.get(source, (hour, 0))
        if counted != hour:
            count = 0
        if count >= (MOST_AN_HOUR if notice.switch else self._most_of_none):
            return False
        self._counts[source] = hour, count + 1
        if len(self._told) >= MAX_REMEMBERED:
            self._told.clear()
        self._told[told] = None
        return True
