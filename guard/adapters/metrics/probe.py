"""What nobody counts along the way: how late the event loop is, and how much room the store has.

The probe sleeps and sees how much later than asked it is woken: that is how long everybody else waits for the loop.
A file's size is asked on a thread, because a disk in trouble answers late. A database says how much its tables take;
how much room it has left nobody here knows. One that does not answer leaves the figure as it was.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from guard.adapters.metrics.figures import Figures
from guard.ports import Clock, StoreError

EVERY_MS = 250
SIZE_EVERY = 40
"""Looks at the loop between two looks at the store: ten seconds."""
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


Room = Callable[[], Awaitable[tuple[int, int | None]]]
"""Bytes that the store takes, and bytes that are left for it; None: nobody here knows. `StoreError`: no answer."""


class Probe:
    """Looks four times a second."""

    def __init__(
        self, figures: Figures, clock: Clock, room: Room, on_room: Callable[[int], None] | None = None
    ) -> None:
        """`on_room` is told how many bytes are left."""
        self._on_room = on_room
        self._figures = figures
        self._clock = clock
        self._room = room

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look_at_the_store()
            for _ in range(SIZE_EVERY):
                await self._look()

    async def _look_at_the_store(self) -> None:
        left: int | None = None
        with suppress(StoreError):
            self._figures.store_bytes, left = await self._room()
        self._figures.store_free_bytes = math.nan if left is None else left
        if self._on_room is not None:
            self._on_room(sys.maxsize if left is None else left)

    async def _look(self) -> None:
        began_ns = self._clock.monotonic_ns()
        await self._clock.sleep(EVERY_MS)
        late_ns = self._clock.monotonic_ns() - began_ns - EVERY_MS * NS_PER_MS
        self._figures.loop_lag.observe(late_ns / NS_PER_S)


def room_of(store: Path) -> Room:
    """Of a file."""
    return partial(asyncio.to_thread, _room, store)


def _room(store: Path) -> tuple[int, int | None]:
    """Bytes of the store's files, and bytes that are left where they are; 0 for what cannot be read."""
    journals = (store.with_name(f"{store.name}{ending}") for ending in ("-wal", "-shm"))
    return sum(map(_size, (store, *journals))), _left(store.parent)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _left(folder: Path) -> int:
    """What an ordinary user may still write there."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
