"""An event loop whose time is the schedule's and whose every step is taken by hand.

A step is one callback: what a task does between two awaits. Between any two of them the process may die, and what had
not left it by then has never happened.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from heapq import heappop, heappush
from math import ceil
from typing import Any, TypeVar

from tests.simulation.schedule import Schedule

MS_PER_S = 1_000
EPSILON_MS = 1e-3
"""Seconds as floats, thousands of them since 1970, are off by less."""

T = TypeVar("T")

_Abstract: Any = asyncio.AbstractEventLoop
"""Its other forty methods are about sockets, processes and signals: who calls one of them gets told."""


class SteppedLoop(_Abstract):  # type: ignore[misc]
    """As much of an event loop as guard's shell needs."""

    def __init__(self, schedule: Schedule, thread_takes_ms: Callable[[], int]) -> None:
        """`thread_takes_ms` says how long what is done on a thread takes."""
        self._schedule = schedule
        self._began_ms = schedule.now_ms
        self._thread_takes_ms = thread_takes_ms
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._made = 0
        self.failures: list[str] = []
        """What nobody caught."""

    # -- by hand

    def next_ms(self) -> int | None:
        """When there is a step to take."""
        if self._ready:
            return self._schedule.now_ms
        while self._timers and self._timers[0][2].cancelled():
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def step(self) -> None:
        """Take it."""
        while self._timers and self._timers[0][0] <= self._schedule.now_ms:
            self._ready.append(heappop(self._timers)[2])
        if not self._ready:
            return
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)

    # -- what asyncio asks of a loop

    def time(self) -> float:
        """Seconds since it was made."""
        return (self._schedule.now_ms - self._began_ms) / MS_PER_S

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """As the next step."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """So many seconds later."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """At that time of its own."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        due_ms = self._began_ms + ceil(when * MS_PER_S - EPSILON_MS)
        heappush(self._timers, (due_ms, self._made, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its moment comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """A task of this loop."""
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Done in one go, after as long as a thread takes."""
        del executor
        future: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 -- whoever waits for it raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self._thread_takes_ms() / MS_PER_S, work)
        return future

    def get_debug(self) -> bool:
        """No."""
        return False

    def is_running(self) -> bool:
        """Always: whenever somebody asks, a step is being taken."""
        return True

    def is_closed(self) -> bool:
        """Never."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody caught for whoever looks."""
        self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")
