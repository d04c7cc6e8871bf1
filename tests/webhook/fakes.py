"""Time that passes when nothing else is to be done, targets that do as they are told, a history in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from guard.core.decisions import Action, Audit, Decision, Mode, Notice, NoticeKind, Reason
from guard.core.events import Delivery, Event, Owed, Position, events_after
from guard.core.identity import derived_id
from guard.core.money import Micros
from guard.core.records import Scope
from guard.ports import Sent, StoreError
from guard.shell.courier import Courier, Route

START_MS = 1_795_317_165_120
"""2026-11-22T03:12:45.120Z."""
EVENTS = ("block", "unblock", "warn", "held", "unconfirmed", "blind", "fuse")
PATIENCE_TURNS = 200_000


def decision(
    number: int,
    account: str = "A1",
    *,
    action: Action = Action.BLOCK,
    mode: Mode = Mode.ENFORCE,
    rule: str = "",
    key: str = "",
    mark: str = "",
) -> Decision:
    """The n-th decision."""
    at_ms = START_MS + number
    return Decision(
        number=number,
        id=derived_id(at_ms, account, number),
        at_ms=at_ms,
        account=account,
        action=action,
        scope=Scope.ALL,
        mode=mode,
        reason=Reason.CREDIT_LIMIT,
        exposure_micros=Micros(512_100_000),
        limit_micros=Micros(500_000_000),
        currency="CAD",
        text="Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
        rule=rule,
        key=key,
        mark=mark,
    )


def notice(number: int, kind: NoticeKind = NoticeKind.BLIND, *, over: bool = False, account: str = "") -> Notice:
    """A notice at the n-th moment."""
    switch = "" if account else "sw1"
    return Notice(kind=kind, at_ms=START_MS + number, switch=switch, account=account, text="Look at it.", over=over)


@dataclass
class VirtualClock:
    """Stands still while anything can be done, and jumps to the next moment that somebody waits for."""

    ms: int = START_MS

    def now_ms(self) -> int:
        """The time it has come to be."""
        return self.ms

    def monotonic_ns(self) -> int:
        """The same."""
        return self.ms * 1_000_000

    async def sleep(self, ms: int) -> None:
        """Time passes."""
        self.ms += ms
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Let everybody do what they can; if that is not what was waited for, time passes."""
        for _ in range(4):
            await asyncio.sleep(0)
            if event.is_set():
                return
        self.ms += ms


@dataclass
class FakeTarget:
    """A notifier that answers as told, and notes when it was asked what."""

    answer: Callable[[Event, int], Sent] = lambda _event, _at_ms: Sent()
    asked: list[tuple[str, int]] = field(default_factory=list)
    """(event id, when)."""
    got: list[Event] = field(default_factory=list)
    flying: int = 0
    most_flying: int = 0
    pause: Callable[[Event], Awaitable[None]] | None = None
    """Waited for before the answer."""

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Answer."""
        self.asked.append((event.id, at_ms))
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            if self.pause is not None:
                await self.pause(event)
        finally:
            self.flying -= 1
        sent = self.answer(event, at_ms)
        if not sent.error:
            self.got.append(event)
        return sent

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class MemoryOutbox:
    """`guard.ports.Outbox` in memory; it survives couriers, as a store survives daemons."""

    decisions: list[Decision] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    rows: dict[tuple[str, str], Owed] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)
    failures: int = 0

    async def decide(self, *told: Decision | Notice) -> None:
        """These happen."""
        for each in told:
            if isinstance(each, Decision):
                self.decisions.append(each)
            else:
                self.notices.append(each)

    async def open(self, webhooks: Sequence[str]) -> Mapping[str, int]:
        """From now on these are told."""
        end = Position(self.decisions[-1].number if self.decisions else 0, len(self.notices))
        gone = sorted(self.positions.keys() - set(webhooks))
        dropped = {name: sum(webhook == name for webhook, _ in self.rows) for name in gone}
        self.positions = {name: self.positions.get(name, end) for name in webhooks}
        self.rows = {key: owed for key, owed in self.rows.items() if key[0] in self.positions}
        return dropped

    async def position(self, webhook: str) -> Position:
        """How far it has been."""
        return self.positions[webhook]

    async def after(self, position: Position, limit: int) -> tuple[list[Event], Position]:
        """Events beyond a position."""
        self._fail()
        decisions = [each for each in self.decisions if each.number > position.decision][:limit]
        numbered = [Event(number=number, told=told) for number, told in enumerate(self.notices, 1)]
        return events_after(position, decisions, numbered[position.notice : position.notice + limit])

    async def pending(self, webhook: str) -> list[Owed]:
        """What is to be sent to it."""
        return [each.owed for each in await self.deliveries(webhook=webhook, dead=False, after=("", ""), limit=10_000)]

    async def owe(self, webhook: str, owed: Sequence[Owed], position: Position) -> None:
        """Note what it has been through."""
        self._fail()
        self.positions[webhook] = position
        self.rows.update(((webhook, each.event.id), replace(each)) for each in owed)

    async def settle(self, webhook: str, done: Sequence[str], changed: Sequence[Owed]) -> None:
        """Note what became of events."""
        self._fail()
        for event in done:
            self.rows.pop((webhook, event), None)
        self.rows.update(((webhook, each.event.id), replace(each)) for each in changed)

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed."""
        found = [
            Delivery(key[0], replace(owed))
            for key, owed in sorted(self.rows.items(), key=lambda row: row[0])
            if key > after and owed.dead is dead and webhook in {None, key[0]}
        ]
        return found[:limit]

    async def counts(self) -> dict[str, tuple[int, int]]:
        """Pending and dead by webhook."""
        counts: dict[str, tuple[int, int]] = {}
        for (webhook, _), owed in self.rows.items():
            pending, dead = counts.get(webhook, (0, 0))
            counts[webhook] = (pending + (not owed.dead), dead + owed.dead)
        return counts

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters due again."""
        found = await self.deliveries(webhook=webhook, dead=True, after=("", ""), limit=1_000)
        revived = [each.owed for each in found if event in {None, each.owed.event.id}]
        for owed in revived:
            owed.dead, owed.attempts, owed.due_ms, owed.since_ms = False, 0, audit.at_ms, audit.at_ms
            self.rows[webhook, owed.event.id] = owed
        if revived:
            self.audits.append(audit)
        return len(revived)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full; make room")


class Bench:
    """A courier between a history and a target, in virtual time."""

    def __init__(
        self,
        *,
        events: Sequence[str] = EVENTS,
        answer: Callable[[Event, int], Sent] | None = None,
        incident: Callable[[Event], object] | None = None,
    ) -> None:
        self.clock = VirtualClock()
        self.outbox = MemoryOutbox()
        self.target = FakeTarget()
        if answer is not None:
            self.target.answer = answer
        self.route = Route(name="ops", kind="generic", events=tuple(events), incident=incident)
        self.courier = self.restarted()

    def restarted(self) -> Courier:
        """Another daemon on the same history."""
        self.courier = Courier(self.route, self.target, self.outbox, self.clock)
        return self.courier

    async def open(self) -> None:
        """The webhook is in the configuration."""
        await self.outbox.open(["ops"])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the courier work until something is so, then let it end like a daemon that is killed."""
        courier = self.courier
        running = asyncio.create_task(courier.run())
        try:
            for _ in range(PATIENCE_TURNS):
                if condition():
                    return
                if running.done():
                    await running
                await asyncio.sleep(0)
            raise AssertionError("it never came to be")
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def settled(self) -> None:
        """Until nothing is to be sent any more and the store knows."""
        await self.until(self.quiet)

    def quiet(self) -> bool:
        """Whether all of the history has been dealt with."""
        last = self.outbox.decisions[-1].number if self.outbox.decisions else 0
        through = self.courier._position.decision == last and self.courier._position.notice == len(self.outbox.notices)
        alive = any(not owed.dead for owed in self.outbox.rows.values())
        return through and not alive and not self.courier.pending and not self.courier._done
