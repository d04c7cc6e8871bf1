"""Requests are answered in pieces, and each of them waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import pytest

from guard.adapters.http.pieces import AT_ONCE, divided, in_pieces, in_portions
from tests.http.desk import VIEW, PaperDesk, PaperStore, line


class Turns:
    """Lets everybody go, and counts."""

    def __init__(self) -> None:
        self.given = 0

    async def give_way(self) -> None:
        self.given += 1
        await asyncio.sleep(0)


async def test_each_wait_is_followed_by_a_turn() -> None:
    """One before the work begins, one after each wait; what it gives comes out."""
    turns = Turns()
    woken = asyncio.Event()

    async def work() -> str:
        await asyncio.sleep(0)
        await woken.wait()
        return "done"

    asyncio.get_running_loop().call_later(0.001, woken.set)
    assert await in_pieces(work(), turns.give_way) == "done"
    assert turns.given == 3


async def test_what_goes_wrong_comes_out() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await in_pieces(work(), Turns().give_way)


async def test_work_that_is_ended_while_it_waits_for_its_turn_clears_up() -> None:
    """As if it had been ended in its own wait."""
    cleared: list[str] = []
    begun = asyncio.Event()
    for_ever = asyncio.Event()

    async def once() -> None:
        if begun.is_set():
            await for_ever.wait()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(0)
        finally:
            cleared.append("yes")

    task = asyncio.create_task(in_pieces(work(), once))
    await begun.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleared == ["yes"]


async def test_limits_in_time_hold_within() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            return "given up"
        return "not reached"

    assert await in_pieces(work(), Turns().give_way) == "given up"


async def test_lists_and_streams_are_divided() -> None:
    assert await divided(str, range(3 * AT_ONCE)) == [str(each) for each in range(3 * AT_ONCE)]

    async def chunks() -> AsyncIterator[Sequence[int]]:
        yield range(AT_ONCE + 1)
        yield range(2)

    assert [len(portion) async for portion in in_portions(chunks())] == [AT_ONCE, 1, 2]


async def test_a_long_answer_takes_many_turns(api: httpx.AsyncClient, desk: PaperDesk, store: PaperStore) -> None:
    """Of the list of accounts, of their page, and of the ledger, which starlette streams from a task of its own."""
    desk.know(*(replace(VIEW, account=f"B{number:03d}") for number in range(200)))
    store.lines, store.chunk = [line(number) for number in range(1, 501)], 500
    turns: dict[str, int] = {}
    for path in ("/-/healthy", "/api/v1/accounts?limit=200", "/accounts", "/api/v1/accounts/A1001/ledger"):
        desk.ways_given = 0
        answer = await api.get(path)
        assert answer.status_code == 200, answer.text
        turns[path] = desk.ways_given
    assert turns["/-/healthy"] == 1
    assert turns["/api/v1/accounts?limit=200"] >= 4
    assert turns["/accounts"] >= 4
    assert turns["/api/v1/accounts/A1001/ledger"] >= 10
