"""Intake: what a report does. The hot path, with its guards in the contract's order.

    invalid (the wire has refused it already; here only a sum out of bounds) -> duplicate or late -> too old ->
    quarantined -> accepted

The first that applies counts. After the guards nothing can fail: the call's old contribution is counted out, the call
changes, and its new contribution is counted in or its charge is posted. Work per report is constant: one look-up of
the switch, one of the call, four sums, two comparisons, one moment.

**Memory.** An ended call is remembered until its newest `at` is older than `remember`; a report with an `at` before
the horizon is too old. The horizon never moves back, even if the clock does, and nothing is forgotten ahead of it: so
a report is either recognised or too old, never counted twice.

**Silence.** Every live call has one entry in the watch: a moment at which to see whether it still speaks. A call that
its talking switch no longer mentions stops growing after `stale_after`; if the whole switch is silent the call goes
on growing for `blind_carry`; after `lost_after` it is posted at its last reported charge (contract 2, Time).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from guard.core.calls import (
    GROWING,
    NEVER_STATED,
    NOTHING_KNOWN,
    RATE_STATED,
    RATE_UNKNOWN,
    Call,
    Priced,
    price_of,
)
from guard.core.delivery import DEFIANCE_MS
from guard.core.decisions import LineKind, Notice, NoticeKind, Quarantined, Remembered
from guard.core.money import ZERO, Micros, fits
from guard.core.records import Direction, Event, Outcome, Report, Scope
from guard.core.scopes import e164_digits
from guard.core.switches import LAG_MS, QUIET_MS, Switch

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.delivery import Delivery
    from guard.core.judge import Judge
    from guard.core.world import World

_FREE = (Direction.INCOMING, Direction.INTERNAL)
_MOST_FROZEN_SCALED = 2**62
"""What a store can hold in one integer; a single call beyond it is a misprint in a rate, not money."""


def _basis(call: Call | None, past: Remembered | None) -> Priced:
    """What a report is priced against: the live call, the lost one that came back, or nothing."""
    if call is not None:
        return call.priced()
    if past is not None and past.lost:
        return Priced(0, RATE_UNKNOWN, past.posted_micros, past.charge_micros, past.duration_ms, past.duration_ms)
    return NOTHING_KNOWN


def _place(report: Report, stated_micros: int) -> tuple[int, int, int]:
    """A report's place among those of its call; one without a charge adds nothing to the charge that is known."""
    charge = report.charge_micros
    return (report.duration_ms, int(report.event), stated_micros if charge is None else charge)


class Intake:
    """Takes reports and watches over live calls."""

    __slots__ = ("_delivery", "_emergency", "_judge", "_watch", "_world")

    def __init__(self, world: World, judge: Judge, delivery: Delivery) -> None:
        self._world = world
        self._judge = judge
        self._delivery = delivery
        self._emergency = world.settings.emergency.as_dialled()
        self._watch: list[tuple[int, str, str]] = []

    # -- reports

    def take(self, switch: Switch, report: Report, now_ms: int) -> Outcome:
        """Apply one report; returns what became of it."""
        self._hear(switch, report, now_ms)
        emergency = report.emergency is True or (report.to is not None and report.to in self._emergency)
        call = switch.calls.get(report.call)
        past: Remembered | None = None
        if call is not None:
            outcome = self._known(call, report, now_ms, emergency=emergency)
            if outcome is not None:
                return outcome
        else:
            past = switch.remembered.get(report.call)
            if past is not None:
                outcome = self._over(switch, past, report, now_ms, emergency=emergency)
                if outcome is not None:
                    return outcome
        world = self._world
        horizon_ms = max(now_ms - world.settings.remember_ms, world.forgotten_before_ms)
        if report.at_ms < horizon_ms:
            self._quarantine(switch, report, now_ms, "too_old")
            return Outcome.TOO_OLD
        known = call.account if call is not None else world.accounts.get(report.account)
        rule = self._held_back(call, past, known, report)
        if rule:
            self._quarantine(switch, report, now_ms, rule)
            return Outcome.QUARANTINED
        price = price_of(_basis(call, past), report, world.settings.unknown_rate_micros)
        if not self._fits(known, call, past, price.charge_micros):
            return Outcome.INVALID
        # From here on it must succeed.
        account = known if known is not None else world.open_account(report.account)
        if report.event is Event.FAILED:
            self._attempt(switch, report)
            return Outcome.ACCEPTED
        if call is None:
            call = self._begin(switch, account, report, past)
        else:
            world.count_out(call)
        self._describe(call, report, emergency=emergency)
        call.take_newest(report, price)
        if call.silent_carry_scaled != GROWING:
            call.silent_carry_scaled = GROWING
            self._watch_call(call, call.last_known_at_ms() + world.settings.stale_after_ms)
        if report.event is Event.ENDED:
            corrects = past is not None and past.lost
            self._post(call, LineKind.CORRECTION if corrects else LineKind.CALL, call.at_ms)
        else:
            world.count_in(call)
            world.touch_call(call)
            if account.command is not None and account.command.action == "block":
                self._check_obedience(switch, account, call, now_ms)
        self._judge.judge(account, now_ms, min(report.at_ms - switch.skew_ms, now_ms))
        return Outcome.ACCEPTED

    def _hear(self, switch: Switch, report: Report, now_ms: int) -> None:
        """The switch spoke: learn its clock, and see whether a backlog is being read."""
        switch.heard(now_ms, self._world.settings.stale_after_ms)
        age_ms = switch.clock(report.at_ms, now_ms)
        if age_ms > LAG_MS:
            # Accounts park themselves as they are judged; those nobody judges have an alarm that makes them.
            switch.lagging = True
            switch.quiet_due_ms = now_ms + QUIET_MS
        elif switch.lagging:
            self.caught_up(switch, now_ms)

    def _known(self, call: Call, report: Report, now_ms: int, *, emergency: bool) -> Outcome | None:
        """A report about a live call that is not news: duplicate or late. None: it is news."""
        if report.event is Event.ENDED:
            return None
        if report.event is Event.FAILED:
            return Outcome.LATE
        place, known = _place(report, call.stated_charge_micros), call.order()
        if place > known:
            return None
        if report.account == call.account.id:
            self._describe_late(call, report, now_ms, emergency=emergency)
        return Outcome.DUPLICATE if place == known else Outcome.LATE

    def _describe_late(self, call: Call, report: Report, now_ms: int, *, emergency: bool) -> None:
        """An older report may still say where the call goes, or that it costs nothing."""
        world, rate = self._world, report.rate_micros
        adopts = rate is not None and call.rate_known != RATE_STATED
        adopts = adopts and self._fits(call.account, call, None, call.charge_at(rate or 0))
        world.count_out(call)
        repriced = self._describe(call, report, emergency=emergency)
        if repriced:
            call.reprice_free()
        if adopts and rate is not None:
            # No newer report has stated one, so this is the last one stated.
            call.rate_micros, call.rate_known, repriced = rate, RATE_STATED, True
            call.charge_micros = call.charge_at(rate)
        world.count_in(call)
        world.touch_call(call)
        if repriced:
            self._judge.judge(call.account, now_ms, now_ms)

    @staticmethod
    def _describe(call: Call, report: Report, *, emergency: bool) -> bool:
        """What a report says about the call itself; a call that no block may end does not defy one."""
        repriced = call.describe(report, emergency=emergency)
        if call.defies and not call.endable:
            call.defies = False
            call.account.defying -= 1
        return repriced

    def _over(
        self, switch: Switch, past: Remembered, report: Report, now_ms: int, *, emergency: bool
    ) -> Outcome | None:
        """A report about a call that is over: duplicate or late. None: it is news (lost, or never answered, before)."""
        place = _place(report, past.charge_micros)
        known = (past.duration_ms, past.event, past.charge_micros)
        same = place == known and report.account == past.account
        if past.event == Event.FAILED:
            if report.event is not Event.FAILED:
                return None
            return Outcome.DUPLICATE if same else Outcome.LATE
        if past.lost and (report.event is Event.ENDED or place > known):
            return None
        free = emergency or (past.charge_micros < 0 and not past.direction and report.direction in _FREE)
        if free and past.posted_micros and report.account == past.account:
            self._correct_to_nothing(switch, past, report, now_ms, emergency=emergency)
        return Outcome.DUPLICATE if same else Outcome.LATE

    def _held_back(
        self, call: Call | None, past: Remembered | None, account: Account | None, report: Report
    ) -> str:
        """Why a report moves no money although it is well formed; empty: it does."""
        if call is not None and call.account.id != report.account:
            return "account"
        if past is not None and past.event != Event.FAILED and past.account != report.account:
            return "account"
        currency = account.currency if account is not None else self._world.settings.default_currency
        if report.currency is not None and report.currency != currency:
            return "currency"
        return ""

    @staticmethod
    def _fits(account: Account | None, call: Call | None, past: Remembered | None, charge_micros: int) -> bool:
        """Whether the charge stays within the bound of money: alone, when it is posted, and with the other calls'."""
        if account is None or not fits(charge_micros):
            return fits(charge_micros)
        others = 0
        for flight in account.flights:
            others += flight.stated_micros
        if call is not None:
            posted = call.posted_micros
            others -= call.charge_micros - posted
        else:
            posted = past.posted_micros if past is not None else 0
        owed = account.owed_micros + charge_micros - posted
        return fits(owed) and fits(owed + others)

    # -- the life of a call

    def _begin(self, switch: Switch, account: Account, report: Report, past: Remembered | None) -> Call:
        world = self._world
        call = Call(switch, account, world.fly(account, switch), report.call)
        if past is not None:
            call.newest_at_ms = past.newest_at_ms
            if past.lost:
                call.posted_micros = past.posted_micros
                call.stated_charge_micros = past.charge_micros
                call.emergency = past.emergency
                call.direction = Direction(past.direction) if past.direction else None
            del switch.remembered[report.call]
        world.go_live(call)
        self._watch_call(call, report.at_ms - switch.skew_ms + world.settings.stale_after_ms)
        return call

    def _post(self, call: Call, kind: LineKind, at_ms: int, *, lost: bool = False) -> None:
        """Post a call's charge, less what was posted before, and remember the call. Its value is counted out."""
        world = self._world
        account, switch = call.account, call.switch
        world.line(account, kind, call.charge_micros - call.posted_micros, at_ms, call=call)
        world.go_over(call)
        self._remember(
            switch,
            Remembered(
                switch=switch.name,
                call=call.id,
                account=account.id,
                newest_at_ms=call.newest_at_ms,
                event=int(call.event),
                duration_ms=call.duration_ms,
                charge_micros=call.stated_charge_micros,
                posted_micros=Micros(call.charge_micros),
                lost=lost,
                emergency=call.emergency,
                direction=call.direction.value if call.direction else "",
            ),
        )

    def _attempt(self, switch: Switch, report: Report) -> None:
        """An attempt that was not answered: no money, but remembered, so that a repeat is one."""
        self._remember(
            switch,
            Remembered(
                switch=switch.name,
                call=report.call,
                account=report.account,
                newest_at_ms=report.at_ms,
                event=int(Event.FAILED),
                duration_ms=report.duration_ms,
                charge_micros=NEVER_STATED if report.charge_micros is None else report.charge_micros,
                posted_micros=ZERO,
            ),
        )

    def _remember(self, switch: Switch, past: Remembered) -> None:
        # Taken out first so that the dict stays in the order in which calls ended.
        switch.remembered.pop(past.call, None)
        switch.remembered[past.call] = past
        self._world.changes.remembered.append(past)

    def _correct_to_nothing(
        self, switch: Switch, past: Remembered, report: Report, now_ms: int, *, emergency: bool
    ) -> None:
        """A posted call turns out to be free (an emergency above all): give the money back."""
        world = self._world
        account = world.accounts[past.account]
        why = "emergency calls are free" if emergency else "the call was not an outgoing one"
        call = Call(switch, account, world.fly(account, switch), past.call)
        call.to, call.emergency, call.duration_ms = report.to or "", emergency, past.duration_ms
        world.line(account, LineKind.CORRECTION, -past.posted_micros, past.newest_at_ms, call=call, text=why)
        account.flights = tuple(flight for flight in account.flights if flight.calls)
        self._remember(
            switch,
            Remembered(
                switch=past.switch,
                call=past.call,
                account=past.account,
                newest_at_ms=max(past.newest_at_ms, report.at_ms),
                event=past.event,
                duration_ms=past.duration_ms,
                charge_micros=past.charge_micros,
                posted_micros=ZERO,
                lost=past.lost,
                emergency=emergency,
                direction=report.direction.value if report.direction else past.direction,
            ),
        )
        self._judge.judge(account, now_ms, now_ms)

    def _quarantine(self, switch: Switch, report: Report, now_ms: int, rule: str) -> None:
        world = self._world
        # An account nobody knew opens even so: whoever looks for it finds it, and what is held back beside it.
        world.open_account(report.account)
        world.changes.quarantine.append(
            Quarantined(
                switch=switch.name,
                call=report.call,
                account=report.account,
                received_at_ms=now_ms,
                at_ms=report.at_ms,
                rule=rule,
                event=report.event.name.lower(),
                charge_micros=report.charge_micros,
                currency=report.currency or "",
            )
        )
        if rule == "currency":
            self._tell(
                switch,
                NoticeKind.QUARANTINED,
                now_ms,
                "A report states another currency than its account has; it is held back and moves no money.",
                report.account,
            )

    # -- obedience

    def _check_obedience(self, switch: Switch, account: Account, call: Call, now_ms: int) -> None:
        """A call in scope that ticks on after the switch acknowledged the block: the switch does not keep it."""
        acked_ms = switch.acked_at_ms.get(account.id)
        command = account.command
        if acked_ms is None or command is None or call.at_ms <= acked_ms + DEFIANCE_MS or not call.endable:
            return
        if not command.end_calls:
            return
        scope, digits = Scope(command.scope), e164_digits(call.to)
        if scope is not Scope.ALL and not digits:
            # It cannot be told from a local number: that it goes on proves nothing.
            return
        if not self._world.scopes.covers(scope, digits):
            return
        if not call.defies:
            call.defies = True
            account.defying += 1
        self._delivery.unsettle(switch, account, now_ms)

    # -- silence and loss

    def _watch_call(self, call: Call, due_ms: int) -> None:
        call.watch_due_ms = due_ms
        heappush(self._watch, (due_ms, call.switch.name, call.id))

    @property
    def next_due_ms(self) -> int | None:
        """When the next call is to be looked at."""
        return self._watch[0][0] if self._watch else None

    def advance(self, now_ms: int) -> None:
        """Look at the one call whose moment has come."""
        due_ms, name, call_id = heappop(self._watch)
        switch = self._world.switches[name]
        call = switch.calls.get(call_id)
        if call is None or call.watch_due_ms != due_ms:
            return
        settings = self._world.settings
        lost_ms = call.last_known_at_ms() + settings.lost_after_ms
        if switch.lagging:
            self._watch_call(call, now_ms + LAG_MS)
        elif now_ms >= lost_ms:
            self._lose(call, now_ms)
        elif not switch.ticks:
            self._watch_call(call, lost_ms)
        elif call.silent_carry_scaled != GROWING:
            self._look_again(switch, call, now_ms, lost_ms)
        else:
            self._look_for_silence(switch, call, now_ms, lost_ms)

    def _look_for_silence(self, switch: Switch, call: Call, now_ms: int, lost_ms: int) -> None:
        settings = self._world.settings
        stale_ms = self._stale_ms(switch, call)
        silent_ms = switch.last_heard_ms + settings.stale_after_ms
        blind_ms = switch.last_heard_ms + settings.blind_carry_ms
        if now_ms < stale_ms:
            self._watch_call(call, stale_ms)
        elif switch.up and now_ms < silent_ms - LAG_MS:
            # Its switch has spoken since. It may have fallen silent itself just then: look again when that would show.
            self._fall_silent(call, stale_ms, now_ms)
            self._watch_call(call, silent_ms)
        elif now_ms >= blind_ms:
            self._fall_silent(call, blind_ms, now_ms)
            self._watch_call(call, lost_ms)
        elif switch.up and now_ms < silent_ms:
            self._watch_call(call, silent_ms)
        else:
            # The whole switch is silent. It may speak again at any moment: look again after one more period.
            self.go_blind(switch, now_ms)
            self._watch_call(call, min(blind_ms, now_ms + settings.stale_after_ms))

    def _look_again(self, switch: Switch, call: Call, now_ms: int, lost_ms: int) -> None:
        """A call that fell silent alone stays so, unless it turns out that the whole switch did."""
        settings = self._world.settings
        blind_ms = switch.last_heard_ms + settings.blind_carry_ms
        if switch.last_heard_ms >= self._stale_ms(switch, call) or now_ms >= blind_ms:
            self._watch_call(call, lost_ms)
            return
        world = self._world
        world.count_out(call)
        call.silent_carry_scaled = GROWING
        world.count_in(call)
        world.touch_call(call)
        self.go_blind(switch, now_ms)
        self._watch_call(call, min(blind_ms, now_ms + settings.stale_after_ms))
        self._judge.judge(call.account, now_ms, now_ms)

    def _stale_ms(self, switch: Switch, call: Call) -> int:
        """When the call has been silent for too long; a pause of its switch is not held against it."""
        return max(call.last_known_at_ms(), switch.talking_since_ms) + self._world.settings.stale_after_ms

    def _fall_silent(self, call: Call, stop_ms: int, now_ms: int) -> None:
        """The call grows no more; what it had grown to until `stop_ms` stays in flight."""
        world = self._world
        world.count_out(call)
        grown = call.growth_micros * max(0, stop_ms - call.last_known_at_ms())
        call.silent_carry_scaled = min(grown, _MOST_FROZEN_SCALED)
        world.count_in(call)
        world.touch_call(call)
        self._judge.judge(call.account, now_ms, now_ms)

    def _lose(self, call: Call, now_ms: int) -> None:
        """Nothing for hours: post what was last reported; a later `ended` posts the difference."""
        if not fits(call.account.owed_micros + call.charge_micros - call.posted_micros):
            # Other money came in between, and the sum would overflow: the call waits until it fits.
            self._watch_call(call, now_ms + self._world.settings.lost_after_ms)
            return
        self._world.count_out(call)
        self._post(call, LineKind.LOST, call.at_ms, lost=True)
        self._judge.judge(call.account, now_ms, now_ms)

    def go_blind(self, switch: Switch, now_ms: int) -> None:
        """A switch with live calls says nothing: tell on-call, once per silence."""
        if switch.blind or not switch.calls:
            return
        switch.blind = True
        silent_s = (now_ms - switch.last_heard_ms) // 1_000
        fact = f"has been silent for {silent_s} s" if switch.up else "is down"
        text = (
            f"Switch {switch.name} {fact} with {len(switch.calls)} calls up; "
            "their cost is carried forward by estimate."
        )
        self._tell(switch, NoticeKind.BLIND, now_ms, text)

    def _tell(self, switch: Switch, kind: NoticeKind, now_ms: int, text: str, account: str = "") -> None:
        self._world.notice(Notice(kind=kind, at_ms=now_ms, switch=switch.name, account=account, text=text))

    # -- backlog

    def caught_up(self, switch: Switch, now_ms: int) -> None:
        """The backlog has been read: carry forward again, and judge whoever waited for that."""
        switch.lagging = False
        switch.quiet_due_ms = None
        parked, switch.parked = switch.parked, {}
        accounts = self._world.accounts
        for account_id in parked:
            self._judge.judge(accounts[account_id], now_ms, now_ms)

    def forget(self, now_ms: int) -> None:
        """Let go of ended calls whose newest `at` is older than `remember`."""
        world = self._world
        before_ms = now_ms - world.settings.remember_ms
        forgotten_ms = 0
        for switch in world.switches.values():
            remembered = switch.remembered
            while remembered:
                first = next(iter(remembered))
                newest_ms = remembered[first].newest_at_ms
                if newest_ms >= before_ms:
                    break
                forgotten_ms = max(forgotten_ms, newest_ms + 1)
                del remembered[first]
        if forgotten_ms > world.forgotten_before_ms:
            world.forgotten_before_ms = forgotten_ms
            world.changes.forgotten_before_ms = forgotten_ms

    def restore_watch(self, now_ms: int) -> None:
        """After a restart: look at every live call when its time has come."""
        for switch in self._world.switches.values():
            for call in switch.calls.values():
                settings = self._world.settings
                silent = call.silent_carry_scaled != GROWING
                wait_ms = settings.lost_after_ms if silent else settings.stale_after_ms
                self._watch_call(call, max(now_ms, call.last_known_at_ms() + wait_ms))
