"""The tariff: what a call to a number costs when the switch does not say (contract 8).

    gross = connect + rate x billed_s / 60, rounded half up to one micro
    billed_s = the duration rounded up to whole seconds, at least `minimum_s`, then up to a multiple of `increment_s`

That is the one rounding of a price without a plan. The longest prefix decides; a look-up tries the lengths that occur,
so it costs the same for ten prefixes and for a hundred thousand, and it is done once a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from guard.core.settings import SECOND_MS


class CallClass(Enum):
    """What kind of destination a number is."""

    __hash__ = object.__hash__
    """As good as an enumeration's own, and not written in Python: every call is looked up by it."""

    ONNET = "onnet"
    DOMESTIC = "domestic"
    INTERNATIONAL = "international"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Destination:
    """One row of the tariff: what its numbers cost. Compared by identity, so it is a cheap key."""

    prefix: str
    """E.164 digits."""
    name: str
    kind: CallClass
    rate_micros: int
    """Per minute."""
    connect_micros: int = 0
    minimum_s: int = 0
    increment_s: int = 1
    """At least 1."""
    free: bool = field(init=False)
    """Calls within the operator's own network cost nothing."""

    def __post_init__(self) -> None:
        """Keep at hand what every report asks for."""
        object.__setattr__(self, "free", self.kind is CallClass.ONNET)

    def billed_s(self, duration_ms: int) -> int:
        """Seconds that a call of that length is charged for."""
        seconds = -(-duration_ms // SECOND_MS)
        if seconds < self.minimum_s:  # noqa: PLR1730 -- a fifth of what max() costs
            seconds = self.minimum_s
        step = self.increment_s
        return seconds if step == 1 else -(-seconds // step) * step

    def price_micros(self, duration_ms: int, rate_micros: int) -> int:
        """Gross price of a call of that length at a rate (its own, or the one that the switch states), in micros."""
        if self.free:
            return 0
        # `billed_s` and `price_half_up` written out: this is done for every report.
        seconds = -(-duration_ms // SECOND_MS)
        if seconds < self.minimum_s:  # noqa: PLR1730 -- a fifth of what max() costs
            seconds = self.minimum_s
        step = self.increment_s
        if step != 1:
            seconds = -(-seconds // step) * step
        return self.connect_micros + (rate_micros * seconds * 2 + 60) // 120


def unknown_destination(rate_micros: int) -> Destination:
    """What a number costs that no prefix matches, or that is not known yet."""
    return Destination(prefix="", name="", kind=CallClass.INTERNATIONAL, rate_micros=rate_micros)


class Tariff:
    """All destinations, by prefix."""

    __slots__ = ("_by_prefix", "_lengths")

    def __init__(self, destinations: Iterable[Destination] = ()) -> None:
        self._by_prefix = {destination.prefix: destination for destination in destinations}
        self._lengths = tuple(sorted({len(prefix) for prefix in self._by_prefix}, reverse=True))

    def __len__(self) -> int:
        """Number of prefixes."""
        return len(self._by_prefix)

    def destinations(self) -> Iterable[Destination]:
        """All rows, in the order of the file."""
        return self._by_prefix.values()

    def find(self, digits: str) -> Destination | None:
        """The destination of a number in E.164 digits: the longest prefix that matches it."""
        by_prefix = self._by_prefix
        for length in self._lengths:
            found = by_prefix.get(digits[:length])
            if found is not None:
                return found
        return None
