"""Intake: what a report does. The hot path, with its guards in the contract's order.

    invalid (the wire has refused it already; here only a sum out of bounds) -> duplicate or late -> too old ->
    quarantined -> accepted

The first that applies counts. After the guards nothing can fail: the call's old contribution is counted out, the call
changes, and its new contribution is counted in or its charge is posted. Work per report is constant: one look-up of
the switch, one of the call, four sums, two comparisons, one moment.

Nearly all reports are ticks that say nothing but what a call costs by now, of a call that is priced by its switch and
lies under no plan (`Call.plain`). They go a straight way, which comes to the same.

Calls that are over are `memory`, calls that fall silent are `watch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.calls import GROWING, RATE_COMES_WITHIN_MS, Call
from guard.core.decisions import LineKind, Remembered
from guard.core.delivery import DEFIANCE_MS
from guard.core.forgetting import open_anew
from guard.core.guards import charge_fits, held_back, open_for, quarantine
from guard.core.memory import place_of
from guard.core.pricing import NOTHING_KNOWN, RATE_STATED, RATE_UNKNOWN, Price, Priced, price_of
from guard.core.records import Direction, Event, Outcome, Report, Scope
from guard.core.settings import SECOND_MS
from guard.core.switches import LAG_MS, QUIET_MS, Switch

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.delivery import Delivery
    from guard.core.detection import Detection
    from guard.core.judge import Judge
    from guard.core.memory import Memory
    from guard.core.rating import Place
    from guard.core.watch import Watch
    from guard.core.world import World

_FAILED, _TICK, _ENDED, _ACCEPTED = Event.FAILED, Event.TICK, Event.ENDED, Outcome.ACCEPTED
"""Looked up once: looking up an enumeration's member costs as much as a call, and a report needs six of them."""


def _basis(call: Call | None, past: Remembered | None) -> Priced | Call:
    """What a report is priced against: the live call, the lost one that came back, or nothing."""
    if call is not None:
        return call
    if past is not None and past.lost:
        rate, rate_known = (past.rated.rate_micros, past.rated.rate_known) if past.rated else (0, RATE_UNKNOWN)
        return Priced(rate, rate_known, past.posted_micros, past.charge_micros, past.duration_ms, past.duration_ms)
    return NOTHING_KNOWN


class Intake:
    """Takes reports and watches over live calls."""

    __slots__ = (
        "_delivery",
        "_detection",
        "_emergency",
        "_judge",
        "_memory",
        "_remember_ms",
        "_stale_after_ms",
        "_watch",
        "_world",
    )

    def __init__(
        self,
        world: World,
        judge: Judge,
        delivery: Delivery,
        memory: Memory,
        watch: Watch,
        detection: Detection | None,
    ) -> None:
        self._world = world
        self._judge = judge
        self._delivery = delivery
        self._memory = memory
        self._watch = watch
        self.refit(detection)

    def refit(self, detection: Detection | None) -> None:
        """The setup is another: what of it is kept at hand."""
        self._detection = detection
        """None: there are no rules."""
        settings = self._world.settings
        self._emergency = settings.emergency.as_dialled()
        self._remember_ms, self._stale_after_ms = settings.remember_ms, settings.stale_after_ms

    def take(self, switch: Switch, report: Report, now_ms: int) -> Outcome:
        """Apply one report; returns what became of it."""
        skew_ms = switch.skew_ms
        if now_ms != switch.last_heard_ms:
            switch.heard(now_ms, self._stale_after_ms)
        age_ms = switch.clock(report.at_ms, now_ms)
        if age_ms > LAG_MS or switch.lagging or switch.skew_ms != skew_ms:
            self._look_at_the_clock(switch, skew_ms, age_ms, now_ms)
        emergency = report.emergency is True or (report.to is not None and report.to in self._emergency)
        call = switch.calls.get(report.call)
        if call is not None:
            if call.plain and report.event is _TICK and not emergency and self._goes_on(call, report, now_ms):
                return _ACCEPTED
            outcome, past = self._known(call, report, now_ms, emergency=emergency), None
        else:
            past = switch.remembered.get(report.call)
            if past is None:
                outcome = None
            else:
                outcome = self._memory.judge_past(switch, past, report, now_ms, emergency=emergency)
        if outcome is not None:
            return outcome
        return self._take_news(switch, report, now_ms, call, past, emergency=emergency)

    def _goes_on(self, call: Call, report: Report, now_ms: int) -> bool:
        """The straight way, for nearly all ticks: those of a plain call that move nothing but sums.

        It comes to what the careful way would, guards and all, in fewer steps; False: not for this tick, which has
        not changed anything then.
        """
        rate, charge, account, world = report.rate_micros, report.charge_micros, call.account, self._world
        at_ms, duration_ms, lasted_ms = report.at_ms, report.duration_ms, call.duration_ms
        if (
            duration_ms <= lasted_ms
            or rate is None
            or charge is None
            or report.currency is not None
            or at_ms < now_ms - self._remember_ms
            or at_ms < world.forgotten_before_ms
            or report.account != account.id
            or account.forgotten
            or not (call.complete or call.knows(report))
            or not charge_fits(account, call, None, charge)
        ):
            return False
        world.activity.note(account.id, now_ms)
        gross, net = call.gross_micros, call.charge_micros
        call.tick(at_ms, duration_ms, rate, charge)
        world.move_plain(call)
        if account.command is not None and account.command.action == "block":
            self._check_obedience(call.switch, account, call, now_ms)
        if self._detection is not None:
            if not call.watched and lasted_ms < RATE_COMES_WITHIN_MS:
                gross = net = 0
            growth = (call.gross_micros - gross, charge - net, duration_ms - lasted_ms)
            self._detection.call(call, report, growth, now_ms)
        at_ms -= call.switch.skew_ms
        self._judge.judge(account, now_ms, min(at_ms, now_ms))
        return True

    def _take_news(
        self,
        switch: Switch,
        report: Report,
        now_ms: int,
        call: Call | None,
        past: Remembered | None,
        *,
        emergency: bool,
    ) -> Outcome:
        """A report that says something new about a live call (`call`), a past one (`past`) or one never heard of."""
        world = self._world
        # A call unknown that began before the horizon may have been known: posted as lost, say, and forgotten since.
        oldest_ms = report.at_ms - (report.duration_ms if call is None and past is None else 0)
        if report.at_ms < now_ms - self._remember_ms or oldest_ms < world.forgotten_before_ms:
            quarantine(world, switch, report, now_ms, "too_old")
            return Outcome.TOO_OLD
        known = call.account if call is not None else world.accounts.get(report.account)
        rule = held_back(world, switch, call, past, known, report)
        if rule:
            quarantine(world, switch, report, now_ms, rule)
            return Outcome.QUARANTINED
        if call is not None and call.to:
            place = call.place
        else:
            known_to = past.rated.to if past is not None and past.rated is not None else ""
            place = world.rating.place(known_to or report.to or "")
        price = price_of(_basis(call, past), report, place.destination)
        if not charge_fits(known, call, past, price.charge_micros):
            return Outcome.INVALID
        # From here on it must succeed.
        account = known if known is not None else open_for(world, switch, report)
        world.activity.note(account.id, now_ms)
        if account.forgotten:
            open_anew(account, world, self._judge, now_ms)
        if call is None and past is None:
            switch.expectation.note(late=switch.lagging)
        if report.event is _FAILED:
            self._memory.attempt(switch, report)
            if self._detection is not None and not emergency:
                self._detection.attempt(switch, account, report, now_ms)
            return Outcome.ACCEPTED
        if call is None:
            call = self._begin(switch, account, report, past, place)
        self._apply(call, report, price, now_ms, emergency=emergency)
        return _ACCEPTED

    def _apply(self, call: Call, report: Report, price: Price, now_ms: int, *, emergency: bool) -> None:
        """Let a report that has passed every guard change its call; it must succeed."""
        world, switch, account, detection = self._world, call.switch, call.account, self._detection
        gross, lasted_ms = call.gross_micros, call.duration_ms
        net = call.charge_micros if call.cover is None else call.net_so_far_micros
        if not call.watched and lasted_ms < RATE_COMES_WITHIN_MS:
            # Its price was waited for: rules are told of the whole. What was up before there were rules is old news.
            gross = net = 0
        elif call.untold is not None:
            gross, net, call.untold = gross - call.untold[0], net - call.untold[1], None
        if emergency or not call.knows(report):
            self._describe(call, report, emergency=emergency)
        call.take_newest(report, price)
        if call.silent_carry_scaled != GROWING:
            call.silent_carry_scaled = GROWING
            self._watch.at(call, call.last_known_at_ms() + self._stale_after_ms)
        if report.event is _ENDED:
            kind = LineKind.CORRECTION if call.came_back else LineKind.CALL
            comes_to = self._memory.post(call, kind, call.at_ms)
        else:
            comes_to = call.charge_micros if call.cover is None else call.net_so_far_micros
            world.move(call)
            if account.command is not None and account.command.action == "block":
                self._check_obedience(switch, account, call, now_ms)
        if detection is not None:
            if call.emergency:
                detection.over(call, -gross, now_ms)
            else:
                growth = (call.gross_micros - gross, comes_to - net, call.duration_ms - lasted_ms)
                detection.call(call, report, growth, now_ms)
        self._judge.judge(account, now_ms, min(report.at_ms - switch.skew_ms, now_ms))

    def _look_at_the_clock(self, switch: Switch, skew_ms: int, age_ms: int, now_ms: int) -> None:
        """Its clock was set forward, a backlog is being read, or it has been."""
        if switch.skew_ms - skew_ms > LAG_MS:
            self._rebase(switch, switch.skew_ms - skew_ms)
        if switch.skew_ms // SECOND_MS != skew_ms // SECOND_MS:
            # Stored: after a restart its calls would seem as much older until it has been learned again.
            self._world.touch_switch(switch)
        if age_ms > LAG_MS:
            # Accounts park themselves as they are judged; those nobody judges have an alarm that makes them.
            self._world.lag(switch, max(now_ms + QUIET_MS, switch.doubt_until_ms))
        elif switch.lagging:
            # Sent before guard could hear: what waited behind it is still to come. Else all has been read, this report
            # included: whoever waits for that is judged when this one has been taken.
            waited = now_ms - age_ms < switch.hears_since_ms
            switch.quiet_due_ms = max(now_ms + QUIET_MS, switch.doubt_until_ms) if waited else now_ms

    def _rebase(self, switch: Switch, jump_ms: int) -> None:
        """The switch's clock was set forward: calls known before keep their age, or each would seem so much older.

        One look at each of its calls, and only when a clock jumps.
        """
        world = self._world
        for call in switch.calls.values():
            call.at_ms += jump_ms
            world.move(call)

    def _known(self, call: Call, report: Report, now_ms: int, *, emergency: bool) -> Outcome | None:
        """A report about a live call that is not news: duplicate or late. None: it is news."""
        if report.event is _ENDED:
            return None
        if report.event is _FAILED:
            return Outcome.LATE
        if report.duration_ms > call.duration_ms:
            return None
        place, known = place_of(report, call.stated_charge_micros), call.order()
        if place > known:
            return None
        if report.account == call.account.id:
            self._describe_late(call, report, now_ms, emergency=emergency)
        return Outcome.DUPLICATE if place == known else Outcome.LATE

    def _describe_late(self, call: Call, report: Report, now_ms: int, *, emergency: bool) -> None:
        """An older report may still say where the call goes, or that it costs nothing."""
        world, rate = self._world, report.rate_micros
        gross = call.gross_micros
        adopts = rate is not None and call.rate_known != RATE_STATED
        adopts = adopts and charge_fits(call.account, call, None, call.charge_at(rate or 0))
        repriced = self._describe(call, report, emergency=emergency)
        if adopts and rate is not None:
            # No newer report has stated one, so this is the last one stated.
            call.rate_micros, call.rate_known, repriced = rate, RATE_STATED, True
        if repriced:
            call.reprice()
        world.move(call)
        if repriced:
            if self._detection is not None:
                self._detection.corrected(call, call.gross_micros - gross, now_ms)
            self._judge.judge(call.account, now_ms, now_ms)

    def _describe(self, call: Call, report: Report, *, emergency: bool) -> bool:
        """What a report says about the call itself; a call that no block may end does not defy one."""
        repriced = call.describe(report, emergency=emergency)
        if report.to and not call.to:
            call.to = report.to
            rating = self._world.rating
            place = rating.place(call.to)
            call.lie(place, rating.cover(call.account.plan, place))
            repriced = True
        if call.defies and not call.endable:
            call.defies = False
            call.account.defying -= 1
        return repriced

    def _begin(self, switch: Switch, account: Account, report: Report, past: Remembered | None, place: Place) -> Call:
        world = self._world
        call = Call(switch, account, world.fly(account, switch), report.call, place)
        if past is not None:
            call.newest_at_ms = past.newest_at_ms
            if past.lost:
                self._memory.come_back(call, past)
                call.posted_micros = call.charge_micros = past.posted_micros
                call.gross_micros, call.duration_ms = call.posted_gross_micros, past.duration_ms
                call.stated_charge_micros = past.charge_micros
                call.emergency = past.emergency
                # The rules have seen it begin, and then taken it for ended: it goes on, and is no further call.
                call.watched = not past.emergency
                call.direction = Direction(past.direction) if past.direction else None
                call.lie(call.place, world.rating.cover(account.plan, call.place) if call.to else None)
            del switch.remembered[report.call]
        world.go_live(call)
        self._watch.at(call, report.at_ms - switch.skew_ms + world.settings.stale_after_ms)
        return call

    def _check_obedience(self, switch: Switch, account: Account, call: Call, now_ms: int) -> None:
        """A call in scope that ticks on after the switch acknowledged the block: the switch does not keep it."""
        acked_ms = switch.acked_at_ms.get(account.id)
        command = account.command
        if acked_ms is None or command is None or call.at_ms <= acked_ms + DEFIANCE_MS or not call.endable:
            return
        if not command.end_calls:
            return
        scope, digits = Scope(command.scope), call.place.digits
        if scope is not Scope.ALL and not digits:
            # It cannot be told from a local number: that it goes on proves nothing.
            return
        if not self._world.scopes.covers(scope, digits):
            return
        if not call.defies:
            call.defies = True
            account.defying += 1
        self._delivery.unsettle(switch, account, now_ms)

    def caught_up(self, switch: Switch, now_ms: int) -> None:
        """The backlog has been read: carry forward again, and judge whoever waited for that."""
        self._world.end_lag(switch)
        parked, switch.parked = switch.parked, {}
        accounts = self._world.accounts
        for account_id in parked:
            self._judge.judge(accounts[account_id], now_ms, now_ms)
