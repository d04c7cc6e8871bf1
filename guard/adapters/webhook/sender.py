"""The thread on which all HTTP to webhooks happens: a loop of its own, beside the one that moves money.

A request costs one to two milliseconds of work in small pieces, whoever waits for it. A burst of blocks times four
targets, eight attempts each, made every turn of the daemon's loop 30 ms longer when it was measured there; beside it
the interpreter's lock is all they share, and that changes hands twice a millisecond (`guard.shell.interpreter`).

The lock is still shared, so requests are begun one by one, `SPACING_S` apart: some 300 a second in all. That is 1,500
first attempts within the 5 s that are promised; in a flood the blocks themselves come first. Who waits for its turn
waits for what couriers have under way at most (`guard.shell.courier`), and a target that hangs holds its own
connections and nobody's turn.

One thread for all targets, so that the loop has one rival and not fifty. They do not wait for each other there: it is a
loop, and nothing on it blocks; names are looked up on threads of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

JOIN_WITHIN_S = 2.0
SPACING_S = 0.003
"""300 requests a second: half of a core at the most."""

T = TypeVar("T")


class Sender:
    """Runs coroutines on its thread for those who use it; ends with the last of them."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._users = 0
        self._turn_s = 0.0

    def enter(self) -> None:
        """One more uses it."""
        self._users += 1

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work comes to on the thread, begun when it is its turn; cancelled with whoever waits for it."""
        return await self._hand_over(self._in_turn(work))

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        now_s = asyncio.get_running_loop().time()
        self._turn_s = max(now_s, self._turn_s + SPACING_S)
        await asyncio.sleep(self._turn_s - now_s)
        return await work()

    async def _hand_over(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running()))

    async def leave(self, last_work: Coroutine[Any, Any, None]) -> None:
        """One uses it no longer, once this is done."""
        self._users -= 1
        if self._loop is None:
            last_work.close()
            return
        try:
            await self._hand_over(last_work)
        finally:
            if not self._users:
                self._end()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._turn, args=(self._loop,), name="guard-webhooks", daemon=True)
            self._thread.start()
        return self._loop

    @staticmethod
    def _turn(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _end(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(JOIN_WITHIN_S)
        self._loop = self._thread = None
