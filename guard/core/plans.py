"""Calling plans: minutes already paid for, and discounts by volume; per cycle, shared by all calls of an account.

Order: free -> quota -> discount. A quota covers billed seconds, not `connect`; what it leaves over comes to the
discount, and only that counts towards its tiers, by billed minutes or by money (the undiscounted rate part, without
`connect`). A call that crosses the end of a quota or the start of a tier is split there, by the second: a second
belongs to the tier in which it starts. Everything is summed exactly and rounded once, half up to one micro.

Within a plan a number belongs to at most one quota and at most one discount (`guard check` refuses overlaps), so a
call's place in a plan is one `Cover`. Covers are compared by identity: they are the keys under which calls in flight
are pooled (`guard.core.pools`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from guard.core.money import Micros
from guard.core.tariff import CallClass, Destination

MILLION = 1_000_000
SECONDS_PER_MINUTE = 60
FINE = 1_000_000_000
"""Parts of a unit of `Tier.start` in which calls in flight are measured: a part of a call in proportion is no whole
millisecond, and a millisecond of a dear call is worth more than a micro."""


class TierBy(Enum):
    """What counts towards the tiers of a discount."""

    MINUTES = "minutes"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which numbers something is about: its classes and its prefixes, each only if given; if both, both must match."""

    kinds: frozenset[CallClass] = frozenset()
    prefixes: tuple[str, ...] = ()

    def covers(self, destination: Destination, digits: str) -> bool:
        """Whether a number (E.164 digits) of that destination is meant."""
        if self.kinds and destination.kind not in self.kinds:
            return False
        return not self.prefixes or digits.startswith(self.prefixes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quota:
    """Minutes already paid for."""

    key: str
    """Name under which use is kept: stays the same when other parts of the plan change."""
    reach: Reach
    seconds: int


class Tier(NamedTuple):
    """From where a discount applies, and how much."""

    start: int
    """By minutes: seconds. By money: micros x 60 (a rate in micros per minute times seconds)."""
    off_millionths: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discount:
    """A discount on the rate that grows with use. Tiers ascend and begin at 0."""

    key: str
    reach: Reach
    by: TierBy
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """A call's place in a plan: its quota, its discount, or both."""

    quota: Quota | None
    discount: Discount | None


class Split(NamedTuple):
    """What a call of some billed seconds comes to under a plan."""

    net_micros: Micros
    covered_s: int
    """Seconds taken from the quota."""
    counted: int
    """What the rest adds towards the tiers, in units of `Tier.start`."""


class Plan:
    """One plan of `plans.toml`."""

    __slots__ = ("_covers", "discounts", "id", "quotas", "title")

    def __init__(self, plan_id: str, title: str, quotas: Iterable[Quota], discounts: Iterable[Discount]) -> None:
        self.id = plan_id
        self.title = title
        self.quotas = tuple(quotas)
        self.discounts = tuple(discounts)
        self._covers = {
            (quota, discount): Cover(quota, discount)
            for quota in (*self.quotas, None)
            for discount in (*self.discounts, None)
            if quota is not None or discount is not None
        }

    def cover(self, destination: Destination, digits: str) -> Cover | None:
        """The place of a number in the plan; None: the plan says nothing about it."""
        quota = next((quota for quota in self.quotas if quota.reach.covers(destination, digits)), None)
        discount = next((one for one in self.discounts if one.reach.covers(destination, digits)), None)
        return self._covers.get((quota, discount))


def split(cover: Cover, *, rate_micros: int, connect_micros: int, billed_s: int, left_s: int, position: int) -> Split:
    """Price a call that is posted now: `left_s` of its quota is left, `position` is how far its discount has come."""
    covered_s = min(billed_s, max(0, left_s)) if cover.quota is not None else 0
    rest_s = billed_s - covered_s
    if cover.discount is None:
        exact, counted = rate_micros * rest_s * MILLION, 0
    else:
        exact, counted = _tiered(cover.discount, rate_micros, rest_s, position)
    # The one rounding: half up to one micro.
    unit = SECONDS_PER_MINUTE * MILLION
    return Split(Micros(connect_micros + (2 * exact + unit) // (2 * unit)), covered_s, counted)


def _tiered(discount: Discount, rate_micros: int, rest_s: int, position: int) -> tuple[int, int]:
    """Rate part of `rest_s` seconds in micros x 60 x a million, and what they count for."""
    a_second = rate_micros if discount.by is TierBy.MONEY else 1
    exact, begin = 0, position
    for index, tier in enumerate(discount.tiers):
        if rest_s <= 0:
            break
        if index + 1 < len(discount.tiers):
            room = discount.tiers[index + 1].start - position
            if room <= 0:
                continue
            seconds = min(rest_s, -(-room // a_second)) if a_second else rest_s
        else:
            seconds = rest_s
        exact += rate_micros * seconds * (MILLION - tier.off_millionths)
        position += a_second * seconds
        rest_s -= seconds
    return exact, position - begin


def discounted_scaled(discount: Discount, begin: int, units: int, value: int) -> int:
    """Worth of `value` that advances the discount by `units` from `begin`, its parts in proportion; rounded down.

    For calls in flight, which are valued as one pool: any unit of value, `units` in that of `Tier.start` x `FINE`,
    `begin` in that of `Tier.start`.
    """
    if units <= 0 or value <= 0:
        return max(0, value)
    position, rest, worth = begin * FINE, units, 0
    for index, tier in enumerate(discount.tiers):
        part = rest
        if index + 1 < len(discount.tiers):
            part = min(rest, max(0, discount.tiers[index + 1].start * FINE - position))
        worth += value * part * (MILLION - tier.off_millionths)
        position += part
        rest -= part
        if not rest:
            break
    return worth // (units * MILLION)
