"""A meter on one call: what it has cost by its own reports, whatever guard makes of them.

The rules of pricing are the core's (`price_of`): a stated charge as it is, else the tariff's price at the rate in
force. Plans are left aside, because what a call would have cost under one depends on all the others. A meter is asked
for calls that were withheld, and for those of accounts about which there are labels; no other call has one.
"""

from __future__ import annotations

from guard.backtest.spans import Reach
from guard.core.calls import Call
from guard.core.pricing import NOTHING_KNOWN, RATE_STATED, Priced, price_of
from guard.core.rating import Rating
from guard.core.records import Direction, Event, Report

_new = tuple.__new__
"""Makes a price for a third of what calling its class costs: each report of a call that is measured makes one."""
_ENDED = Event.ENDED
_FREE = (Direction.INCOMING, Direction.INTERNAL)


class Meter:
    """One call; `worth_micros` is what it has cost so far."""

    __slots__ = (
        "_direction",
        "_known",
        "_rating",
        "account",
        "at_ms",
        "begun_micros",
        "over",
        "place",
        "reach",
        "worth_micros",
    )

    def __init__(self, account: str, rating: Rating) -> None:
        self.account = account
        self.at_ms = 0
        self.over = False
        self.worth_micros = 0
        # What of it had been charged when the meter began.
        self.begun_micros = 0
        self._rating = rating
        self.place = rating.nowhere
        # The scopes that cover its number: kept for the switchboard, until the number turns out to be another.
        self.reach: Reach | None = None
        self._direction: Direction | None = None
        self._known = NOTHING_KNOWN

    @classmethod
    def of_call(cls, call: Call, at_ms: int, worth_micros: int, rating: Rating) -> Meter:
        """Go on where a call stood when it was cut."""
        meter = cls(call.account.id, rating)
        meter.at_ms = at_ms
        meter.worth_micros = meter.begun_micros = worth_micros
        meter.place, meter._direction = call.place, call.direction
        meter._known = Priced(
            call.rate_micros,
            call.rate_known,
            call.charge_micros,
            call.stated_charge_micros,
            call.stated_duration_ms,
            call.duration_ms,
        )
        return meter

    def take(self, report: Report) -> int:
        """Take the next report; returns by how much the call's cost has changed."""
        known, ended = self._known, report.event is _ENDED
        if self.over or (report.duration_ms < known.duration_ms and not ended):
            return 0
        if report.to and self.place is self._rating.nowhere:
            self.place, self.reach = self._rating.place(report.to), None
        if report.direction is not None and self._direction is None:
            self._direction = report.direction
        charge: int
        stated_charge: int
        stated, duration_ms = report.charge_micros, report.duration_ms
        if stated is not None and report.rate_micros is not None:
            # Most switches state both, and nothing is to be worked out.
            charge = stated_charge = stated
            self._known = _new(Priced, (report.rate_micros, RATE_STATED, stated, stated, duration_ms, duration_ms))
        else:
            rate, rate_known, charge = price_of(known, report, self.place.destination)
            stated_charge, stated_ms = charge, duration_ms
            if stated is None:
                stated_charge, stated_ms = known.stated_charge_micros, known.stated_duration_ms
            self._known = _new(Priced, (rate, rate_known, charge, stated_charge, stated_ms, duration_ms))
        self.at_ms, self.over = report.at_ms, ended
        if stated_charge < 0 and (self._direction in _FREE or self.place.destination.free):
            charge = 0
        before, self.worth_micros = self.worth_micros, charge
        return charge - before
