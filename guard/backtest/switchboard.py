"""The switchboard: the switch that obeys, for calls that have happened long ago.

It keeps what guard has commanded, and says of each report whether its call would have happened at all. A call of a
blocked account within the scope is not placed: all its reports are withheld. A call that is up when a block with
`end_calls` comes is cut there and then: the engine gets an `ended` of that moment, with the charge that it had by then
(between its reports a straight line), and what the history says of it afterwards is withheld. Incoming calls and
emergency calls go on, as the contract has it.

What withheld reports say is not lost: each withheld call has a meter, and its further cost is what was *prevented*.
So what an account owes and what was prevented add up to what its calls have cost in truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from guard.backtest.meter import Meter
from guard.backtest.spans import Reach
from guard.core.calls import Call
from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros, growth_floor
from guard.core.rating import Rating
from guard.core.records import Direction, Event, Report, Scope
from guard.core.rows import CommandRow
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS

KEPT_MS = 4 * HOUR_MS
"""A withheld call that nobody has mentioned for so long is over (contract: `lost_after`)."""

STOPPABLE = (None, Direction.OUTGOING, Direction.FORWARDED)

Key = tuple[str, str]
"""Switch and call."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is blocked of an account."""

    scope: Scope
    end_calls: bool


class Switchboard:
    """Blocks in force and calls withheld; `prevented(account, at_ms, micros, reach)` is told what they save."""

    def __init__(
        self,
        rating: Rating,
        scopes: Scopes,
        emergency: EmergencyNumbers,
        prevented: Callable[[str, int, int, Reach], None],
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.withheld: dict[Key, Meter] = {}
        self._rating = rating
        self._scopes = scopes
        self._emergency = emergency.as_dialled()
        self._prevented = prevented
        self._swept_ms = 0

    def obey(self, account: str, command: CommandRow) -> None:
        """Take what guard wants of an account."""
        if command.action == "block":
            self.orders[account] = Order(Scope(command.scope), command.end_calls)
        else:
            self.orders.pop(account, None)

    def exempt(self, report: Report) -> bool:
        """Whether it is about an emergency call."""
        return report.emergency is True or (report.to is not None and report.to in self._emergency)

    def refuses(self, report: Report) -> bool:
        """Whether the first report of a call is about one that is not placed."""
        order = self.orders.get(report.account)
        if order is None or report.direction not in STOPPABLE or self.exempt(report):
            return False
        return self._scopes.covers(order.scope, self._rating.place(report.to or "").digits)

    def cuts(self, call: Call) -> bool:
        """Whether a call that is up is ended by what is in force now."""
        order = self.orders.get(call.account.id)
        if order is None or not order.end_calls or not call.endable:
            return False
        return self._scopes.covers(order.scope, call.place.digits)

    def reach(self, meter: Meter) -> Reach:
        """The scopes that cover the number of a call."""
        if meter.reach is None:
            meter.reach = frozenset(scope for scope in Scope if self._scopes.covers(scope, meter.place.digits))
        return meter.reach

    def withhold(self, key: Key, report: Report) -> None:
        """A call is not placed."""
        if report.event is not Event.FAILED:
            self.withheld[key] = Meter(report.account, self._rating)
            self.go_on(key, report)

    def cut(self, call: Call, at_ms: int, next_report: Report | None) -> Report:
        """A call ends now: the report that says so. What comes of it later is withheld.

        One that its switch does not mention again in time is silent, and counts what it last stated.
        """
        alive = next_report is not None or not call.switch.ticks
        after_ms = max(0, at_ms - call.at_ms) if alive else 0
        worth = _worth_after(call, after_ms, next_report)
        duration_ms = call.duration_ms + after_ms
        ended = Report(call.id, Event.ENDED, call.account.id, at_ms, duration_ms, charge_micros=worth)
        if worth is None:
            worth = Micros(0 if call.free else call.place.destination.price_micros(duration_ms, call.rate_micros))
        self.withheld[call.key] = Meter.of_call(call, at_ms, worth, self._rating)
        return ended

    def go_on(self, key: Key, report: Report) -> bool:
        """A report of a withheld call; False if it turns out to be one that no block stops."""
        meter = self.withheld[key]
        if self.exempt(report) and not meter.over:
            del self.withheld[key]
            saved = meter.begun_micros - meter.worth_micros
            self._prevented(meter.account, report.at_ms, saved, self.reach(meter))
            return False
        delta = meter.take(report)
        if delta:
            self._prevented(meter.account, report.at_ms, delta, self.reach(meter))
        return True

    def sweep(self, now_ms: int) -> None:
        """Forget withheld calls that are over; they are remembered for a while so that a repeat is known."""
        if now_ms - self._swept_ms >= KEPT_MS:
            self._swept_ms = now_ms
            for key in [key for key, meter in self.withheld.items() if now_ms - meter.at_ms > KEPT_MS]:
                del self.withheld[key]


def next_reports(calls: Iterable[Call], coming: Iterable[tuple[str, Report]]) -> dict[Key, Report]:
    """The next report of each call, of those that are at hand."""
    wanted = {call.key for call in calls}
    found: dict[Key, Report] = {}
    for switch, report in coming:
        key = (switch, report.call)
        if key in wanted:
            found[key] = report
            wanted.discard(key)
            if not wanted:
                break
    return found


def _worth_after(call: Call, after_ms: int, coming: Report | None) -> Micros | None:
    """What a call whose switch states charges has cost so long after its last report; None: guard rates it."""
    charge = coming.charge_micros if coming is not None else None
    if coming is None or charge is None or coming.at_ms <= call.at_ms:
        if call.stated_charge_micros < 0:
            return None
        return Micros(call.charge_micros + growth_floor(call.growth_micros, after_ms))
    known = max(0, call.stated_charge_micros)
    return Micros(known + (charge - known) * after_ms // (coming.at_ms - call.at_ms))
