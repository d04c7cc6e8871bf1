"""From the lines of a scenario to the reports that a switch would have sent, in the order of their times.

Every call states its charge and its rate, as a switch that prices calls does, and costs its rate by the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from guard.core.money import MS_PER_MINUTE, Micros
from guard.core.records import Event, Report
from guard.core.settings import MINUTE_MS
from guard.scenarios.script import MONDAY_MS, Line, Scenario

TICK_MS = MINUTE_MS
SWITCH = "sw1"
T = TypeVar("T")

_RUNNING = re.compile(r"#+")


@dataclass(frozen=True, slots=True)
class Call:
    """One call or attempt of a line."""

    id: str
    account: str
    begins_ms: int
    lasts_ms: int
    rate_micros: Micros

    def cost_micros(self, at_ms: int) -> Micros:
        """What it has cost by then."""
        spoken_ms = min(max(0, at_ms - self.begins_ms), self.lasts_ms)
        return Micros(self.rate_micros * spoken_ms // MS_PER_MINUTE)

    @property
    def ends_ms(self) -> int:
        """When it is over."""
        return self.begins_ms + self.lasts_ms


def calls_of(line: Line) -> list[Call]:
    """All calls of a line, at times of the world."""
    return [
        Call(
            id=f"{line.number}-{position}",
            account=_numbered(line.account, position),
            begins_ms=MONDAY_MS + moment,
            lasts_ms=_turn(line.lasts_ms, position) if line.answered else 0,
            rate_micros=_turn(line.rates_micros, position) if line.answered else Micros(0),
        )
        for position, moment in enumerate(line.moments)
    ]


def reports_of(scenario: Scenario) -> list[Report]:
    """Everything that the switch says, in order."""
    reports = [report for line in scenario.lines for report in _said(line)]
    return sorted(reports, key=lambda report: (report.at_ms, report.call, report.duration_ms, report.event))


def _said(line: Line) -> Iterator[Report]:
    for position, call in enumerate(calls_of(line)):
        to = _numbered(_turn(line.to, position), position)
        if not line.answered:
            yield _report(line, call, position, Event.FAILED, 0, to)
            continue
        yield _report(line, call, position, Event.ANSWERED, 0, to)
        for spoken_ms in range(TICK_MS, call.lasts_ms, TICK_MS) if line.ticks else ():
            yield _report(line, call, position, Event.TICK, spoken_ms, to)
        yield _report(line, call, position, Event.ENDED, call.lasts_ms, to)


def _report(line: Line, call: Call, position: int, event: Event, spoken_ms: int, to: str) -> Report:
    at_ms = call.begins_ms + spoken_ms
    return Report(
        call=call.id,
        event=event,
        account=call.account,
        at_ms=at_ms,
        duration_ms=spoken_ms,
        to=to,
        charge_micros=call.cost_micros(at_ms),
        rate_micros=call.rate_micros,
        direction=line.direction,
        caller=_turn(line.callers, position),
        source=_turn(line.sources, position),
    )


def _turn(given: Sequence[T], position: int) -> T:
    return given[position % len(given)]


def _numbered(text: str, position: int) -> str:
    """The text, its running number filled in; one that has no more digits begins anew."""
    return _RUNNING.sub(lambda run: str(position % 10 ** len(run[0])).zfill(len(run[0])), text)
