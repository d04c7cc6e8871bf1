"""Pieces: a request is answered piece by piece, and before each the daemon is asked to say when.

What a request does between two waits is a piece: nothing else runs meanwhile. An `await` that has waited is therefore
followed by another, `Desk.give_way`, so that no handler, template or library has to know of it. A handler that has more
to do than about a millisecond of work divides it by `asyncio.sleep(0)` (`divided` does it for lists, `in_portions` for
streams), and waits for its turn there like everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Sequence
from types import coroutine
from typing import Any, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

AT_ONCE = 50
"""Objects of an answer that are made in one piece: from a quarter to three quarters of a millisecond."""

T = TypeVar("T")
Item = TypeVar("Item")
GiveWay = Callable[[], Awaitable[None]]


class Pieces:
    """The outermost layer: all that answers a request, in pieces."""

    def __init__(self, app: ASGIApp, give_way: GiveWay) -> None:
        self._app = app
        self._give_way = give_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await in_pieces(self._app(scope, receive, send), self._give_way)


async def in_pieces(work: Awaitable[T], give_way: GiveWay) -> T:
    """What the work gives; each of its pieces waits for its turn."""
    return await _driven(_as_coroutine(work), give_way)


async def divided(make: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    """What is made of each, some at a time."""
    made: list[T] = []
    for begin in range(0, len(items), AT_ONCE):
        if begin:
            await asyncio.sleep(0)
        made += map(make, items[begin : begin + AT_ONCE])
    return made


async def in_portions(chunks: AsyncIterator[Sequence[T]]) -> AsyncGenerator[Sequence[T], None]:
    """The same in smaller chunks, each of them for another piece."""
    try:
        async for chunk in chunks:
            for begin in range(0, len(chunk), AT_ONCE):
                if begin:
                    await asyncio.sleep(0)
                yield chunk[begin : begin + AT_ONCE]
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def _as_coroutine(work: Awaitable[T]) -> T:
    return await work


@coroutine
def _driven(work: Coroutine[Any, None, T], give_way: GiveWay) -> Generator[Any, None, T]:
    """Drives a coroutine as a task does; what it waits for is passed on to the task, and so is what is thrown at it."""
    thrown: BaseException | None = None
    while True:
        try:
            if thrown is None:
                yield from give_way().__await__()
        except BaseException as error:  # noqa: BLE001 -- boundary: cancelled while it waited; the work is to know
            thrown = error
        try:
            awaited = work.send(None) if thrown is None else work.throw(thrown)
        except StopIteration as end:
            result: T = end.value
            return result
        thrown = None
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 -- boundary: whatever it is, it is thrown at the work
            thrown = error
