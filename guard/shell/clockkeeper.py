"""The clock keeper: notices that the machine's clock was set while guard was not there to see it.

What is stored is how far the wall clock was ahead of the time since the machine was started, which nobody sets. If the
machine is still the same start of itself, the difference at guard's next start is exactly by how much the clock was set
meanwhile, and the engine is told as if it had happened now: else calls would be carried forward by it. After another
start of the machine nobody knows; the first reports correct what was believed.

It is stored in the first batch, and in each that follows a step of the clock or many small ones, in one transaction
with what the engine made of the step. So a crash in between costs nothing: it is found, and told, again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog

from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.rows import ClockRow
from guard.ports import Clock
from guard.shell.loop import STEP_MS

KIND = "clock"

SinceBoot = Callable[[], tuple[str, int]]
"""Which start of the machine this is (empty: it cannot be told), and milliseconds since then."""


class ClockKeeper:
    """Of one life of the daemon."""

    def __init__(self, engine: Engine, clock: Clock, since_boot: SinceBoot) -> None:
        self._engine = engine
        self._clock = clock
        self._since_boot = since_boot
        self._known: ClockRow | None = None

    def restored(self, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
        """The same rows; what was known of the clock is found on the way."""
        for row in kept:
            if isinstance(row.row, ClockRow):
                self._known = row.row
            yield row

    def compare(self) -> None:
        """After the engine was restored: was the clock set meanwhile?"""
        known, now = self._known, self._row()
        if known is None or not now.boot or known.boot != now.boot:
            return
        step_ms = now.ahead_ms - known.ahead_ms
        if abs(step_ms) > STEP_MS:
            structlog.get_logger("guard").warning(
                "clock-stepped", by_ms=step_ms, effect="it was set while guard was away"
            )
            self._engine.clock_stepped(self._clock.now_ms(), step_ms)

    def note(self) -> None:
        """Store how it is now, with the batch at hand."""
        self._engine.world.changes.kept.append(KeptRow(KIND, "", self._row()))

    def _row(self) -> ClockRow:
        boot, since_ms = self._since_boot()
        return ClockRow(boot=boot, ahead_ms=self._clock.now_ms() - since_ms)
