"""One partition from its claim to its end: an engine, its loop, its feed, on the partition's store and log.

    restore -> read the log behind the stored position -> turn ... -> told to end: the turn that is being made, what
    is stored only now and then, and the position; then somebody else may have it

It may as well be cancelled at any moment, or refused by the store (`FencedError`): what is not committed has never
happened, because nothing of it was sent, and the next owner reads it again.

**Hearing.** Each ingest puts an entry into every partition once a second, as long as it is subscribed at the broker. A
partition that has seen none for `DEAF_AFTER_MS` cannot hear, so no switch is blamed for its silence; with the next one
it can, and the switches are told the whole truth. These entries also say which switches talk at all: an account's calls
are stale when *their switch talks* and does not mention them, and here only some of its accounts are seen.

**The position** is stored with each commit. A partition in which nothing happens but heartbeats stores it now and then,
so that the next owner has not all of them to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from guard.core.decisions import Changes, Decision, KeptRow, Notice
from guard.core.engine import Engine
from guard.core.neighbours import Mentioned, SnapshotWanted
from guard.core.partitions import partition_of
from guard.core.records import Refusal
from guard.core.setup import Reload
from guard.ports import Clock, Notifier, StoreError
from guard.ports.cluster import Bus, Claim, Entry, Log, PartitionStore
from guard.shell.clockkeeper import ClockKeeper, SinceBoot
from guard.shell.cluster.between import Between, Words
from guard.shell.cluster.carrying import Carrying, Counts
from guard.shell.cluster.composers import Composers
from guard.shell.cluster.sending import Sending
from guard.shell.cluster.turnstile import Turnstile
from guard.shell.cluster.unpacking import Unpacking
from guard.shell.courier import Courier, Route
from guard.shell.feed import Feed
from guard.shell.loop import Figures, Loop
from guard.shell.sentinel import Tell
from guard.shell.webhooks import PostOffice
from guard.wire.topics import Topics

REPORTS_BATCH = 1_000
"""A quarter of the single daemon's: leases are renewed in between, whichever partitions have a backlog."""
DEAF_AFTER_MS = 5_000
MENTION_EVERY_MS = 5_000
"""A switch that talks is mentioned to the engine no more often, nor less often than four times in `stale_after`."""
LOOK_EVERY_MS = 1_000
POSITION_EVERY_MS = 10_000
ACKS_END = "/acks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all partitions of a worker share."""

    log: Log
    bus: Bus
    clock: Clock
    since_boot: SinceBoot
    topics: Topics
    figures: Figures
    refused: Callable[[str, Refusal], None]
    on_decisions: Callable[[list[Decision]], None]
    on_notice: Callable[[Notice], None]
    composers: Composers
    turnstile: Turnstile
    restoring: Callable[[], AbstractAsyncContextManager[None]]
    """So many partitions are restored at a time: each needs a connection, and all share one processor."""
    targets: Sequence[tuple[Route, Notifier]]
    """Who else is told; closed by the worker, not by a partition."""
    intents: Counts = field(default_factory=Counts)
    """What became of operators' intents."""
    words: Words = field(default_factory=Words)
    """What partitions say to each other."""
    on_forgotten: Callable[[str], None] = lambda _account: None
    """Told of each account that is to be forgotten."""


class ModelSide(Protocol):
    """The anomaly model at work in one partition."""

    def restored(self, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
        """The same rows; what is its own is taken up on the way."""
        ...

    async def run(self, find: Tell) -> None:
        """Score until cancelled; `find` lets what is found enter the next batch."""
        ...


def _nothing_waits() -> int:
    return 0


class Partition:
    """Made from a claim; turns while `run` runs."""

    def __init__(
        self,
        claim: Claim,
        *,
        engine: Engine,
        store: PartitionStore,
        around: Surroundings,
        holds: Callable[[], bool],
        model: ModelSide | None = None,
    ) -> None:
        """`holds`: whether the claim is still good, by this process's own clock. `model`: None: there is none."""
        self._model = model
        self.claim = claim
        self.engine = engine
        self._store = store
        self._around = around
        self._holds = holds
        self._loop: Loop | None = None
        self._unpacking: Unpacking | None = None
        self._lag: Callable[[], int] = _nothing_waits
        self._heard_ms = around.clock.now_ms()
        self._newest_entry_ms = self._heard_ms
        self._deaf = False
        self._ending = False
        self._office: PostOffice | None = None
        self._reload: Reload | None = None
        """What came while it was being restored."""

    # -- how it stands

    @property
    def restored(self) -> bool:
        """It decides."""
        return self._loop is not None

    @property
    def last_turn_ms(self) -> int:
        """When its loop turned last."""
        return self._heard_ms if self._loop is None else self._loop.last_turn_ms

    @property
    def store_failure(self) -> str:
        """Why its store does not take batches; empty when it does."""
        return "" if self._loop is None else self._loop.store_failure

    @property
    def couriers(self) -> Sequence[Courier]:
        """Who bring on-call its news; none before it is restored."""
        return () if self._office is None else self._office.couriers

    @property
    def behind(self) -> int:
        """Entries of its log that have not been drained, and messages of those that have."""
        return self._lag() + (0 if self._unpacking is None else self._unpacking.waiting)

    def late_ms(self, now_ms: int) -> int:
        """How long ago what it reads now was received; 0 when it has read everything."""
        return max(0, now_ms - self._newest_entry_ms) if self.behind else 0

    # -- from its claim to its end

    async def run(self) -> None:
        """Until told to end; raises what the store raises, `FencedError` among it."""
        around, engine = self._around, self.engine
        clocks = ClockKeeper(engine, around.clock, around.since_boot)
        carrying = Carrying(engine=engine, bus=around.bus, counts=around.intents)
        carrying.on_forgotten = around.on_forgotten
        async with around.restoring():
            published = await self._restore(clocks, carrying)
        office = self._office = await self._open_office()
        async with (
            around.composers.at(self.claim.part),
            around.log.read(self.claim.part, self.claim.position) as reader,
        ):
            self._lag = reader.lag
            unpacking = self._unpacking = Unpacking(reader, self.claim.position, self._entered)
            loop = self._make_loop(unpacking)
            loop.on_clock = clocks.note
            loop.carry(carrying.take)
            between = self._between()
            loop.before_commit = between.say
            loop.hear(between.hear)
            ticket, store = around.turnstile.ticket(), self._store
            loop.before_turn, loop.on_pause = ticket.enter, ticket.leave

            def taken() -> None:
                store.position = unpacking.taken()
                ticket.leave()

            loop.on_taken = taken
            reader.on_arrival = loop.arrived
            feed = Feed(
                store=self._store,
                publisher=around.bus,
                topics=around.topics,
                clock=around.clock,
                published=published,
            )
            self._let_know(loop, feed, office)
            if self._reload is not None:
                engine.reload(self._reload, around.clock.now_ms())
            self._loop = loop
            loop.subscribed()
            if self._ending:
                loop.end()
            try:
                await self._turn(loop, feed, office)
            finally:
                ticket.leave()
        if loop.settled:
            keepsakes = engine.keepsakes()
            await between.say(keepsakes)
            await self._store.commit(keepsakes)

    def _make_loop(self, unpacking: Unpacking) -> Loop:
        """The daemon's, between the log and the store of this partition."""
        around, engine = self._around, self.engine
        return Loop(
            engine=engine,
            store=self._store,
            clock=around.clock,
            calls=unpacking.calls,
            control=unpacking.control,
            dispatch=Sending(engine=engine, claim=self.claim, bus=around.bus, topics=around.topics, holds=self._holds),
            topics=around.topics,
            figures=around.figures,
            refused=around.refused,
            reports_batch=REPORTS_BATCH,
        )

    def _between(self) -> Between:
        around = self._around
        return Between(
            engine=self.engine,
            log=around.log,
            part=self.claim.part,
            holds=self._holds,
            refused=around.refused,
            words=around.words,
        )

    def _let_know(self, loop: Loop, feed: Feed, office: PostOffice) -> None:
        """Whoever is to hear of decisions and notices does."""
        around = self._around

        def decided(decisions: list[Decision]) -> None:
            around.on_decisions(decisions)
            feed.tell()
            office.tell()

        def noticed(notice: Notice) -> None:
            around.on_notice(notice)
            office.tell()

        loop.on_decisions, loop.on_notice = decided, noticed

    async def _restore(self, clocks: ClockKeeper, carrying: Carrying) -> int:
        """From the store; the number of the last decision that has been published."""
        restored = await self._store.restore()
        restored.kept = carrying.restored(clocks.restored(restored.kept))
        if self._model is not None:
            restored.kept = self._model.restored(restored.kept)
        published = restored.unpublished[0].number - 1 if restored.unpublished else restored.last_decision
        for _ in self.engine.restoring(restored, self._around.clock.now_ms()):
            # Leases of others must be renewed meanwhile.
            await asyncio.sleep(0)
        clocks.compare()
        return published

    async def _open_office(self) -> PostOffice:
        office = PostOffice(self._store.outbox, self._around.clock, self._around.targets)
        await office.open()
        return office

    async def _turn(self, loop: Loop, feed: Feed, office: PostOffice) -> None:
        """Until it is told to end; what goes on beside it ends with it."""
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(feed.run(), name=f"feed {self.claim.part}"),
                tasks.create_task(office.run(), name=f"webhooks {self.claim.part}"),
                tasks.create_task(self._look_after(loop), name=f"position {self.claim.part}"),
            ]
            if self._model is not None:
                beside.append(tasks.create_task(self._model.run(loop.find), name=f"model {self.claim.part}"))
            await loop.run()
            for task in beside:
                task.cancel()

    async def reload(self, reload: Reload) -> bool:
        """Take up another setup; returns when that is durable. False: too many requests are waiting."""
        if self._loop is None:
            self.begin_with(reload)
            return True
        return await self._loop.reload(reload)

    def begin_with(self, reload: Reload) -> None:
        """It is yet to be restored: the setup comes before its first batch."""
        self._reload = reload

    def end(self) -> None:
        """Turn once more at most; `run` returns when all is stored."""
        self._ending = True
        if self._loop is not None:
            self._loop.end()

    def dismantling(self) -> Iterator[None]:
        """After `run`: let go of everything, in steps (`guard.core.dismantling`)."""
        if self._loop is not None:
            self._loop.let_go()
        if self._unpacking is not None:
            self._unpacking.let_go()
        self._loop = self._unpacking = self._office = self._model = None
        self._lag = _nothing_waits
        return self.engine.dismantling()

    # -- what comes in

    def _entered(self, entry: Entry) -> None:
        """An entry of the log is about to be drained, in a turn of the loop."""
        # In a turn, so at the time of it.
        now_ms = self.last_turn_ms
        self._heard_ms, self._newest_entry_ms = now_ms, entry.at_ms
        if self._deaf and self._loop is not None:
            self._deaf = False
            self._loop.subscribed()
        for switch in entry.heard:
            self._mention(switch, now_ms)
        for message in entry.messages:
            if message.topic.endswith(ACKS_END):
                topic = self._around.topics.parse(message.topic)
                if topic is not None and partition_of(topic.switch) == self.claim.part:
                    # It may be one of a snapshot.
                    self._around.composers.acknowledged(self.claim.part, message)

    def _mention(self, name: str, now_ms: int) -> None:
        switch = self.engine.world.switches.get(name)
        if switch is not None and switch.up and switch.silence is None:
            every_ms = min(MENTION_EVERY_MS, self.engine.world.settings.stale_after_ms // 4)
            if now_ms - switch.last_heard_ms < every_ms:
                return
        self.engine.control(Mentioned(switch=name), now_ms)

    def wanted(self, switch: str) -> None:
        """Whoever composes for that switch lacks this partition's piece."""
        if self._loop is not None:
            self.engine.control(SnapshotWanted(switch=switch), self._around.clock.now_ms())
            self._loop.arrived()

    def revived(self, webhook: str) -> None:
        """Dead letters of a webhook are due again."""
        if self._office is not None:
            self._office.look_again(webhook)

    # -- now and then

    async def _look_after(self, loop: Loop) -> None:
        """Can it hear, and is the position stored?"""
        clock, stored_ms = self._around.clock, self._heard_ms
        while True:
            await clock.sleep(LOOK_EVERY_MS)
            now_ms = clock.now_ms()
            if not loop.settled:
                # The store holds it up, or there is much to do.
                continue
            if not self._deaf and now_ms - self._heard_ms > DEAF_AFTER_MS:
                self._deaf = True
                loop.cut_off()
            if now_ms - stored_ms >= POSITION_EVERY_MS:
                stored_ms = now_ms
                with suppress(StoreError):
                    await self._store.commit(Changes())
