"""The seat: which of several ingests has the session that only one may have.

Messages of one topic apply in order, and there is no order between two who carry them. Reports do not mind, they are
cumulative; billing, status and acknowledgements come by one session of one name at the broker, which gives it to one at
a time. Whoever sits says so every `SAY_EVERY_MS`; who hears nobody for `QUIET_MS` takes the seat. Should two sit (they
could not hear each other), the broker still lets only one connect, and as soon as they hear each other the one whose
name comes later stands up. Whoever cannot reach the log could do nothing with what it gets, and stands up too.

Nothing depends on there being one: at worst a message is carried twice. Being few only spares the broker the quarrel.
"""

from __future__ import annotations

from typing import Final

SAY_EVERY_MS: Final = 400
QUIET_MS: Final = 2_000


class Seat:
    """One ingest's view of who sits."""

    def __init__(self, name: str, now_ms: int) -> None:
        """`name` is no other's, also not that of an earlier life."""
        self._name = name
        self._heard_ms = now_ms
        """When another one who sits was heard last, or when that could be known first."""
        self._reached_ms = now_ms
        """When the log was there last."""
        self.held = False

    def hear(self, other: str, now_ms: int) -> None:
        """Somebody says that he sits."""
        if other == self._name:
            return
        self._heard_ms = now_ms
        if self.held and other < self._name:
            self.held = False

    def look(self, now_ms: int, *, reached: bool) -> bool:
        """Whether this one sits now; `reached` says whether the log is there."""
        if not reached:
            # Nobody could be heard: silence means nothing.
            self._heard_ms = now_ms
            if now_ms - self._reached_ms >= QUIET_MS:
                self.held = False
            return self.held
        self._reached_ms = now_ms
        if not self.held and now_ms - self._heard_ms >= QUIET_MS:
            self.held = True
        return self.held
