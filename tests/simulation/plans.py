"""Calling plans as plain numbers, and what a call costs under one: the auditor's own arithmetic, a second at a time.

    free -> quota (seconds already paid for) -> discount (tiers by seconds, or by money undiscounted)

A second belongs to the tier in which it starts. `connect` is never covered and never discounted. What a call comes to
is summed as a fraction and rounded half up to one micro, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import NamedTuple

QUOTA, DISCOUNT = "quota", "discount"
Used = tuple[int, int]
"""Of a plan in a cycle: seconds of its quota; how far its discount has come, in its own unit."""
UNUSED: Used = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. Its reach and what its discount goes by stay the same in all versions of the files."""

    id: str
    quota_kinds: tuple[str, ...] = ()
    quota_s: int = 0
    discount_kinds: tuple[str, ...] = ()
    by_money: bool = False
    tiers: tuple[tuple[int, int], ...] = ()
    """(from how many seconds or micros, percent off), ascending from 0."""

    def covers(self, kind: str) -> bool:
        """Whether it says anything about calls of that class."""
        return kind in self.quota_kinds or kind in self.discount_kinds

    def off_percent(self, position: Fraction) -> int:
        """What is off for a second that starts there."""
        return max((start, off) for start, off in self.tiers if start <= position)[1]


class Comes(NamedTuple):
    """What a call comes to."""

    net_micros: int
    covered_s: int
    counted: Fraction
    """By how much it moves the discount on."""


def comes_to(
    plan: Plan, kind: str, used_s: int, position: Fraction, *, rate_micros: int, connect_micros: int, billed_s: int
) -> Comes:
    """Price a call that is posted when so much of the plan is used."""
    covered_s = min(billed_s, max(0, plan.quota_s - used_s)) if kind in plan.quota_kinds else 0
    exact, counted = Fraction(0), Fraction(0)
    a_second = Fraction(rate_micros, 60)
    for _ in range(billed_s - covered_s):
        off = 0
        if kind in plan.discount_kinds:
            off = plan.off_percent(position + counted)
            counted += a_second if plan.by_money else 1
        exact += a_second * Fraction(100 - off, 100)
    return Comes(floor(connect_micros + exact + Fraction(1, 2)), covered_s, counted)


class Priced(NamedTuple):
    """A call as far as a plan has a say: its class, its rate and the seconds that it is charged for."""

    kind: str
    rate_micros: int
    billed_s: int


def most_saved(plan: Plan, calls: Iterable[Priced], cycles: int) -> int:
    """The most that a plan can take off these calls together, in whatever order they are posted; rounded up."""
    calls = sorted(calls, key=lambda call: -call.rate_micros)
    left_s, saved = plan.quota_s * cycles, Fraction(0)
    most_off = max((off for _, off in plan.tiers), default=0)
    for call in calls:
        covered_s = min(left_s, call.billed_s) if call.kind in plan.quota_kinds else 0
        left_s -= covered_s
        off = most_off if call.kind in plan.discount_kinds else 0
        saved += Fraction(call.rate_micros, 60) * (covered_s + Fraction((call.billed_s - covered_s) * off, 100))
    return floor(saved) + len(calls)
