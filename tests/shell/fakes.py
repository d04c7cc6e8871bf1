"""A clock moved by hand, a broker session in a list, a store in a dict that fails when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from guard.core.decisions import NEWEST, Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.engine import Engine
from guard.core.records import Refusal
from guard.core.restored import Restored
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.setup import Setup
from guard.core.statement import LedgerSum
from guard.ports import Message, SetupRefusedError, StoreError
from guard.shell.dispatch import Dispatch
from guard.shell.loop import Loop
from guard.shell.reload import Reloader
from guard.wire.topics import Topics

START_MS = 1_800_000_000_000


class ManualClock:
    """Time that only the test moves; sleeping moves it too, so nothing ever waits in real time."""

    def __init__(self) -> None:
        self.ms = START_MS
        self.stepped_ms = 0

    def now_ms(self) -> int:
        """The time that was set."""
        return self.ms

    def monotonic_ns(self) -> int:
        """The time that has passed, steps left out."""
        return (self.ms - self.stepped_ms) * 1_000_000

    def step(self, ms: int) -> None:
        """Somebody sets the clock."""
        self.ms += ms
        self.stepped_ms += ms

    async def sleep(self, ms: int) -> None:
        """Time passes at once."""
        self.ms += ms
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Time passes at once, unless the event is there."""
        if not event.is_set():
            self.ms += ms
        await asyncio.sleep(0)


@dataclass
class MemorySession:
    """A source and a publisher; notes the order in which things happen to it."""

    clock: ManualClock
    journal: list[str]
    name: str
    waiting: list[Message] = field(default_factory=list)
    acknowledged: list[Message] = field(default_factory=list)
    published: list[tuple[str, bytes]] = field(default_factory=list)
    connected: bool = True

    def arrive(self, topic: str, payload: bytes) -> Message:
        """A message from the broker."""
        message = Message(topic, payload, self.clock.ms, len(self.waiting))
        self.waiting.append(message)
        return message

    def drain(self, limit: int) -> list[Message]:
        """What has arrived."""
        drained, self.waiting = self.waiting[:limit], self.waiting[limit:]
        if drained:
            self.journal.append(f"drain {self.name}")
        return drained

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK."""
        self.journal.append(f"acknowledge {self.name} {len(messages)}")
        self.acknowledged += messages

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish, if connected."""
        del retain
        if self.connected:
            self.journal.append(f"publish {topic.rsplit('/', 1)[-1]}")
            self.published.append((topic, payload))
        return self.connected

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish and say at once whether it arrived."""
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        outcome.set_result(self.publish(topic, payload, retain=retain))
        return outcome


@dataclass
class MemoryStore:
    """Keeps the batches; fails as often as told."""

    journal: list[str]
    failures: int = 0
    batches: list[Changes] = field(default_factory=list)
    published_to: int = 0

    async def restore(self) -> Restored:
        """Nothing was kept."""
        return Restored()

    async def commit(self, changes: Changes) -> None:
        """Keep a batch, or fail."""
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            self.journal.append("commit failed")
            raise StoreError("the disk is full; make room")
        self.journal.append("commit")
        self.batches.append(changes)

    async def published(self, decision_number: int) -> None:
        """Note it."""
        self.published_to = decision_number

    async def posted_since(self, account: str, after_ms: int) -> int:
        """Sum of later lines among what was committed."""
        self.journal.append("ask the ledger")
        lines = (line for batch in self.batches for line in batch.ledger)
        return sum(line.amount_micros for line in lines if line.account == account and line.at_ms > after_ms)

    async def decisions(self, *, account: str | None, after: int, limit: int) -> list[Decision]:
        """Those committed."""
        del account
        every = [decision for batch in self.batches for decision in batch.decisions]
        return [decision for decision in every if decision.number > after][:limit]

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """Those committed, newest first."""
        every = [decision for batch in self.batches for decision in batch.decisions if decision.account == account]
        return every[::-1][:limit]

    async def ledger(
        self, account: str, *, from_ms: int | None, to_ms: int | None
    ) -> AsyncIterator[Sequence[LedgerLine]]:
        """Those committed."""
        del from_ms, to_ms
        for batch in self.batches:
            yield [line for line in batch.ledger if line.account == account]

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The loop has no use for them."""
        raise NotImplementedError

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Those committed, newest first."""
        every = [entry for batch in self.batches for entry in batch.billing]
        return [entry for entry in reversed(every) if entry.account == account and entry.type in kinds][:limit]

    async def last_audits(self, account: str, limit: int, *, before: int = NEWEST) -> list[Audit]:
        """Those committed, newest first."""
        every = (audit for batch in self.batches for audit in batch.audit)
        numbered = [replace(audit, number=number) for number, audit in enumerate(every, 1) if audit.account == account]
        return [audit for audit in reversed(numbered) if audit.number < before][:limit]

    async def quarantined(self, *, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Those committed."""
        every = [held for batch in self.batches for held in batch.quarantine]
        return list(enumerate(every, 1))[after : after + limit]


class CountingFigures:
    """Counts what the loop counts."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []
        self.reports = 0

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule."""
        self.refused += [(switch, "invalid")] * count

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message that broke a rule."""
        self.refused.append((kind, outcome))

    def lagged(self, seconds: float, reports: int) -> None:
        """Age of reports."""
        del seconds
        self.reports += reports

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged."""

    def committed(self, seconds: float, reports: int) -> None:
        """A batch."""


@dataclass(frozen=True)
class FakeRead:
    """What the files say now."""

    setup: Setup
    changes: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class House:
    """A loop in a house of fakes."""

    def __init__(self, settings: Settings | None = None, rules: Sequence[Rule] = ()) -> None:
        self.journal: list[str] = []
        self.clock = ManualClock()
        self.store = MemoryStore(self.journal)
        self.calls = MemorySession(self.clock, self.journal, "calls")
        self.control = MemorySession(self.clock, self.journal, "control")
        self.figures = CountingFigures()
        self.refusals: list[tuple[str, Refusal]] = []
        self.engine = Engine(settings or Settings(), Scopes.of_country_code("1"), START_MS, rules=rules)
        self.topics = Topics("guard/v1")
        self.loop = Loop(
            engine=self.engine,
            store=self.store,
            clock=self.clock,
            calls=self.calls,
            control=self.control,
            dispatch=Dispatch(engine=self.engine, publisher=self.control, topics=self.topics),
            topics=self.topics,
            figures=self.figures,
            refused=lambda topic, refusal: self.refusals.append((topic, refusal)),
        )
        self.reads: list[FakeRead | SetupRefusedError] = []
        """What the files say at each reload, in turn."""
        self.asked_about: list[list[str]] = []
        self.taken_up: list[FakeRead] = []
        self.reloader = Reloader(
            engine=self.engine, loop=self.loop, clock=self.clock, read=self._read, taken_up=self.taken_up.append
        )

    def _read(self, numbers: Sequence[str]) -> FakeRead:
        self.asked_about.append(list(numbers))
        read = self.reads.pop(0)
        if isinstance(read, SetupRefusedError):
            raise read
        return read

    def report(self, body: str, switch: str = "sw1") -> Message:
        """A report (or an array of them) arrives."""
        return self.calls.arrive(f"guard/v1/{switch}/calls", body.encode())

    def billing(self, body: str) -> Message:
        """A billing message arrives."""
        return self.control.arrive("guard/v1/billing", body.encode())

    def commands(self) -> list[bytes]:
        """What was published to switches."""
        return [payload for topic, payload in self.control.published if topic.endswith("/commands")]
