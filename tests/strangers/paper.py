"""How calls become what a switch says: reports, cumulative charges, ticks, and the slips that switches make.

A `Call` is what happened; `reports` is what a switch writes about it. Switches differ (`Style`): how often they tick,
in which steps they charge, whether they state the rate, how they write numbers and times. A `Slip` is something that
went wrong in the telling and cost nobody a cent in truth, or cost what nobody talked for: a start told twice, a stop
that never came, a clock that jumped. Calls know the truth (`charge`), so the verdict needs no reports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from tests.strangers.places import Home

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


class Slip(Enum):
    """What a switch got wrong about a call."""

    NONE = "none"
    START_TWICE = "start twice"
    NO_STOP = "no stop"
    CLOCK_AHEAD = "clock ahead"
    OUT_OF_ORDER = "out of order"


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of a switch."""

    name: str
    tick_s: int
    step_s: int
    states_rate: bool
    dialled: bool
    epoch: bool
    sources: bool


STYLES = (
    Style("north-1", 30, 1, states_rate=True, dialled=False, epoch=False, sources=True),
    Style("north-2", 60, 6, states_rate=True, dialled=False, epoch=False, sources=True),
    Style("kam.old", 30, 60, states_rate=False, dialled=True, epoch=True, sources=True),
    Style("rented", 45, 1, states_rate=True, dialled=False, epoch=False, sources=False),
    Style("plain", 30, 1, states_rate=False, dialled=False, epoch=False, sources=True),
)


@dataclass(slots=True)
class Call:
    """What happened: who called whom, when, for how long, at what price a minute. Nought milliseconds: no answer."""

    account: str
    style: Style
    at_ms: int
    lasts_ms: int
    to: str
    rate: int
    caller: str
    source: str
    direction: str = "outgoing"
    slip: Slip = Slip.NONE
    case: str = ""

    @property
    def answered(self) -> bool:
        """Whether anybody spoke."""
        return self.lasts_ms > 0

    @property
    def ends_ms(self) -> int:
        """When it was over."""
        return self.at_ms + self.lasts_ms

    def charge(self, after_ms: int) -> int:
        """What it has cost after so long, in micros: started steps count."""
        step_ms = self.style.step_s * SECOND
        started = -(-min(after_ms, self.lasts_ms) // step_ms) * step_ms
        return (self.rate * started + MINUTE // 2) // MINUTE

    @property
    def cost(self) -> int:
        """What it cost in the end."""
        return self.charge(self.lasts_ms)


def reports(calls: Iterable[Call], home: Home) -> Iterator[str]:
    """The lines of a file of reports."""
    for number, call in enumerate(calls):
        yield from _told(call, f"{call.style.name[0]}{number:x}-{call.at_ms % 65_521:x}", home)


def money(micros: int) -> str:
    """A decimal string, exact."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), 1_000_000)
    return f"{sign}{whole}.{part:06d}"


def instant(at_ms: int) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ms % 1000:03d}Z"


def _told(call: Call, key: str, home: Home) -> Iterator[str]:
    head = {"call": key, "account": call.account, "to": _written(call, home), "from": call.caller}
    if call.direction != "outgoing":
        head["direction"] = call.direction
    if call.style.sources and call.source:
        head["source"] = call.source
    head["switch"] = call.style.name
    start = json.dumps(head)[:-1]
    if not call.answered:
        yield f'{start}, "event": "failed", {_at(call, call.at_ms)}, "cause": "486"}}'
        return
    lines = [_line(start, call, event, after_ms) for event, after_ms in _moments(call)]
    if call.slip is Slip.START_TWICE:
        lines.insert(1, lines[0])
    elif call.slip is Slip.OUT_OF_ORDER:
        lines.reverse()
    yield from lines


def _moments(call: Call) -> Iterator[tuple[str, int]]:
    yield "answered", 0
    for after_ms in range(call.style.tick_s * SECOND, call.lasts_ms, call.style.tick_s * SECOND):
        yield "tick", after_ms
    if call.slip is not Slip.NO_STOP:
        yield "ended", call.lasts_ms


def _line(start: str, call: Call, event: str, after_ms: int) -> str:
    ahead_ms = 8 * MINUTE if call.slip is Slip.CLOCK_AHEAD and event == "tick" else 0
    rate = f', "rate": "{money(call.rate)}"' if call.style.states_rate else ""
    charge = money(call.charge(after_ms))
    return (
        f'{start}, "event": "{event}", {_at(call, call.at_ms + after_ms + ahead_ms)}, "duration_ms": {after_ms}, '
        f'"charge": "{charge}"{rate}}}'
    )


def _at(call: Call, at_ms: int) -> str:
    return f'"at": "{at_ms / 1000:.3f}"' if call.style.epoch else f'"at": "{instant(at_ms)}"'


def _written(call: Call, home: Home) -> str:
    """As the switch writes a number: E.164, or as somebody at home would dial it."""
    if not call.style.dialled or not call.answered:
        return call.to if call.to.startswith("0") or not call.answered else f"+{call.to}"
    if call.to.startswith(home.code):
        return home.trunk + call.to.removeprefix(home.code)
    return home.abroad + call.to
