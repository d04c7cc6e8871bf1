"""Virtual time: a list of moments, each with what happens then. Nothing here waits, and nothing is random.

Two things happen at the same moment in the order in which they were planned.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

START_MS = 1_801_439_760_000
"""When each world begins: 2027-01-31T23:56:00Z, so that a day and a month end in the middle of it."""

Act = Callable[[], None]


class Schedule:
    """The world's only clock, and what is to happen in it."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self._acts: list[tuple[int, int, Act]] = []
        self._planned = 0

    def at(self, moment_ms: int, act: Act) -> None:
        """Let it happen then, or at once if that has passed."""
        self._planned += 1
        heappush(self._acts, (max(moment_ms, self.now_ms), self._planned, act))

    def after(self, delay_ms: int, act: Act) -> None:
        """Let it happen so much later."""
        self.at(self.now_ms + delay_ms, act)

    @property
    def next_ms(self) -> int | None:
        """When the next thing happens."""
        return self._acts[0][0] if self._acts else None

    def pass_to(self, moment_ms: int) -> None:
        """Time goes by; never back."""
        self.now_ms = max(self.now_ms, moment_ms)

    def happen(self) -> None:
        """Let the next thing happen."""
        moment_ms, _, act = heappop(self._acts)
        self.pass_to(moment_ms)
        act()
