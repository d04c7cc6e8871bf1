"""The turnstile: of all partitions of a worker one lets a batch into its engine at a time.

Everything shares one thread, and asyncio runs all that is ready before it looks at a socket or a timer again. With a
backlog in 200 partitions that would be 200 batches in a row, for seconds, in which no lease is renewed and no answer of
the store is heard. Here they line up, first come, first served, and between any two the event loop looks at everything
else: it is opened again by the loop, not by whoever leaves, or whoever comes next would walk through at once. A
partition waits for the store outside, in the middle of a batch too, so commits of many still go together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Turnstile:
    """Of one worker."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.on_rest: Callable[[], None] = lambda: None
        """Nobody is inside, and nobody wants in: what else this thread has to do may use the moment."""

    @property
    def idle(self) -> bool:
        """Whether no partition takes a batch, or waits to."""
        return not self.waiting and not self.lock.locked()

    def ticket(self) -> Ticket:
        """For one partition."""
        return Ticket(self)

    def open(self) -> None:
        """Let the next one in."""
        self.lock.release()
        if self.idle:
            self.on_rest()


class Ticket:
    """One partition's way through."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._inside = False

    async def enter(self) -> None:
        """Wait for its turn."""
        turnstile = self._turnstile
        turnstile.waiting += 1
        try:
            await turnstile.lock.acquire()
        finally:
            turnstile.waiting -= 1
        self._inside = True

    def leave(self) -> None:
        """Let the next one in, in the next turn of the event loop; nothing when it is outside."""
        if self._inside:
            self._inside = False
            asyncio.get_running_loop().call_soon(self._turnstile.open)
