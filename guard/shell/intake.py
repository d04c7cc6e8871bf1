"""The intake: messages become records, records enter the engine, and the batch remembers whom they came from.

Control is taken before calls, so acks, payments and `status up` wait behind one batch of calls at most. Calls are taken
in small bites up to the bounds below; they cap the time until a computed breach is acted on. What breaks a rule is
refused alone and counted; its message is acknowledged with the others, so that it cannot come back for ever.

**A balance message** needs to know what the ledger holds since its time: what has been taken before it is made durable
first (without acknowledging anything, because its own message is half done), then the store is asked, then it enters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Ack, BalanceMessage, Refusal, SwitchStatus
from guard.core.world import MAX_SWITCHES
from guard.ports import Message, Source
from guard.wire.between import TOPIC as BETWEEN
from guard.wire.billing import decode_billing
from guard.wire.control import decode_ack, decode_status
from guard.wire.intents import TOPIC as INTENTS
from guard.wire.reports import decode_reports
from guard.wire.topics import Kind, Topics

CONTROL_BATCH = 200
"""Control messages a batch: acks, status and billing never wait behind more than one batch of calls."""
CALLS_BATCH = 1_000
"""Call messages a batch: at one report each, about 10 ms of work."""
REPORTS_BATCH = 4_000
"""Reports after which no further message joins a batch: about 30 ms of work, below the 50 ms promised to a command."""
BITE = 32
"""Call messages drained at a time: an array may hold a thousand reports."""


class Figures(Protocol):
    """What the intake counts."""

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule."""
        ...

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message of that type broke a rule."""
        ...

    def lagged(self, seconds: float, reports: int) -> None:
        """So many reports were this old when they were applied."""
        ...


def _nobody_asks(_payload: bytes, _now_ms: int) -> None:
    """A single daemon is asked directly, and has no neighbours."""


@dataclass(slots=True)
class Taken:
    """Messages that have been taken and not yet become durable."""

    control: list[Message] = field(default_factory=list)
    calls: list[Message] = field(default_factory=list)
    reports: int = 0


class Intake:
    """Takes messages from two sessions."""

    def __init__(
        self,
        *,
        engine: Engine,
        calls: Source,
        control: Source,
        topics: Topics,
        figures: Figures,
        refused: Callable[[str, Refusal], None],
        posted_since: Callable[[str, int], Awaitable[int]],
        reports_batch: int = REPORTS_BATCH,
    ) -> None:
        """`posted_since` makes durable what has been taken, then asks the store (`guard.ports.Store`).

        `reports_batch`: after so many reports no further message joins a batch.
        """
        self._reports_batch = reports_batch
        self._engine = engine
        self._calls = calls
        self._control = control
        self._topics = topics
        self._figures = figures
        self._refused = refused
        self._posted_since = posted_since
        self._switch_names: dict[str, str] = {}
        self.taken = Taken()
        self.on_words: Callable[[bytes, int], None] = _nobody_asks
        """Gets what the engine of another partition has to say, and the time."""
        self.on_intent: Callable[[bytes, int], None] = _nobody_asks
        """Gets what an operator asks for by way of the log, and the time."""

    def acknowledge(self) -> None:
        """What has been taken is durable: say so to the broker."""
        taken, self.taken = self.taken, Taken()
        if taken.control:
            self._control.acknowledge(taken.control)
        if taken.calls:
            self._calls.acknowledge(taken.calls)

    # -- control

    async def take_control(self, now_ms: int) -> bool:
        """A batch of control messages; whether there may be more."""
        messages = self._control.drain(CONTROL_BATCH)
        for message in messages:
            await self._take(message, now_ms)
        return len(messages) == CONTROL_BATCH

    async def _take(self, message: Message, now_ms: int) -> None:
        self.taken.control.append(message)
        if message.topic == BETWEEN:
            self.on_words(message.payload, now_ms)
            return
        if message.topic == INTENTS:
            self.on_intent(message.payload, now_ms)
            return
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
            entering = await self._with_ledger(record) if isinstance(record, BalanceMessage) else record
            if entering.at_ms is None:
                # Its default is when it was received: in a cluster it may have lain in the log since.
                entering = replace(entering, at_ms=min(message.received_at_ms, now_ms))
            self._engine.billing(entering, now_ms)
        for refused in decoded.refusals:
            self._figures.refused_billing(refused.type, refused.outcome.value)
            self._refused(message.topic, refused.refusal)

    async def _with_ledger(self, record: BalanceMessage) -> BalanceMessage:
        """The message with what the ledger holds since its time; lines at that very time come after it."""
        since = await self._posted_since(record.account, record.as_of_ms - 1)
        return replace(record, posted_since_micros=Micros(since))

    # -- calls

    def take_calls(self, now_ms: int) -> bool:
        """A batch of call messages, up to the bounds; whether there may be more."""
        taken, messages_taken = self.taken, 0
        while messages_taken < CALLS_BATCH and taken.reports < self._reports_batch:
            messages = self._calls.drain(min(BITE, CALLS_BATCH - messages_taken))
            if not messages:
                return False
            messages_taken += len(messages)
            taken.calls += messages
            for message in messages:
                switch = self._switch_of(message.topic)
                if switch is not None:
                    taken.reports += self._take_reports(switch, message, now_ms)
        return True

    def _take_reports(self, switch: str, message: Message, now_ms: int) -> int:
        """The reports of one message enter the engine; how many."""
        decoded = decode_reports(message.payload, now_ms)
        reports = decoded.reports
        report_to_engine = self._engine.report
        for report in reports:
            report_to_engine(switch, report, now_ms)
        if reports:
            self._figures.lagged((now_ms - reports[-1].at_ms) / 1_000, len(reports))
        if decoded.refusals:
            self._figures.refused_reports(switch, len(decoded.refusals))
            for refusal in decoded.refusals:
                self._refused(message.topic, refusal)
        return len(reports)

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
