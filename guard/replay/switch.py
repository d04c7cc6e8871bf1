"""A simulated switch: calls, ticks, hang-ups, and obedience to guard's commands. Pure: time comes with every input.

    attempt --> failed (busy, not_ready, blocked)
            +-> answered --> tick ... tick --> ended (by the caller, by a block, by the switch's shutdown)

Each call states its cumulative duration and charge, so every report says everything. Ticks and
natural ends carry the time at which they were due, not the time at which somebody looked: what
the switch reports does not depend on how often it is asked. Emergency calls pass always: no gate,
no block, no line limit, no charge, and nothing ends them but the caller. With the `gate`,
ordinary calls wait until the first snapshot is in place, so that a switch that has just started
cannot serve an account that was blocked before.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

from guard.core.decisions import Command, CommandAction, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros
from guard.core.records import Ack, Direction, Event, Report
from guard.replay.attempts import Attempt
from guard.replay.blocklist import BlockList
from guard.replay.scopes import ScopeTables
from guard.replay.truth import Span, Truth, charge_of

TICK_MS = 10_000
STOPPABLE = (Direction.OUTGOING, Direction.FORWARDED)
"""Directions that a block stops; incoming and internal calls go on."""

CAUSE_BLOCKED = "blocked"
CAUSE_BUSY = "busy"
CAUSE_NOT_READY = "not_ready"
CAUSE_ENDED = "ended_by_block"
CAUSE_SHUTDOWN = "switch_shutdown"


@dataclass(slots=True)
class Call:
    """A call that is up."""

    id: str
    attempt: Attempt
    emergency: bool
    rate_micros: int
    answered_at_ms: int
    ends_at_ms: int

    def charge_at(self, at_ms: int) -> Micros:
        """Cumulative charge by then."""
        return charge_of(self.rate_micros, at_ms - self.answered_at_ms)


@dataclass(slots=True)
class Obeyed:
    """What a command brought about: final reports of the calls it ended, and the acknowledgement."""

    reports: list[Report] = field(default_factory=list)
    ack: Ack | None = None


class SimulatedSwitch:
    """One switch with its calls, its block list and the ground truth."""

    def __init__(
        self,
        name: str,
        *,
        truth: Truth | None = None,
        emergency: EmergencyNumbers | None = None,
        tick_ms: int = TICK_MS,
        gate: bool = False,
        priced: bool = True,
    ) -> None:
        """Begin without calls and without blocks. Not `priced`, it leaves charges and rates to guard's tariff."""
        self.name = name
        self.truth = truth or Truth()
        self.blocks = BlockList(emergency or EmergencyNumbers())
        self._scopes = ScopeTables()
        self._tick_ms = tick_ms
        self._gate = gate
        self._priced = priced
        self._calls: dict[str, Call] = {}
        self._by_account: defaultdict[str, dict[str, Call]] = defaultdict(dict)
        self._due: list[tuple[int, int, str]] = []
        """Heap of (when, order, call): the next tick or the end of each call."""
        self._order = 0

    @property
    def live_calls(self) -> int:
        """Calls that are up."""
        return len(self._calls)

    def calls_of(self, account: str) -> list[Call]:
        """The account's calls that are up."""
        return list(self._by_account.get(account, {}).values())

    def burn_micros_per_minute(self, account: str) -> int:
        """What the account is being charged a minute now."""
        return sum(call.rate_micros for call in self.calls_of(account))

    def spent_micros(self, account: str, now_ms: int) -> int:
        """All the account has been charged: ended calls and calls that are up."""
        live = sum(call.charge_at(now_ms) for call in self.calls_of(account))
        return self.truth.account(account).posted_micros + live

    def spans(self, account: str, now_ms: int) -> list[Span]:
        """Every stretch of charging of a watched account, up to now."""
        live = [Span(call.answered_at_ms, now_ms, call.rate_micros) for call in self.calls_of(account)]
        return self.truth.account(account).spans + live

    def next_at_ms(self) -> int | None:
        """When the next tick or end is due."""
        return self._due[0][0] if self._due else None

    # -- calls ---------------------------------------------------------------------------------

    def attempt(self, call_id: str, attempt: Attempt, at_ms: int) -> list[Report]:
        """Somebody dials: the report of the answered or the failed call; nothing when no line is free."""
        emergency = attempt.emergency or self.blocks.is_emergency(attempt.to)
        refusal = "" if emergency else self._refusal(attempt)
        if attempt.lines and not emergency and not refusal and self._no_line(attempt):
            return []
        if attempt.case:
            self.truth.attempted(attempt.account, attempt.case, at_ms)
        if refusal == CAUSE_BLOCKED:
            worth = charge_of(attempt.rate_micros, attempt.talk_ms) if attempt.answered else 0
            self.truth.refused(attempt.account, worth, attempt.case)
        if not refusal and not emergency and not attempt.answered:
            refusal = CAUSE_BUSY
        if refusal:
            return [self._failed(call_id, attempt, at_ms, refusal)]
        call = Call(
            id=call_id,
            attempt=attempt,
            emergency=emergency,
            rate_micros=0 if emergency else attempt.rate_micros,
            answered_at_ms=at_ms,
            ends_at_ms=at_ms + attempt.talk_ms,
        )
        self._calls[call_id] = self._by_account[attempt.account][call_id] = call
        self._schedule(call, at_ms)
        return [self._report(call, Event.ANSWERED, at_ms)]

    def advance(self, now_ms: int) -> list[Report]:
        """Ticks and ends that are due by now, in the order of their times."""
        reports: list[Report] = []
        while self._due and self._due[0][0] <= now_ms:
            at_ms, _, call_id = heapq.heappop(self._due)
            call = self._calls.get(call_id)
            if call is None:
                continue
            if at_ms >= call.ends_at_ms:
                reports.append(self._end(call, at_ms))
            else:
                reports.append(self._report(call, Event.TICK, at_ms))
                self._schedule(call, at_ms)
        return reports

    def shut_down(self, now_ms: int) -> list[Report]:
        """Every call ends now; what a switch does before it is taken out of service."""
        reports = self.advance(now_ms)
        reports += [self._end(call, now_ms, CAUSE_SHUTDOWN) for call in list(self._calls.values())]
        return reports

    # -- what guard says -------------------------------------------------------------------------

    def obey(self, message: Command | SnapshotPart, now_ms: int) -> Obeyed:
        """Carry out a command or take a part of a snapshot, and acknowledge it."""
        if isinstance(message, SnapshotPart):
            obeyed = Obeyed()
            if self.blocks.apply_part(message):
                for account in self.blocks.accounts():
                    obeyed.reports += self._sweep(account, now_ms)
            obeyed.ack = self._ack(message.id, now_ms, len(obeyed.reports), part=message.part)
            return obeyed
        applied = self.blocks.apply(message)
        reports = self._sweep(message.account, now_ms) if applied else []
        error = ""
        if message.action is CommandAction.BLOCK and not self._scopes.known(message.scope):
            error = f"what scope {message.scope.value} means has not been said yet"
        ack = self._ack(message.id, now_ms, len(reports), account=message.account, error=error)
        return Obeyed(reports=reports, ack=ack)

    def learn_scopes(self, scopes: ScopeTables, now_ms: int) -> list[Report]:
        """Put new meanings of the scopes in place; a block may now cover calls that are up."""
        self._scopes = scopes
        reports: list[Report] = []
        for account in self.blocks.accounts():
            reports += self._sweep(account, now_ms)
        return reports

    # -- inside ------------------------------------------------------------------------------------

    def _refusal(self, attempt: Attempt) -> str:
        """Why an ordinary call is not let through; empty when it is."""
        if attempt.direction not in STOPPABLE:
            return ""
        if self._gate and not self.blocks.complete:
            return CAUSE_NOT_READY
        entry = self.blocks.entry(attempt.account)
        if entry is not None and self._scopes.covers(entry.scope, attempt.to):
            return CAUSE_BLOCKED
        return ""

    def _no_line(self, attempt: Attempt) -> bool:
        """Whether all lines are in use; a case has lines of its own."""
        up = self._by_account.get(attempt.account)
        if up is None or len(up) < attempt.lines:
            return False
        return not attempt.case or sum(call.attempt.case == attempt.case for call in up.values()) >= attempt.lines

    def _sweep(self, account: str, now_ms: int) -> list[Report]:
        """End the calls that the account's block covers, if it says so."""
        entry = self.blocks.entry(account)
        if entry is None or not entry.end_calls:
            return []
        reports: list[Report] = []
        for call in self.calls_of(account):
            exempt = call.emergency or self.blocks.is_emergency(call.attempt.to)
            if exempt or call.attempt.direction not in STOPPABLE:
                continue
            if self._scopes.covers(entry.scope, call.attempt.to):
                saved = call.charge_at(call.ends_at_ms) - call.charge_at(now_ms)
                self.truth.cut(account, saved, call.attempt.case)
                reports.append(self._end(call, now_ms, CAUSE_ENDED))
        return reports

    def _schedule(self, call: Call, at_ms: int) -> None:
        """Note when this call's next report is due."""
        self._order += 1
        due_ms = min(at_ms + self._tick_ms, call.ends_at_ms)
        heapq.heappush(self._due, (due_ms, self._order, call.id))

    def _end(self, call: Call, at_ms: int, cause: str = "") -> Report:
        """The call is over."""
        account = call.attempt.account
        del self._calls[call.id]
        del self._by_account[account][call.id]
        self.truth.ended(account, call.id, Span(call.answered_at_ms, at_ms, call.rate_micros), call.attempt.case)
        return self._report(call, Event.ENDED, at_ms, cause)

    def _report(self, call: Call, event: Event, at_ms: int, cause: str = "") -> Report:
        """What the switch says about a call at a time."""
        attempt = call.attempt
        return Report(
            call=call.id,
            event=event,
            account=attempt.account,
            at_ms=at_ms,
            duration_ms=at_ms - call.answered_at_ms,
            to=attempt.to,
            charge_micros=call.charge_at(at_ms) if self._priced else None,
            rate_micros=call.rate_micros if self._priced else None,
            emergency=call.emergency,
            direction=attempt.direction,
            caller=attempt.caller,
            source=attempt.source,
            cause=cause,
        )

    def _failed(self, call_id: str, attempt: Attempt, at_ms: int, cause: str) -> Report:
        """An attempt that came to nothing."""
        return Report(
            call=call_id,
            event=Event.FAILED,
            account=attempt.account,
            at_ms=at_ms,
            to=attempt.to,
            direction=attempt.direction,
            caller=attempt.caller,
            source=attempt.source,
            cause=cause,
        )

    def _ack(
        self,
        message_id: str,
        now_ms: int,
        ended_calls: int,
        *,
        account: str = "",
        part: int | None = None,
        error: str = "",
    ) -> Ack:
        """The answer to a command or to a part of a snapshot."""
        return Ack(
            switch=self.name,
            id=message_id,
            ok=not error,
            account=account,
            ended_calls=ended_calls,
            at_ms=now_ms,
            error=error,
            part=part,
        )
