"""The bus: short ways over NATS without a log, for what is said again until it has had its effect.

`publish` reaches one of the ingests, which publishes at the MQTT broker: `<prefix>.out`, a queue group, so that each is
taken once. `send` and `listen` are between workers. What is handed over here is sent by one task in that order; a bound
keeps a connection that is being rebuilt from collecting what is then old.

The other end of `publish` is `Relay`: it publishes what arrives, and tells whoever wants to know (`publish_tracked`)
when the broker has it. It listens only while there is a broker to publish at, so that NATS gives the next one to an
ingest that can. Whoever may write to the bus may thereby publish at the broker, so a relay passes on only what guard
itself ever says there: commands, scopes and decisions.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from nats.aio.msg import Msg

from guard.adapters.nats.connection import Connection
from guard.ports.messages import TrackedPublisher
from guard.wire.log import LogEntryError, decode_published, encode_published
from guard.wire.topics import Kind, Topics

WAITING: Final = 20_000
"""Messages not yet handed to the connection: a snapshot of 100,000 entries is 200."""
TAKEN: Final = b"+"
RELAYED: Final = frozenset({Kind.COMMANDS, Kind.SCOPES, Kind.DECISIONS})
OUT: Final = "out"
INGESTS: Final = "ingests"


class NatsBus:
    """A `guard.ports.cluster.Bus`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._prefix = connection.options.prefix
        self._waiting: deque[tuple[str, bytes, asyncio.Future[bool] | None]] = deque()
        self._wake = asyncio.Event()
        self.refused = 0
        """Plain counter: messages that could not be handed over."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Have an ingest publish it; False when there is no connection."""
        return self._hand_over(OUT, encode_published(topic, payload, retain=retain), None)

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish; the future gets True when the broker has it, False when that is not known. Never raises."""
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not self._hand_over(OUT, encode_published(topic, payload, retain=retain), outcome):
            outcome.set_result(False)
        return outcome

    def send(self, subject: str, payload: bytes) -> bool:
        """Hand it to the connection, for whoever listens; False when there is none."""
        return self._hand_over(subject, payload, None)

    def listen(self, subject: str, hear: Callable[[bytes], None]) -> AbstractAsyncContextManager[None]:
        """Call `hear` with each payload while the context lasts."""

        async def take(message: Msg) -> None:
            hear(message.data)

        return self._connection.hearing(f"{self._prefix}.{subject}", take)

    def _hand_over(self, subject: str, payload: bytes, outcome: asyncio.Future[bool] | None) -> bool:
        if not self._connection.connected or len(self._waiting) >= WAITING:
            self.refused += 1
            return False
        self._waiting.append((f"{self._prefix}.{subject}", payload, outcome))
        self._wake.set()
        return True

    async def run(self) -> None:
        """Send what is handed over, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    subject, payload, outcome = self._waiting.popleft()
                    if outcome is None:
                        await self._connection.say(subject, payload)
                    else:
                        tasks.create_task(self._track(subject, payload, outcome))

    async def _track(self, subject: str, payload: bytes, outcome: asyncio.Future[bool]) -> None:
        answer = await self._connection.ask(subject, payload)
        if not outcome.done():
            outcome.set_result(answer is not None and answer.data == TAKEN)


class Relay:
    """Publishes at the broker what the bus brings; see the module's text."""

    def __init__(self, connection: Connection, publisher: TrackedPublisher, topics: Topics) -> None:
        self._connection = connection
        self._publisher = publisher
        self._topics = topics
        self.published = 0
        self.refused = 0
        """Plain counters."""
        self._log = structlog.get_logger(__name__).bind()

    @contextlib.asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        """Listen while the block runs: for as long as the broker is there."""
        subject = f"{self._connection.options.prefix}.{OUT}"
        async with asyncio.TaskGroup() as tasks:

            async def take(message: Msg) -> None:
                await self._take(message, tasks)

            async with self._connection.hearing(subject, take, INGESTS):
                yield

    async def _take(self, message: Msg, tasks: asyncio.TaskGroup) -> None:
        try:
            topic, payload, retain = decode_published(message.data)
        except LogEntryError as error:
            self._refuse(str(error))
            return
        parsed = self._topics.parse(topic)
        if parsed is None or parsed.kind not in RELAYED:
            self._refuse("a topic on which guard says nothing")
        elif message.reply:
            known = self._publisher.publish_tracked(topic, payload, retain=retain)
            tasks.create_task(self._answer(message.reply, known))
        elif self._publisher.publish(topic, payload, retain=retain):
            self.published += 1
        else:
            self.refused += 1

    async def _answer(self, reply: str, known: asyncio.Future[bool]) -> None:
        if await known:
            self.published += 1
            await self._connection.say(reply, TAKEN)
        else:
            self.refused += 1

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        self._log.warning("bus-message-refused", reason=reason)
