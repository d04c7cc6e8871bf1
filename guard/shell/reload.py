"""Reload: the files are read anew beside the running daemon, and taken up in one step, or not at all.

    asked to (signal, HTTP) -> read and check on a thread -> the engine takes it up between two batches -> durable

Reading a tariff of 100,000 rows takes a second, and the daemon works on meanwhile. Whatever is wrong in any of the
files is told at once, by file and line, and nothing has changed then. One reload runs at a time: who asks meanwhile
waits for his own, because the files may have changed since the first one read them.

A crash loses nothing: until the batch that takes up the setup is durable the old one counts, and after a restart the
files count as they are then, with the same outcome as if they had been reloaded (`guard.core.refit`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from guard.core.engine import Engine
from guard.core.rating import KEPT_PLACES
from guard.core.setup import Reload, Setup
from guard.ports import Clock, NotReadyError, Reloaded, SetupRefusedError

READ_WITHIN_S = 120.0
"""Files on a disk that hangs: the daemon goes on as it is, and whoever asked is told."""
WAITED_FOR_S = 130.0
"""Longer than the files may take to be read."""
MS_PER_S = 1_000


class Read(Protocol):
    """What the files say now."""

    @property
    def setup(self) -> Setup:
        """For the engine."""
        ...

    @property
    def changes(self) -> tuple[str, ...]:
        """What is another, in words."""
        ...

    @property
    def needs_restart(self) -> tuple[str, ...]:
        """Keys that wait for a restart."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is surely not meant."""
        ...


class TakesUp(Protocol):
    """Whoever decides by the setup: a loop, or all loops of a worker."""

    async def reload(self, reload: Reload) -> bool:
        """Take it up; returns when that is durable. False: not now."""
        ...


R = TypeVar("R", bound=Read)


class Reloader:
    """Has the setup read, and hands it to the loop."""

    def __init__(
        self,
        *,
        engine: Engine | None,
        loop: TakesUp,
        clock: Clock,
        read: Callable[[Sequence[str]], R],
        taken_up: Callable[[R], None],
    ) -> None:
        """`read` raises `SetupRefusedError`; it is called on a thread, with the numbers of the engine's calls."""
        self._engine = engine
        self._loop = loop
        self._clock = clock
        self._read = read
        self._taken_up = taken_up
        self._turn = asyncio.Lock()
        self._asked = asyncio.Event()
        self._requested: set[asyncio.Task[Reloaded]] = set()
        self._log = structlog.get_logger("guard").bind()
        self.succeeded = True
        """Whether the last one did; there has been none yet."""
        self.succeeded_at_ms = clock.now_ms()
        """When files were last taken up; the start counts as such."""
        self.on_begin: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None

    def ask(self) -> None:
        """A signal asks for it; several that come at once are one."""
        self._asked.set()

    async def run(self, by: str) -> None:
        """Do what signals ask for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.reload(by)
            except (SetupRefusedError, NotReadyError):
                # It has been logged, and nothing has changed.
                continue

    async def requested(self, by: str) -> Reloaded:
        """The same for somebody who waits; it goes on to its end even if nobody waits for that any more."""
        task = asyncio.create_task(self.reload(by), name="reload")
        self._requested.add(task)
        task.add_done_callback(self._over)
        try:
            async with asyncio.timeout(WAITED_FOR_S):
                return await asyncio.shield(task)
        except TimeoutError:
            raise NotReadyError("the reload is not over yet; the log will say how it went") from None

    def _over(self, task: asyncio.Task[Reloaded]) -> None:
        """It has been logged; an error of it that nobody waits for any more is no surprise."""
        self._requested.discard(task)
        if not task.cancelled():
            task.exception()

    async def reload(self, by: str) -> Reloaded:
        """Read and take up; `SetupRefusedError` when the files have mistakes."""
        async with self._turn:
            self.on_begin()
            try:
                reloaded = await self._reload(by)
            except SetupRefusedError as refused:
                self.succeeded = False
                for mistake in refused.mistakes:
                    self._log.error("reload-refused", by=by, place=mistake.place, mistake=mistake.text)
                raise
            except NotReadyError as error:
                self.succeeded = False
                self._log.error("reload-failed", by=by, reason=str(error))
                raise
            finally:
                self.on_end()
            self.succeeded, self.succeeded_at_ms = True, self._clock.now_ms()
            self._log.info("reloaded", by=by, changes=list(reloaded.changes))
            for key in reloaded.needs_restart:
                self._log.warning("needs-restart", key=key, effect="what the daemon was started with stays in force")
            for remark in reloaded.remarks:
                self._log.warning("plans", text=remark)
            return reloaded

    async def _reload(self, by: str) -> Reloaded:
        began_ns = self._clock.monotonic_ns()
        numbers = self._numbers()
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                read = await asyncio.to_thread(self._read, numbers)
        except TimeoutError:
            raise NotReadyError(f"the files could not be read within {READ_WITHIN_S:.0f} s") from None
        read_ns = self._clock.monotonic_ns()
        what = "; ".join(read.changes) or "nothing is another"
        if not await self._loop.reload(Reload(setup=read.setup, by=by, what=what)):
            raise NotReadyError("too many requests are waiting; try again in a moment")
        self._taken_up(read)
        done_ns = self._clock.monotonic_ns()
        self._log.debug("reload-took", read_ms=(read_ns - began_ns) // 10**6, take_up_ms=(done_ns - read_ns) // 10**6)
        return Reloaded(changes=read.changes, needs_restart=read.needs_restart, remarks=read.remarks)

    def _numbers(self) -> list[str]:
        """Where the calls that are up go: looked up before the engine needs it."""
        numbers: dict[str, None] = {}
        if self._engine is None:
            return []
        for switch in self._engine.world.switches.values():
            for call in switch.calls.values():
                numbers[call.to] = None
                if len(numbers) >= KEPT_PLACES // 2:
                    return list(numbers)
        return list(numbers)
