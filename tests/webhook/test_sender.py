"""The thread on which requests are made: begun when it is needed, ended with the last who uses it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from guard.adapters.webhook import Sender
from guard.adapters.webhook.sender import SPACING_S


async def _where() -> str:
    return threading.current_thread().name


async def _nothing() -> None:
    """Done at once."""


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "guard-webhooks"]


async def test_work_is_done_on_a_thread_of_its_own_until_the_last_leaves() -> None:
    sender = Sender()
    sender.enter()
    sender.enter()
    assert not _threads()
    assert await sender.run(_where) == "guard-webhooks"
    await sender.leave(_nothing())
    assert _threads()
    await sender.leave(_nothing())
    assert not _threads()


async def test_who_never_sent_anything_leaves_without_a_thread() -> None:
    sender = Sender()
    sender.enter()
    await sender.leave(_nothing())
    assert not _threads()


async def test_work_ends_with_whoever_waits_for_it() -> None:
    """A courier that is cancelled leaves no request behind."""
    sender = Sender()
    sender.enter()
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(sender.run(work))
    await asyncio.to_thread(begun.wait, 5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(ended.wait, 5)
    await sender.leave(_nothing())


async def test_what_the_work_raises_is_raised_here() -> None:
    async def work() -> None:
        raise ValueError("no")

    sender = Sender()
    sender.enter()
    with pytest.raises(ValueError, match="no"):
        await sender.run(work)
    await sender.leave(_nothing())


async def test_requests_are_begun_one_by_one_and_none_waits_for_another_to_end() -> None:
    """A flood of them leaves the interpreter to others; one that hangs holds nobody up."""
    sender = Sender()
    sender.enter()
    begun: list[float] = []
    never = asyncio.Event()

    async def work() -> None:
        begun.append(asyncio.get_running_loop().time())
        if len(begun) == 1:
            await never.wait()

    asked_s = time.monotonic()  # The first may be late: the others keep to their moments all the same.
    hanging = asyncio.create_task(sender.run(work))
    await asyncio.gather(*(sender.run(work) for _ in range(40)))
    assert begun[-1] - asked_s >= 39 * SPACING_S
    hanging.cancel()
    await sender.leave(_nothing())
