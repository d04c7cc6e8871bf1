"""Exposure over time as a drawing: what the history says, and nothing in between that it does not.

The points are what is known: each decision bears the exposure of its moment, each ledger line moves what is owed, and
the present is known. A line joins them; the limit is a line across; blocks and releases are marked where they happened.
Drawn as SVG on the server, so it is there without scripts, prints, and scales. It carries no numbers of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guard.core.decisions import Action, Decision, LedgerLine, Mode
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.core.views import AccountView

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 16, 20
SPANS_MS = (2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS)
"""How far back a drawing goes: the least that shows the newest run of decisions whole."""
RUN_GAP_MS = HOUR_MS
"""Decisions further apart belong to different runs."""
MOST_POINTS = 400
_HEADROOM_PERCENT = 112


@dataclass(frozen=True, slots=True)
class Mark:
    """A decision on the time axis."""

    x: int
    y: int
    kind: str
    """`block`, `unblock`, `warn`; with `shadow` behind it when nothing was done."""
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws, in units of the view box."""

    path: str
    area: str
    marks: tuple[Mark, ...]
    limit_y: int | None
    highest_micros: int
    from_ms: int
    to_ms: int


Point = tuple[int, int]
"""(time in ms, exposure in micros)."""


def chart_of(
    view: AccountView, decisions: Sequence[Decision], lines: Sequence[LedgerLine], now_ms: int
) -> Chart | None:
    """The drawing; None when nothing is known but the present."""
    first_ms = now_ms - _span_ms(decisions, now_ms)
    points = _since(first_ms, _points(view, decisions, lines, now_ms))
    if len(points) < 2:  # noqa: PLR2004 -- a line needs two
        return None
    highest = max(*(micros for _, micros in points), view.limit_micros or 0, 1) * _HEADROOM_PERCENT // 100
    scale = _Scale(first_ms, now_ms, highest)
    placed = [(scale.x(at_ms), scale.y(micros)) for at_ms, micros in _thinned(points)]
    path = "M" + " L".join(f"{x} {y}" for x, y in placed)
    floor = HEIGHT - BOTTOM
    return Chart(
        path=path,
        area=f"{path} L{placed[-1][0]} {floor} L{placed[0][0]} {floor} Z",
        # Drawn last is on top.
        marks=tuple(sorted(_marks(decisions, scale), key=lambda mark: (mark.kind == "block", mark.at_ms))),
        limit_y=None if view.limit_micros is None else scale.y(view.limit_micros),
        highest_micros=max(micros for _, micros in points),
        from_ms=first_ms,
        to_ms=now_ms,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    from_ms: int
    to_ms: int
    highest: int

    def x(self, at_ms: int) -> int:
        inside = min(max(at_ms, self.from_ms), self.to_ms) - self.from_ms
        return LEFT + inside * (WIDTH - LEFT - RIGHT) // max(1, self.to_ms - self.from_ms)

    def y(self, micros: int) -> int:
        inside = min(max(micros, 0), self.highest)
        return HEIGHT - BOTTOM - inside * (HEIGHT - TOP - BOTTOM) // self.highest


def _span_ms(decisions: Iterable[Decision], now_ms: int) -> int:
    """How far back to go; everything there is room for when nothing was decided lately."""
    newest_first = sorted((each.at_ms for each in decisions if each.at_ms <= now_ms), reverse=True)
    begun_ms = now_ms
    for at_ms in newest_first:
        if begun_ms - at_ms > (RUN_GAP_MS if begun_ms < now_ms else SPANS_MS[-1]):
            break
        begun_ms = at_ms
    wanted_ms = (now_ms - begun_ms) * _HEADROOM_PERCENT // 100
    return next((each for each in SPANS_MS if each >= wanted_ms > 0), SPANS_MS[-1])


def _since(from_ms: int, points: list[Point]) -> list[Point]:
    """The points from there on; the last one before says where the line begins."""
    earlier = [point for point in points if point[0] < from_ms]
    begin = [(from_ms, earlier[-1][1])] if earlier else []
    return begin + [point for point in points if point[0] >= from_ms]


def _points(view: AccountView, decisions: Iterable[Decision], lines: Sequence[LedgerLine], now_ms: int) -> list[Point]:
    """Known exposures in order of time. Ledger lines are counted back from what is owed now."""
    points = [(decision.at_ms, int(decision.exposure_micros)) for decision in decisions]
    owed = int(view.owed_micros)
    for line in reversed(lines):
        points.append((line.at_ms, owed))
        owed -= line.amount_micros
    if lines:
        points.append((lines[0].at_ms - 1, owed))
    points.append((now_ms, int(view.exposure_micros)))
    return sorted(point for point in points if point[0] <= now_ms)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most so many: of each stretch the highest, because peaks are what is looked for."""
    if len(points) <= MOST_POINTS:
        return points
    stretch = -(-len(points) // MOST_POINTS)
    peaks = [max(points[at : at + stretch], key=lambda point: point[1]) for at in range(0, len(points), stretch)]
    return [points[0], *peaks, points[-1]]


def _marks(decisions: Iterable[Decision], scale: _Scale) -> Iterable[Mark]:
    for decision in decisions:
        if decision.action is Action.CLEARED or not scale.from_ms <= decision.at_ms <= scale.to_ms:
            continue
        shadow = " shadow" if decision.mode is Mode.SHADOW else ""
        x, y = scale.x(decision.at_ms), scale.y(decision.exposure_micros)
        yield Mark(x, y, decision.action.value + shadow, decision.at_ms, decision.text)
