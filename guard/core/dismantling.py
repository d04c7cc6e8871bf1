"""Dismantling: an engine whose partition somebody else has now lets go of everything it held, in steps.

Calls know their account and their switch, which know their calls: only the garbage collector would find that nobody
needs them any more, and it is kept from looking at what an engine holds (`guard.shell.interpreter`), because that takes
seconds. So the circles are cut here, and every object goes with its last reference; what a worker has around an engine
does the same (`guard.shell.cluster.partition`).

Whoever still has the engine afterwards finds nothing in it, and cannot take anything from it to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from guard.core.rules.subjects import Subject
from guard.core.world import World

STEP = 500
"""Accounts, calls or what is known of either: some milliseconds."""

K = TypeVar("K")
T = TypeVar("T")


def dismantle(world: World, subjects: dict[str, Subject]) -> Iterator[None]:
    """Of rules the subjects; to be gone through to the end, and nothing may enter the engine any more."""
    world.take()
    world.alarms.clear()
    world.lagging.clear()
    world.waiting.clear()
    for accounts in (world.blocked, *world.in_state.values()):
        accounts.clear()
    for switch in world.switches.values():
        switch.snapshot = None
        switch.totals.clear()
        switch.parked.clear()
        switch.pending.clear()
        switch.refused.clear()
        yield from _emptied(switch.calls)
        yield from _emptied(switch.remembered)
    world.switches.clear()
    yield from _emptied(subjects)
    for number, account in enumerate(world.accounts.values(), 1):
        account.live, account.flights = None, ()
        if not number % STEP:
            yield
    yield from _emptied(world.accounts)
    yield from _emptied(world.billing)
    del world.spokesman


def _emptied(table: dict[K, T]) -> Iterator[None]:
    while table:
        for _ in range(min(STEP, len(table))):
            table.popitem()
        yield
