"""Value in flight: what the live calls of one account at one switch are worth, at any moment, in constant time.

A call that reported charge `c` at `a` and grows at `r` is worth `c + r (t - a)` at `t`. The sum over many calls is a
line too, so a `Flight` keeps only a few sums: stated charges, rates, rates x times, growth granted to calls that fell
silent, and by how much the price without a plan exceeds what is owed. Adding, changing or removing a call shifts the
sums by the difference it makes; no call is ever visited to value the others. Everything is an integer (scaled micros),
hence exact in any order. Calls under a plan are no lines of their own: they go into `guard.core.pools`.

Times inside a flight are the switch's own: `skew_ms` (its clock minus ours) is applied when the value is asked for,
so a better estimate corrects all calls at once. While the switch lags (a backlog is being read) nothing is carried
forward: calls count what they stated (contract 2, Time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.money import MS_PER_MINUTE

if TYPE_CHECKING:
    from guard.core.calls import Call
    from guard.core.plans import Cover
    from guard.core.pools import Pool
    from guard.core.switches import Switch


Contribution = tuple[int, int, int, int, int]
"""A call's part of the sums: stated micros, rate, rate x time, frozen growth, what gross exceeds net by."""

NOT_COUNTED: Contribution = (0, 0, 0, 0, 0)


def contribution_of(call: Call) -> Contribution:
    """What a call adds to the sums as it stands."""
    stated_micros = call.charge_micros - call.posted_micros
    over_micros = call.gross_micros - call.posted_gross_micros - stated_micros
    if call.cover is not None and call.pooled:
        # Its minutes are in a pool; only what no plan covers is a line of its own.
        connect = call.place.destination.connect_micros
        return connect - call.posted_micros, 0, 0, 0, call.posted_micros - call.posted_gross_micros
    if call.silent_carry_scaled >= 0:
        return stated_micros, 0, 0, call.silent_carry_scaled, over_micros
    rate_micros = 0 if call.free else call.rate_micros
    return stated_micros, rate_micros, rate_micros * call.at_ms, 0, over_micros


class Flight:
    """Sums over the live calls of one account (or of all accounts of one currency) at one switch."""

    __slots__ = ("anchor", "calls", "frozen_scaled", "over_micros", "pools", "rate_micros", "stated_micros", "switch")

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self.calls = 0
        self.stated_micros = 0
        self.rate_micros = 0
        self.anchor = 0
        self.frozen_scaled = 0
        self.over_micros = 0
        self.pools: dict[Cover, Pool] | None = None
        """Calls under a plan (`guard.core.pools`); only in the flights of an account."""

    def absorb(self, other: Flight, sign: int) -> None:
        """Count a whole flight in or out."""
        self.calls += sign * other.calls
        self.stated_micros += sign * other.stated_micros
        self.rate_micros += sign * other.rate_micros
        self.anchor += sign * other.anchor
        self.frozen_scaled += sign * other.frozen_scaled
        self.over_micros += sign * other.over_micros

    def value_scaled(self, now_ms: int) -> int:
        """Worth of these calls at `now_ms` (our clock), in scaled micros."""
        value = self.stated_micros * MS_PER_MINUTE + self.frozen_scaled
        if self.rate_micros and not self.switch.lagging:
            value += self.grown_scaled(now_ms)
        return value

    def grown_scaled(self, now_ms: int) -> int:
        """What they have come to beyond what they stated, at the pace of their rates."""
        return max(0, self.rate_micros * (now_ms + self.switch.skew_ms) - self.anchor)

    def line(self) -> tuple[int, int]:
        """(value at time zero of our clock, growth per ms) while growing; what a deadline is computed from."""
        switch = self.switch
        value = self.stated_micros * MS_PER_MINUTE + self.frozen_scaled
        if switch.lagging:
            return value, 0
        return value + self.rate_micros * switch.skew_ms - self.anchor, self.rate_micros
