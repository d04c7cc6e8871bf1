"""A call as it really is: when it began and ended, what it costs at every moment, and what was said of it to guard."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulation.prices import EMERGENCY, Prices, cost

ENDABLE = ("outgoing", "forwarded")


@dataclass(frozen=True, slots=True)
class Said:
    """A report that the broker has taken."""

    at_ms: int
    """True time at which the broker had it."""
    event: str
    duration_ms: int
    to: bool
    """It named the number called."""


@dataclass(slots=True, eq=False)
class Call:
    """One call, one leg."""

    id: str
    switch: str
    account: str
    to: str
    direction: str
    emergency: bool
    """It is one, by its number or because the switch says so."""
    states_charge: bool
    rate_micros: int
    connect_micros: int
    increment_s: int
    began_ms: int
    """True time, like all here."""
    planned_end_ms: int
    ended_ms: int | None = None
    end_is_lost: bool = False
    """No `ended` is ever sent."""
    said: list[Said] = field(default_factory=list)

    @property
    def up(self) -> bool:
        """It has not ended."""
        return self.ended_ms is None

    @property
    def over_ms(self) -> int:
        """When it ended; when it would have, if it is up."""
        return self.planned_end_ms if self.ended_ms is None else self.ended_ms

    @property
    def lasted_ms(self) -> int:
        """How long it lasted in the end."""
        return self.over_ms - self.began_ms

    @property
    def endable(self) -> bool:
        """A block ends it, scope permitting."""
        return self.direction in ENDABLE and not self.emergency

    def duration_ms(self, now_ms: int) -> int:
        """How long it has lasted."""
        return max(0, (now_ms if self.ended_ms is None else min(now_ms, self.ended_ms)) - self.began_ms)

    @property
    def rated(self) -> bool:
        """guard prices it, and a plan may have a say in that."""
        return not self.states_charge and not self.emergency and self.direction in ENDABLE

    def stated(self, duration_ms: int) -> int:
        """What the switch says it costs so far: started increments."""
        return cost(self.rate_micros, self.connect_micros, 0, self.increment_s, duration_ms)

    @property
    def flagged(self) -> bool:
        """Each report says that it is an emergency call, because its number does not."""
        return self.emergency and not is_emergency(self.to)

    def charge(self, duration_ms: int, prices: Prices, *, to_known: bool = True) -> int:
        """What the account owes for that much of it, by a tariff if the switch states nothing."""
        return 0 if self.emergency else self.charge_as_any(duration_ms, prices, to_known=to_known)

    def charge_as_any(self, duration_ms: int, prices: Prices, *, to_known: bool = False) -> int:
        """The same for whoever does not know that it is an emergency call."""
        if self.states_charge:
            return self.stated(duration_ms)
        return prices.price(self.to if to_known else "", self.direction, duration_ms)


def is_emergency(to: str) -> bool:
    """As dialled, with or without a plus."""
    return to.removeprefix("+") in EMERGENCY and to.count("+") <= 1
