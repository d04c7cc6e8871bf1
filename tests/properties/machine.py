"""The rules: everything that can happen to guard, in any order. Each step happens to engine and naive ledger alike."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis.stateful import initialize, precondition, rule

from guard.core.decisions import Action
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    Allow,
    Approve,
    BalanceMessage,
    Block,
    CloseFuse,
    CloseMessage,
    Credit,
    CreditMessage,
    Direction,
    Event,
    Intent,
    PaymentMessage,
    PaymentStatus,
    Reject,
    Release,
    Report,
    Scope,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, HOUR_MS
from guard.core.setup import Reload, Setup
from tests.properties.naive import LAG_MS, Billed, Heard
from tests.properties.surroundings import ACCOUNTS, CONFIGURED, RULES, SWITCHES, Surroundings
from tests.properties.switchboard import Script

MOST_CALLS = 8
"""Calls that are spoken of at a time."""
OLDEST_MS = 60_000
"""Older reports are only repeats: a call that was silent for 90 s is another story (the scenarios tell it)."""

accounts = st.sampled_from(ACCOUNTS)
switches = st.sampled_from(SWITCHES)
whiches = st.integers(0, 1_000)
rates = st.sampled_from([0, 1, 600_000, 2_100_000, 60_000_000, 333_333_333, 600_000_001])
amounts = st.sampled_from([1, 10_000_000, 50_000_000, 89_999_999, 99_999_999, 100_000_000, 500_000_000])
signed_amounts = st.builds(lambda micros, sign: micros * sign, amounts, st.sampled_from([1, -1]))
limits = st.sampled_from([None, 0, 1, 10_000_000, 100_000_000, 1_000_000_000])
waits_ms = st.sampled_from([1, 249, 250, 1_000, 2_000, 5_000, 15_000, 20_000]) | st.integers(1, 20_000)
ages_ms = st.sampled_from([0, 1, 4_999, 5_000, 5_001, 30_000]) | st.integers(0, OLDEST_MS)


def a_script(rate: int, stated: str, direction: Direction | None, emergency: str) -> Script:
    """A call that has not begun.

    With charges the rate is always stated: what two charges imply depends on which two arrived, and that is looked at
    by the pricing tests and the scenarios.
    """
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


class Machine(Surroundings):
    """Everything that can happen."""

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
    def everybody_talks(self, *, twice: bool) -> None:
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
    def pay(self, account: str, which: int, amount: int, method: str, status: PaymentStatus, before_ms: int) -> None:
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

    @rule(which=whiches, verdict=st.sampled_from([Approve, Reject]))
    def judge_held(self, which: int, verdict: type[Approve | Reject]) -> None:
        """An operator judges a block that the fuse holds."""
        held = self.engine.held()
        if held:
            one = held[which % len(held)]
            self.intend(verdict(account=one.account, held=one.id, by="ana", reason="x"))

    @rule()
    def close_fuse(self) -> None:
        """An operator closes the fuse."""
        self.intend(CloseFuse(by="ana", reason="x"))
        assert not self.engine.fuse_open

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

    @rule(pause_ms=st.sampled_from([0, 1, 3_000, 10_000]), lose=st.booleans())
    def restart(self, pause_ms: int, *, lose: bool) -> None:
        """Guard stops after a commit, or dies with a batch in its hands and gets those messages again."""
        # Nothing may have become too silent by the time guard is back.
        self.keep_talking(self.now_ms + pause_ms + 20_000)
        if not lose:
            self.commit()
        again = list(self.uncommitted)
        self.uncommitted.clear()
        self.watched = 0
        self.now_ms += pause_ms
        self.engine = Engine(CONFIGURED, Scopes.of_country_code("1"), self.now_ms, rules=RULES)
        self.engine.restore(self.store.restored(), self.now_ms)
        self.lag.restarted(self.live_switches())
        self.engine.advance(self.now_ms)
        self.watch_decisions(belated=True)
        self.engine.subscribed(self.now_ms)
        self.watch_decisions()
        self.lag.subscribed(set(self.engine.world.switches), self.now_ms)
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
    def reload(self) -> None:
        """The files are read anew and say what they said: other objects, and nothing follows."""
        self.engine.advance(self.now_ms)
        self.watch_decisions()
        rating = Rating(unknown_rate_micros=CONFIGURED.unknown_rate_micros)
        setup = Setup(settings=CONFIGURED, scopes=Scopes.of_country_code("1"), rating=rating, rules=RULES)
        before = len(self.engine.world.changes.decisions)
        self.engine.reload(Reload(setup=setup, by="ana", what="nothing"), self.now_ms)
        assert len(self.engine.world.changes.decisions) == before
        self.watch_decisions()

    @rule()
    def make_durable(self) -> None:
        """A batch becomes durable, and only then leaves."""
        self.commit()

    @rule()
    def everything_arrives(self) -> None:
        """A batch is committed, the switches get everything and answer."""
        self.commit()
        for switch in self.switches.values():
            while switch.inbox:
                self.engine.control(switch.receive(self.now_ms), self.now_ms)
        self.watch_decisions()

    @rule(switch=switches, count=st.integers(1, 4), lost=st.booleans())
    def reach_the_switch(self, switch: str, count: int, *, lost: bool) -> None:
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
    def change_status(self, switch: str, *, up: bool, reboots: bool) -> None:
        """A switch goes down, or says that it is up, perhaps having forgotten everything."""
        if reboots:
            self.switches[switch].reboot()
        self.engine.control(SwitchStatus(switch=switch, up=up), self.now_ms)
        self.lag.met(switch, self.now_ms)
        self.watch_decisions()
