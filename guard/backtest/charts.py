"""Charts as inline SVG, made of a few shapes each: no library, no script, no network.

Colours are the page's (`var(--...)`), so a chart follows its dark and light. Every chart has a title and a sentence
for those who cannot see it. Coordinates are rounded to a tenth of a pixel, which keeps the page small. Positions on
paper are the one place where money becomes a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

WIDTH, HEIGHT = 560, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 26
SERIES = 6
"""Colours there are: `--c0` to `--c5`; the last one stands for all others."""
FEW = 8
"""Bars of which each has its label, and its sum written on it."""
WIDEST_BAR = 90.0
_TICKS = 4
_STEPS = (1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.8, 6, 8, 10, 12)
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Line:
    """A series over time: (milliseconds, amount), its colour and whether it is dashed."""

    points: Sequence[tuple[int, float]]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """What is stacked in each bar: a name, and one number for each bar."""

    name: str
    values: Sequence[int]


class _Frame:
    """Where amounts and times lie on paper."""

    def __init__(self, first: float, last: float, highest: float) -> None:
        self._first = first
        self._span = max(last - first, 1)
        self.top = _round_up(highest)

    def x(self, value: float) -> float:
        """Of a time."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - self._first) / self._span, 1)

    def y(self, value: float) -> float:
        """Of an amount."""
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top, 1)

    def grid(self) -> str:
        """Lines for the amounts, with their labels."""
        drawn = []
        for number in range(_TICKS + 1):
            value = self.top * number / _TICKS
            y = self.y(value)
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
            drawn.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{_short(value)}</text>')
        return "".join(drawn)

    def times(self, first_ms: int, last_ms: int) -> str:
        """Labels for the ends and the middle."""
        drawn = []
        for part, anchor in ((0, "start"), (1, "middle"), (2, "end")):
            at_ms = first_ms + (last_ms - first_ms) * part // 2
            drawn.append(
                f'<text x="{self.x(at_ms)}" y="{HEIGHT - 8}" text-anchor="{anchor}">'
                f"{_when(at_ms, last_ms - first_ms)}</text>"
            )
        return "".join(drawn)


def lines(
    title: str, series: Sequence[Line], *, marks: Sequence[tuple[int, str]] = (), shaded: Sequence[tuple[int, int]] = ()
) -> str:
    """Lines over time; `marks` are moments with a word, `shaded` are spans behind it all."""
    times = [at_ms for line in series for at_ms, _ in line.points]
    if not times:
        return ""
    first_ms, last_ms = min(times), max(times)
    frame = _Frame(first_ms, last_ms, max(value for line in series for _, value in line.points))
    drawn = []
    for start_ms, end_ms in shaded:
        left, right = frame.x(max(first_ms, start_ms)), frame.x(min(last_ms, end_ms))
        if right > left:
            drawn.append(f'<rect class="fraud" x="{left}" y="{TOP}" width="{right - left:.1f}" height="{_PLOT}"/>')
    drawn += [frame.grid(), frame.times(first_ms, last_ms)]
    for line in series:
        path = " ".join(f"{frame.x(at_ms)},{frame.y(value)}" for at_ms, value in line.points)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>')
    for number, (at_ms, word) in enumerate(marks):
        if first_ms <= at_ms <= last_ms:
            x = frame.x(at_ms)
            drawn.append(f'<line class="mark" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
            side, shift = ("end", -4) if x > WIDTH * 2 / 3 else ("start", 4)
            place = f'x="{x + shift}" y="{TOP + 12 + 14 * number}" text-anchor="{side}"'
            drawn.append(f'<text class="mark" {place}>{escape(word)}</text>')
    return _svg(title, drawn)


def bars(title: str, labels: Sequence[str], stacks: Sequence[Bars]) -> str:
    """Stacked bars, one for each label; the colours go by position."""
    if not labels:
        return ""
    totals = [sum(stack.values[position] for stack in stacks) for position in range(len(labels))]
    frame = _Frame(0, len(labels), max([*totals, 1]))
    drawn = [frame.grid()]
    room = frame.x(1) - frame.x(0)
    width = min(WIDEST_BAR, max(1.0, room - 2))
    for position, label in enumerate(labels):
        left = frame.x(position) + (room - width) / 2
        base = 0
        for number, stack in enumerate(stacks):
            value = stack.values[position]
            if value:
                top = frame.y(base + value)
                height = frame.y(base) - top
                drawn.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height:.1f}"'
                    f' fill="var(--c{min(number, SERIES - 1)})"><title>{escape(label)}: {escape(stack.name)}'
                    f" {value:,}</title></rect>"
                )
                base += value
        middle = left + width / 2
        if len(labels) <= FEW:
            drawn.append(_above(middle, frame.y(base), base))
        if position % max(1, -(-len(labels) // FEW)) == 0:
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>')
    return _svg(title, drawn)


def _above(middle: float, y: float, value: int) -> str:
    """What a bar comes to, written on it."""
    return f'<text class="sum" x="{middle:.1f}" y="{max(y - 4, TOP - 2):.1f}" text-anchor="middle">{value:,}</text>'


_PLOT = HEIGHT - TOP - BOTTOM


def _svg(title: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(drawn)}</svg>"
    )


def _round_up(value: float) -> float:
    """The next number that is easy to read as the top of a scale: its quarters are whole."""
    if value <= 2 * _TICKS:
        return float(_TICKS if value <= _TICKS else 2 * _TICKS)
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(float(size * step) for step in _STEPS if value <= size * step and size * step % _TICKS == 0)


def _short(value: float) -> str:
    """A number as short as an axis wants it."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            return f"{value / (1_000 if unit == 'k' else size):g}{unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _when(at_ms: int, span_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1_000, tz=UTC)
    if span_ms > 4 * _DAY_MS:
        return f"{moment.day} {moment:%b}"
    if span_ms > _HOUR_MS:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment:%H:%M:%S}"
