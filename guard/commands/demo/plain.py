"""The demonstration where there is no terminal: one line for each thing that happens, and how the exposure rises."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from guard.commands.demo.screen import elapsed, prospects
from guard.commands.demo.story import Story
from guard.core.money import format_cents

STATUS_EVERY_MS = 2_000
CALM_EVERY_MS = 10_000
"""When there is nothing to be seen but that it goes on."""


class PlainLines:
    """Writes the story line by line."""

    def __init__(self, out: TextIO, story: Story, url: str, now_ms: Callable[[], int]) -> None:
        self._out = out
        self._story = story
        self._now_ms = now_ms
        self._told = 0
        self._last_status_ms = 0
        out.write(f"guard demo; the page is at {url}\n")

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what has not been written yet."""
        self.update()

    def update(self) -> None:
        """Write what is new."""
        moments = self._story.moments
        for moment in sorted(moments[self._told :], key=lambda each: each.after_ms):
            self._line(moment.after_ms, moment.text)
        self._told = len(moments)
        now_ms = self._now_ms()
        if now_ms >= self._last_status_ms + self._status_every_ms(now_ms):
            self._last_status_ms = now_ms
            self._status(now_ms)
        self._out.flush()

    def _status_every_ms(self, now_ms: int) -> int:
        turning = self._story.turning
        since_ms = now_ms - (turning.obeyed_at_ms or now_ms)
        calm = turning.hacked_at_ms is None or since_ms > CALM_EVERY_MS
        return CALM_EVERY_MS if calm else STATUS_EVERY_MS

    def _status(self, now_ms: int) -> None:
        line = self._story.hacked
        if line.limit_micros is None:
            return
        exposure = f"{format_cents(line.exposure_micros)} of {format_cents(line.limit_micros)} CAD"
        told = f"{line.account}  {exposure} ({line.percent} %). {prospects(self._story, now_ms)}"
        self._line(now_ms - self._story.started_at_ms, told)

    def _line(self, after_ms: int, text: str) -> None:
        self._out.write(f"{elapsed(after_ms):>5}  {text}\n")
