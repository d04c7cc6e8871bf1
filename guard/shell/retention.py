"""Retention: deletes old call details beside everything else, slowly, and says once a run what it came to.

A run begins soon after the start, then once a day, and soon after an account is to be forgotten. It is a series of
small steps in the store (`guard.adapters.sqlite.details`), each followed by a pause of several times its own length:
the batches have the store to themselves for most of the time, and wait for one step at most. What is deleted is then
overwritten, and last the log of the store is emptied.

A run that fails or is cut off by the end of the process loses nothing: the next one goes on where the store says.
A store in trouble is left alone for some minutes, or until an account is to be forgotten: that is promised soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from guard.core.privacy import Deleted
from guard.core.settings import DAY_MS, MINUTE_MS
from guard.ports import Clock, StoreError

FIRST_AFTER_MS = MINUTE_MS
"""After the start: there is more urgent work."""
FORGET_AFTER_MS = 2_000
"""After an account is to be forgotten: what was written just before is in its place by then, or soon."""
EVERY_MS = DAY_MS
AGAIN_AFTER_MS = 5 * MINUTE_MS
"""When the store failed."""
SHARE = 4
"""A step is followed by so many times its own length of pause: a fifth of the writer's time at most."""
LEAST_PAUSE_MS = 50
LOG_TRIES = 20
"""To empty the log, one a pause apart: readers are gone after milliseconds."""
LOG_PAUSE_MS = 500
NS_PER_MS = 1_000_000
MS_PER_S = 1_000

T = TypeVar("T")


class Run(Protocol):
    """One run through the store."""

    async def step(self) -> Deleted:
        """Delete some; `more` says whether to go on. `StoreError`: not now."""
        ...

    async def scrub(self) -> bool:
        """Overwrite some of what is free; whether to go on."""
        ...

    async def empty_log(self) -> bool:
        """Leave no copies in the log; False: somebody is reading it."""
        ...


class Details(Protocol):
    """Where call details are kept."""

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> Run:
        """A run that deletes what is older than that; None: only of accounts to be forgotten."""
        ...


class Figures(Protocol):
    """What is counted."""

    def deleted(self, deleted: Deleted) -> None:
        """So many rows are without details now."""
        ...


class Retention:
    """Keeps call details no longer than the operator wants."""

    def __init__(self, *, store: Details, clock: Clock, keep_ms: Callable[[], int | None], figures: Figures) -> None:
        """`keep_ms` is asked at the beginning of each run, so a reload counts from the next one on."""
        self._store = store
        self._clock = clock
        self._keep_ms = keep_ms
        self._figures = figures
        self._asked = asyncio.Event()
        self._log = structlog.get_logger("guard").bind()

    def tell(self) -> None:
        """An account is to be forgotten: do not wait for tomorrow."""
        self._asked.set()

    async def run(self) -> None:
        """Delete until cancelled."""
        await self._clock.wait(self._asked, FIRST_AFTER_MS)
        while True:
            self._asked.clear()
            try:
                total = await self.run_once()
            except StoreError as error:
                self._log.warning("call-details-kept", reason=str(error), again_in_s=AGAIN_AFTER_MS // MS_PER_S)
                again_ms = AGAIN_AFTER_MS
            else:
                again_ms = FIRST_AFTER_MS if total.waiting else EVERY_MS
            await self._clock.wait(self._asked, again_ms)
            if self._asked.is_set():
                await self._clock.sleep(FORGET_AFTER_MS)

    async def run_once(self) -> Deleted:
        """Delete, overwrite, empty the log, tell; what it came to."""
        began_ns = self._clock.monotonic_ns()
        keep_ms = self._keep_ms()
        run = self._store.old_details(now_ms=self._clock.now_ms(), keep_ms=keep_ms)
        total, steps, longest_ms = Deleted(), 0, 0
        while True:
            deleted, took_ms = await self._timed(run.step)
            steps, longest_ms = steps + 1, max(longest_ms, took_ms)
            self._figures.deleted(deleted)
            total = _sum(total, deleted)
            if not deleted.more:
                break
        while (await self._timed(run.scrub))[0]:
            pass
        emptied = await self._empty_log(run)
        self._log.info(
            "call-details-deleted",
            keep_days=None if keep_ms is None else keep_ms // DAY_MS,
            lines=total.lines,
            decisions=total.decisions,
            reports=total.reports,
            profiles=total.profiles,
            steps=steps,
            longest_step_ms=longest_ms,
            log_emptied=emptied,
            seconds=(self._clock.monotonic_ns() - began_ns) // NS_PER_MS / MS_PER_S,
        )
        return total

    async def _empty_log(self, run: Run) -> bool:
        for _ in range(LOG_TRIES):
            if await run.empty_log():
                return True
            await self._clock.sleep(LOG_PAUSE_MS)
        return False

    async def _timed(self, step: Callable[[], Awaitable[T]]) -> tuple[T, int]:
        """What a step gives and how long it took, after the pause that goes with it."""
        began_ns = self._clock.monotonic_ns()
        result = await step()
        took_ms = (self._clock.monotonic_ns() - began_ns) // NS_PER_MS
        await self._clock.sleep(max(LEAST_PAUSE_MS, SHARE * took_ms))
        return result, took_ms


def _sum(one: Deleted, other: Deleted) -> Deleted:
    return Deleted(
        lines=one.lines + other.lines,
        decisions=one.decisions + other.decisions,
        reports=one.reports + other.reports,
        profiles=one.profiles + other.profiles,
        waiting=other.waiting,
    )
