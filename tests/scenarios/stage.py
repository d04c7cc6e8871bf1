"""The stage: an engine on virtual time with a store of dicts and switches that obey at once unless told otherwise.

Time passes by `advance` at every moment for which the engine asked, so what is computed happens exactly then. After
each step everything is taken through `Changes`, committed to the store, and noted for whoever watches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from guard.core.decisions import Changes, Command, Decision, LedgerLine, Notice, Send, SnapshotPart
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import (
    Ack,
    BalanceMessage,
    BillingMessage,
    BillingOutcome,
    Intent,
    IntentResult,
    Outcome,
    Report,
    SwitchStatus,
)
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from tests.scenarios.store import DictStore

START_MS = 1_800_000_000_000
"""2027-01-15T08:00:00Z: zero on every scenario's clock."""
_MOST_WAKES = 200_000
"""More than a week of wake-ups: an engine that asks for more does not let time pass."""


@dataclass
class Happened:
    """What has left the engine since somebody last looked."""

    decisions: list[Decision] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    lines: list[LedgerLine] = field(default_factory=list)

    def note(self, changes: Changes) -> None:
        """Add a batch."""
        self.decisions += changes.decisions
        self.sends += changes.sends
        self.notices += changes.notices
        self.lines += changes.ledger


class Stage:
    """One engine, its store, its switches, and the time."""

    def __init__(
        self,
        settings: Settings,
        *,
        manual: frozenset[str] = frozenset(),
        rating: Rating | None = None,
        rules: tuple[Rule, ...] = (),
        now_ms: int = START_MS,
    ) -> None:
        self.settings = settings
        self.rating = rating
        self.rules = rules
        self.scopes = Scopes.of_country_code("1")
        self.now_ms = now_ms
        self.store = DictStore()
        self.manual = manual
        """Switches that acknowledge only when the scenario says so."""
        self.happened = Happened()
        self.sent: dict[str, list[Command | SnapshotPart]] = {}
        """Everything each switch was ever sent."""
        self.engine = Engine(settings, self.scopes, self.now_ms, rating=rating, rules=rules)
        self.subscribed()

    # -- inputs

    def report(self, switch: str, report: Report) -> Outcome:
        """One report, now."""
        outcome = self.engine.report(switch, report, self.now_ms)
        self.settle()
        return outcome

    def billing(self, message: BillingMessage) -> BillingOutcome:
        """One billing message, now; a balance enters with what the ledger holds since its time."""
        if isinstance(message, BalanceMessage):
            since = self.store.posted_since(message.account, message.as_of_ms - 1)
            message = replace(message, posted_since_micros=Micros(since))
        outcome = self.engine.billing(message, self.now_ms)
        self.settle()
        return outcome

    def intent(self, intent: Intent) -> IntentResult:
        """An operator's intent, now."""
        result = self.engine.intent(intent, self.now_ms)
        self.settle()
        return result

    def control(self, record: Ack | SwitchStatus) -> None:
        """What a switch says, now."""
        self.engine.control(record, self.now_ms)
        self.settle()

    def subscribed(self) -> None:
        """Guard can hear and be heard."""
        self.engine.subscribed(self.now_ms)
        self.settle()

    def cut_off(self) -> None:
        """Guard cannot hear, or cannot be heard."""
        self.engine.cut_off(self.now_ms)
        self.settle()

    def restart(self, *, crash: bool) -> None:
        """A new engine from what was committed; it hears nothing before it is subscribed.

        When it was stopped, not killed, the last commit had what is kept only now and then, too.
        """
        if not crash:
            self.store.commit(self.engine.keepsakes())
        self.engine = Engine(self.settings, self.scopes, self.now_ms, rating=self.rating, rules=self.rules)
        self.engine.restore(self.store.restored(), self.now_ms)
        self.settle()

    # -- time

    def advance_to(self, at_ms: int) -> None:
        """Let time pass, looking whenever the engine asked to be looked at."""
        for _ in range(_MOST_WAKES):
            wake_ms = self.engine.next_wake_ms
            if wake_ms > at_ms:
                break
            self.now_ms = max(self.now_ms, wake_ms)
            self.engine.advance(self.now_ms)
            self.settle()
            assert self.engine.next_wake_ms > self.now_ms, "what is due is done; the next wake-up lies ahead"
        else:
            raise AssertionError("the engine wakes for ever")
        self.now_ms = at_ms
        self.engine.advance(at_ms)
        self.settle()

    def set_clock(self, at_ms: int) -> None:
        """Our own clock is set: it says another time, and none has passed."""
        step_ms, self.now_ms = at_ms - self.now_ms, at_ms
        self.engine.clock_stepped(at_ms, step_ms)
        self.engine.advance(at_ms)
        self.settle()

    def settle(self) -> None:
        """Commit what has happened, and let the obedient switches acknowledge what they were sent."""
        while True:
            changes = self.engine.take()
            self.store.commit(changes)
            self.happened.note(changes)
            for send in changes.sends:
                self.sent.setdefault(send.switch, []).append(send.message)
            acks = [ack_of(send, self.now_ms) for send in changes.sends if self._answers(send.switch)]
            if not acks:
                return
            for ack in acks:
                self.engine.control(ack, self.now_ms)

    def _answers(self, switch: str) -> bool:
        return switch not in self.manual and self.engine.world.switches[switch].up


def ack_of(send: Send, at_ms: int, error: str | None = None) -> Ack:
    """A switch's answer to a message: done, or not because of an error."""
    message = send.message
    named = isinstance(message, Command)
    return Ack(
        switch=send.switch,
        id=message.id,
        ok=error is None,
        account=message.account if isinstance(message, Command) else "",
        at_ms=at_ms,
        error=error or "",
        part=None if named else message.part if isinstance(message, SnapshotPart) else None,
    )
