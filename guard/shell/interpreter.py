"""The interpreter, told what guard is like: long-lived objects without circles, and a writer thread beside the loop.

**Collector.** The engine holds millions of long-lived objects and frees the short-lived ones by reference counts
alone: nothing in the core refers to itself in a circle once it is over. The collector's default rhythm would walk all
of them again and again to find nothing (with 200,000 accounts a full collection stops the loop for a good tenth of a
second). So what was restored is taken out of its sight, and it looks rarely: often enough for the little that
libraries leave behind. A worker restores partitions at any time of its life, and each time afterwards what is there
is taken out of sight, without a look: that would stop all its partitions for longer than a lease. What libraries have
left behind lately is looked for before, or it would stay for good. Partitions that it gives up take themselves apart
(`guard.core.dismantling`).

**Switch interval.** The store's writer needs the interpreter's lock between two statements. Beside a busy loop it gets
it only when the loop's turn is over, 5 ms by default: a commit of many statements then takes many times as long as its
disk work. A tenth of that keeps commits short and costs the loop nothing that was measurable.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

YOUNG = 50_000
"""New objects between two looks at the youngest; a busy batch makes a few thousand that stay."""
MIDDLE = 20
YOUNGER = 1
"""The generations up to this one have what came since the last few looks: some hundredths of a second."""
OLD = 100
"""Looks at the middle generation between two full ones: about a hundred million objects."""
SWITCH_INTERVAL_S = 0.0005


@contextmanager
def no_collecting() -> Iterator[None]:
    """While millions of objects are made that all stay, looking for those that do not takes longer than making them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Restoring:
    """Lets so many restore at a time, and keeps the collector off until nobody does or waits to."""

    def __init__(self, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._inside = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of the places, as long as the context lasts."""
        if not self._inside:
            gc.collect(YOUNGER)
            gc.disable()
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1
            if not self._inside:
                gc.freeze()
                gc.enable()


def settle_interpreter() -> None:
    """Spare what exists now, look rarely from now on, and share the lock. To be called once, after the restoring."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
