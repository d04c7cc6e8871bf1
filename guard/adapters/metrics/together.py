"""The figures of many engines as those of one: a worker has one for each of its partitions.

Each engine is read like the one of a daemon (`reading`), on a sheet of its own; then counts and values are added up, of
ages the highest counts, and of "when was it last heard" the lowest. A partition that moves away takes its present
values along, but **counters never fall**: what its engine had counted here is kept when it goes, and a new one begins
at nothing.

A reading takes some tens of microseconds for each partition and switch, in one go: 256 partitions, 10 switches, 10 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import fields
from typing import Any

from guard.adapters.metrics.figures import Figures
from guard.adapters.metrics.reading import read_off
from guard.core.engine import Engine

_COUNTS = ("reports", "decisions", "billing", "rule_hits", "reconciled_micros")
_COUNT_SUMS = ("unrated_calls", "rule_failures")
_VALUES = ("accounts", "exposure_micros", "in_flight_micros", "burn_micros")
_VALUE_SUMS = ("provisional_accounts", "commands_unconfirmed", "remembered_calls", "billing_ids", "held_blocks")
_SWITCH_SUMS = ("live_calls", "usual_calls", "unconfirmed")
_SWITCH_LOWEST = ("age_s", "up")
"""All others of a switch: the highest."""


class Together:
    """Fills the figures of a worker."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._gone = Figures()

    def gone(self, engine: Engine, now_ms: int) -> None:
        """An engine that decides here no more: what it has counted stays counted."""
        _count(_sheet(engine, now_ms), self._gone)

    def read(self, engines: Iterable[Engine], now_ms: int) -> None:
        """How all of them together stand."""
        total = Figures()
        _count(self._gone, total)
        for engine in engines:
            sheet = _sheet(engine, now_ms)
            _count(sheet, total)
            for name in _VALUES:
                _merge(getattr(sheet, name), getattr(total, name), _plus)
            for name in _VALUE_SUMS:
                setattr(total, name, getattr(total, name) + getattr(sheet, name))
            total.command_age_s = max(total.command_age_s, sheet.command_age_s)
            total.fuse_open = total.fuse_open or sheet.fuse_open
            _merge_switches(sheet, total)
        self._put(total)

    def _put(self, total: Figures) -> None:
        """Label sets that have been there stay there."""
        figures = self._figures
        for name in total.switches.up:
            if name not in figures.switches.up:
                figures.know_switch(name)
        for name in _COUNTS:
            getattr(figures, name).update(getattr(total, name))
        for name in _VALUES:
            mine = getattr(figures, name)
            mine.update(dict.fromkeys(mine, 0) | getattr(total, name))
        for name in (*_COUNT_SUMS, *_VALUE_SUMS, "command_age_s", "fuse_open"):
            setattr(figures, name, getattr(total, name))
        for field in fields(total.switches):
            if field.name != "reports":
                mine = getattr(figures.switches, field.name)
                nothing = dict.fromkeys(mine, 0) if field.name in _SWITCH_SUMS else {}
                mine.update(nothing | getattr(total.switches, field.name))


def _sheet(engine: Engine, now_ms: int) -> Figures:
    sheet = Figures()
    read_off(engine, sheet, now_ms)
    return sheet


def _count(sheet: Figures, total: Figures) -> None:
    for name in _COUNTS:
        _merge(getattr(sheet, name), getattr(total, name), _plus)
    for name in _COUNT_SUMS:
        setattr(total, name, getattr(total, name) + getattr(sheet, name))


def _merge_switches(sheet: Figures, total: Figures) -> None:
    for field in fields(sheet.switches):
        if field.name != "reports":
            how: Callable[[Any, Any], Any] = max
            if field.name in _SWITCH_SUMS:
                how = _plus
            elif field.name in _SWITCH_LOWEST:
                how = min
            _merge(getattr(sheet.switches, field.name), getattr(total.switches, field.name), how)


def _merge(of: MutableMapping[Any, Any], into: MutableMapping[Any, Any], how: Callable[[Any, Any], Any]) -> None:
    for label, value in of.items():
        into[label] = how(into[label], value) if label in into else value


def _plus(one: Any, other: Any) -> Any:
    return one + other
