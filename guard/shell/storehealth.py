"""Whether the store is well: that its commits are quick and that there is room. Who is on call is told when it is not.

One matter, however many reasons: a notice when there is a first or a further one, and one that is `over` when there is
none left. A commit that takes longer than `slow_after` is a reason until `CALM_MS` have gone by without another; too
little room is one until there is a tenth more than `min_free`. So neither can flap.

A store that takes nothing at all cannot be told of in this way, because what is told must be stored first: that is the
log's line `store-failed` and the metric `guard_store_failing`. Once it takes batches again, the one that had to wait
was a slow one.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.decisions import Notice, NoticeKind
from guard.core.settings import MINUTE_MS, SECOND_MS
from guard.ports import Clock

CALM_MS = 5 * MINUTE_MS
_MB = 10**6


class StoreHealth:
    """Judges what it is told of commits and of room; `tell` lets a notice enter the next batch."""

    def __init__(
        self, clock: Clock, *, slow_after_ms: int, min_free_bytes: int, tell: Callable[[Notice], None]
    ) -> None:
        self._clock = clock
        self._slow_after_ms = slow_after_ms
        self._min_free_bytes = min_free_bytes
        self._tell = tell
        self._slow_until_ms: int | None = None
        self._filling = False

    def committed(self, took_ms: int) -> None:
        """A batch became durable."""
        now_ms = self._clock.now_ms()
        if not self._slow_after_ms or took_ms <= self._slow_after_ms:
            return
        first = self._slow_until_ms is None
        self._slow_until_ms = now_ms + CALM_MS
        if first:
            text = (
                f"The store is slow: a commit took {took_ms / SECOND_MS:.1f} s, and every command waits for its "
                "commit. Look for who else writes to that disk."
            )
            self._tell(_notice(text, now_ms))

    def look(self, free_bytes: int) -> None:
        """From time to time: so much room is left."""
        now_ms = self._clock.now_ms()
        was_ill = self._ill
        if self._slow_until_ms is not None and now_ms >= self._slow_until_ms:
            self._slow_until_ms = None
        if self._filling:
            self._filling = free_bytes * 10 < self._min_free_bytes * 11
        elif free_bytes < self._min_free_bytes:
            self._filling = True
            text = (
                f"The store has {free_bytes // _MB:,} MB of room left, less than [store] min_free "
                f"({self._min_free_bytes // _MB:,} MB): once it is full, guard blocks nobody. Make room."
            )
            self._tell(_notice(text, now_ms))
        if was_ill and not self._ill:
            self._tell(_notice("The store is quick again and has room.", now_ms, over=True))

    @property
    def _ill(self) -> bool:
        return self._filling or self._slow_until_ms is not None


def _notice(text: str, now_ms: int, *, over: bool = False) -> Notice:
    return Notice(kind=NoticeKind.STORE, at_ms=now_ms, switch="", text=text, over=over)
