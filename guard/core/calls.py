"""One live call: merging its reports, its value and its rate.

Reports are cumulative, so the newest says everything about money: newest by duration, then by event, then by charge,
whatever the order of arrival. What describes the call (number, direction, emergency) may come with any of them and
is kept once known: an `answered` that arrives late still tells where the call goes. Emergency is sticky: a call that
one report calls an emergency is one.

What a report says that it costs is `guard.core.pricing`'s. `charge_micros` of a call that guard rates is the price
without any plan, like `gross_micros`; what the plan makes of it shows in the account's pools, and in the line that is
posted. A stated charge bypasses plans, and gross is the larger of it and what the tariff says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.flights import NOT_COUNTED
from guard.core.money import ZERO, Micros, floor_from_scaled
from guard.core.pools import NO_SHARE
from guard.core.pricing import NEVER_STATED, RATE_STATED, RATE_UNKNOWN, Price
from guard.core.records import Direction, Event, Report
from guard.core.rows import CallRow

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.flights import Flight
    from guard.core.plans import Cover
    from guard.core.pools import Pool, Share
    from guard.core.rating import Place
    from guard.core.rules.observation import Observation
    from guard.core.switches import Switch

RATE_COMES_WITHIN_MS = 90_000
GROWING = -1
_ANSWERED, _TICK = Event.ANSWERED, Event.TICK
"""Looked up once: looking up an enumeration's member costs as much as a call."""
_new = tuple.__new__
"""Makes a row for a third of what calling its class costs: one for each call of a batch."""
FREE_DIRECTIONS = (Direction.INCOMING, Direction.INTERNAL)
"""What costs nothing unless the switch states a charge (contract 8)."""
_ENDABLE = (None, Direction.OUTGOING, Direction.FORWARDED)


class Call:
    """A call that is up. `at_ms` and `duration_ms` are those of its newest report, in the switch's clock."""

    __slots__ = (
        "account",
        "answered_at_ms",
        "at_ms",
        "caller",
        "came_back",
        "charge_micros",
        "complete",
        "counted",
        "cover",
        "defies",
        "direction",
        "duration_ms",
        "emergency",
        "event",
        "flight",
        "free",
        "gross_micros",
        "id",
        "key",
        "newest_at_ms",
        "place",
        "plain",
        "pool",
        "posted_billed_s",
        "posted_covered_s",
        "posted_gross_micros",
        "posted_micros",
        "rate_known",
        "rate_micros",
        "share",
        "silent_carry_scaled",
        "source",
        "stated_charge_micros",
        "stated_duration_ms",
        "switch",
        "to",
        "told",
        "untold",
        "watch_due_ms",
        "watched",
    )

    def __init__(self, switch: Switch, account: Account, flight: Flight, call_id: str, place: Place) -> None:
        self.switch = switch
        self.account = account
        self.flight = flight
        self.id = call_id
        self.key = (switch.name, call_id)
        self.event = Event.FAILED
        self.at_ms = 0
        self.newest_at_ms = 0
        self.answered_at_ms = 0
        self.duration_ms = 0
        self.charge_micros = 0
        self.stated_charge_micros = NEVER_STATED
        # How long it had lasted by then.
        self.stated_duration_ms = 0
        self.rate_micros = 0
        self.rate_known = RATE_UNKNOWN
        self.gross_micros = 0
        # It was taken for lost and posted, then came back; and what was posted.
        self.came_back = False
        self.posted_micros = self.posted_gross_micros = 0
        self.posted_billed_s = self.posted_covered_s = 0
        self.place = place
        # Its place in the account's plan, the pool that it is counted in now, and its part of it.
        self.cover: Cover | None = None
        self.pool: Pool | None = None
        self.share: Share = NO_SHARE
        self.to = ""
        self.caller = ""
        self.direction: Direction | None = None
        self.emergency = False
        # `is_free`, kept at hand: to be set again whenever direction, emergency or what was stated changes.
        self.free = False
        self.source = ""
        # All that reports can say about the call itself has been said; and `is_plain`, kept by who counts its worth.
        self.complete = False
        self.plain = False
        self.silent_carry_scaled = GROWING
        self.defies = False
        self.watch_due_ms = 0
        # The rules have seen it begin; what they were told of it last, until it turns out to be another call.
        self.watched = False
        self.told: Observation | None = None
        # By how much gross and net have changed without a report, by another price: the rules learn it with the next.
        self.untold: tuple[int, int] | None = None
        # What of it is in the sums of its flights now (`flights.Contribution`).
        self.counted = NOT_COUNTED

    @property
    def growth_micros(self) -> int:
        """Rate at which its value grows, micros per minute; nothing for a free call."""
        return 0 if self.free else self.rate_micros

    @property
    def rate_to_come(self) -> bool:
        """Whether its switch states charges and no rate, and has stated one only: the next will imply what it costs.

        Until then it counts at the rate of unknown numbers, which is no price to suspect anybody for. Ticks come each
        minute, so a call that has lasted longer is not waited for.
        """
        unsaid = self.rate_known == RATE_UNKNOWN and self.stated_charge_micros >= 0 and not self.place.priced
        return unsaid and self.duration_ms < RATE_COMES_WITHIN_MS

    @property
    def is_free(self) -> bool:
        """An emergency call always; an incoming, internal or on-net one unless the switch states a charge for it."""
        if self.emergency or self.stated_charge_micros >= 0:
            return self.emergency
        return self.direction in FREE_DIRECTIONS or self.place.destination.free

    @property
    def pooled(self) -> bool:
        """Whether it is valued under the account's plan."""
        return self.cover is not None and not self.free and self.stated_charge_micros < 0

    @property
    def net_so_far_micros(self) -> int:
        """What it has added to what is owed or in flight, as far as no plan is to decide that at its end."""
        return self.posted_micros if self.pooled else self.charge_micros

    @property
    def billed_s(self) -> int:
        """Seconds that it is charged for so far, if guard rates it; else nothing."""
        if self.free or self.stated_charge_micros >= 0:
            return 0
        return self.place.destination.billed_s(self.duration_ms)

    @property
    def endable(self) -> bool:
        """Whether a block may end it: outgoing and forwarded, never incoming, never an emergency."""
        return not self.emergency and self.direction in _ENDABLE

    @property
    def is_plain(self) -> bool:
        """Whether a tick moves nothing but sums: its switch prices it, and nothing else has a say in what it is worth.

        Neither a plan, nor silence, nor what was posted of it, nor a change that the rules have not been told of.
        """
        priced = self.stated_charge_micros >= 0 and self.rate_known == RATE_STATED and not self.free
        begun = bool(self.to) and self.answered_at_ms != 0 and not self.came_back
        straight = self.cover is None and self.pool is None and self.silent_carry_scaled < 0 and self.untold is None
        return priced and begun and straight

    def order(self) -> tuple[int, int, int]:
        """Its place among its reports: a report with a greater one is newer."""
        return (self.duration_ms, self.event, self.stated_charge_micros)

    def charge_at(self, rate_micros: int) -> int:
        """What it would have cost so far at another rate: the same where the switch states its charge."""
        if self.stated_charge_micros >= 0 or self.free:
            return self.charge_micros
        return self.place.destination.price_micros(self.duration_ms, rate_micros)

    def lie(self, place: Place, cover: Cover | None) -> None:
        """Its number lies there, or its account has another plan."""
        self.place = place
        self.cover = cover
        self.free = self.is_free
        self.told = None

    def knows(self, report: Report) -> bool:
        """Whether a report says nothing about the call itself that has not been said."""
        return self.complete or bool(
            (self.to or not report.to)
            and (self.caller or not report.caller)
            and (self.source or not report.source)
            and (self.direction is not None or report.direction is None)
        )

    def describe(self, report: Report, *, emergency: bool) -> bool:
        """Take what a report of any age says about the call itself; True when it has become free, or the contrary.

        Where its number lies is for the caller to look up (`lie`).
        """
        was_free = self.free
        if report.caller and not self.caller:
            self.caller = report.caller
        if report.source and not self.source:
            self.source, self.told = report.source, None
        if report.direction is not None and self.direction is None:
            self.direction, self.told = report.direction, None
            self.free = self.is_free
        if emergency:
            self.emergency = self.free = True
        if report.at_ms > self.newest_at_ms:  # noqa: PLR1730 -- a fifth of what max() costs
            self.newest_at_ms = report.at_ms
        self.complete = bool(self.to and self.caller and self.source and self.direction is not None)
        return self.free is not was_free

    def take_newest(self, report: Report, price: Price) -> None:
        """Take a report that is newer than what is known, at the price that was worked out for it."""
        at_ms, duration_ms = report.at_ms, report.duration_ms
        self.rate_micros, self.rate_known, self.charge_micros = price
        if report.charge_micros is not None:
            first = self.stated_charge_micros < 0
            self.stated_charge_micros = report.charge_micros
            self.stated_duration_ms = duration_ms
            if first:
                self.free = self.is_free
        self.event = report.event
        self.at_ms = at_ms
        if at_ms > self.newest_at_ms:  # noqa: PLR1730 -- a fifth of what max() costs
            self.newest_at_ms = at_ms
        self.duration_ms = duration_ms
        if self.free:
            self.charge_micros = self.gross_micros = 0
        elif self.place.priced:
            self.set_gross()
        else:
            self.gross_micros = self.charge_micros
        if self.answered_at_ms == 0 or report.event is _ANSWERED:
            self.answered_at_ms = at_ms - duration_ms

    def tick(self, at_ms: int, duration_ms: int, rate_micros: int, charge_micros: int) -> None:
        """`take_newest` of a plain call: a newer tick that states charge and rate."""
        self.event, self.at_ms, self.rate_micros = _TICK, at_ms, rate_micros
        self.duration_ms = self.stated_duration_ms = duration_ms
        self.charge_micros = self.stated_charge_micros = self.gross_micros = charge_micros
        if at_ms > self.newest_at_ms:  # noqa: PLR1730 -- a fifth of what max() costs
            self.newest_at_ms = at_ms
        if self.place.priced:
            self.set_gross()

    def set_gross(self) -> None:
        """Work out its price without any plan."""
        charge = self.charge_micros
        if self.stated_charge_micros >= 0:
            place = self.place
            if place.priced and self.direction not in FREE_DIRECTIONS:
                destination = place.destination
                tariffs = destination.price_micros(self.duration_ms, destination.rate_micros)
                charge = max(charge, tariffs)
        self.gross_micros = charge

    def reprice(self) -> None:
        """What it has cost so far, worked out anew: it lies elsewhere, costs nothing, or its rate has become known."""
        if self.free:
            self.charge_micros = self.gross_micros = 0
            return
        if self.rate_known == RATE_UNKNOWN:
            self.rate_micros = self.place.destination.rate_micros
        self.charge_micros = self.charge_at(self.rate_micros)
        self.set_gross()

    def last_known_at_ms(self) -> int:
        """Time of its newest report in our clock."""
        return self.at_ms - self.switch.skew_ms

    def value_micros(self, now_ms: int) -> Micros:
        """What it is worth now, any plan left aside."""
        return Micros(self.charge_micros - self.posted_micros + self._grown_micros(now_ms))

    def gross_value_micros(self, now_ms: int) -> Micros:
        """What it would be worth now without any plan (with a stated charge: at least what the tariff says)."""
        return Micros(self.gross_micros - self.posted_gross_micros + self._grown_micros(now_ms))

    def _grown_micros(self, now_ms: int) -> Micros:
        if self.silent_carry_scaled >= 0:
            return floor_from_scaled(self.silent_carry_scaled)
        if self.switch.lagging:
            return ZERO
        return floor_from_scaled(max(0, self.growth_micros * (now_ms + self.switch.skew_ms - self.at_ms)))

    def row(self) -> CallRow:
        """What must survive of it."""
        return _new(
            CallRow,
            (
                self.switch.name,
                self.id,
                self.account.id,
                int(self.event),
                self.at_ms,
                self.newest_at_ms,
                self.answered_at_ms,
                self.duration_ms,
                self.charge_micros,
                self.stated_charge_micros,
                self.rate_micros,
                self.rate_known,
                self.posted_micros,
                self.to,
                self.caller,
                "" if self.direction is None else self.direction.value,
                self.emergency,
                self.source,
                self.silent_carry_scaled,
                self.defies,
                self.stated_duration_ms,
                self.posted_gross_micros if self.came_back else None,
                self.posted_billed_s,
                self.posted_covered_s,
            ),
        )

    @classmethod
    def from_row(
        cls, row: CallRow, switch: Switch, account: Account, flight: Flight, place: Place, cover: Cover | None
    ) -> Call:
        """The call that `row()` wrote; where its number lies is looked up anew, because the tariff may be another."""
        call = cls(switch, account, flight, row.call, place)
        call.event = Event(row.event)
        call.at_ms = row.at_ms
        call.newest_at_ms = row.newest_at_ms
        call.answered_at_ms = row.answered_at_ms
        call.duration_ms = row.duration_ms
        call.stated_duration_ms = row.stated_duration_ms if row.stated_duration_ms >= 0 else row.duration_ms
        call.charge_micros = row.charge_micros
        call.stated_charge_micros = row.stated_charge_micros
        call.rate_micros = row.rate_micros
        call.rate_known = row.rate_known
        call.came_back = row.posted_gross_micros is not None or row.posted_micros != 0
        call.posted_micros = row.posted_micros
        call.posted_gross_micros = row.posted_micros if row.posted_gross_micros is None else row.posted_gross_micros
        call.posted_billed_s, call.posted_covered_s = row.posted_billed_s, row.posted_covered_s
        call.to = row.to
        call.caller = row.caller
        call.direction = Direction(row.direction) if row.direction else None
        call.emergency = bool(row.emergency)
        call.source = row.source
        call.silent_carry_scaled = row.silent_carry_scaled
        call.defies = bool(row.defies)
        call.lie(place, cover)
        if not call.free:
            call.set_gross()
        return call
