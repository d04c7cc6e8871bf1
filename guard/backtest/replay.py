"""The replay: the daemon's engine in event time. The time of the next report is the clock.

    time passes: billing, releases and whatever the engine waits for, each at its own moment
    a report comes: withheld (its call would not have happened), or taken by the engine
    what the engine sends: obeyed and acknowledged at once; calls in scope are cut

An operator is assumed to look at each block `release_after` after it and to release it: what caused it is lifted, and
the account is allowed for an hour, as the contract has it. An account that still stands at its limit needs an `until`:
it gets the same hour, and is blocked again at its end.

A model that looks out for what is unusual is asked at its own moments, and what it finds goes into the engine at once.

A replay may be told to see calls only when they end and to let calls that are up go on (`at_hang_up`): that is how a
limit works which counts call records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, islice, takewhile
from typing import Protocol

from guard.backtest.history import History, reports_of
from guard.backtest.inputs import Bill
from guard.backtest.meter import Meter
from guard.backtest.switchboard import Key, Switchboard, next_reports
from guard.backtest.tally import Tally
from guard.core.anomaly import Finding
from guard.core.decisions import Command, Decision, LineKind, Send
from guard.core.engine import Engine
from guard.core.money import floor_from_scaled
from guard.core.operators import RELEASE_ALLOWS_MS
from guard.core.records import Ack, Event, IntentResult, Release, Report
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.settings import DAY_MS

LOOK_AHEAD_MS = 61_000
"""A call that is up is mentioned within so much (contract: ticks each 1-60 s)."""
Batch = list[tuple[str, Report]]
"""Reports, each with its switch."""
EMPTIED_AFTER = 10_000
"""Reports between two emptyings of what the engine would have a store write."""
FOREVER = 2**62
OPERATOR = "backtest"

_CALL_LINES = frozenset({LineKind.CALL, LineKind.LOST, LineKind.CORRECTION})
_FAILED, _ENDED = Event.FAILED, Event.ENDED
"""Looked up once: looking up an enumeration's member costs as much as a call, and a report needs several of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed about the world around guard."""

    release_after_ms: int = DAY_MS
    at_hang_up: bool = False


class Lookout(Protocol):
    """A model that follows what is observed."""

    @property
    def next_due_ms(self) -> int | None:
        """When it wants to look next."""
        ...

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        """For `Engine.listen`."""
        ...

    def look(self, now_ms: int) -> Sequence[Finding]:
        """What it finds of accounts whose moment has come."""
        ...


class Replay:
    """One run of a history through one engine."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        bills: Sequence[Bill],
        tally: Tally,
        assumptions: Assumptions,
        decided: Callable[[Decision], None] = lambda _decision: None,
        *,
        lookout: Lookout | None = None,
    ) -> None:
        world = engine.world
        self._engine = engine
        self._history = history
        self._bills = deque(bills)
        self._tally = tally
        self._assumptions = assumptions
        self._hangs_up = assumptions.at_hang_up
        self._decided = decided
        self._lookout = lookout
        if lookout is not None:
            engine.listen(lookout.observe)
        self._board = Switchboard(world.rating, world.scopes, world.settings.emergency, tally.prevented)
        self._changes = world.changes
        self._at_hand: deque[Batch] = deque()
        """The reports that are being taken, and those that come after them."""
        self._position = 0
        """Of the one that is being taken among the first of them."""
        self._now_ms = 0
        self._releases: list[tuple[int, str, int]] = []
        self._due_ms = self._next_outside_ms()
        """When the next message of billing acts, or the operator."""
        self._obeyed: dict[str, int] = {}
        """The last `seq` of each account that had any."""
        self._blocked: dict[str, int] = {}
        """The `seq` by which each blocked account came to be blocked."""
        self._meters: dict[Key, Meter] = {}
        """Of calls of labelled accounts, and at hang-up of all that are up."""

    def run(self, told: Callable[[int], None] = lambda _reports: None) -> None:
        """All of it; `told` gets the number of reports from time to time."""
        done = emptied = 0
        for batch in self._in_order():
            for self._position, (switch, report) in enumerate(batch):
                if self._lookout is not None:
                    self._look(self._lookout, report.at_ms)
                self._pass_time(report.at_ms)
                self._take(switch, report)
            done += len(batch)
            if done - emptied >= EMPTIED_AFTER:
                emptied = done
                self._empty()
                self._board.sweep(self._now_ms)
                told(done)
        if self._bills:
            self._pass_time(self._bills[-1].at_ms)
        self._empty()
        self._count_calls_up()
        told(done)

    def _in_order(self) -> Iterator[Batch]:
        """All reports; those that come after a batch within `LOOK_AHEAD_MS` are at hand by then."""
        at_hand = self._at_hand
        for entries in self._history.batches():
            at_hand.append(reports_of(entries))
            while at_hand[0][-1][1].at_ms + LOOK_AHEAD_MS < at_hand[-1][-1][1].at_ms:
                yield at_hand[0]
                at_hand.popleft()
        while at_hand:
            yield at_hand[0]
            at_hand.popleft()

    def _coming(self) -> Iterator[tuple[str, Report]]:
        """This report and those of the next minute."""
        reports = islice(chain.from_iterable(self._at_hand), self._position, None)
        return takewhile(lambda coming: coming[1].at_ms <= self._now_ms + LOOK_AHEAD_MS, reports)

    # -- time

    def _pass_time(self, until_ms: int) -> None:
        """Let everything happen that is due by then, in the order of moments."""
        engine = self._engine
        while True:
            # From outside only what comes first: it may change what the engine waits for.
            outside_ms = self._due_ms if self._due_ms <= until_ms else None
            due_ms = engine.next_due_by(until_ms if outside_ms is None else outside_ms)
            if due_ms is not None:
                self._now_ms = max(self._now_ms, due_ms)
                engine.advance(self._now_ms)
            elif outside_ms is not None:
                self._now_ms = max(self._now_ms, outside_ms)
                self._act_from_outside(outside_ms)
            else:
                break
            if self._changes.sends or self._changes.decisions:
                self._settle()
        if until_ms > self._now_ms:  # noqa: PLR1730 -- a fifth of what max() costs
            self._now_ms = until_ms

    def _act_from_outside(self, due_ms: int) -> None:
        """Let billing speak, or the operator."""
        if self._bills and self._bills[0].at_ms == due_ms:
            self._engine.billing(self._bills.popleft().message, self._now_ms)
        else:
            self._release(*heappop(self._releases))
        self._due_ms = self._next_outside_ms()

    def _next_outside_ms(self) -> int:
        bill_ms = self._bills[0].at_ms if self._bills else FOREVER
        return min(bill_ms, self._releases[0][0]) if self._releases else bill_ms

    def _look(self, lookout: Lookout, until_ms: int) -> None:
        """Let the model look at accounts whose moment comes by then, and the engine take what it finds."""
        while (due_ms := lookout.next_due_ms) is not None and due_ms <= until_ms:
            self._pass_time(due_ms)
            for finding in lookout.look(due_ms):
                self._engine.find(finding, self._now_ms)
            self._settle()

    def _release(self, _due_ms: int, account: str, seq: int) -> None:
        """An operator has looked at a block, unless it has gone by itself."""
        if self._blocked.get(account) != seq:
            return
        hours = self._assumptions.release_after_ms // 3_600_000
        release = Release(account=account, by=OPERATOR, reason=f"assumed to be looked at after {hours} h")
        if self._engine.intent(release, self._now_ms) is IntentResult.AT_LIMIT:
            until_ms = self._now_ms + RELEASE_ALLOWS_MS
            allowed = Release(account=account, by=OPERATOR, reason=release.reason, until_ms=until_ms)
            self._engine.intent(allowed, self._now_ms)

    # -- reports

    def _take(self, switch: str, report: Report) -> None:
        tally, board = self._tally, self._board
        key = (switch, report.call)
        if key in board.withheld and board.go_on(key, report):
            tally.withheld_reports += 1
            return
        account = report.account
        if account in board.orders and not self._knows(key) and board.refuses(report):
            board.withhold(key, report)
            tally.withheld_reports += 1
            if report.event is _FAILED:
                tally.refused_attempts += 1
            else:
                tally.withheld_calls += 1
            return
        hangs_up, event = self._hangs_up, report.event
        if (hangs_up or account in tally.by_account) and event is not _FAILED:
            self._measure(key, report)
        if not hangs_up or event is _ENDED or event is _FAILED:
            self._engine.report(switch, report, self._now_ms)
        changes = self._changes
        if changes.sends or changes.decisions:
            self._settle()
        curve = tally.curves.get(account)
        if curve is not None and curve.wants(self._now_ms):
            self._draw(account)

    def _knows(self, key: Key) -> bool:
        """Whether a call is up, or has been."""
        if key in self._meters:
            return True
        switch = self._engine.world.switches.get(key[0])
        return switch is not None and (key[1] in switch.calls or key[1] in switch.remembered)

    def _measure(self, key: Key, report: Report) -> None:
        """What a report about a call that is not withheld says about its cost."""
        if self._board.exempt(report):
            return
        meter = self._meters.get(key)
        if meter is None:
            if self._knows(key):
                return
            meter = self._meters[key] = Meter(report.account, self._engine.world.rating)
        delta = meter.take(report)
        if meter.over:
            del self._meters[key]
        if delta and report.account in self._tally.by_account:
            self._tally.charged(report.account, report.at_ms, delta, self._board.reach(meter))

    def _draw(self, account: str) -> None:
        known = self._engine.world.accounts.get(account)
        if known is not None:
            exposure = floor_from_scaled(known.exposure_scaled(self._now_ms))
            self._tally.drawn(account, self._now_ms, exposure)

    # -- what comes out

    def _settle(self) -> None:
        """Obey and acknowledge until nothing more comes of it; count what was decided."""
        changes = self._changes
        while changes.sends or changes.decisions:
            decisions, changes.decisions = changes.decisions, []
            for decision in decisions:
                self._tally.decided(decision)
                self._decided(decision)
                self._obey(decision.account)
            sends, changes.sends = changes.sends, []
            for send in sends:
                self._acknowledge(send)

    def _acknowledge(self, send: Send) -> None:
        message = send.message
        if isinstance(message, Command):
            ack = Ack(switch=send.switch, id=message.id, ok=True, account=message.account, at_ms=self._now_ms)
        else:
            ack = Ack(switch=send.switch, id=message.id, ok=True, part=message.part, at_ms=self._now_ms)
        self._engine.control(ack, self._now_ms)

    def _obey(self, account_id: str) -> None:
        """Do what guard wants of an account now, whether or not it knows a switch to tell it to."""
        account = self._engine.world.accounts[account_id]
        if account.command is None or self._obeyed.get(account_id) == account.seq:
            return
        self._obeyed[account_id] = account.seq
        self._board.obey(account_id, account.command)
        if account_id not in self._board.orders:
            self._blocked.pop(account_id, None)
            self._tally.free(account_id)
            return
        if account_id not in self._blocked:
            self._blocked[account_id] = account.seq
            heappush(self._releases, (self._now_ms + self._assumptions.release_after_ms, account_id, account.seq))
            self._due_ms = self._next_outside_ms()
        if self._hangs_up or not account.live:
            return
        cut = [call for call in account.live.values() if self._board.cuts(call)]
        coming = next_reports(cut, self._coming()) if cut else {}
        for call in cut:
            ended = self._board.cut(call, self._now_ms, coming.get(call.key))
            if account_id in self._tally.by_account:
                self._measure(call.key, ended)
            self._engine.report(call.switch.name, ended, self._now_ms)

    def _empty(self) -> None:
        """Take what has happened; only the ledger is of use here."""
        changes = self._engine.facts()
        self._changes = self._engine.world.changes
        for line in changes.ledger:
            if line.kind in _CALL_LINES:
                self._tally.accounts[line.account].posted_micros += line.amount_micros

    def _count_calls_up(self) -> None:
        """Calls that are up at the end count what they last stated."""
        accounts = self._tally.accounts
        for account in self._engine.world.accounts.values():
            if account.live:
                up = sum(call.charge_micros - call.posted_micros for call in account.live.values())
                accounts[account.id].in_flight_micros = up
            elif account.id not in accounts:
                accounts[account.id].in_flight_micros = 0
        if self._hangs_up:
            for meter in self._meters.values():
                accounts[meter.account].in_flight_micros += meter.worth_micros
