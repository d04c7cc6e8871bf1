"""The composers of a worker: one for each switch whose home partition is held here (`guard.core.composer`).

Pieces come from all workers by the bus, acknowledgements of the switch in the log of the home partition; what is put
together goes to the switch like a command, and what the switch has put in place is told to each partition in its own
log, in the words in which a switch would have said it. Whatever is lost on the way comes again: a piece that nobody
acknowledges is made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

import structlog

from guard.core.composer import COMPOSED, Answered, Composer, Step
from guard.core.partitions import PARTITIONS
from guard.core.records import Ack
from guard.ports import Clock, Message
from guard.ports.cluster import Bus, Log
from guard.shell.cluster.sending import PIECE, WANTED
from guard.wire.commands import encode_snapshot_part
from guard.wire.control import decode_ack
from guard.wire.pieces import Wanted, decode_piece, encode, encode_answer
from guard.wire.topics import Topics

LOOK_EVERY_MS = 100
"""Composers that have something to do are looked at so often."""


class Composers:
    """Of all switches at home here."""

    def __init__(self, *, bus: Bus, log: Log, topics: Topics, clock: Clock, holds: Callable[[int], bool]) -> None:
        """`holds`: whether a partition is held here, now."""
        self._bus = bus
        self._log = log
        self._topics = topics
        self._clock = clock
        self._holds = holds
        self._of: dict[int, dict[str, Composer]] = {}
        """By home partition and switch."""
        self._news = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()
        self._logger = structlog.get_logger("guard").bind()

    @asynccontextmanager
    async def at(self, home: int) -> AsyncIterator[None]:
        """That partition is held here until the context ends; nothing is known of its switches' snapshots yet."""
        mine = self._of[home] = {}
        try:
            async with self._bus.listen(PIECE.format(home=home), partial(self.heard, home)):
                yield
        finally:
            # It may be held here again already, under another claim.
            if self._of.get(home) is mine:
                del self._of[home]

    # -- what comes in

    def heard(self, home: int, payload: bytes) -> None:
        """A piece for a switch of that home."""
        composers, read = self._of.get(home), decode_piece(payload)
        if read is None or composers is None:
            return
        piece, part = read
        composer = self._composer(composers, piece.switch)
        composer.take(piece.partition, piece.epoch, part, self._clock.now_ms())
        self._news.set()

    def acknowledged(self, home: int, message: Message) -> None:
        """What a switch at home there says."""
        topic, composers = self._topics.parse(message.topic), self._of.get(home)
        if topic is None or composers is None:
            return
        ack = decode_ack(message.payload, topic.switch)
        if not isinstance(ack, Ack) or not ack.id.startswith(COMPOSED):
            return
        composer = self._composer(composers, topic.switch)
        answered = composer.acknowledge(ack, self._clock.now_ms())
        self._news.set()
        if answered:
            task = asyncio.create_task(self._answer(ack, answered), name=f"answer {topic.switch}")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    @staticmethod
    def _composer(composers: dict[str, Composer], switch: str) -> Composer:
        composer = composers.get(switch)
        if composer is None:
            composer = composers[switch] = Composer(switch, PARTITIONS)
        return composer

    async def _answer(self, ack: Ack, answered: Iterable[Answered]) -> None:
        """Tell each partition that its piece is in place."""
        topic = self._topics.acks(ack.switch)
        messages = {
            each.part: [(topic, encode_answer(each.id, part, ack.at_ms)) for part in range(1, each.of + 1)]
            for each in answered
        }
        stored = await asyncio.gather(*(self._log.append(part, each) for part, each in messages.items()))
        if not all(stored):
            self._logger.warning(
                "snapshot-unanswered", switch=ack.switch, partitions=stored.count(False), effect="it is made again"
            )

    # -- what goes out

    async def run(self) -> None:
        """Compose until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self.advance():
                await self._clock.wait(self._news, LOOK_EVERY_MS)
                self._news.clear()

    def advance(self) -> bool:
        """One look at every composer; whether one of them still has something to do."""
        now_ms, busy = self._clock.now_ms(), False
        for home, composers in self._of.items():
            if not self._holds(home):
                continue
            for switch, composer in composers.items():
                if not composer.at_rest:
                    self._carry_out(switch, composer.advance(now_ms))
                    busy = True
        return busy

    def _carry_out(self, switch: str, step: Step) -> None:
        for part in step.sends:
            self._bus.publish(self._topics.commands(switch), encode_snapshot_part(part))
        if step.wanted:
            self._bus.send(WANTED, encode(Wanted(switch=switch, partitions=list(step.wanted))))
