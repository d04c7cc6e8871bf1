"""The loop: one batch after the other, from messages to what the world sees of them.

    drain (control first) -> engine -> commit -> acknowledge -> send commands -> tell (decisions, notices, intents)

**Self-clocked group commit.** There is no linger timer: while one batch is being committed the next one gathers, so
batches are small when there is little to do (latency) and big when there is much (throughput). The bounds below cap
what one batch may hold and with it the time until a computed breach is acted on.

**Order.** A message is acknowledged only when what it said is durable, in order of receipt. Commands leave only after
the commit that contains their decision. A batch that cannot be committed is tried again, unchanged, until it can: no
acknowledgement leaves meanwhile, so the broker keeps what comes, and readiness turns false. Time does not stop for
that: what falls due meanwhile is decided in the batch after it.

**A balance message** needs to know what the ledger holds since its time: the batch so far is committed first, then the
store is asked, then the message enters the engine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import structlog

from guard.core.anomaly import Finding
from guard.core.decisions import Decision, KeptRow, Notice, Send
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Ack, BalanceMessage, Intent, IntentResult, Refusal, SwitchStatus
from guard.core.rules.past import Past
from guard.core.setup import Reload
from guard.core.world import MAX_SWITCHES
from guard.ports import Clock, Message, Publisher, Source, Store, StoreError
from guard.wire.billing import decode_billing
from guard.wire.commands import encode_message, encode_scopes
from guard.wire.control import decode_ack, decode_status
from guard.wire.reports import decode_reports
from guard.wire.topics import Kind, Topics

CONTROL_BATCH = 200
"""Control messages a batch: acks, status and billing never wait behind more than one batch of calls."""
CALLS_BATCH = 1_000
"""Call messages a batch: at one report each, about 10 ms of work."""
REPORTS_BATCH = 4_000
"""Reports after which no further message joins a batch: about 30 ms of work, below the 50 ms promised to a command."""
INTENTS_WAITING = 1_000
"""Operators' intents that may wait: more than people can have clicked."""
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
STEP_MS = 5_000
"""Wall-clock time that passes by this much more or less than real time was set, not slewed."""
RETRY_FIRST_MS = 100
RETRY_LAST_MS = 5_000
BOUNDED_WAIT_MS = 1_000
"""The loop turns at least so often, so that health can be judged by its last turn."""


T = TypeVar("T")


class Figures(Protocol):
    """What the loop counts."""

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule."""
        ...

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message of that type broke a rule."""
        ...

    def lagged(self, seconds: float, reports: int) -> None:
        """So many reports were this old when they were applied."""
        ...

    def committed(self, seconds: float, reports: int) -> None:
        """A batch became durable."""
        ...

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged so long after it was given."""
        ...


def _nobody_listens(_: object) -> None:
    """What is told before anybody has asked to be told."""


@dataclass(slots=True)
class _Asked:
    """Something that somebody wants of the engine and waits for."""

    enter: Callable[[int], None]
    """Let it enter the engine, at that time."""
    answer: Callable[[], None]
    """What became of it is durable: say so."""


@dataclass(slots=True)
class Batch:
    """What has been taken and not yet become durable."""

    control: list[Message] = field(default_factory=list)
    calls: list[Message] = field(default_factory=list)
    asked: list[_Asked] = field(default_factory=list)
    reports: int = 0


class Loop:
    """Runs the engine between a source and a store."""

    def __init__(  # noqa: PLR0913 -- the loop is where everything meets; each is named at the one call
        self,
        *,
        engine: Engine,
        store: Store,
        clock: Clock,
        calls: Source,
        control: Source,
        publisher: Publisher,
        topics: Topics,
        figures: Figures,
        refused: Callable[[str, Refusal], None],
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._calls = calls
        self._control = control
        self._publisher = publisher
        self._topics = topics
        self._figures = figures
        self._refused = refused
        self._arrived = asyncio.Event()
        self._asked: deque[_Asked] = deque()
        self._subscribed = self._cut_off = False
        self._scopes_sent: dict[str, str] = {}
        """By switch: the version that it was given."""
        self._switch_names: dict[str, str] = {}
        self._batch = Batch()
        self._log = structlog.get_logger("guard").bind()
        self.on_decisions: Callable[[list[Decision]], None] = _nobody_listens
        self.on_notice: Callable[[Notice], None] = _nobody_listens
        self.on_commit: Callable[[int], None] = _nobody_listens
        """Gets how many milliseconds a commit took."""
        self.last_turn_ms = clock.now_ms()
        self._last_monotonic_ns = clock.monotonic_ns()
        self.clock_steps = 0
        """Plain counter: times that this machine's clock was set."""
        self.store_failure = ""
        """Why the store does not take batches; empty when it does."""

    # -- what others call

    def arrived(self) -> None:
        """Messages have come in: take a turn."""
        self._arrived.set()

    def subscribed(self) -> None:
        """Both sessions are subscribed (again)."""
        self._subscribed = True
        self._scopes_sent.clear()
        self._arrived.set()

    def cut_off(self) -> None:
        """A session is not subscribed: guard cannot hear, or cannot be heard."""
        self._cut_off, self._subscribed = True, False
        self._arrived.set()

    async def ask(self, intent: Intent) -> IntentResult | None:
        """Carry out an intent; returns when it is durable. None: too many are waiting already."""
        return await self._ask(lambda now_ms: self._engine.intent(intent, now_ms))

    async def reload(self, reload: Reload) -> bool:
        """Take up another setup between two batches; returns when that is durable. False: too many are waiting."""

        def take_up(now_ms: int) -> bool:
            self._engine.reload(reload, now_ms)
            return True

        return await self._ask(take_up) or False

    async def learn(self, pasts: Sequence[Past]) -> list[int] | None:
        """Take in what history knows of some accounts; of each how many days were news."""
        return await self._ask(lambda now_ms: [self._engine.learn(past, now_ms) for past in pasts])

    async def find(self, findings: Sequence[Finding], kept: Sequence[KeptRow]) -> None:
        """Let what the anomaly model has found enter the engine, and what is usual for accounts be stored."""

        def enter(now_ms: int) -> None:
            for finding in findings:
                self._engine.find(finding, now_ms)
            self._engine.world.changes.kept.extend(kept)

        await self._ask(enter)

    async def _ask(self, act: Callable[[int], T]) -> T | None:
        """Let it happen in the next batch; what it gives, once that is durable. None: too many are waiting."""
        if len(self._asked) >= INTENTS_WAITING:
            return None
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        given: list[T] = []

        def tell() -> None:
            if not answer.done():
                answer.set_result(given[0])

        self._asked.append(_Asked(lambda now_ms: given.append(act(now_ms)), tell))
        self._arrived.set()
        return await answer

    # -- turning

    async def run(self) -> None:
        """Turn until cancelled. What had been taken but not committed comes again from the broker."""
        while True:
            await self._wait()
            await self.turn()

    async def _wait(self) -> None:
        delay_ms = self._engine.next_wake_ms - self._clock.now_ms()
        if delay_ms > 0 and not self._arrived.is_set():
            await self._clock.wait(self._arrived, min(delay_ms, BOUNDED_WAIT_MS))

    async def turn(self) -> None:
        """One batch: everything that has come in, up to the bounds."""
        self._arrived.clear()
        now_ms = self._look_at_the_clock()
        self._engine.advance(now_ms)
        if self._cut_off:
            self._cut_off = False
            self._engine.cut_off(now_ms)
        if self._subscribed:
            self._subscribed = False
            self._engine.subscribed(now_ms)
        control = self._control.drain(CONTROL_BATCH)
        for message in control:
            await self._take_control(message, now_ms)
        if len(control) == CONTROL_BATCH:
            self._arrived.set()
        while self._asked:
            asked = self._asked.popleft()
            asked.enter(now_ms)
            self._batch.asked.append(asked)
        self._take_calls(now_ms)
        await self._finish()

    def _look_at_the_clock(self) -> int:
        """The time; before anything falls due by it, the engine learns whether the clock was set since last time."""
        now_ms, monotonic_ns = self._clock.now_ms(), self._clock.monotonic_ns()
        passed_ms = (monotonic_ns - self._last_monotonic_ns) // NS_PER_MS
        step_ms = now_ms - self.last_turn_ms - passed_ms
        self.last_turn_ms, self._last_monotonic_ns = now_ms, monotonic_ns
        if abs(step_ms) > STEP_MS:
            self.clock_steps += 1
            self._log.warning("clock-stepped", by_ms=step_ms, remedy="let an NTP client slew the clock, not set it")
            self._engine.clock_stepped(now_ms)
        return now_ms

    def _take_calls(self, now_ms: int) -> None:
        batch, engine = self._batch, self._engine
        taken = 0
        while taken < CALLS_BATCH and batch.reports < REPORTS_BATCH:
            # Drained in small bites: an array may hold a thousand reports.
            messages = self._calls.drain(min(32, CALLS_BATCH - taken))
            if not messages:
                return
            taken += len(messages)
            for message in messages:
                batch.calls.append(message)
                switch = self._switch_of(message.topic)
                if switch is None:
                    continue
                decoded = decode_reports(message.payload, now_ms)
                reports = decoded.reports
                for report in reports:
                    engine.report(switch, report, now_ms)
                if reports:
                    batch.reports += len(reports)
                    self._figures.lagged((now_ms - reports[-1].at_ms) / 1_000, len(reports))
                if decoded.refusals:
                    self._figures.refused_reports(switch, len(decoded.refusals))
                    for refusal in decoded.refusals:
                        self._refused(message.topic, refusal)
        # There may be more: do not wait for another message to be told of it.
        self._arrived.set()

    async def _take_control(self, message: Message, now_ms: int) -> None:
        self._batch.control.append(message)
        topic = self._topics.parse(message.topic)
        if topic is None:
            return
        match topic.kind:
            case Kind.BILLING:
                await self._take_billing(message, now_ms)
                return
            case Kind.ACKS:
                record: Ack | SwitchStatus | Refusal = decode_ack(message.payload, topic.switch)
            case Kind.STATUS:
                record = decode_status(message.payload, topic.switch)
            case _:
                return
        if isinstance(record, Refusal):
            self._refused(message.topic, record)
        else:
            self._engine.control(record, now_ms)

    async def _take_billing(self, message: Message, now_ms: int) -> None:
        decoded = decode_billing(message.payload)
        for record in decoded.messages:
            entering = record
            if isinstance(record, BalanceMessage):
                await self._finish(keep_unacknowledged=True)
                entering = await self._with_ledger(record)
            self._engine.billing(entering, now_ms)
        for refused in decoded.refusals:
            self._figures.refused_billing(refused.type, refused.outcome.value)
            self._refused(message.topic, refused.refusal)

    async def _with_ledger(self, record: BalanceMessage) -> BalanceMessage:
        """The message with what the ledger holds since its time; lines at that very time come after it."""
        since = await self._persist(lambda: self._store.posted_since(record.account, record.as_of_ms - 1))
        return replace(record, posted_since_micros=Micros(since))

    # -- after the engine

    async def _finish(self, *, keep_unacknowledged: bool = False) -> None:
        """Make what has been taken durable, then let the world see it."""
        changes = self._engine.take()
        batch = self._batch
        for waited_ms in self._engine.world.confirm_ms:
            self._figures.confirmed(waited_ms / 1_000)
        self._engine.world.confirm_ms.clear()
        if changes:
            began_ns = self._clock.monotonic_ns()
            await self._persist(lambda: self._store.commit(changes))
            took_ns = self._clock.monotonic_ns() - began_ns
            self._figures.committed(took_ns / NS_PER_S, batch.reports)
            self.on_commit(took_ns // NS_PER_MS)
        self._send(changes.sends)
        if not keep_unacknowledged:
            self._batch = Batch()
            if batch.control:
                self._control.acknowledge(batch.control)
            if batch.calls:
                self._calls.acknowledge(batch.calls)
            for asked in batch.asked:
                asked.answer()
        if changes.decisions:
            self.on_decisions(changes.decisions)
        for notice in changes.notices:
            self.on_notice(notice)

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until the store has done it; say once what is wrong, and once that it is over."""
        pause_ms = RETRY_FIRST_MS
        while True:
            try:
                done = await attempt()
            except StoreError as error:
                if str(error) != self.store_failure:
                    self.store_failure = str(error)
                    self._log.error("store-failed", reason=self.store_failure, retry_ms=pause_ms)
                await self._clock.sleep(pause_ms)
                pause_ms = min(RETRY_LAST_MS, pause_ms * 2)
                # Turning in place is still turning: the loop is alive, the store is not.
                self._look_at_the_clock()
            else:
                if self.store_failure:
                    self._log.info("store-recovered")
                    self.store_failure = ""
                return done

    def _send(self, sends: list[Send]) -> None:
        publish, topics = self._publisher.publish, self._topics
        scopes = self._engine.world.scopes
        for switch in self._engine.world.switches:
            if self._scopes_sent.get(switch) != scopes.version and publish(
                topics.scopes(switch), encode_scopes(scopes.sets, scopes.version), retain=True
            ):
                self._scopes_sent[switch] = scopes.version
        for send in sends:
            publish(topics.commands(send.switch), encode_message(send.message))

    def _switch_of(self, topic: str) -> str | None:
        """The switch of a calls topic; topics are few and names are costly to take apart."""
        known = self._switch_names.get(topic)
        if known is None:
            parsed = self._topics.parse(topic)
            if parsed is None or parsed.kind is not Kind.CALLS:
                return None
            known = parsed.switch
            if len(self._switch_names) < MAX_SWITCHES:
                self._switch_names[topic] = known
        return known
