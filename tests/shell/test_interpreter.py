"""The collector while partitions are restored."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from guard.shell.interpreter import Restoring


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


async def test_it_is_off_until_nobody_restores_or_waits_to_and_never_looks_at_what_was_made() -> None:
    restoring = Restoring(1)
    made: list[list[object]] = []
    seen: list[bool] = []

    async def restore() -> None:
        async with restoring.place():
            made.extend([] for _ in range(1_000))
            await asyncio.sleep(0)
            seen.append(gc.isenabled())

    frozen = gc.get_freeze_count()
    await asyncio.gather(*(restore() for _ in range(3)))
    assert (seen, gc.isenabled()) == ([False, False, False], True)
    assert gc.get_freeze_count() >= frozen + 3_000


class _Circle:
    """Only the collector would find it."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_libraries_have_left_behind_is_not_kept_with_what_was_restored() -> None:
    left = weakref.ref(_Circle())
    assert left() is not None
    async with Restoring(1).place():
        pass
    assert left() is None


async def test_it_is_on_again_after_one_that_failed_or_gave_up_waiting() -> None:
    restoring = Restoring(1)

    async def fail() -> None:
        async with restoring.place():
            await asyncio.sleep(0)
            raise RuntimeError

    async def wait() -> None:
        async with restoring.place():
            pass

    failing, waiting = asyncio.create_task(fail()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(failing, waiting, return_exceptions=True)
    assert gc.isenabled()
