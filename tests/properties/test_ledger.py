"""The engine against a naive ledger, under everything that can happen to it.

Reports are repeated, reordered and lost; payments come in any order; guard is restarted from what was committed, or
dies with a batch in its hands and gets its messages again; switches miss messages, go down, forget. After every step
the engine must agree with the naive ledger to the micro, at any moment, and keep its promises about blocks, warnings
and commands; in the end, when everything has healed, switches and engine must agree.

`GUARD_DEEP=n` runs n times as many examples.
"""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from guard.core.calls import GROWING
from guard.core.decisions import Action, Command, Decision, Mode, Reason, SnapshotPart
from guard.core.emergency import carries_numbers
from guard.core.engine import Engine
from guard.core.flights import Flight
from guard.core.money import MS_PER_MINUTE, Micros, floor_from_scaled
from guard.core.pictures import is_confirmed
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    Allow,
    BalanceMessage,
    BillingMessage,
    Block,
    CloseMessage,
    Credit,
    CreditMessage,
    Direction,
    Event,
    Intent,
    PaymentMessage,
    PaymentStatus,
    Release,
    Report,
    Scope,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, HOUR_MS, Settings
from guard.core.views import AccountState
from tests.properties.naive import LAG_MS, TRUST, Billed, Books, Heard, Lag
from tests.properties.switchboard import Obedient, Script
from tests.scenarios.store import DictStore

START_MS = 1_800_000_000_000
ACCOUNTS = ("A1", "A2", "A3")
SWITCHES = ("sw1", "sw2")
MOST_CALLS = 8
"""Calls that are spoken of at a time."""
OLDEST_MS = 60_000
"""Older reports are only repeats: a call that was silent for 90 s is another story (the scenarios tell it)."""
MOST_SILENCE_MS = 80_000

accounts = st.sampled_from(ACCOUNTS)
switches = st.sampled_from(SWITCHES)
whiches = st.integers(0, 1_000)
rates = st.sampled_from([0, 1, 600_000, 2_100_000, 60_000_000, 333_333_333, 600_000_001])
amounts = st.sampled_from([1, 10_000_000, 50_000_000, 89_999_999, 99_999_999, 100_000_000, 500_000_000])
signed_amounts = st.builds(lambda micros, sign: micros * sign, amounts, st.sampled_from([1, -1]))
limits = st.sampled_from([None, 0, 1, 10_000_000, 100_000_000, 1_000_000_000])
waits_ms = st.sampled_from([1, 249, 250, 1_000, 2_000, 5_000, 15_000, 20_000]) | st.integers(1, 20_000)
ages_ms = st.sampled_from([0, 1, 4_999, 5_000, 5_001, 30_000]) | st.integers(0, OLDEST_MS)

def a_script(  # a strategy's helper: the parts of a call that are drawn
    rate: int, stated: str, direction: Direction | None, emergency: str
) -> Script:
    """A call that has not begun. With charges the rate is always stated: what two charges imply depends on which two
    arrived, and the pricing tests and the scenarios look at that."""
    states_charge = stated == "charge and rate"
    states_rate = {"charge and rate": "always", "rate": "always", "rate once": "answered", "nothing": "never"}[stated]
    return Script("", "", 0, rate, states_charge, states_rate, direction, emergency)


scripts = st.builds(
    a_script,
    rate=rates,
    stated=st.sampled_from(["charge and rate", "rate", "rate once", "nothing"]),
    direction=st.sampled_from([None, None, *Direction]),
    emergency=st.sampled_from(["no", "no", "no", "flag", "dialled"]),
)

CONFIGURED = Settings(trust={method: int(part * 1_000_000) for method, part in TRUST.items()})


class EngineMatchesNaiveLedger(RuleBasedStateMachine):
    """One run."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = START_MS
        self.store = DictStore()
        self.engine = Engine(CONFIGURED, Scopes.of_country_code("1"), START_MS)
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
                assert decision.exposure_micros == exposure.__floor__()
        self.watched = len(decisions)

    def keep_talking(self, until_ms: int) -> None:
        """Calls that would have been silent for long by then speak once more."""
        for switch, call_id, call in list(self.books().live()):
            if until_ms - call.newest.at_ms > MOST_SILENCE_MS:
                script = self.scripts[switch, call_id]
                self.hear(switch, script.at(Event.TICK, self.now_ms - script.began_ms))

    # -- rules: calls

    @initialize()
    def start(self) -> None:
        """Guard starts and can hear."""
        self.engine.subscribed(self.now_ms)

    @precondition(lambda self: len(self.scripts) < MOST_CALLS)
    @rule(
        switch=switches,
        script=scripts,
        account=accounts,
        began_before_ms=ages_ms,
        told=st.sampled_from(["answered", "nothing yet", "the end first"]),
    )
    def begin(self, switch: str, script: Script, account: str, began_before_ms: int, told: str) -> None:
        """A call begins; perhaps nobody says so yet, perhaps its end is heard of first."""
        self.made += 1
        began_ms = self.now_ms - began_before_ms
        script = replace(script, call=f"call-{self.made}", account=account, began_ms=began_ms)
        self.scripts[switch, script.call] = script
        if told == "the end first":
            self.finish(switch, script, 0)
        if told != "nothing yet":
            self.say(switch, script.at(Event.ANSWERED, 0))

    def say(self, switch: str, report: Report) -> None:
        """A report that may be late."""
        if self.now_ms - report.at_ms > LAG_MS:
            self.fresh_sign(switch)
        self.hear(switch, report)

    def chosen(self, which: int) -> tuple[str, Script]:
        """Any call that is up or was."""
        (switch, _), script = list(self.scripts.items())[which % len(self.scripts)]
        return switch, script

    @precondition(lambda self: self.scripts)
    @rule(which=whiches, age_ms=ages_ms)
    def tick(self, which: int, age_ms: int) -> None:
        """A moment of a call is reported, now or late, in order or not."""
        switch, script = self.chosen(which)
        duration_ms = max(0, self.now_ms - age_ms - script.began_ms)
        if script.ended_ms is not None:
            duration_ms = min(duration_ms, script.ended_ms)
        if self.now_ms - script.began_ms - duration_ms <= OLDEST_MS:
            self.say(switch, script.at(Event.TICK, duration_ms))

    @precondition(lambda self: self.scripts)
    @rule(which=whiches)
    def answered_late(self, which: int) -> None:
        """The first report of a call comes in, perhaps after others."""
        switch, script = self.chosen(which)
        if (switch, script.call) in self.books().calls or self.now_ms - script.began_ms <= OLDEST_MS:
            self.say(switch, script.at(Event.ANSWERED, 0))

    @precondition(lambda self: self.scripts)
    @rule(which=whiches, age_ms=ages_ms)
    def end(self, which: int, age_ms: int) -> None:
        """A call ends, and that is reported now or late, perhaps again."""
        self.finish(*self.chosen(which), age_ms)

    def finish(self, switch: str, script: Script, age_ms: int) -> None:
        """A call has ended some time ago."""
        if script.ended_ms is None:
            script.ended_ms = max(0, self.now_ms - age_ms - script.began_ms)
        self.say(switch, script.at(Event.ENDED, script.ended_ms))

    @precondition(lambda self: self.scripts)
    @rule()
    def tidy(self) -> None:
        """Calls that are over are not spoken of any more, except by repeats."""
        self.scripts = {key: script for key, script in self.scripts.items() if script.ended_ms is None}

    @rule(twice=st.booleans())
    def everybody_talks(self, twice: bool) -> None:
        """All calls that are up say so, as they would every few seconds; perhaps each of them twice."""
        for (switch, _), script in self.scripts.items():
            if script.ended_ms is None and (switch, script.call) in self.books().calls:
                for _ in range(2 if twice else 1):
                    self.hear(switch, script.at(Event.TICK, self.now_ms - script.began_ms))

    @rule()
    def nobody_obeys(self) -> None:
        """The switches acknowledge everything, and calls go on all the same."""
        self.everything_arrives()
        self.keep_talking(self.now_ms + LAG_MS + 1)
        self.run_to(self.now_ms + LAG_MS + 1)
        self.everybody_talks(twice=False)

    @rule(switch=switches, which=whiches)
    def repeat(self, switch: str, which: int) -> None:
        """Any earlier report comes again."""
        known = self.books().calls
        earlier = [report for report in self.reported[switch] if (switch, report.call) in known]
        if earlier:
            self.say(switch, earlier[which % len(earlier)])

    @precondition(lambda self: self.scripts)
    @rule(which=whiches, account=accounts, currency=st.sampled_from([None, "CAD", "USD"]))
    def contradict(self, which: int, account: str, currency: str | None) -> None:
        """A report that names another account, or another currency."""
        switch, script = self.chosen(which)
        known = self.books().calls.get((switch, script.call))
        held_back = known is not None and known.posted is None and (account != known.account or currency is not None)
        if held_back and script.ended_ms is None:
            report = script.at(Event.TICK, max(0, self.now_ms - script.began_ms))
            self.hear(switch, replace(report, account=account, currency=currency))

    # -- rules: money

    @rule(
        account=accounts,
        which=st.integers(0, 5),
        amount=amounts,
        method=st.sampled_from(["card", "cheque"]),
        status=st.sampled_from(PaymentStatus),
        before_ms=ages_ms,
    )
    def pay(
        self, account: str, which: int, amount: int, method: str, status: PaymentStatus, before_ms: int
    ) -> None:
        """A payment in some state; now and then its id means another payment."""
        told = self.books().payments.get(f"p{which}")
        if told is not None and amount != 1:
            account, amount, method = told[0].account, told[0].amount_micros, told[0].method
        self.bill(
            PaymentMessage(
                id=f"p{which}",
                account=account,
                amount_micros=Micros(amount),
                method=method,
                status=status,
                at_ms=self.now_ms - before_ms,
            )
        )

    @rule(account=accounts, which=st.integers(0, 20), amount=signed_amounts)
    def adjust(self, account: str, which: int, amount: int) -> None:
        """A charge or a credit that is not a call; an id may come twice."""
        self.bill(AdjustmentMessage(id=f"a{which}", account=account, amount_micros=Micros(amount)))

    @rule(account=accounts, which=st.integers(0, 5), owed=signed_amounts, before_ms=ages_ms)
    def state_balance(self, account: str, which: int, owed: int, before_ms: int) -> None:
        """What was owed some time ago."""
        message = BalanceMessage(
            id=f"s{which}", account=account, owed_micros=Micros(owed), as_of_ms=self.now_ms - before_ms
        )
        self.bill(message)

    @rule(account=accounts, limit=limits, for_ms=st.sampled_from([None, 1, 5_000, 60_000]))
    def limit(self, account: str, limit: int | None, for_ms: int | None) -> None:
        """Another limit, for good or for a while."""
        self.made += 1
        credit = Credit(limit_micros=None if limit is None else Micros(limit))
        until_ms = None if for_ms is None else self.now_ms + for_ms
        self.bill(CreditMessage(id=f"c{self.made}", account=account, credit=credit, until_ms=until_ms))

    @rule(account=accounts, more=amounts)
    def raise_limit(self, account: str, more: int) -> None:
        """Raising a limit never blocks."""
        known = self.engine.world.accounts.get(account)
        if known is None or known.limit_in_force is None:
            return
        self.made += 1
        before = len(self.engine.world.changes.decisions)
        credit = Credit(limit_micros=Micros(known.limit_in_force + more))
        self.bill(CreditMessage(id=f"c{self.made}", account=account, credit=credit))
        decisions = self.engine.world.changes.decisions[before:]
        assert all(decision.action is not Action.BLOCK for decision in decisions)

    @rule(account=accounts, currency=st.sampled_from([None, "CAD", "USD"]), limit=limits | st.none())
    def complete(self, account: str, currency: str | None, limit: int | None) -> None:
        """Billing opens, completes or reopens an account."""
        self.made += 1
        credit = None if limit is None else Credit(limit_micros=Micros(limit))
        self.bill(AccountMessage(id=f"m{self.made}", account=account, currency=currency, credit=credit))

    @rule(account=accounts)
    def close(self, account: str) -> None:
        """Billing closes an account."""
        self.made += 1
        self.bill(CloseMessage(id=f"z{self.made}", account=account))

    # -- rules: operators

    @rule(account=accounts, scope=st.sampled_from(Scope), for_ms=st.sampled_from([None, 10_000]))
    def block(self, account: str, scope: Scope, for_ms: int | None) -> None:
        """An operator blocks."""
        until_ms = None if for_ms is None else self.now_ms + for_ms
        self.intend(Block(account=account, by="ana", reason="x", scope=scope, until_ms=until_ms))

    @rule(account=accounts, for_ms=st.sampled_from([None, 10_000]))
    def release(self, account: str, for_ms: int | None) -> None:
        """An operator releases."""
        until_ms = None if for_ms is None else self.now_ms + for_ms
        self.intend(Release(account=account, by="ana", reason="x", until_ms=until_ms))

    @rule(account=accounts, for_ms=st.sampled_from([1, 10_000, HOUR_MS]))
    def allow(self, account: str, for_ms: int) -> None:
        """An operator allows."""
        self.intend(Allow(account=account, by="ana", reason="x", until_ms=self.now_ms + for_ms))

    # -- rules: time, commits, crashes, switches

    @rule(ms=waits_ms)
    def wait(self, ms: int) -> None:
        """Time passes."""
        self.keep_talking(self.now_ms + ms)
        self.run_to(self.now_ms + ms)

    @precondition(lambda self: self.long_waits < 4)
    @rule(ms=st.sampled_from([HOUR_MS, 24 * HOUR_MS - 1, DAY_MS, DAY_MS + HOUR_MS]))
    def wait_long(self, ms: int) -> None:
        """Nobody calls for a while."""
        if not any(True for _ in self.books().live()):
            self.long_waits += 1
            self.run_to(self.now_ms + ms)

    @rule()
    def commit(self) -> None:
        """A batch becomes durable, and only then leaves."""
        changes = self.engine.take()
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

    @rule(pause_ms=st.sampled_from([0, 1, 3_000, 10_000]), lose=st.booleans())
    def restart(self, pause_ms: int, lose: bool) -> None:
        """Guard stops after a commit, or dies with a batch in its hands and gets those messages again."""
        # Nothing may have become too silent by the time guard is back.
        self.keep_talking(self.now_ms + pause_ms + 20_000)
        if not lose:
            self.commit()
        again = list(self.uncommitted)
        self.uncommitted.clear()
        self.watched = 0
        self.now_ms += pause_ms
        self.engine = Engine(CONFIGURED, Scopes.of_country_code("1"), self.now_ms)
        self.engine.restore(self.store.restored(), self.now_ms)
        self.lag.restarted(self.live_switches())
        self.engine.advance(self.now_ms)
        self.watch_decisions(belated=True)
        self.agrees_with_the_naive_ledger()
        self.engine.subscribed(self.now_ms)
        self.watch_decisions()
        self.lag.subscribed(self.live_switches(), self.now_ms)
        for message in again:
            self.bring_again(message)

    def bring_again(self, message: Heard | Billed | Intent) -> None:
        """The broker delivers again what was never acknowledged; an operator asks again."""
        if isinstance(message, Heard):
            self.say(message.switch, message.report)
        elif isinstance(message, Billed):
            self.bill(message.message)
        else:
            self.intend(message)

    @rule()
    def everything_arrives(self) -> None:
        """A batch is committed, the switches get everything and answer."""
        self.commit()
        for switch in self.switches.values():
            while switch.inbox:
                self.engine.control(switch.receive(self.now_ms), self.now_ms)
        self.watch_decisions()

    @rule(switch=switches, count=st.integers(1, 4), lost=st.booleans())
    def reach_the_switch(self, switch: str, count: int, lost: bool) -> None:
        """Some messages reach a switch; its answers may get lost."""
        known = self.switches[switch]
        for _ in range(min(count, len(known.inbox))):
            ack = known.receive(self.now_ms)
            if not lost:
                self.engine.control(ack, self.now_ms)
                self.watch_decisions()

    @rule(switch=switches, count=st.integers(1, 4))
    def lose_messages(self, switch: str, count: int) -> None:
        """Some messages never reach it."""
        del self.switches[switch].inbox[:count]

    @rule(switch=switches, up=st.booleans(), reboots=st.booleans())
    def change_status(self, switch: str, up: bool, reboots: bool) -> None:
        """A switch goes down, or says that it is up, perhaps having forgotten everything."""
        if reboots:
            self.switches[switch].reboot()
        self.engine.control(SwitchStatus(switch=switch, up=up), self.now_ms)
        self.watch_decisions()

    # -- invariants

    @invariant()
    def agrees_with_the_naive_ledger(self) -> None:
        """What is owed, what is pending, what is in flight: to the micro, now."""
        books, world = self.books(), self.engine.world
        assert set(world.accounts) == set(books.accounts)
        for name, account in world.accounts.items():
            assert account.owed_micros == books.owed(name)
            assert account.pending_micros == sum(payment.amount_micros for payment in books.pending(name))
            assert account.exposure_scaled(self.now_ms) == self.exposure(books, name) * MS_PER_MINUTE
            assert account.limit_in_force == books.limit(name, self.now_ms)
            assert account.currency == books.accounts[name].currency
            assert account.provisional == books.accounts[name].provisional
        live = {(switch, call) for switch, call, _ in books.live()}
        assert {(name, call) for name, switch in world.switches.items() for call in switch.calls} == live
        assert {name for name, switch in world.switches.items() if switch.lagging} == self.lag.at(self.now_ms)

    @invariant()
    def money_is_conserved(self) -> None:
        """What an account owes is the sum of its lines, committed or not."""
        owed = dict(self.store.owed)
        for line in self.engine.world.changes.ledger:
            owed[line.account] = owed.get(line.account, 0) + line.amount_micros
        for name, account in self.engine.world.accounts.items():
            assert account.owed_micros == owed.get(name, 0)

    @invariant()
    def whoever_is_over_the_limit_is_blocked(self) -> None:
        """And whoever is well below it is not, but for the pause of a day."""
        books = self.books()
        lagging = self.lag.at(self.now_ms)
        for name, account in self.engine.world.accounts.items():
            limit, exposure = books.limit(name, self.now_ms), self.exposure(books, name)
            cause = account.cause(Reason.CREDIT_LIMIT)
            over = limit is not None and exposure >= limit and exposure > 0
            if over and account.allow_until_ms is None:
                assert cause is not None
            if account.allow_until_ms is not None:
                assert cause is None
                assert account.allow_until_ms > self.now_ms
            waits = account.lifted_at_ms and self.now_ms < account.lifted_at_ms + DAY_MS
            reads = any(switch in lagging and call.account == name for switch, _, call in books.live())
            if cause is not None and not waits and not reads:
                assert limit is not None
                assert exposure >= limit * Fraction(9, 10)

    @invariant()
    def totals_are_sums(self) -> None:
        """Per switch, per currency, per state: what is kept beside the accounts is what adding them up gives."""
        world = self.engine.world
        settled: dict[str, int] = {}
        states = dict.fromkeys(AccountState, 0)
        totals = {name: {currency: Flight(switch) for currency in switch.totals} for name, switch in world.switches.items()}
        for account in world.accounts.values():
            settled[account.currency] = settled.get(account.currency, 0) + account.owed_micros - account.trusted_micros
            states[account.present_state()] += 1
            assert account.state is account.present_state()
            assert (account.id in world.blocked) is bool(account.causes)
            for state, members in world.in_state.items():
                assert (account.id in members) is (account.state is state)
            for flight in account.flights:
                assert flight.calls > 0
                totals[flight.switch.name][account.currency].absorb(flight, 1)
                totals[flight.switch.name][account.currency].calls += 0
        assert {currency: sum_ for currency, sum_ in world.settled_micros.items() if sum_} == {
            currency: sum_ for currency, sum_ in settled.items() if sum_
        }
        assert world.states == states
        for name, switch in world.switches.items():
            for currency, total in switch.totals.items():
                expected = totals[name][currency]
                for part in ("calls", "stated_micros", "rate_micros", "anchor", "frozen_scaled"):
                    assert getattr(total, part) == getattr(expected, part), part

    @invariant()
    def calls_and_flights_agree(self) -> None:
        """Each flight is the sum of its calls; nothing here ever falls silent or thinks of another clock."""
        for switch in self.engine.world.switches.values():
            assert switch.skew_ms == 0
            for call in switch.calls.values():
                assert call.silent_carry_scaled == GROWING
                assert call.account.live is not None
                assert call.account.live[switch.name, call.id] is call
        for account in self.engine.world.accounts.values():
            defying = [call for call in (account.live or {}).values() if call.defies]
            assert account.defying == len(defying)
            assert all(call.endable for call in defying)
            assert not defying or account.causes
            scaled = account.exposure_scaled(self.now_ms) - (account.owed_micros - account.trusted_micros) * MS_PER_MINUTE
            one_by_one = sum(call.value_micros(self.now_ms) for call in (account.live or {}).values())
            assert 0 <= floor_from_scaled(scaled) - one_by_one <= len(account.live or {})
            assert sum(flight.calls for flight in account.flights) == len(account.live or {})

    @invariant()
    def what_is_said_is_said_once(self) -> None:
        """A warning is not repeated before it was cleared; a block lifts by itself once a day at most."""
        spoken: set[tuple[str, str]] = set()
        lifted: dict[str, int] = {}
        decisions: list[Decision] = self.store.decisions + self.engine.world.changes.decisions
        assert len({decision.id for decision in decisions}) == len(decisions)
        for decision in decisions:
            key = decision.account, decision.mark
            assert decision.text
            assert (decision.mode is Mode.SHADOW) <= (decision.action is Action.BLOCK)
            if decision.action is Action.WARN:
                assert key not in spoken
                spoken.add(key)
            elif decision.action is Action.CLEARED:
                assert key in spoken
                spoken.remove(key)
            elif (decision.action, decision.reason) == (Action.UNBLOCK, Reason.CREDIT_LIMIT):
                assert decision.at_ms >= lifted.get(decision.account, 0) + DAY_MS
                lifted[decision.account] = decision.at_ms

    @invariant()
    def what_waits_is_the_present_command(self) -> None:
        """A switch waits for at most one command of an account: the one that states what is wanted now."""
        for switch in self.engine.world.switches.values():
            for command_id, pending in switch.pending.items():
                command = self.engine.world.accounts[pending.account].command
                assert command is not None
                assert command.id == command_id

    # -- the end

    def teardown(self) -> None:
        """When everything has healed, nothing waits, and every switch blocks exactly what is to be blocked."""
        self.commit()
        for name in SWITCHES:
            self.engine.control(SwitchStatus(switch=name, up=True), self.now_ms)
        for _ in range(50):
            self.commit()
            if not any(switch.inbox for switch in self.switches.values()):
                break
            for switch in self.switches.values():
                while switch.inbox:
                    self.engine.control(switch.receive(self.now_ms), self.now_ms)
        world = self.engine.world
        assert self.store.pending == {}
        assert all(not switch.pending and switch.synced for switch in world.switches.values())
        truth = {name: (account.seq, desired.scope) for name, account in world.blocked.items() if (desired := account.desired())}
        for switch in self.switches.values():
            assert switch.blocked == truth
        assert all(is_confirmed(account, world) for account in world.blocked.values())
        self.restores_to_itself()

    def restores_to_itself(self) -> None:
        """A restart gives the same rows again."""
        again = Engine(CONFIGURED, Scopes.of_country_code("1"), self.now_ms)
        again.restore(self.store.restored(), self.now_ms)
        for name, account in self.engine.world.accounts.items():
            assert again.world.accounts[name].row() == account.row()
        for name, switch in self.engine.world.switches.items():
            rows = {call.id: call.row() for call in switch.calls.values()}
            assert {call.id: call.row() for call in again.world.switches[name].calls.values()} == rows
        assert again.world.settled_micros == {k: v for k, v in self.engine.world.settled_micros.items() if k in again.world.settled_micros}
        assert again.world.states == self.engine.world.states


TestEngineMatchesNaiveLedger = EngineMatchesNaiveLedger.TestCase
TestEngineMatchesNaiveLedger.settings = settings(
    max_examples=60 * int(os.environ.get("GUARD_DEEP", "1")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
