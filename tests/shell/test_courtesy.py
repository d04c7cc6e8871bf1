"""What the money and readers are promised when they share a thread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine

from guard.shell.courtesy import OWED_S, PATIENCE_S, Courtesy


class Money:
    """Has something to do, or not."""

    def __init__(self) -> None:
        self.idle = True
        self.courtesy = Courtesy(lambda: self.idle)
        self.done: list[str] = []

    async def reader(self, name: str) -> None:
        """Does one piece when it may."""
        await self.courtesy.turn()
        self.done.append(name)

    def rests(self) -> None:
        """Nothing to do any more."""
        self.idle = True
        self.courtesy.rested()


async def run_dry(*readers: Coroutine[None, None, None]) -> list[asyncio.Task[None]]:
    """Readers that have gone as far as they may."""
    tasks = [asyncio.ensure_future(reader) for reader in readers]
    for _ in range(20):
        await asyncio.sleep(0)
    return tasks


async def test_readers_go_in_the_order_in_which_they_came() -> None:
    money = Money()
    await asyncio.gather(*(money.reader(name) for name in "abc"))
    assert money.done == ["a", "b", "c"]


async def test_between_two_pieces_sockets_are_looked_at() -> None:
    """What came in during a piece is known before the next one begins."""
    money = Money()
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def received() -> None:
            asyncio.get_running_loop().remove_reader(ours)
            money.done.append("message")

        asyncio.get_running_loop().add_reader(ours, received)

        async def interrupted() -> None:
            await money.reader("a")
            theirs.send(b"x")

        await asyncio.gather(interrupted(), money.reader("b"))
    assert money.done == ["a", "message", "b"]


async def test_while_the_money_is_at_work_nobody_goes() -> None:
    money = Money()
    money.idle = False
    tasks = await run_dry(money.reader("a"), money.reader("b"))
    assert money.done == []
    money.rests()
    await asyncio.gather(*tasks)
    assert money.done == ["a", "b"]


async def test_whoever_was_called_looks_again_before_it_goes_and_stays_the_first() -> None:
    """Between the call and the piece the money may have got something to do."""
    money = Money()
    money.idle = False
    tasks = await run_dry(money.reader("a"), money.reader("b"))
    money.rests()
    money.idle = False
    await run_dry()
    assert money.done == []
    money.rests()
    await asyncio.gather(*tasks)
    assert money.done == ["a", "b"]


async def test_whoever_waits_for_too_long_goes_anyway() -> None:
    """A page must not hang because the store does, or because a backlog is being read."""
    money = Money()
    money.idle = False
    async with asyncio.timeout(10):
        await asyncio.gather(money.reader("a"), money.reader("b"), money.reader("c"))
    assert money.done == ["a", "b", "c"]


async def test_what_is_done_while_the_money_is_at_work_is_bounded() -> None:
    """Pieces that use up what readers are owed are let go one by one, each after a while."""
    money = Money()
    money.idle = False
    now = asyncio.get_running_loop().time
    began = now()

    async def long(name: str) -> None:
        await money.reader(name)
        until = now() + OWED_S
        while now() < until:
            pass

    await asyncio.gather(long("a"), long("b"), long("c"))
    assert money.done == ["a", "b", "c"]
    assert now() - began > 3 * PATIENCE_S


async def test_whoever_leaves_the_line_holds_nobody_up() -> None:
    money = Money()
    money.idle = False
    first, *others = await run_dry(money.reader("a"), money.reader("b"))
    money.rests()
    first.cancel()
    await asyncio.gather(first, *others, return_exceptions=True)
    assert money.done == ["b"]
