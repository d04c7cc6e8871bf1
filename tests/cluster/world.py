"""A cluster in virtual time: real workers, each on an event loop of its own, around a store, a log and a bus of dicts.

A worker is killed by never stepping its loop again, and frozen by not stepping it for a while: then it wakes up in the
middle of whatever it was doing, as a process does after SIGSTOP and SIGCONT. The store's fence is the real one in kind:
a commit whose epoch or position is not what the store has is refused. The ingest splits messages with guard's own code,
and the switch is guard's own block list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from guard.core.decisions import Changes, Command, Decision
from guard.core.emergency import EmergencyNumbers
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import Ack
from guard.core.restored import Restored
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.ports import FencedError, Message, Outbox, StoreError
from guard.ports.cluster import Claim, Entry, Held, Member, Position, Seen
from guard.replay.blocklist import BlockList
from guard.replay.payloads import decode_order, encode_ack, encode_status
from guard.shell.cluster.carrying import Counts
from guard.shell.cluster.composers import Composers
from guard.shell.cluster.partition import Partition, Surroundings
from guard.shell.cluster.turnstile import Turnstile
from guard.shell.cluster.worker import Worker
from guard.wire.split import split
from guard.wire.topics import Topics
from tests.scenarios.store import DictStore
from tests.shell.fakes import CountingFigures, MemoryStore
from tests.simulation.schedule import Schedule
from tests.simulation.steps import SteppedLoop

LEASE_MS = 2_000
STORE_TAKES_MS = 3
LOG_TAKES_MS = 4
BUS_TAKES_MS = 2
BROKER_TAKES_MS = 3
TOPICS = Topics("guard/v1")


class VirtualClock:
    """The world's time, as a worker's loop sees it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def now_ms(self) -> int:
        return self._schedule.now_ms

    def monotonic_ns(self) -> int:
        return self._schedule.now_ms * 1_000_000

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1_000)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        try:
            async with asyncio.timeout(ms / 1_000):
                await event.wait()
        except TimeoutError:
            pass


@dataclass
class Row:
    """A partition in the store."""

    owner: str = ""
    epoch: int = 0
    until_ms: int = 0
    position: Position = field(default_factory=Position)
    content: DictStore = field(default_factory=DictStore)
    committers: dict[int, set[str]] = field(default_factory=dict)
    """By epoch: which workers committed under it."""


class Database:
    """What all workers share; each of its operations happens at one moment."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.rows = [Row() for _ in range(PARTITIONS)]
        self.workers: dict[str, tuple[Member, int]] = {}
        self.away = False
        self.claims_take_ms = 0
        """Somebody still holds the rows that are to be claimed."""
        self.commits_take_ms = STORE_TAKES_MS
        self.refused = 0

    def here(self) -> None:
        """`StoreError` while it is away."""
        if self.away:
            raise StoreError("the database is away; start it")


class SharedLeases:
    """`guard.ports.cluster.Leases` on it."""

    lease_ms = LEASE_MS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _ask(self) -> int:
        await asyncio.sleep(STORE_TAKES_MS / 1_000)
        self._database.here()
        return self._database.schedule.now_ms

    async def claim(self, worker: str, want: int) -> list[Claim]:
        await asyncio.sleep(self._database.claims_take_ms / 1_000)
        now_ms = await self._ask()
        claims: list[Claim] = []
        for part, row in enumerate(self._database.rows):
            if len(claims) < want and row.until_ms <= now_ms:
                row.owner, row.epoch, row.until_ms = worker, row.epoch + 1, now_ms + LEASE_MS
                claims.append(Claim(part=part, epoch=row.epoch, position=row.position))
        return claims

    async def renew(self, member: Member, claims: Sequence[Claim]) -> set[int]:
        now_ms = await self._ask()
        self._database.workers[member.id] = member, now_ms
        still = [each.part for each in claims if self._database.rows[each.part].epoch == each.epoch]
        for part in still:
            self._database.rows[part].until_ms = now_ms + LEASE_MS
        return set(still)

    async def release(self, worker: str, claims: Sequence[Claim]) -> None:
        now_ms = await self._ask()
        for claim in claims:
            row = self._database.rows[claim.part]
            if row.epoch == claim.epoch and row.owner == worker:
                row.owner, row.until_ms = "", now_ms

    async def leave(self, worker: str) -> None:
        await self._ask()
        self._database.workers.pop(worker, None)

    async def members(self) -> list[Seen]:
        now_ms = await self._ask()
        every = [Seen(member=member, ago_ms=now_ms - seen) for member, seen in self._database.workers.values()]
        return sorted((seen for seen in every if seen.ago_ms < LEASE_MS), key=lambda seen: seen.member.id)

    async def partitions(self) -> list[Held]:
        now_ms = await self._ask()
        return [
            Held(part=part, owner=row.owner, epoch=row.epoch, position=row.position, left_ms=row.until_ms - now_ms)
            for part, row in enumerate(self._database.rows)
        ]


class NoOutbox:
    """Without webhooks, all that is asked of it."""

    async def open(self, webhooks: Sequence[str]) -> dict[str, int]:
        assert not webhooks
        return {}


class PartOfStore(MemoryStore):
    """`guard.ports.cluster.PartitionStore`: one row of it, under one claim."""

    def __init__(self, database: Database, worker: str, claim: Claim) -> None:
        super().__init__([])
        self._database = database
        self._worker = worker
        self._claim = claim
        self._stored = self.position = claim.position

    @property
    def outbox(self) -> Outbox:
        """Nobody is owed anything."""
        return cast("Outbox", NoOutbox())

    @property
    def _row(self) -> Row:
        return self._database.rows[self._claim.part]

    async def restore(self) -> Restored:
        await asyncio.sleep(STORE_TAKES_MS / 1_000)
        self._database.here()
        return self._row.content.restored()

    async def commit(self, changes: Changes) -> None:
        position = self.position
        await asyncio.sleep(self._database.commits_take_ms / 1_000)
        self._database.here()
        row = self._row
        if (row.epoch, row.position) != (self._claim.epoch, self._stored):
            self._database.refused += 1
            raise FencedError(f"{row.owner} has taken over")
        row.content.commit(changes)
        row.position = self._stored = position
        row.committers.setdefault(self._claim.epoch, set()).add(self._worker)

    async def posted_since(self, account: str, after_ms: int) -> int:
        await asyncio.sleep(STORE_TAKES_MS / 1_000)
        self._database.here()
        return self._row.content.posted_since(account, after_ms)

    async def decisions(self, *, account: str | None, after: int, limit: int) -> list[Decision]:
        return [each for each in self._row.content.decisions if each.number > after][:limit]


class SharedLog:
    """The entries of all partitions, for ever."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.entries: list[list[Entry]] = [[] for _ in range(PARTITIONS)]
        self.readers: dict[int, set[LogReader]] = {part: set() for part in range(PARTITIONS)}
        self._last = 0
        self.away = False
        """For workers: what ingests have arrives."""

    def add(self, part: int, messages: Sequence[tuple[str, bytes]], heard: Sequence[str] = ()) -> None:
        """Durable at once."""
        self._last += 1
        now_ms = self.schedule.now_ms
        entry = Entry(
            position=Position(self._last, now_ms * 1_000_000),
            at_ms=now_ms,
            messages=[Message(topic, payload, now_ms) for topic, payload in messages],
            heard=heard,
        )
        self.entries[part].append(entry)
        for reader in self.readers[part]:
            reader.arrived()


class LogReader:
    """`guard.ports.cluster.Reader`."""

    def __init__(self, log: SharedLog, part: int, after: Position, loop: SteppedLoop) -> None:
        self._entries = log.entries[part]
        self._next = next((i for i, each in enumerate(self._entries) if each.position > after), len(self._entries))
        self._loop = loop
        self.on_arrival: Callable[[], None] = lambda: None

    def arrived(self) -> None:
        self._loop.call_later(LOG_TAKES_MS / 1_000, self._tell)

    def _tell(self) -> None:
        self.on_arrival()

    def drain(self, limit: int) -> list[Entry]:
        drained = self._entries[self._next : self._next + limit]
        self._next += len(drained)
        return [replace(each, messages=list(each.messages)) for each in drained]

    def lag(self) -> int:
        return len(self._entries) - self._next


class Switch:
    """A switch that obeys, and what it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocks = BlockList(EmergencyNumbers())
        self.up = True
        self.commanded: set[str] = set()
        self.snapshots: set[str] = set()

    def obey(self, payload: bytes, now_ms: int) -> bytes:
        """Carry it out; the acknowledgement."""
        order = decode_order(payload)
        if isinstance(order, Command):
            self.commanded.add(order.account)
            self.blocks.apply(order)
            ack = Ack(switch=self.name, id=order.id, ok=True, account=order.account, at_ms=now_ms)
        else:
            self.snapshots.add(order.id)
            self.blocks.apply_part(order)
            ack = Ack(switch=self.name, id=order.id, ok=True, at_ms=now_ms, part=order.part)
        return encode_ack(ack)

    def blocked(self) -> set[str]:
        return set(self.blocks.accounts())


class WorkerProcess:
    """A worker, its loop, and what may befall it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.loop = SteppedLoop(world.schedule, lambda: 1)
        self.frozen_until_ms = 0
        self.alive = self.reads = True
        """It runs; it reaches the log."""
        self.intents = Counts()
        self.worker = self._make(name)
        self._task = self.loop.create_task(self.worker.run())

    def _make(self, name: str) -> Worker:
        world, clock = self.world, VirtualClock(self.world.schedule)
        bus, log = WorkerBus(world, self.loop), WorkerLog(world, self.loop)

        turnstile, restoring = Turnstile(), asyncio.Semaphore(4)

        def composers(holds: Callable[[int], bool]) -> Composers:
            return Composers(bus=bus, log=log, topics=TOPICS, clock=clock, holds=holds)

        def make(claim: Claim, holds: Callable[[], bool]) -> Partition:
            engine = Engine(
                world.settings,
                Scopes.of_country_code("1"),
                clock.now_ms(),
                rules=world.rules,
                partition=claim.part,
            )
            store = PartOfStore(world.database, name, claim)
            around = Surroundings(
                log=log,
                bus=bus,
                clock=clock,
                since_boot=lambda: ("", 0),
                topics=TOPICS,
                figures=CountingFigures(),
                refused=lambda topic, refusal: world.refusals.append(f"{topic} {refusal}"),
                on_decisions=lambda _decisions: None,
                on_notice=lambda notice: world.notices.append(notice.text),
                composers=self.worker.composers,
                turnstile=turnstile,
                restoring=lambda: restoring,
                targets=(),
                intents=self.intents,
            )
            return Partition(claim, engine=engine, store=store, around=around, holds=holds)

        return Worker(
            leases=SharedLeases(world.database),
            member=Member(id=name, url=""),
            clock=clock,
            bus=bus,
            composers=composers,
            make=make,
            gone=lambda _partition: None,
            reads=lambda: self.reads,
        )

    @property
    def next_ms(self) -> int | None:
        """When it has a step to take."""
        if not self.alive:
            return None
        moment = self.loop.next_ms()
        return None if moment is None else max(moment, self.frozen_until_ms)

    def kill(self) -> None:
        """SIGKILL: what it had begun has never happened."""
        self.alive = False

    def freeze(self, ms: int) -> None:
        """SIGSTOP, and SIGCONT so much later."""
        self.frozen_until_ms = self.world.schedule.now_ms + ms

    def stop(self) -> None:
        """SIGTERM."""
        self._task.cancel()

    def tear_down(self) -> None:
        """However it stands: leave no task behind."""
        self.alive, self.frozen_until_ms = True, 0
        self.stop()

    @property
    def stopped(self) -> bool:
        return self._task.done()

    @property
    def held(self) -> set[int]:
        return {each.claim.part for each in self.worker.partitions}


class WorkerBus:
    """`guard.ports.cluster.Bus`, as one worker has it."""

    def __init__(self, world: World, loop: SteppedLoop) -> None:
        self._world = world
        self._loop = loop

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        del retain
        self._world.schedule.after(BUS_TAKES_MS + BROKER_TAKES_MS, lambda: self._world.to_switch(topic, payload))
        return True

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        self.publish(topic, payload, retain=retain)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future

    def send(self, subject: str, payload: bytes) -> bool:
        for loop, hear in list(self._world.listeners.get(subject, ())):
            loop.call_later(BUS_TAKES_MS / 1_000, hear, payload)
        return True

    @asynccontextmanager
    async def listen(self, subject: str, hear: Callable[[bytes], None]) -> AsyncIterator[None]:
        listeners, mine = self._world.listeners.setdefault(subject, []), (self._loop, hear)
        listeners.append(mine)
        try:
            yield
        finally:
            listeners.remove(mine)


class WorkerLog:
    """`guard.ports.cluster.Log`, as one worker has it."""

    def __init__(self, world: World, loop: SteppedLoop) -> None:
        self._world = world
        self._loop = loop

    @asynccontextmanager
    async def read(self, part: int, after: Position) -> AsyncIterator[LogReader]:
        reader = LogReader(self._world.log, part, after, self._loop)
        readers = self._world.log.readers[part]
        readers.add(reader)
        try:
            yield reader
        finally:
            readers.discard(reader)

    def name(self) -> str:
        return ""

    async def append(self, part: int, messages: Sequence[tuple[str, bytes]], *, name: str = "") -> bool:
        await asyncio.sleep(LOG_TAKES_MS / 1_000)
        if self._world.log.away:
            return False
        self._world.log.add(part, messages)
        return True


class World:
    """All of it."""

    def __init__(self, *, limit_micros: int = 100_000_000) -> None:
        self.schedule = Schedule()
        self.settings = Settings(default_limit_micros=Micros(limit_micros), blind_carry_ms=0)
        self.rules: tuple[Rule, ...] = ()
        """Of all that are made from now on."""
        self.database = Database(self.schedule)
        self.log = SharedLog(self.schedule)
        self.listeners: dict[str, list[tuple[SteppedLoop, Callable[[bytes], None]]]] = {}
        self.switches: dict[str, Switch] = {}
        self.workers: list[WorkerProcess] = []
        self.refusals: list[str] = []
        self.notices: list[str] = []
        self.commanded: set[tuple[str, str]] = set()
        """(switch, account) of all commands that have arrived."""
        self.received: list[tuple[int, str, bytes]] = []
        """Everything that switches have said, and when."""
        self._heard: set[str] = set()
        self.ingest_up = True
        self._beat()

    def start(self, name: str) -> WorkerProcess:
        process = WorkerProcess(self, name)
        self.workers.append(process)
        return process

    # -- the ingest and the broker

    def receive(self, topic: str, payload: bytes) -> None:
        """A switch or billing says something; the ingest splits it."""
        parsed = TOPICS.parse(topic)
        assert parsed is not None
        self.received.append((self.schedule.now_ms, topic, payload))
        if topic.endswith("/calls"):
            self._heard.add(parsed.switch)
        for part in split(parsed, payload):
            self.log.add(part.partition, [(topic, part.payload)])

    def _beat(self) -> None:
        if self.ingest_up:
            heard, self._heard = sorted(self._heard), set()
            for part in range(PARTITIONS):
                self.log.add(part, [], heard)
        self.schedule.after(1_000, self._beat)

    def to_switch(self, topic: str, payload: bytes) -> None:
        """A command or a snapshot reaches its switch, which answers."""
        parsed = TOPICS.parse(topic)
        switch = None if parsed is None else self.switches.get(parsed.switch)
        if switch is not None and switch.up and topic.endswith("/commands"):
            ack = switch.obey(payload, self.schedule.now_ms)
            self.commanded.update((switch.name, account) for account in switch.commanded)
            self.schedule.after(BROKER_TAKES_MS, lambda: self.receive(TOPICS.acks(switch.name), ack))

    def add_switch(self, name: str) -> Switch:
        """A switch comes up, perhaps again; then it has forgotten everything."""
        switch = self.switches[name] = Switch(name)
        self.receive(f"guard/v1/{name}/status", encode_status(up=True))
        return switch

    # -- time

    def run(self, ms: int) -> None:
        """Let so much time pass."""
        end_ms = self.schedule.now_ms + ms
        while (moment := self._next_ms()) is not None and moment <= end_ms:
            self.schedule.pass_to(moment)
            if self.schedule.next_ms == moment:
                self.schedule.happen()
            for worker in self.workers:
                while (due := worker.next_ms) is not None and due <= moment:
                    worker.loop.step()
        self.schedule.pass_to(end_ms)

    def _next_ms(self) -> int | None:
        moments = [self.schedule.next_ms, *(worker.next_ms for worker in self.workers)]
        return min((moment for moment in moments if moment is not None), default=None)

    def until(self, reached: Callable[[], bool], within_ms: int, what: str) -> None:
        """Let time pass until it is so."""
        end_ms = self.schedule.now_ms + within_ms
        while not reached():
            assert self.schedule.now_ms < end_ms, f"not within {within_ms} ms: {what}"
            self.run(50)

    def close(self) -> None:
        """End what still runs."""
        self.database.away = False
        for worker in self.workers:
            worker.tear_down()
        self.until(lambda: all(worker.stopped for worker in self.workers), 60_000, "the end of all workers")
        failures = [failure for worker in self.workers for failure in worker.loop.failures]
        assert not failures, failures

    # -- what is stored

    def owed(self, account: str) -> int:
        return self.database.rows[partition_of(account)].content.owed.get(account, 0)

    def blocked(self) -> set[str]:
        """Accounts whose last stored command is a block."""
        rows = (row for part in self.database.rows for row in part.content.accounts.values())
        return {row.id for row in rows if row.command is not None and row.command.action == "block"}
