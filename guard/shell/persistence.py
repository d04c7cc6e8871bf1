"""Persistence: the store is asked again, and again, until it has done what it was asked.

A full disk, a lock that somebody else holds, a disk that fails: whatever the store says, the batch in hand must not be
lost and nothing may overtake it, so all that is left is to try again. What is wrong is logged once, and its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from guard.ports import Clock, StoreError

RETRY_FIRST_MS = 100
RETRY_LAST_MS = 5_000

T = TypeVar("T")


class Persistence:
    """Insists."""

    def __init__(self, clock: Clock, *, between: Callable[[], object]) -> None:
        """`between` is called after each pause."""
        self._clock = clock
        self._between = between
        self._log = structlog.get_logger("guard").bind()
        self.failure = ""
        """Why the store does not answer; empty when it does."""

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until the store has done it; say once what is wrong, and once that it is over."""
        pause_ms = RETRY_FIRST_MS
        while True:
            try:
                done = await attempt()
            except StoreError as error:
                if str(error) != self.failure:
                    self.failure = str(error)
                    self._log.error("store-failed", reason=self.failure, retry_ms=pause_ms)
                await self._clock.sleep(pause_ms)
                pause_ms = min(RETRY_LAST_MS, pause_ms * 2)
                self._between()
            else:
                if self.failure:
                    self._log.info("store-recovered")
                    self.failure = ""
                return done
