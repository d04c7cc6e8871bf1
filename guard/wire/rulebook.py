"""Rules as the HTTP side shows them: what each looks at, its marks, and how often it has fired.

Window and marks are written as in a rule file (`15m`, `10`, `25.00`, `30%`), so that what is read here can be put
there. They are text, because what kind of number a mark is follows from the measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from guard.core.decisions import Mode
from guard.core.money import format_money
from guard.core.rules.rule import Rule, Unit
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from guard.wire.decisions import JsonObject

_SPANS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s"), (1, "ms"))
_PERCENT_OF_MILLIONTHS = 100
"""Millionths of one, as millionths of a hundredth."""


def rule_object(rule: Rule, hits: Mapping[tuple[str, str], int]) -> JsonObject:
    """One rule; `hits` are those of all rules since the start, by (rule, mode)."""
    return {
        "id": rule.id,
        "title": rule.title,
        "mode": rule.mode.value,
        "measure": rule.measure.value,
        "window": None if rule.window_ms is None else format_span(rule.window_ms),
        "per": rule.per.value,
        "warn": None if rule.warn is None else format_mark(rule.unit, rule.warn),
        "block": None if rule.block is None else format_mark(rule.unit, rule.block),
        "scope": rule.scope.value,
        "hits": {mode.value: hits.get((rule.id, mode.value), 0) for mode in Mode},
    }


def format_mark(unit: Unit, value: int) -> str:
    """A mark as a rule file has it."""
    match unit:
        case Unit.COUNT:
            return str(value)
        case Unit.MONEY:
            return format_money(value)
        case Unit.TIME:
            return format_span(value)
        case Unit.SHARE:
            return format_money(value * _PERCENT_OF_MILLIONTHS).removesuffix(".00") + "%"
        case Unit.MULTIPLE:
            return format_money(value).removesuffix(".00")
        case unexpected:
            assert_never(unexpected)


def format_span(span_ms: int) -> str:
    """A time span in the largest unit that measures it exactly: `15m`, `36h`, `1d`."""
    unit_ms, name = next(span for span in _SPANS if span_ms % span[0] == 0)
    return f"{span_ms // unit_ms}{name}"
