"""Customers: each an account with a kind, and a stream of call attempts that its own random source draws.

A stream is an endless iterator of attempts in the order of their time, in milliseconds since the
simulation began. The random source of a customer is seeded by the simulation's seed and the
account's id: adding a customer changes nothing for the others, and the same seed gives the same
calls. Streams are merged lazily (`merge`), so a hundred thousand customers cost a heap and no
plan. What becomes of an attempt is the switch's business.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import TypeVar

from guard.core.records import Direction
from guard.replay.catalog import CALL_CENTRE, HOTEL, KINDS, OFFICE, SHOP, Destination, Kind

SHORTEST_TALK_MS = 2_000
LONGEST_TALK_MS = 2 * 3_600_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody picks up a telephone: what is dialled, and how long it would last if nobody interfered."""

    offset_ms: int
    """When, since the simulation began."""
    account: str
    to: str
    caller: str
    direction: Direction
    rate_micros: int
    talk_ms: int
    answered: bool
    lines: int
    """Calls the account can have up at once; 0: no bound."""
    emergency: bool = False
    fraud: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One account and how it behaves."""

    account: str
    name: str
    kind: Kind


DEMO_CUSTOMERS = (
    Customer(account="A1001", name="Corner Books", kind=SHOP),
    Customer(account="A1002", name="Maple Dental Clinic", kind=OFFICE),
    Customer(account="A1003", name="Harbour Inn", kind=HOTEL),
    Customer(account="A1004", name="Northline Support", kind=CALL_CENTRE),
    Customer(account="A1005", name="Birch & Sons Plumbing", kind=SHOP),
    Customer(account="A1006", name="Laurier Law Group", kind=OFFICE),
)
"""A handful of different kinds; the second one is hacked in the demonstration."""


def make_customers(count: int, seed: int) -> list[Customer]:
    """So many customers, their kinds drawn by the shares in the catalogue."""
    draw = Random(f"{seed}/customers")
    kinds = draw.choices(KINDS, weights=[kind.share for kind in KINDS], k=count)
    width = max(4, len(str(count)))
    return [
        Customer(account=f"S{number:0{width}d}", name=f"Simulated {kind.name} {number}", kind=kind)
        for number, kind in enumerate(kinds, start=1)
    ]


def calls_per_second(customers: Iterable[Customer]) -> float:
    """Attempts a second that these customers make together, left alone."""
    return sum(customer.kind.calls_per_hour for customer in customers) / 3600


def traffic(customer: Customer, *, seed: int, busy: float = 1.0) -> Iterator[Attempt]:
    """The endless normal traffic of one customer; `busy` multiplies its calls an hour."""
    draw = Random(f"{seed}/{customer.account}")
    kind = customer.kind
    own_number = _number(draw, kind.destinations[0][0])
    gap_ms = 3_600_000 / (kind.calls_per_hour * busy)
    offset = 0.0
    while True:
        offset += draw.expovariate(1.0) * gap_ms
        direction = weighted(draw, kind.directions)
        place = weighted(draw, kind.destinations)
        yield _attempt(draw, customer, direction, place, own_number, int(offset))


def _attempt(
    draw: Random,
    customer: Customer,
    direction: Direction,
    place: Destination,
    own_number: str,
    offset_ms: int,
) -> Attempt:
    """One attempt; only calls that leave the switch cost anything."""
    kind = customer.kind
    other = _number(draw, place)
    to, caller, rate_micros = other, own_number, place.rate_micros
    if direction is Direction.INCOMING:
        to, caller, rate_micros = own_number, other, 0
    elif direction is Direction.INTERNAL:
        to, caller, rate_micros = str(draw.randint(200, 299)), str(draw.randint(200, 299)), 0
    talk_ms = int(draw.expovariate(1.0) * kind.talk_s * 1_000)
    return Attempt(
        offset_ms=offset_ms,
        account=customer.account,
        to=to,
        caller=caller,
        direction=direction,
        rate_micros=rate_micros,
        talk_ms=min(max(talk_ms, SHORTEST_TALK_MS), LONGEST_TALK_MS),
        answered=draw.randrange(100) < kind.answered_percent,
        lines=kind.lines,
    )


def merge(streams: Iterable[Iterator[Attempt]]) -> Iterator[Attempt]:
    """All streams as one, in the order of time; equal times in the order of the streams."""
    return heapq.merge(*streams, key=attrgetter("offset_ms"))


def weighted(draw: Random, choices: tuple[tuple[T, int], ...]) -> T:
    """One of the choices, by their weights."""
    point = draw.randrange(sum(weight for _, weight in choices))
    for choice, weight in choices:
        point -= weight
        if point < 0:
            return choice
    raise ValueError("the weights of a choice must be positive")


def _number(draw: Random, place: Destination) -> str:
    """A number at a destination, in E.164 with the plus."""
    missing = place.digits - len(place.prefix)
    return f"+{place.prefix}{draw.randrange(10**missing):0{missing}d}"
