"""The demonstration on a terminal: accounts, the hacked one against its limit, and what has happened.

Made for 80 x 24 and up: the list of events takes what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from guard.commands.demo.story import AccountLine, Story
from guard.core.money import format_cents

REFRESH_PER_SECOND = 4
COLOURS = {"calm": "default", "warn": "yellow", "bad": "bold red", "good": "green"}
STATE_COLOURS = {"active": "green", "warned": "yellow", "blocked": "bold red", "closed": "dim"}
MARKS = (50, 80)
BIG_BAR = 50
CELLS = 7
"""Length of the small bars."""
_OTHER_ROWS = 10
"""Rows that are neither accounts nor events."""


class Screen:
    """Shows the story while it happens."""

    def __init__(self, console: Console, story: Story, url: str, now_ms: Callable[[], int]) -> None:
        self._console = console
        self._story = story
        self._url = url
        self._now_ms = now_ms
        self._live = Live(self, console=console, refresh_per_second=REFRESH_PER_SECOND, screen=False, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear the screen for the summary."""
        self._live.stop()

    def update(self) -> None:
        """Nothing to do: the picture is drawn from the story at each refresh."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the present picture."""
        yield self._picture(options.height or console.height)

    def _picture(self, height: int) -> RenderableType:
        now_ms = self._now_ms()
        story = self._story
        header = Text.assemble(
            ("guard demo ", "bold"),
            (elapsed(now_ms - story.started_at_ms), "bold"),
            f"   page: {self._url}   {story.reports} reports   Ctrl-C ends it",
        )
        room = max(3, height - len(story.accounts) - _OTHER_ROWS)
        return Group(header, Rule(style="dim"), self._accounts(), *self._hacked(now_ms), self._events(room))

    def _accounts(self) -> Table:
        """Columns of fixed widths, so that nothing jumps: 79 together."""
        made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
        for name, width in (("account", 26), ("calls", 5), ("a minute", 8), ("exposure", 8), ("limit", 7)):
            number = name != "account"
            made.add_column(name, width=width, no_wrap=True, justify="right" if number else "left")
        made.add_column("used", width=CELLS + 5, no_wrap=True)
        made.add_column("state", width=7, no_wrap=True)
        for line in self._story.accounts.values():
            made.add_row(*_cells(line), style="bold" if line is self._story.hacked else None)
        return made

    def _hacked(self, now_ms: int) -> list[RenderableType]:
        """The account that is broken into: bar, prospects, emergency call, money saved. Always four lines."""
        story, line = self._story, self._story.hacked
        title = Rule(Text(f" {line.account} {line.name} ", "bold"), style="dim", align="left")
        return [title, _big_bar(line), Text(" " + prospects(story, now_ms)), Text(" " + emergency(story, now_ms))]

    def _events(self, room: int) -> RenderableType:
        rule = Rule(style="dim")
        made = Table.grid(padding=(0, 1, 0, 0))
        made.add_column(justify="right", style="dim", no_wrap=True)
        made.add_column(overflow="fold")
        # A long sentence takes two lines; show as many of the newest as fit.
        width = max(20, self._console.width - 7)
        left, shown = room, []
        for moment in sorted(self._story.moments, key=lambda each: -each.after_ms):
            left -= -(-len(moment.text) // width)
            if left < 0:
                break
            shown.append(moment)
        for moment in reversed(shown):
            made.add_row(elapsed(moment.after_ms), Text(moment.text, COLOURS[moment.mood]))
        return Group(rule, made)


def _cells(line: AccountLine) -> list[RenderableType]:
    colour = STATE_COLOURS.get(line.state, "default")
    percent = min(line.percent, 100)
    filled = percent * CELLS // 100
    return [
        Text(f"{line.account} {line.name}"),
        Text(str(len(line.rates))),
        Text(format_cents(line.burn_micros)),
        Text(format_cents(line.exposure_micros)),
        Text("none" if line.limit_micros is None else format_cents(line.limit_micros)),
        Text.assemble(("━" * filled, colour), ("━" * (CELLS - filled), "dim"), f" {line.percent:3d}%"),
        Text(line.state, colour),
    ]


def _big_bar(line: AccountLine) -> Text:
    """Exposure against the limit, with the marks at which guard warns."""
    filled = min(line.percent, 100) * BIG_BAR // 100
    colour = "red" if line.percent >= MARKS[1] else "yellow" if line.percent >= MARKS[0] else "green"
    bar = Text(" ")
    for cell in range(BIG_BAR):
        mark = any(cell == mark * BIG_BAR // 100 for mark in MARKS)
        if cell < filled:
            bar.append("█", colour)
        else:
            bar.append("│" if mark else "░", "bold" if mark else "dim")
    limit = "no limit" if line.limit_micros is None else f"of {format_cents(line.limit_micros)} CAD"
    bar.append(f" {format_cents(line.exposure_micros)} {limit}")
    return bar


def prospects(story: Story, now_ms: int) -> str:
    """Where this is going, or what was prevented."""
    turning, line = story.turning, story.hacked
    if turning.obeyed_at_ms is not None and line.state == "blocked":
        saved = format_cents(story.saved_micros(now_ms))
        burn = format_cents(turning.cut_burn_micros)
        return (
            f"Saved since the block: {saved} CAD, {burn} more each minute; {counted(turning.refused, 'call')} refused"
        )
    if turning.hacked_at_ms is None:
        return f"Normal traffic: {counted(story.live_calls, 'call')} up, nobody near a limit."
    if turning.released_at_ms is not None:
        burn = format_cents(line.burn_micros)
        return f"Somebody has released it: {counted(len(line.rates), 'call')}, {burn} CAD a minute"
    when = ""
    if line.reaches_limit_at_ms is not None:
        left_ms = max(0, line.reaches_limit_at_ms - now_ms)
        when = f"; guard will act in {left_ms // 1_000}.{left_ms % 1_000 // 100} s, or sooner"
    return f"Hacked: {counted(len(line.rates), 'call')}, {format_cents(line.burn_micros)} CAD a minute{when}"


def emergency(story: Story, now_ms: int) -> str:
    """How the emergency calls of the hacked customer fare."""
    up = [call.answered_at_ms for call in story.emergencies.values() if call.ended_at_ms is None]
    if not up:
        return "No emergency call."
    calls = counted(len(up), "911 call")
    return f"{calls} up, the first for {elapsed(now_ms - min(up))}: never blocked, never ended, free"


def counted(number: int, what: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def elapsed(after_ms: int) -> str:
    """`0:07`."""
    minutes, seconds = divmod(max(0, after_ms) // 1_000, 60)
    return f"{minutes}:{seconds:02d}"
