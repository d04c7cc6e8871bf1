"""The engine's memory: accounts, switches, what has changed since the last batch, and the plain counters.

The parts of the engine (`intake`, `judge`, `billing`, `delivery`) share one `World` and change it; nobody else does.
What must become durable is collected here as it happens: rows of touched objects once per batch (`touch`), and facts
(ledger lines, decisions, what is remembered) as they arise. `take` hands all of it over as one `Changes`.
"""

from __future__ import annotations

from heapq import heappush

from guard.core import pace
from guard.core.accounts import NOT_SHOWN, Account, Shown
from guard.core.activity import Activity
from guard.core.calls import Call
from guard.core.decisions import (
    BillingEntry,
    Changes,
    Decision,
    LedgerLine,
    LineKind,
    Notice,
)
from guard.core.flights import NOT_COUNTED, Contribution, Flight, contribution_of
from guard.core.invariants import invariant
from guard.core.money import Micros, fits
from guard.core.neighbours import Said, Word
from guard.core.noticeboard import NoticeBoard
from guard.core.pools import recount
from guard.core.posting import Posted, call_line
from guard.core.rating import Rating
from guard.core.scopes import Scopes
from guard.core.settings import Settings, SwitchSettings
from guard.core.spokesman import Spokesman
from guard.core.strangers import Strangers
from guard.core.switches import Switch
from guard.core.views import AccountState

MAX_SWITCHES = 1_000
"""Known switches (contract 1): a hostile publisher must not make memory grow by inventing names."""


class World:
    """All state of the engine."""

    __deletable__ = ("spokesman",)
    """It knows the world: a circle, cut when an engine is taken apart. The compiled core has to be told."""

    def __init__(self, settings: Settings, scopes: Scopes, rating: Rating, partition: int | None = None) -> None:
        self.partition, self.composed = partition, partition is not None
        """Which it is; whether others decide for the rest of the accounts."""
        self.settings = settings
        self.scopes = scopes
        self.rating = rating
        self.accounts: dict[str, Account] = {}
        self.activity = Activity()
        self.strangers = Strangers()
        self.switches: dict[str, Switch] = {}
        self.lagging: dict[str, Switch] = {}
        """Those whose backlog is being read."""
        self.blocked: dict[str, Account] = {}
        """Accounts whose last command is a block."""
        self.billing: dict[str, BillingEntry] = {}
        """Billing messages by id; kept for ever, because an id is good for ever (about 300 bytes each)."""
        self.forgotten_before_ms = 0
        """Memory of ended calls reaches back to here; never moves back."""
        self.changes = Changes()
        self.waiting: dict[tuple[str, str], int | None] = {}
        """(switch, account) whose outbox entry changed: the seq that waits, or None."""
        self._touched_accounts: dict[str, Account] = {}
        self._touched_calls: dict[tuple[str, str], Call | None] = {}
        self._touched_switches: dict[str, Switch] = {}
        self.last_line = 0
        self.last_decision = 0
        self.alarms: list[tuple[int, str]] = []
        """(moment, account): when an account is to be judged without being asked to."""
        # Plain counters; the shell reads them.
        self.decided: dict[tuple[str, str, str], int] = {}
        self.billed: dict[tuple[str, str], int] = {}
        self.states: dict[AccountState, int] = dict.fromkeys(AccountState, 0)
        self.in_state: dict[AccountState | None, dict[str, Account]] = {
            AccountState.WARNED: {},
            AccountState.BLOCKED: {},
            AccountState.CLOSED: {},
        }
        """Accounts in the states that are rare: whoever asks for them must not walk through all the others."""
        self.settled_micros: dict[str, int] = {}
        """Owed - trusted over all accounts, per currency."""
        self.pooled: dict[str, Shown] = {}
        """Value of the calls under a plan over all accounts, per currency, as of when each was judged last: value
        (scaled), rate, rate x time."""
        self.unrated = 0
        """Plain counter: calls posted at the unknown rate, because no prefix of the tariff matched."""
        self.unheard = 0
        """Plain counter: reports of switches that are one too many."""
        self.reconciled_micros: dict[str, int] = {}
        """Differences found by `balance` messages, per currency."""
        self.confirm_ms: list[int] = []
        self.board, self.spokesman = NoticeBoard(composed=self.composed), Spokesman(self)

    # -- accounts

    def open_account(self, account_id: str) -> Account:
        """The account of that id; an unknown one opens as provisional."""
        account = self.accounts.get(account_id)
        if account is None:
            settings = self.settings
            account = Account(account_id, settings.default_currency, settings.default_limit_micros)
            self.enter(account)
            self.touch(account)
        return account

    def enter(self, account: Account) -> None:
        """Make an account known (new or restored)."""
        self.accounts[account.id] = account
        self.strangers.count += account.provisional
        self.states[account.state] += 1
        if account.state in self.in_state:
            self.in_state[account.state][account.id] = account
        self._count_settled(account, 1)
        if account.command is not None and account.command.action == "block":
            self.blocked[account.id] = account

    def touch(self, account: Account) -> None:
        """Its row has changed."""
        self._touched_accounts[account.id] = account

    def count_state(self, account: Account) -> None:
        """Level, causes or closing may have changed its state."""
        state = account.present_state()
        if state is not account.state:
            self.states[account.state] -= 1
            self.states[state] += 1
            if account.state in self.in_state:
                del self.in_state[account.state][account.id]
            if state in self.in_state:
                self.in_state[state][account.id] = account
            account.state = state

    def _count_settled(self, account: Account, sign: int) -> None:
        total = self.settled_micros.get(account.currency, 0)
        self.settled_micros[account.currency] = total + sign * (account.owed_micros - account.trusted_micros)

    def owe(self, account: Account, amount_micros: int) -> None:
        """Move what an account owes; the caller has made sure that the sum fits and writes the ledger line."""
        account.owed_micros += amount_micros
        invariant(fits(account.owed_micros), "what an account owes stays within the bound of money")
        self.settled_micros[account.currency] = self.settled_micros.get(account.currency, 0) + amount_micros
        self.touch(account)

    def trust(self, account: Account, pending_micros: int, trusted_micros: int) -> None:
        """Move pending payments and the part of them that counts."""
        account.pending_micros += pending_micros
        account.trusted_micros += trusted_micros
        self.settled_micros[account.currency] = self.settled_micros.get(account.currency, 0) - trusted_micros
        self.touch(account)

    def change_currency(self, account: Account, currency: str) -> None:
        """A provisional account turns out to be in another currency: its amounts were in that one all along."""
        for flight in account.flights:
            flight.switch.total(account.currency).absorb(flight, -1)
            flight.switch.total(currency).absorb(flight, 1)
        shown = account.shown
        self.show_pools(account, NOT_SHOWN)
        self._count_settled(account, -1)
        account.currency = currency
        self._count_settled(account, 1)
        self.show_pools(account, shown)
        self.touch(account)

    def wake(self, account: Account, at_ms: int | None) -> None:
        """Judge the account at that moment; an earlier alarm that stands is kept."""
        if at_ms is not None and (account.due_ms is None or at_ms < account.due_ms):
            account.due_ms = at_ms
            heappush(self.alarms, (at_ms, account.id))

    def pooled_scaled(self, currency: str, now_ms: int) -> int:
        """Worth of all calls under a plan in a currency, as if each account had gone on as when it was judged last."""
        value, rate, anchor = self.pooled.get(currency, NOT_SHOWN)
        return value + rate * now_ms - anchor

    def pooled_rate_micros(self, currency: str) -> int:
        """What these calls together cost a minute, as when each account was judged last."""
        return self.pooled.get(currency, NOT_SHOWN)[1]

    # -- switches

    def switch(self, name: str, now_ms: int) -> Switch | None:
        """The switch of that name; a new one becomes known; None when it is not declared and there are too many."""
        switch = self.switches.get(name)
        if switch is None and (name in self.settings.switches or len(self.switches) < MAX_SWITCHES):
            switch = self.enter_switch(name, now_ms)
            self.touch_switch(switch)
        return switch

    def enter_switch(self, name: str, now_ms: int) -> Switch:
        """Make a switch known (new or restored)."""
        declared = self.settings.switches.get(name, SwitchSettings())
        switch = self.switches[name] = Switch(name, ticks=declared.ticks, now_ms=now_ms)
        return switch

    def lag(self, switch: Switch, until_ms: int | None) -> None:
        """A backlog of it is being read: until its end, or until then if nothing more comes (None: until told)."""
        switch.lagging, switch.quiet_due_ms = True, until_ms
        self.lagging[switch.name] = switch

    def end_lag(self, switch: Switch) -> None:
        """Its backlog has been read."""
        switch.lagging, switch.quiet_due_ms = False, None
        self.lagging.pop(switch.name, None)

    def touch_switch(self, switch: Switch) -> None:
        """Its row has changed."""
        self._touched_switches[switch.name] = switch

    # -- calls

    def fly(self, account: Account, switch: Switch) -> Flight:
        """The sums of an account's calls at a switch, made when needed."""
        flight = account.flight_at(switch)
        if flight is None:
            flight = Flight(switch)
            account.flights = (*account.flights, flight)
        return flight

    def count(self, call: Call) -> None:
        """Bring the sums in step with a live call; to be called after every change of what it is worth."""
        self._shift(call, contribution_of(call))
        if call.cover is not None or call.pool is not None:
            recount(call)
        call.plain = call.is_plain

    def move(self, call: Call) -> None:
        """It has changed, and with it what it is worth: `count` and `touch_call`."""
        self.touch_call(call)
        self.count(call)

    def move_plain(self, call: Call) -> None:
        """`move` of a call that is plain, and stays so: this is done for nearly every report."""
        # `_shift`, written out: neither is anything frozen nor, as a rule, does the rate change.
        self._touched_calls[call.key] = call
        stated, rate = call.charge_micros, call.rate_micros
        anchor, over = rate * call.at_ms, call.gross_micros - stated
        was_stated, was_rate, was_anchor, _, was_over = call.counted
        call.counted = (stated, rate, anchor, 0, over)
        stated -= was_stated
        anchor -= was_anchor
        flight, total = call.flight, call.switch.totals[call.account.currency]
        flight.stated_micros += stated
        flight.anchor += anchor
        total.stated_micros += stated
        total.anchor += anchor
        if rate != was_rate or over != was_over:
            for each in (flight, total):
                each.rate_micros += rate - was_rate
                each.over_micros += over - was_over

    def replan(self, account: Account) -> None:
        """The account has another plan, time zone or age: its calls lie in other pools, cycles begin elsewhere."""
        account.cycle = None
        for call in account.live.values() if account.live else ():
            call.lie(call.place, self.rating.cover(account.plan, call.place))
            self.count(call)

    def show_pools(self, account: Account, now: Shown) -> None:
        """Count the pools of an account in the totals of all, in place of what was counted of them before."""
        value, rate, anchor = self.pooled.get(account.currency, NOT_SHOWN)
        was_value, was_rate, was_anchor = account.shown
        self.pooled[account.currency] = (
            value + now[0] - was_value,
            rate + now[1] - was_rate,
            anchor + now[2] - was_anchor,
        )
        account.shown = now

    @staticmethod
    def _shift(call: Call, now: Contribution) -> None:
        # Written out, with neither calls nor tuples in between: this is done for many reports.
        stated, rate, anchor, frozen, over = now
        was_stated, was_rate, was_anchor, was_frozen, was_over = call.counted
        call.counted = now
        for flight in (call.flight, call.switch.totals[call.account.currency]):
            flight.stated_micros += stated - was_stated
            flight.rate_micros += rate - was_rate
            flight.anchor += anchor - was_anchor
            flight.frozen_scaled += frozen - was_frozen
            flight.over_micros += over - was_over

    def go_live(self, call: Call) -> None:
        """A call is up (its value is not yet counted)."""
        account = call.account
        call.flight.calls += 1
        call.switch.total(account.currency).calls += 1
        if account.live is None:
            account.live = {}
        account.live[call.switch.name, call.id] = call
        call.switch.calls[call.id] = call
        self.touch_call(call)

    def go_over(self, call: Call) -> None:
        """A call is no longer up, and its value no longer counts."""
        account, switch = call.account, call.switch
        self._shift(call, NOT_COUNTED)
        if call.pool is not None:
            call.cover = None
            recount(call)
        call.flight.calls -= 1
        switch.total(account.currency).calls -= 1
        invariant(account.live is not None, "a call that ends was live")
        if account.live is not None:
            del account.live[switch.name, call.id]
            if not account.live:
                account.live = None
        if call.defies:
            account.defying -= 1
        if not call.flight.calls:
            account.flights = tuple(flight for flight in account.flights if flight is not call.flight)
        del switch.calls[call.id]
        self._touched_calls[switch.name, call.id] = None

    def touch_call(self, call: Call) -> None:
        """Its row has changed."""
        self._touched_calls[call.key] = call

    # -- facts

    def line(
        self,
        account: Account,
        kind: LineKind,
        amount_micros: int,
        at_ms: int,
        *,
        posted: Posted | None = None,
        ref: str = "",
        method: str = "",
        text: str = "",
    ) -> None:
        """Write a ledger line and move what is owed by it: the one way in which money moves."""
        self.last_line += 1
        self.owe(account, amount_micros)
        if posted is not None:
            if amount_micros > 0:
                pace.note(account.open_books(), amount_micros, at_ms)
            line = call_line(self.last_line, account, kind, amount_micros, at_ms, posted, text)
        else:
            line = LedgerLine(
                number=self.last_line,
                account=account.id,
                at_ms=at_ms,
                kind=kind,
                amount_micros=Micros(amount_micros),
                currency=account.currency,
                ref=ref,
                method=method,
                text=text,
            )
        self.changes.ledger.append(line)

    def decided_on(self, decision: Decision) -> None:
        """Note a decision and count it."""
        self.changes.decisions.append(decision)
        counted = (decision.action.value, decision.reason.value, decision.mode.value)
        self.decided[counted] = self.decided.get(counted, 0) + 1

    def say(self, word: Word, to: int | None = None) -> None:
        """Tell another engine, or everyone."""
        self.changes.says.append(Said(to, word))

    def notice(self, notice: Notice) -> None:
        """Tell on-call after the commit."""
        self.changes.notices.append(notice)

    def notice_once(self, notice: Notice, about: str) -> None:
        """Tell on-call about one thing of an account once."""
        if self.board.is_news(notice, about):
            self.spokesman.tell_of_account(notice, about)

    # -- handing over

    def take(self) -> Changes:
        """All that has changed since the last time, and a clean sheet."""
        changes = self.changes
        changes.accounts = [account.row() for account in self._touched_accounts.values()]
        for (switch, call_id), call in self._touched_calls.items():
            if call is None:
                changes.calls_over.append((switch, call_id))
            else:
                changes.calls.append(call.row())
        changes.switches = [switch.row() for switch in self._touched_switches.values()]
        changes.settled += [where for where, seq in self.waiting.items() if seq is None]
        changes.pending += [(*where, seq) for where, seq in self.waiting.items() if seq is not None]
        return self.facts()

    def facts(self) -> Changes:
        """The same without the rows of what was touched."""
        changes, self.changes = self.changes, Changes()
        self._touched_accounts, self._touched_calls, self._touched_switches = {}, {}, {}
        self.waiting = {}
        return changes
