"""The engine among its surroundings: virtual time, a store of dicts, obedient switches, and the naive ledger beside it.

Everything that enters goes to both, engine and naive ledger, and stays in a batch until `commit`; only then does
anything leave for the switches, as in the daemon.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis.stateful import RuleBasedStateMachine

from guard.core.decisions import Action, Command, Reason
from guard.core.emergency import carries_numbers
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import BalanceMessage, BillingMessage, Event, Intent, Report, Scope
from guard.core.rules.rule import RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import MINUTE_MS, Settings
from tests.core.rules.builders import rule
from tests.properties.naive import TRUST, Billed, Books, Heard, Lag
from tests.properties.switchboard import Obedient, Script
from tests.scenarios.store import DictStore

START_MS = 1_800_000_000_000
ACCOUNTS = ("A1", "A2", "A3")
SWITCHES = ("sw1", "sw2")
MOST_SILENCE_MS = 80_000

CONFIGURED = Settings(
    trust={method: int(part * 1_000_000) for method, part in TRUST.items()}, fuse_blocks=2, fuse_window_ms=30_000
)
RULES = (
    rule("calls", window_ms=MINUTE_MS, warn=2, block=4, scope=Scope.PREMIUM, release_after_ms=10_000),
    rule("concurrent", warn=2, block=3, scope=Scope.INTERNATIONAL),
    rule("net", window_ms=5 * MINUTE_MS, warn=10_000_000, block=50_000_000, end_calls=False, release_after_ms=40_000),
    rule("accounts", window_ms=2 * MINUTE_MS, warn=2, block=3, mode=RuleMode.SHADOW),
    rule("duration", warn=5_000, block=30_000, mode=RuleMode.SHADOW),
)
"""Small windows and low marks: everything that rules can do happens within a run."""


class Surroundings(RuleBasedStateMachine):
    """What a run has; the rules are in `machine`."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = START_MS
        self.store = DictStore()
        self.engine = Engine(CONFIGURED, Scopes.of_country_code("1"), START_MS, rules=RULES)
        self.committed: list[Heard | Billed] = []
        self.uncommitted: list[Heard | Billed | Intent] = []
        self.lag = Lag()
        self.switches = {name: Obedient(name) for name in SWITCHES}
        self.scripts: dict[tuple[str, str], Script] = {}
        self.reported: dict[str, list[Report]] = {name: [] for name in SWITCHES}
        self.made = 0
        self.watched = 0
        """Decisions of this batch that were looked at."""
        self.sent: dict[str, Command] = {}
        self.long_waits = 0

    # -- the naive side

    def books(self) -> Books:
        """What follows from all messages so far."""
        taken = [message for message in self.uncommitted if isinstance(message, Heard | Billed)]
        return Books(self.committed + taken)

    def exposure(self, books: Books, account: str) -> Fraction:
        """By the naive ledger, now."""
        return books.exposure(account, self.now_ms, self.lag.at(self.now_ms))

    def live_switches(self) -> set[str]:
        """Switches that have calls up."""
        return {switch for switch, _, _ in self.books().live()}

    # -- bringing things in

    def run_to(self, at_ms: int) -> None:
        """Let time pass, looking whenever the engine asked."""
        while self.engine.next_wake_ms <= at_ms:
            self.now_ms = max(self.now_ms, self.engine.next_wake_ms)
            self.engine.advance(self.now_ms)
            self.watch_decisions()
            assert self.engine.next_wake_ms > self.now_ms
        self.now_ms = at_ms
        self.engine.advance(at_ms)
        self.watch_decisions()

    def hear(self, switch: str, report: Report) -> None:
        """One report, now."""
        heard = Heard(switch, report, self.now_ms)
        self.uncommitted.append(heard)
        self.lag.heard(switch, self.now_ms - report.at_ms, self.now_ms)
        outcome = self.engine.report(switch, report, self.now_ms)
        assert outcome.value == self.books().outcome
        self.reported[switch].append(report)
        self.watch_decisions()

    def fresh_sign(self, switch: str) -> None:
        """A report that is not late, so that no stretch of late ones is mistaken for a clock that is behind."""
        self.made += 1
        self.hear(switch, Report(f"attempt-{self.made}", Event.FAILED, "A1", self.now_ms, to="+16135550100"))

    def bill(self, message: BillingMessage) -> None:
        """One billing message, now."""
        if isinstance(message, BalanceMessage):
            self.commit()
            since = self.store.posted_since(message.account, message.as_of_ms - 1)
            message = replace(message, posted_since_micros=Micros(since))
        self.uncommitted.append(Billed(message, self.now_ms))
        outcome = self.engine.billing(message, self.now_ms)
        assert outcome.value == self.books().outcome
        self.watch_decisions()

    def intend(self, intent: Intent) -> None:
        """An operator's intent, now."""
        self.uncommitted.append(intent)
        self.engine.intent(intent, self.now_ms)
        self.watch_decisions()

    def watch_decisions(self, *, belated: bool = False) -> None:
        """No block below the limit: at the very moment of the decision exposure has reached it.

        After a restart guard decides belatedly what fell due while it was away, as of then.
        """
        decisions = self.engine.world.changes.decisions
        for decision in decisions[self.watched :]:
            if (decision.action, decision.reason) == (Action.BLOCK, Reason.CREDIT_LIMIT):
                books = self.books()
                limit = books.limit(decision.account, decision.at_ms if belated else self.now_ms)
                exposure = self.exposure(books, decision.account)
                assert limit is not None
                assert exposure >= limit
                assert exposure > 0
                # The report that ends a backlog is itself still read as part of it.
                read = [self.lag.at(self.now_ms) | {name} for name in SWITCHES]
                possible = [books.exposure(decision.account, self.now_ms, lagging) for lagging in read]
                assert decision.exposure_micros in {value.__floor__() for value in (exposure, *possible)}
        self.watched = len(decisions)

    def keep_talking(self, until_ms: int) -> None:
        """Calls that would have been silent for long by then speak once more."""
        for switch, call_id, call in list(self.books().live()):
            if until_ms - call.newest.at_ms > MOST_SILENCE_MS:
                script = self.scripts[switch, call_id]
                self.hear(switch, script.at(Event.TICK, self.now_ms - script.began_ms))

    def commit(self) -> None:
        """A batch becomes durable, and only then leaves; what is kept now and then, each time."""
        changes = self.engine.take()
        changes.kept += self.engine.keepsakes().kept
        self.store.commit(changes)
        self.committed += [message for message in self.uncommitted if isinstance(message, Heard | Billed)]
        self.uncommitted.clear()
        self.watched = 0
        for send in changes.sends:
            message = send.message
            assert carries_numbers(message.emergency)
            if isinstance(message, Command):
                self.check_command(message)
            self.switches[send.switch].inbox.append(message)

    def check_command(self, command: Command) -> None:
        """A resend is the same command; a new one has a higher `seq` than all before it."""
        before = self.sent.setdefault(command.id, command)
        assert before == command
        others = [each.seq for each in self.sent.values() if each.account == command.account and each is not before]
        if before is command:
            assert command.seq > max(others, default=0)
