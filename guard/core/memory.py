"""Memory of calls that are over: what tells a repeat from news, and the posting that ends a call.

A call that has ended (or an attempt that failed) is remembered until its newest `at` is older than `remember`; a report
with an `at` before the horizon is too old. The horizon never moves back, even if the clock does, and nothing is
forgotten ahead of it: so a report is either recognised or too old, never counted twice.

What is remembered can still be put right: a call that was posted as lost and ends after all posts the difference, and
one that turns out to have been an emergency gives its money back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.calls import NEVER_STATED, Call
from guard.core.decisions import LineKind, Remembered
from guard.core.money import ZERO, Micros
from guard.core.records import Direction, Event, Outcome, Report
from guard.core.switches import Switch

if TYPE_CHECKING:
    from guard.core.judge import Judge
    from guard.core.world import World

_FREE = (Direction.INCOMING, Direction.INTERNAL)


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

    def post(self, call: Call, kind: LineKind, at_ms: int, *, lost: bool = False) -> None:
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
        free = emergency or (past.charge_micros < 0 and not past.direction and report.direction in _FREE)
        if free and past.posted_micros and report.account == past.account:
            self._correct_to_nothing(switch, past, report, now_ms, emergency=emergency)
        return Outcome.DUPLICATE if same else Outcome.LATE

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
