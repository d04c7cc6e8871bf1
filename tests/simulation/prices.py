"""Prices as plain numbers, and what a call costs by them: the auditor's own arithmetic, in whole numbers and fractions.

gross = connect + rate x billed_s / 60, rounded half up to one micro
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from tests.simulation.plans import Plan

EMERGENCY = frozenset({"911", "112", "933", "988"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a tariff."""

    prefix: str
    kind: str
    rate_micros: int
    connect_micros: int = 0
    minimum_s: int = 0
    increment_s: int = 1

    def billed_s(self, duration_ms: int) -> int:
        """Seconds that a call of that length is charged for."""
        return billed_s(self.minimum_s, self.increment_s, duration_ms)

    def price(self, duration_ms: int) -> int:
        """Of a call of that length, in micros."""
        return cost(self.rate_micros, self.connect_micros, self.minimum_s, self.increment_s, duration_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A tariff, and the plans beside it."""

    rows: tuple[Row, ...]
    unknown_rate_micros: int
    plans: tuple[Plan, ...] = ()

    def plan(self, plan_id: str) -> Plan | None:
        """The plan of that name."""
        return next((plan for plan in self.plans if plan.id == plan_id), None)

    def row(self, digits: str) -> Row:
        """The row of the longest prefix; what no row fits costs the unknown rate."""
        fitting = [row for row in self.rows if digits and digits.startswith(row.prefix)]
        if not fitting:
            return Row(prefix="", kind="international", rate_micros=self.unknown_rate_micros)
        return max(fitting, key=lambda row: len(row.prefix))

    def price(self, to: str, direction: str, duration_ms: int) -> int:
        """What a call costs whose switch states no charge; `to` as dialled, empty if nobody knows."""
        row = self.row(to.removeprefix("+"))
        if row.kind == "onnet" or direction in ("incoming", "internal"):
            return 0
        return row.price(duration_ms)


def cost(rate_micros: int, connect_micros: int, minimum_s: int, increment_s: int, duration_ms: int) -> int:
    """Connect and rate by started increments, rounded half up once."""
    seconds = billed_s(minimum_s, increment_s, duration_ms)
    return floor(connect_micros + Fraction(rate_micros * seconds, 60) + Fraction(1, 2))


def billed_s(minimum_s: int, increment_s: int, duration_ms: int) -> int:
    """Whole seconds, at least the minimum, in started increments."""
    seconds = max(-(-duration_ms // 1_000), minimum_s)
    return -(-seconds // increment_s) * increment_s
