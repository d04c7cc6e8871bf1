"""Memory of calls that are over: what tells a repeat from news, and the posting that ends a call.

A call that has ended (or an attempt that failed) is remembered until its newest `at` is older than `remember`; a report
with an `at` before the horizon is too old. The horizon never moves back, even if the clock does, and nothing is
forgotten ahead of it: so a report that comes again is either recognised or too old, never counted twice. One that says
more than all before (the end of a call that was posted as lost) may be newer than what is forgotten: of a call that is
not known, the beginning must lie behind what has been forgotten too, because any report of it does.

What is remembered can still be put right: a call that was posted as lost and ends after all posts the difference, one
that turns out to have been an emergency gives its money back, and one whose number comes only now is put at what it
costs to go there. What such a call had used of its plan is given back first: it is priced anew, as a whole, with what
the calls posted meanwhile have left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.calls import FREE_DIRECTIONS, Call
from guard.core.decisions import LineKind, Remembered
from guard.core.flights import Flight
from guard.core.money import ZERO, Micros, fits
from guard.core.plans import Split, split
from guard.core.posting import Posted
from guard.core.pricing import NEVER_STATED
from guard.core.records import Direction, Event, Outcome, Report
from guard.core.rows import Rated
from guard.core.settings import DAY_MS
from guard.core.switches import Switch

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.judge import Judge
    from guard.core.world import World

_LONGEST_CYCLE_MS = 32 * DAY_MS
_new = tuple.__new__
"""Makes a row for a third of what calling its class costs: one for each call that ends."""


def place_of(report: Report, stated_micros: int) -> tuple[int, int, int]:
    """A report's place among those of its call; one without a charge adds nothing to the charge that is known."""
    charge = report.charge_micros
    return (report.duration_ms, int(report.event), stated_micros if charge is None else charge)


class Memory:
    """Ends calls and remembers them."""

    __slots__ = ("_judge", "_world")

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge

    def post(self, call: Call, kind: LineKind, at_ms: int, *, lost: bool = False) -> int:
        """Post a call's charge, less what was posted before, and remember the call. Its value is counted out.

        Returns what the whole call comes to, in micros.
        """
        world = self._world
        account, switch = call.account, call.switch
        bill = self._bill(call, at_ms)
        world.line(
            account,
            kind,
            bill.net_micros - call.posted_micros,
            at_ms,
            posted=Posted(
                call,
                call.gross_micros - call.posted_gross_micros,
                call.billed_s - call.posted_billed_s,
                bill.covered_s - call.posted_covered_s,
            ),
        )
        rated = self._rated(call, bill, at_ms, lost=lost)
        world.go_over(call)
        self._remember(
            switch,
            _new(
                Remembered,
                (
                    switch.name,
                    call.id,
                    account.id,
                    call.newest_at_ms,
                    int(call.event),
                    call.duration_ms,
                    call.stated_charge_micros,
                    bill.net_micros,
                    lost,
                    call.emergency,
                    "" if call.direction is None else call.direction.value,
                    rated,
                ),
            ),
        )
        return bill.net_micros

    def _bill(self, call: Call, at_ms: int) -> Split:
        """What a call comes to, under the account's plan if it has a place there; its use of the plan is noted."""
        world, cover = self._world, call.cover
        if not call.place.known and call.to and not call.free and call.stated_charge_micros < 0:
            world.unrated += 1
        if cover is None or not call.pooled:
            return Split(Micros(call.charge_micros), 0, 0)
        account = call.account
        books, cycle_ms = account.open_books(), account.cycle_at(at_ms).start_ms
        quota, discount, destination = cover.quota, cover.discount, call.place.destination
        bill = split(
            cover,
            rate_micros=call.rate_micros,
            connect_micros=destination.connect_micros,
            billed_s=call.billed_s,
            left_s=0 if quota is None else quota.seconds - books.used(cycle_ms, quota.key),
            position=0 if discount is None else books.used(cycle_ms, discount.key),
        )
        if quota is not None and bill.covered_s:
            books.take(cycle_ms, quota.key, bill.covered_s)
        if discount is not None and bill.counted:
            books.take(cycle_ms, discount.key, bill.counted)
        if len(books.use) > 1:
            # No call that ends so long ago is taken any more, and a lost one is posted within its time.
            settings = world.settings
            reach_ms = settings.remember_ms + settings.lost_after_ms + _LONGEST_CYCLE_MS
            books.forget_before(min(at_ms, world.forgotten_before_ms or at_ms) - reach_ms)
        return bill

    @staticmethod
    def _rated(call: Call, bill: Split, at_ms: int, *, lost: bool) -> Rated | None:
        """What must be known of a posted call so that it can be taken back; None: its charge says it all."""
        guess = not call.to and call.stated_charge_micros < 0 and not call.free
        if not (guess or lost or bill.covered_s or bill.counted or call.gross_micros != bill.net_micros):
            return None
        cover = call.cover
        return Rated(
            to=call.to,
            at_ms=at_ms,
            rate_micros=call.rate_micros,
            rate_known=call.rate_known,
            gross_micros=call.gross_micros,
            cycle_ms=call.account.cycle_at(at_ms).start_ms if bill.covered_s or bill.counted else 0,
            quota=cover.quota.key if cover is not None and cover.quota is not None and bill.covered_s else "",
            covered_s=bill.covered_s,
            discount=cover.discount.key if cover is not None and cover.discount is not None and bill.counted else "",
            counted=bill.counted,
            billed_s=call.billed_s,
        )

    def _give_back(self, account: Account, rated: Rated) -> None:
        """What a call used of its plan is free again: it is about to be priced anew."""
        books = account.open_books()
        if rated.covered_s:
            books.take(rated.cycle_ms, rated.quota, -rated.covered_s)
        if rated.counted:
            books.take(rated.cycle_ms, rated.discount, -rated.counted)
        self._world.touch(account)

    def come_back(self, call: Call, past: Remembered) -> None:
        """A call that was taken for lost is up again, or has ended after all: it will be posted anew, as a whole."""
        call.came_back = True
        call.posted_gross_micros = past.posted_micros
        if past.rated is not None:
            self._give_back(call.account, past.rated)
            call.to = past.rated.to
            call.posted_gross_micros = past.rated.gross_micros
            call.posted_billed_s, call.posted_covered_s = past.rated.billed_s, past.rated.covered_s

    def attempt(self, switch: Switch, report: Report) -> None:
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

    def judge_past(
        self, switch: Switch, past: Remembered, report: Report, now_ms: int, *, emergency: bool
    ) -> Outcome | None:
        """A report about a call that is over: duplicate or late. None: it is news (lost, or never answered, before)."""
        place = place_of(report, past.charge_micros)
        known = (past.duration_ms, past.event, past.charge_micros)
        same = place == known and report.account == past.account
        if past.event == Event.FAILED:
            if report.event is not Event.FAILED:
                return None
            return Outcome.DUPLICATE if same else Outcome.LATE
        if past.lost and (report.event is Event.ENDED or place > known):
            return None
        free = emergency or (past.charge_micros < 0 and not past.direction and report.direction in FREE_DIRECTIONS)
        if report.account == past.account:
            if free and (past.posted_micros or past.rated is not None):
                self._correct_to_nothing(switch, past, report, now_ms, emergency=emergency)
            elif past.rated is not None and not past.rated.to and report.to and past.charge_micros < 0:
                self._correct_number(switch, past, past.rated, report, now_ms)
        return Outcome.DUPLICATE if same else Outcome.LATE

    def _correct_to_nothing(
        self, switch: Switch, past: Remembered, report: Report, now_ms: int, *, emergency: bool
    ) -> None:
        """A posted call turns out to be free (an emergency above all): give the money back."""
        why = "emergency calls are free" if emergency else "the call was not an outgoing one"
        account = self._world.accounts[past.account]
        if not fits(account.owed_micros - past.posted_micros):
            return
        call = self._past_call(switch, account, past, report.to or (past.rated.to if past.rated else ""))
        call.emergency = emergency
        gross, billed_s, covered_s = int(past.posted_micros), 0, 0
        if past.rated is not None:
            self._give_back(account, past.rated)
            gross, billed_s, covered_s = past.rated.gross_micros, past.rated.billed_s, past.rated.covered_s
        call.free = True
        self._world.line(
            account,
            LineKind.CORRECTION,
            -past.posted_micros,
            past.newest_at_ms,
            posted=Posted(call, -gross, -billed_s, -covered_s),
            text=why,
        )
        self._remember(
            switch,
            past._replace(
                newest_at_ms=max(past.newest_at_ms, report.at_ms),
                posted_micros=ZERO,
                emergency=emergency,
                direction=report.direction.value if report.direction else past.direction,
                rated=None,
            ),
        )
        self._judge.judge(account, now_ms, now_ms)

    def _correct_number(self, switch: Switch, past: Remembered, rated: Rated, report: Report, now_ms: int) -> None:
        """A call was posted before anybody said where it went: put it at what it costs to go there."""
        world = self._world
        account = world.accounts[past.account]
        call = self._past_call(switch, account, past, report.to or "")
        call.rate_micros, call.rate_known = rated.rate_micros, rated.rate_known
        call.lie(call.place, world.rating.cover(account.plan, call.place))
        call.reprice()
        if not fits(account.owed_micros + call.charge_micros - past.posted_micros):
            return
        bill = self._bill(call, rated.at_ms)
        world.line(
            account,
            LineKind.CORRECTION,
            bill.net_micros - past.posted_micros,
            rated.at_ms,
            posted=Posted(
                call,
                call.gross_micros - rated.gross_micros,
                call.billed_s - rated.billed_s,
                bill.covered_s - rated.covered_s,
            ),
            text="the number called became known",
        )
        self._remember(
            switch,
            past._replace(
                newest_at_ms=max(past.newest_at_ms, report.at_ms),
                posted_micros=bill.net_micros,
                rated=self._rated(call, bill, rated.at_ms, lost=past.lost),
            ),
        )
        self._judge.judge(account, now_ms, now_ms)

    def _past_call(self, switch: Switch, account: Account, past: Remembered, to: str) -> Call:
        """A call that is over, as far as it is remembered; it is in no sum."""
        call = Call(switch, account, Flight(switch), past.call, self._world.rating.place(to))
        call.to, call.duration_ms = to, past.duration_ms
        call.direction = Direction(past.direction) if past.direction else None
        call.emergency = past.emergency
        call.stated_charge_micros = past.charge_micros
        call.free = call.is_free
        return call

    def _remember(self, switch: Switch, past: Remembered) -> None:
        # Taken out first so that the dict stays in the order in which calls ended.
        switch.remembered.pop(past.call, None)
        switch.remembered[past.call] = past
        self._world.changes.remembered.append(past)

    def forget(self, now_ms: int) -> None:
        """Let go of ended calls whose newest `at` is older than `remember`."""
        world = self._world
        before_ms = now_ms - world.settings.remember_ms
        forgotten_ms = 0
        for switch in world.switches.values():
            remembered = switch.remembered
            # The oldest first; taken out afterwards, because looking for the first of a dict walks past all that left.
            over: list[str] = []
            for past in remembered.values():
                if past.newest_at_ms >= before_ms:
                    break
                forgotten_ms = max(forgotten_ms, past.newest_at_ms + 1)
                over.append(past.call)
            for call in over:
                del remembered[call]
        if forgotten_ms > world.forgotten_before_ms:
            world.forgotten_before_ms = forgotten_ms
            world.changes.forgotten_before_ms = forgotten_ms
