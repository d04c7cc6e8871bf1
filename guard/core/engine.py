"""The engine: one door for everything that changes state.

    inputs with their time  ->  Engine  ->  Changes (for the store), then sends and notices (for the world)

Reports, billing messages, acknowledgements, switch status and operator intents go in, each with the time of receipt;
`advance` lets time itself in. Nothing comes out until `take`, which hands over all that has happened since the last
one. The engine does no I/O and reads no clock: `next_wake_ms` says when it wants to be advanced.

Time first, then inputs: every input first lets everything fall due that was due before it. Moments of several kinds
(calls to look at, accounts to judge, commands to send again, backlogs that have gone quiet) are taken in the order of
time, so the result does not depend on how often the shell looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never

from guard.core.anomaly import Finding
from guard.core.billing import Billing
from guard.core.decisions import Changes, KeptRow
from guard.core.delivery import Delivery
from guard.core.detection import Detection, Listener
from guard.core.dismantling import dismantle
from guard.core.intake import Intake
from guard.core.invariants import invariant
from guard.core.judge import Judge
from guard.core.memory import Memory
from guard.core.neighbours import Mentioned, SnapshotWanted, SwitchWord, Word
from guard.core.operators import Operators
from guard.core.pictures import SHOWN_CALLS, account_picture
from guard.core.presence import Presence
from guard.core.rating import Rating
from guard.core.records import (
    Ack,
    BillingMessage,
    BillingOutcome,
    Intent,
    IntentResult,
    Outcome,
    Report,
    SwitchStatus,
)
from guard.core.refit import Refit
from guard.core.restored import Restored
from guard.core.restoring import STEP, restore_accounts, restore_alarms, restore_calls, restore_switches
from guard.core.rules.fuse import Fuse
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.setup import Reload
from guard.core.switches import Switch
from guard.core.views import AccountView, HeldView
from guard.core.watch import Watch
from guard.core.world import World

FORGET_EVERY_MS = 60_000
_ACCEPTED: Final = Outcome.ACCEPTED
"""Nearly every report; looked up once, because that costs as much as a call."""


class Engine:
    """All of guard's decisions. One instance, one thread."""

    def __init__(
        self,
        settings: Settings,
        scopes: Scopes,
        now_ms: int,
        rating: Rating | None = None,
        rules: Iterable[Rule] = (),
        *,
        partition: int | None = None,
    ) -> None:
        """`partition`: others decide for the rest of the accounts, and its snapshots go to the switches with theirs."""
        if rating is None:
            rating = Rating(unknown_rate_micros=settings.unknown_rate_micros)
        self.world = World(settings, scopes, rating, partition)
        self._delivery = Delivery(self.world)
        self._judge = Judge(self.world, self._delivery)
        self._memory = Memory(self.world, self._judge)
        rules = tuple(rules)
        fuse = Fuse(settings.fuse_blocks, settings.fuse_window_ms)
        self._detection = Detection(self.world, self._judge, rules, fuse) if rules else None
        self._presence = Presence(self.world, self._delivery, now_ms)
        self._watch = Watch(self.world, self._judge, self._memory, self._presence, self._detection)
        self._intake = Intake(self.world, self._judge, self._delivery, self._memory, self._watch, self._detection)
        self._billing = Billing(self.world, self._judge)
        self._operators = Operators(self.world, self._judge, self._detection)
        self._refit = Refit(self.world, self._judge, self._delivery, self._watch)
        self._forget_due_ms = now_ms + FORGET_EVERY_MS
        for name in settings.switches:
            self.world.switch(name, now_ms)

    # -- inputs

    def report(self, switch_name: str, report: Report, now_ms: int) -> Outcome:
        """Take one report; the caller has let time in (`advance`) for the batch."""
        switch = self.world.switches.get(switch_name)
        if switch is None:
            switch = self._meet(switch_name, now_ms)
            if switch is None:
                self._presence.matters.not_heard(switch_name, now_ms)
                return Outcome.INVALID
        if switch.silence is not None or not switch.up:
            self._presence.reported(switch, report.at_ms, now_ms)
        outcome = self._intake.take(switch, report, now_ms)
        if switch.quiet_due_ms is not None and switch.quiet_due_ms <= now_ms:
            self._intake.caught_up(switch, now_ms)
        if outcome is _ACCEPTED:
            switch.accepted += 1
        else:
            switch.outcomes[outcome] += 1
        return outcome

    def billing(self, message: BillingMessage, now_ms: int) -> BillingOutcome:
        """Take one billing message."""
        self.advance(now_ms)
        return self._billing.take(message, now_ms)

    def intent(self, intent: Intent, now_ms: int) -> IntentResult:
        """Carry out an operator's intent."""
        self.advance(now_ms)
        return self._operators.carry_out(intent, now_ms)

    def reload(self, reload: Reload, now_ms: int) -> None:
        """Take up a new setup, as a whole."""
        self.advance(now_ms)
        setup = reload.setup
        if setup.rules:
            self._see_to_detection()
        self._refit.take_up(reload, self._detection, now_ms)
        self._intake.refit(self._detection)
        for name in setup.settings.switches:
            if name not in self.world.switches:
                self._meet(name, now_ms)
        self._presence.reschedule(now_ms)

    def learn(self, past: Past, now_ms: int) -> int:
        """Take what an account did before guard knew it into its profile; how many days of it were news."""
        self.advance(now_ms)
        return self._see_to_detection().learn(past, now_ms)

    def listen(self, listener: Listener) -> None:
        """Let somebody follow what is observed; the engine decides nothing by it."""
        self._see_to_detection().listener = listener

    def _see_to_detection(self) -> Detection:
        """Rules and profiles where there have been none so far."""
        if self._detection is None:
            bound = self.world.settings
            self._detection = Detection(self.world, self._judge, (), Fuse(bound.fuse_blocks, bound.fuse_window_ms))
            self._intake.refit(self._detection)
            self._watch.detection = self._operators.detection = self._detection
        return self._detection

    def find(self, finding: Finding, now_ms: int) -> None:
        """Take what the anomaly model has found about an account."""
        self.advance(now_ms)
        self._see_to_detection().anomaly.take(finding, now_ms)

    def control(self, record: Ack | SwitchStatus | Mentioned | SnapshotWanted, now_ms: int) -> None:
        """Take what a switch says about itself or about a command, or what is said about it."""
        self.advance(now_ms)
        switch = self.world.switches.get(record.switch)
        if switch is None:
            # Meeting a switch brings it the whole truth already.
            switch = self._meet(record.switch, now_ms)
            if switch is None or record == SwitchStatus(switch=switch.name, up=True):
                return
        match record:
            case Ack():
                self._presence.acknowledged(switch, record, now_ms)
                self._delivery.acknowledge(switch, record, now_ms)
            case SwitchStatus(up=True):
                self._presence.came_up(switch, now_ms)
            case SwitchStatus():
                self._presence.went_down(switch, now_ms)
            case Mentioned():
                self._presence.mentioned(switch, now_ms)
            case SnapshotWanted():
                self._delivery.synchronise(switch, now_ms)
            case _:
                assert_never(record)

    def hear(self, sender: int, word: Word, now_ms: int) -> bool:
        """Take what the engine of a partition has to say (`guard.core.neighbours`); False: it means nothing here."""
        self.advance(now_ms)
        if isinstance(word, SwitchWord):
            self._presence.hear(sender, word, now_ms)
            return True
        return self._see_to_detection().hear(sender, word, now_ms)

    def subscribed(self, now_ms: int) -> None:
        """Guard can hear and be heard (again)."""
        self.advance(now_ms)
        self._presence.subscribed(now_ms)

    def cut_off(self, now_ms: int) -> None:
        """Guard cannot hear, or cannot be heard."""
        self.advance(now_ms)
        self._presence.cut_off(now_ms)

    def clock_stepped(self, now_ms: int, step_ms: int) -> None:
        """Our own clock was set, by so much; to be told before anything falls due by it."""
        self._presence.clock_stepped(now_ms, step_ms)

    def _meet(self, name: str, now_ms: int) -> Switch | None:
        """A switch nobody declared speaks for the first time."""
        switch = self.world.switch(name, now_ms)
        if switch is not None:
            self._presence.met(switch, now_ms)
        return switch

    # -- time

    @property
    def next_wake_ms(self) -> int:
        """When the engine wants to be advanced, at the latest."""
        # Written out, the heaps looked at directly: a replay asks before every report.
        world, detection, due = self.world, self._detection, self._presence.next_due_ms
        calls, alarms, sends = self._watch.due, world.alarms, self._delivery.due
        if self._forget_due_ms < due:  # noqa: PLR1730 -- a fifth of what min() costs
            due = self._forget_due_ms
        if calls and calls[0][0] < due:
            due = calls[0][0]
        if alarms and alarms[0][0] < due:
            due = alarms[0][0]
        if sends and sends[0][0] < due:
            due = sends[0][0]
        if world.lagging:
            quiet = [switch.quiet_due_ms for switch in world.lagging.values() if switch.quiet_due_ms is not None]
            return min([due, *quiet])
        seen_ms = None if detection is None else detection.next_due_ms
        return due if seen_ms is None or due < seen_ms else seen_ms

    def next_due_by(self, until_ms: int) -> int | None:
        """The first moment by then for which the engine wants to be advanced; None: there is none.

        For a replay, whose clock stands still between two reports: calls that have merely gone on need no moment.
        """
        if self._watch.due and self._watch.due[0][0] <= until_ms:
            self._watch.skip(until_ms)
        due_ms = self.next_wake_ms
        return due_ms if due_ms <= until_ms else None

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due by now. Should the clock have been set back, what is due later waits."""
        world, calls = self.world, self._watch.due
        while True:
            alarms = world.alarms
            if calls and calls[0][0] <= now_ms and (not alarms or calls[0][0] <= alarms[0][0]):
                self._watch.advance(calls[0][0])
            elif alarms and alarms[0][0] <= now_ms:
                self._judge.advance(alarms[0][0])
            else:
                break
        # Also when none has fired: each report may set an earlier one in place of one that lies far ahead.
        self._judge.alarms.sweep()
        if self._presence.next_due_ms <= now_ms:
            self._presence.advance(now_ms)
        self._delivery.advance(now_ms)
        for switch in tuple(world.lagging.values()):
            if switch.quiet_due_ms is not None and switch.quiet_due_ms <= now_ms:
                self._intake.caught_up(switch, now_ms)
        if now_ms >= self._forget_due_ms:
            self._forget_due_ms = now_ms + FORGET_EVERY_MS
            self._memory.forget(now_ms)
        if self._detection is not None and not world.lagging:
            self._detection.advance(now_ms)

    def take(self) -> Changes:
        """Hand over all changes since the last time."""
        changes = self.world.take()
        self._presence.keep(changes)
        if self._detection is not None:
            self._detection.keep(changes)
        return changes

    def facts(self) -> Changes:
        """The same without the rows of what has changed: for whoever stores nothing."""
        return self.world.facts()

    def keepsakes(self) -> Changes:
        """What is stored only now and then (`guard.core.detection`), all of it: for the last commit before a stop."""
        changes = Changes()
        if self._detection is not None:
            self._detection.keep(changes, everything=True)
        return changes

    # -- questions

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are not off."""
        return () if self._detection is None else self._detection.watch.rules

    @property
    def rule_failures(self) -> int:
        """Observations that the rules failed on: a fault of guard's, survived."""
        return 0 if self._detection is None else self._detection.failures

    @property
    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """Crossings by (rule, mode)."""
        return {} if self._detection is None else self._detection.hits

    @property
    def fuse_open(self) -> bool:
        """Whether blocks by rules wait for an operator."""
        return self._detection is not None and self._detection.blocking.open

    @property
    def held_count(self) -> int:
        """How many blocks wait for an operator."""
        return 0 if self._detection is None else len(self._detection.blocking.held())

    def soonest(self, count: int, now_ms: int) -> list[tuple[int, str]]:
        """(when, account) of those that will reach their limit, among the next `count` alarms; the nearest first."""
        return self._judge.alarms.soonest(count, now_ms)

    def profile(self, account_id: str) -> Profile | None:
        """What is usual for an account; None: nothing is known of it."""
        return None if self._detection is None else self._detection.watch.profile(account_id)

    def held(self, account: str | None = None) -> tuple[HeldView, ...]:
        """Blocks (of one account) that wait for an operator, the oldest first."""
        if self._detection is None:
            return ()
        blocking = self._detection.blocking
        return tuple(blocking.view(held) for held in blocking.held() if account in {None, held.account})

    def held_of(self, held_id: str) -> HeldView | None:
        """The held block of that id."""
        return next((held for held in self.held() if held.id == held_id), None)

    def picture(self, account_id: str, now_ms: int, calls: int = SHOWN_CALLS) -> AccountView | None:
        """One account as it stands now, with so many of its live calls."""
        account = self.world.accounts.get(account_id)
        if account is None:
            return None
        return account_picture(account, self.world, self._judge.alarms.reaches_limit_ms(account, now_ms), now_ms, calls)

    # -- restart

    def restore(self, restored: Restored, now_ms: int) -> None:
        """Take up the state of the last commit. To be called once, before any input."""
        deque(self.restoring(restored, now_ms), maxlen=0)

    def restoring(self, restored: Restored, now_ms: int) -> Iterator[None]:
        """The same in steps (`guard.core.restoring`), to be gone through to the end."""
        world = self.world
        invariant(not world.accounts, "an engine is restored before it has state")
        world.last_line, world.last_decision = restored.last_line, restored.last_decision
        world.forgotten_before_ms = restored.forgotten_before_ms
        yield from restore_accounts(world, restored.accounts)
        restore_switches(world, restored.switches)
        yield from restore_calls(world, restored.calls)
        for past in restored.remembered:
            world.switches[past.switch].remembered[past.call] = past
        self._billing.restore(restored.billing)
        for switch_name, account_id, seq in restored.pending:
            self._delivery.restore(world.switches[switch_name], account_id, seq, now_ms)
        for switch in world.switches.values():
            # Until guard is subscribed nobody knows what has happened since; nothing is carried forward meanwhile.
            if switch.calls:
                world.lag(switch, None)
            switch.talking_since_ms = switch.hears_since_ms = now_ms
        self._watch.restore(now_ms)
        yield from self._restore_kept(restored.kept, now_ms)
        yield from restore_alarms(world, self._judge.alarms, now_ms)
        world.take()

    def dismantling(self) -> Iterator[None]:
        """Let go of everything, in steps (`guard.core.dismantling`): nobody may enter anything any more."""
        self._watch.due, self._delivery.due = [], []
        self._judge.let_go()
        subjects = {} if self._detection is None else self._detection.watch.surrender()
        return dismantle(self.world, subjects)

    def _restore_kept(self, kept: Iterable[KeptRow], now_ms: int) -> Iterator[None]:
        """What is kept can be gone through once: each takes its own."""
        for number, row in enumerate(kept, 1):
            self._presence.restore(row)
            self.world.activity.restore((row,), now_ms)
            if self._detection is not None:
                self._detection.restore((row,))
            if not number % STEP:
                yield
