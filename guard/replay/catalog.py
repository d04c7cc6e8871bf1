"""What the simulation is made of, as data: destinations with prices, and kinds of customers.

A new kind of customer or a new destination is a new entry here and no new code. Prices are what a
small operator in Canada charges a minute; the three far ones are the price level of published
fraud cases (11.70 to 22 a minute).
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.money import parse_money
from guard.core.records import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Somewhere to call: E.164 numbers of `digits` digits that begin with `prefix`."""

    name: str
    prefix: str
    digits: int
    rate: str
    """Price a minute, as the contract writes money."""

    @property
    def rate_micros(self) -> int:
        """Price a minute in micros."""
        return parse_money(self.rate)


TORONTO = Destination(name="Toronto", prefix="1416555", digits=11, rate="0.012")
MONTREAL = Destination(name="Montreal", prefix="1514555", digits=11, rate="0.012")
VANCOUVER = Destination(name="Vancouver", prefix="1604555", digits=11, rate="0.014")
NEW_YORK = Destination(name="New York", prefix="1212555", digits=11, rate="0.015")
UNITED_KINGDOM = Destination(name="United Kingdom", prefix="4420", digits=12, rate="0.028")
GERMANY = Destination(name="Germany", prefix="4930", digits=11, rate="0.031")
INDIA = Destination(name="India", prefix="9122", digits=12, rate="0.046")
JAMAICA = Destination(name="Jamaica", prefix="1876", digits=11, rate="0.185")
DJIBOUTI = Destination(name="Djibouti", prefix="25377", digits=11, rate="13.50")
GAMBIA = Destination(name="Gambia", prefix="22099", digits=10, rate="11.70")
SOMALIA = Destination(name="Somalia", prefix="25290", digits=11, rate="22.00")

DESTINATIONS = (
    TORONTO,
    MONTREAL,
    VANCOUVER,
    NEW_YORK,
    UNITED_KINGDOM,
    GERMANY,
    INDIA,
    JAMAICA,
    DJIBOUTI,
    GAMBIA,
    SOMALIA,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How customers of one kind use their telephones; weights are whole numbers and need not sum to anything."""

    name: str
    lines: int
    """Calls that can be up at once."""
    calls_per_hour: int
    talk_s: int
    """Mean length of an answered call."""
    answered_percent: int
    destinations: tuple[tuple[Destination, int], ...]
    directions: tuple[tuple[Direction, int], ...]
    limit: str
    owed: str
    """What a customer of this kind owes when the simulation begins."""
    share: int
    """Weight of this kind among many customers."""


OFFICE = Kind(
    name="office",
    lines=24,
    calls_per_hour=60,
    talk_s=190,
    answered_percent=84,
    destinations=(
        (TORONTO, 60),
        (MONTREAL, 15),
        (NEW_YORK, 12),
        (UNITED_KINGDOM, 4),
        (GERMANY, 2),
    ),
    directions=(
        (Direction.OUTGOING, 60),
        (Direction.INCOMING, 28),
        (Direction.INTERNAL, 9),
        (Direction.FORWARDED, 3),
    ),
    limit="120.00",
    owed="52.60",
    share=45,
)
SHOP = Kind(
    name="shop",
    lines=4,
    calls_per_hour=24,
    talk_s=95,
    answered_percent=80,
    destinations=((TORONTO, 80), (VANCOUVER, 10), (NEW_YORK, 4)),
    directions=((Direction.OUTGOING, 45), (Direction.INCOMING, 50), (Direction.FORWARDED, 5)),
    limit="100.00",
    owed="18.25",
    share=40,
)
CALL_CENTRE = Kind(
    name="call centre",
    lines=60,
    calls_per_hour=900,
    talk_s=150,
    answered_percent=62,
    destinations=((TORONTO, 40), (MONTREAL, 30), (VANCOUVER, 20), (NEW_YORK, 20), (JAMAICA, 1)),
    directions=((Direction.OUTGOING, 85), (Direction.INCOMING, 15)),
    limit="1500.00",
    owed="402.77",
    share=5,
)
HOTEL = Kind(
    name="hotel",
    lines=30,
    calls_per_hour=120,
    talk_s=240,
    answered_percent=78,
    destinations=(
        (TORONTO, 30),
        (NEW_YORK, 25),
        (UNITED_KINGDOM, 15),
        (GERMANY, 12),
        (INDIA, 8),
        (JAMAICA, 2),
    ),
    directions=((Direction.OUTGOING, 55), (Direction.INCOMING, 25), (Direction.INTERNAL, 20)),
    limit="400.00",
    owed="131.10",
    share=10,
)

KINDS = (OFFICE, SHOP, CALL_CENTRE, HOTEL)


def destination_of(number: str) -> Destination | None:
    """The destination a number belongs to: the longest prefix wins; None for one that is not in the catalogue."""
    digits = number.removeprefix("+")
    matches = [place for place in DESTINATIONS if digits.startswith(place.prefix)]
    return max(matches, key=lambda place: len(place.prefix), default=None)
