"""Asking: a node brings an operator's intent to whoever holds the partition, and waits for the answer.

The way there is the partition's log, so nobody has to know who holds it, and an intent outlives the death of its owner.
The way back is the bus, which may lose an answer; so a node that has heard nothing for a while asks again, under the
same id, and an intent that was carried out is only answered again (`guard.shell.cluster.carrying`).

Nobody waits longer than at a single daemon. Whoever is told that nothing was confirmed looks before asking again: the
intent stands in the log, and is carried out if somebody takes the partition up within a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from guard.ports import Clock, NotReadyError
from guard.ports.cluster import Bus, Log
from guard.shell.cluster.carrying import ANSWER
from guard.wire.intents import TOPIC, Answer, Wish, decode_answer, encode_asked

WITHIN_S = 5.0
"""As at a single daemon (`guard.shell.desk`)."""
AGAIN_MS = 1_500
"""Without an answer for so long the intent is said again: an owner that lives has answered ten times over."""
LOG_AGAIN_MS = 200
"""A log that took nothing is tried again after that."""
WAITING = 1_000
"""Intents on their way: more than people can have clicked."""


class Asking:
    """Of one node."""

    def __init__(self, *, log: Log, bus: Bus, clock: Clock, node: str) -> None:
        """`node`: a name that no other process has or had, without a dot."""
        self._log = log
        self._bus = bus
        self._clock = clock
        self._node = node
        self._asked = 0
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Answers are heard until the context ends."""
        async with self._bus.listen(ANSWER.format(node=self._node), self.heard):
            yield

    def heard(self, payload: bytes) -> None:
        """What became of an intent; one that nobody waits for any more is let go."""
        answer = decode_answer(payload)
        waiting = None if answer is None else self._waiting.get(answer.id)
        if answer is not None and waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def ask(self, part: int, wish: Wish) -> Answer:
        """Have a partition carry it out; `NotReadyError` when nobody has said in time that it was."""
        if len(self._waiting) >= WAITING:
            raise NotReadyError("too many requests are waiting; try again in a moment")
        self._asked += 1
        id_ = f"{self._node}-{self._asked}"
        payload = encode_asked(id_=id_, node=self._node, at_ms=self._clock.now_ms(), wish=wish)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = waiting
        saying = asyncio.create_task(self._say(part, payload), name=f"intent {id_}")
        try:
            async with asyncio.timeout(WITHIN_S):
                answer = await waiting
        except TimeoutError:
            raise NotReadyError(
                f"whoever decides for partition {part} did not confirm in time; look before trying again"
            ) from None
        finally:
            saying.cancel()
            del self._waiting[id_]
        if answer.why:
            raise NotReadyError(answer.why)
        return answer

    async def _say(self, part: int, payload: bytes) -> None:
        """Have it in the log, and after a while once more."""
        while True:
            # Under a name of its own each time: the log would take what it has already for said.
            if await self._log.append(part, [(TOPIC, payload)]):
                await self._clock.sleep(AGAIN_MS)
            else:
                await self._clock.sleep(LOG_AGAIN_MS)
