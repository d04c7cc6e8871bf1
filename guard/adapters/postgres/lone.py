"""A connection that is asked one question after the other, and is made anew after one that has had no answer.

Leases, what workers tell and what is written beside the batches have one each, so that none of them waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from guard.adapters.postgres.failures import Unstorable, explain

T = TypeVar("T")


class Lone:
    """Made when it is needed."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, shown: str, limit_s: float) -> None:
        """`connect` makes it ready for questions; `shown` is its server in errors; a question may take `limit_s`."""
        self._connect = connect
        self._shown = shown
        self._limit_s = limit_s
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def ask(self, question: Callable[[Any], Awaitable[T]]) -> T:
        """`StoreError` when there is no answer; the next question then gets a new connection."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._limit_s):
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await self._connect()
                    return await question(self._connection)
            except Unstorable as error:
                self.close()
                raise explain(error, self._shown) from error
            except asyncio.CancelledError:
                # In the middle of a question: its answer would be taken for that of the next one.
                self.close()
                raise

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
