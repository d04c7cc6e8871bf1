"""Leases asked on a thread of their own, so that a renewal does not wait for batches between each two of its steps.

A renewal is several questions and answers on one connection. On the loop that also takes batches each answer would wait
for whatever is ready before it: with a backlog, or on a machine that is short of processor, that adds up to more than a
lease. Here the worker waits once, for the outcome. What a lease is worth is still for the worker to judge, by the time
that passed since it asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from guard.ports.cluster import Claim, Held, Leases, Member, Seen

T = TypeVar("T")


class Aside:
    """See `guard.ports.cluster.Leases`."""

    def __init__(self, leases: Leases, loop: asyncio.AbstractEventLoop) -> None:
        self._leases = leases
        self._loop = loop
        self.lease_ms = leases.lease_ms

    async def claim(self, worker: str, want: int) -> list[Claim]:
        """Take up to so many partitions that nobody holds, each under its next epoch."""
        return await self._ask(self._leases.claim(worker, want))

    async def renew(self, member: Member, claims: Sequence[Claim]) -> set[int]:
        """Say that the worker lives, and renew these; those of them that are still its own."""
        return await self._ask(self._leases.renew(member, claims))

    async def release(self, worker: str, claims: Sequence[Claim]) -> None:
        """Give these up, if they are still its own."""
        await self._ask(self._leases.release(worker, claims))

    async def leave(self, worker: str) -> None:
        """The worker goes."""
        await self._ask(self._leases.leave(worker))

    async def members(self) -> list[Seen]:
        """The workers that have renewed within the last lease."""
        return await self._ask(self._leases.members())

    async def partitions(self) -> list[Held]:
        """All partitions, in the order of their numbers."""
        return await self._ask(self._leases.partitions())

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, self._loop))


@asynccontextmanager
async def aside(leases: Leases, close: Callable[[], None]) -> AsyncIterator[Leases]:
    """Ask these on a thread until the context ends; `close` is called there, at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="leases", daemon=True)
    thread.start()
    try:
        yield Aside(leases, loop)
    finally:
        loop.call_soon_threadsafe(close)
        # A turn later: what is closed has something to do in its last turn.
        loop.call_soon_threadsafe(loop.call_soon, loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()
