"""The turnstile: of all partitions of a worker one lets a batch into its engine at a time.

Everything shares one thread, and asyncio runs all that is ready before it looks at a socket or a timer again. With a
backlog in 200 partitions that would be 200 batches in a row, for seconds, in which no lease is renewed and no answer of
the store is heard. Here they line up, first come, first served, and between any two the event loop looks at everything
else. A partition waits for the store outside, in the middle of a batch too, so commits of many still go together.
"""

from __future__ import annotations

import asyncio


class Turnstile:
    """Of one worker."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def ticket(self) -> Ticket:
        """For one partition."""
        return Ticket(self._lock)


class Ticket:
    """One partition's way through."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._inside = False

    async def enter(self) -> None:
        """Wait for its turn."""
        await self._lock.acquire()
        self._inside = True

    def leave(self) -> None:
        """Let the next one in; nothing when it is outside."""
        if self._inside:
            self._inside = False
            self._lock.release()
