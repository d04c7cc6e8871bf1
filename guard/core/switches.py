"""What guard knows about one switch: its live calls, its memory of ended ones, its clock, and whether it speaks.

**Clock.** `at` is the switch's own time. `skew_ms` estimates its clock minus ours, from reports alone. A report from
the future proves that the clock is ahead, at once. A clock that is behind looks like a backlog at first; what tells
them apart is pace: over `PACE_WINDOW_MS` a live switch's reports arrive as fast as its clock runs, a backlog arrives
faster. A constant distance within a window is therefore taken as the skew. Distances up to `LAG_MS` behind are
ordinary delay and leave the skew at zero. A jump forward of more than `LAG_MS` is a clock that was set, and the calls
known before keep their age (`Intake`); any other correction holds for all calls at once.

**Lag.** A report more than `LAG_MS` old (corrected) says that a backlog is being read: until a fresh report, or until
nothing has come for `QUIET_MS`, calls count only what they stated, and accounts whose moment may have passed wait in
`parked`.

**Silence.** Reports count, not acks: `last_heard_ms` is the last report, `last_seen_ms` the last message of any kind.
`talking_since_ms` is when the switch last began to speak after a pause; a call is only stale when the
switch has been talking without mentioning it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.flights import Flight
from guard.core.records import Outcome
from guard.core.rows import SwitchRow

if TYPE_CHECKING:
    from guard.core.calls import Call
    from guard.core.decisions import Remembered
    from guard.core.delivery import Pending, Snapshot

LAG_MS = 5_000
"""A report older than this means a backlog (contract 2, Time)."""
QUIET_MS = 2_000
"""Nothing for so long: the backlog has been read."""
DOUBT_MS = 125_000
"""After our own clock was set: two ticks, which come at least each minute, show how far it now is from a switch's."""
PACE_WINDOW_MS = 2_000
PACE_SPREAD_MS = 1_000
"""Reports in a window whose distance to our clock varies by less were sent as they happened."""


class Switch:
    """One known switch."""

    __slots__ = (
        "accepted",
        "acked_at_ms",
        "blind",
        "calls",
        "doubt_until_ms",
        "down_at_ms",
        "first_heard_ms",
        "lagging",
        "last_heard_ms",
        "last_seen_ms",
        "name",
        "outcomes",
        "pace_highest_ms",
        "pace_lowest_ms",
        "pace_since_ms",
        "parked",
        "pending",
        "quiet_due_ms",
        "remembered",
        "skew_ms",
        "snapshot",
        "snapshots_made",
        "synced",
        "talking_since_ms",
        "ticks",
        "totals",
        "up",
    )

    def __init__(self, name: str, *, ticks: bool, now_ms: int) -> None:
        self.name = name
        self.ticks = ticks
        self.up = True
        self.down_at_ms = 0
        self.first_heard_ms = now_ms
        self.last_heard_ms = now_ms
        self.last_seen_ms = now_ms
        self.talking_since_ms = now_ms
        self.skew_ms = 0
        self.lagging = False
        self.quiet_due_ms: int | None = None
        self.doubt_until_ms = 0
        self.blind = False
        self.pace_since_ms = 0
        self.pace_lowest_ms = 0
        self.pace_highest_ms = 0
        self.calls: dict[str, Call] = {}
        self.remembered: dict[str, Remembered] = {}
        self.totals: dict[str, Flight] = {}
        self.parked: dict[str, None] = {}
        self.accepted = 0
        self.outcomes = {outcome: 0 for outcome in Outcome if outcome is not Outcome.ACCEPTED}
        # Delivery: commands not yet acknowledged, by command id; the snapshot under way; when each block was acked.
        self.pending: dict[str, Pending] = {}
        self.snapshot: Snapshot | None = None
        self.snapshots_made = 0
        self.synced = False
        self.acked_at_ms: dict[str, int] = {}

    def total(self, currency: str) -> Flight:
        """The sums over all its live calls in a currency."""
        total = self.totals.get(currency)
        if total is None:
            total = self.totals[currency] = Flight(self)
        return total

    def heard(self, now_ms: int, pause_ms: int) -> None:
        """It reported; a pause longer than `pause_ms` before that starts a new stretch of talking."""
        if now_ms - self.last_heard_ms > pause_ms:
            self.talking_since_ms = now_ms
        self.last_heard_ms = self.last_seen_ms = now_ms
        self.blind = False

    def clock(self, at_ms: int, now_ms: int) -> int:
        """Learn from a report's time; returns the report's age in ms, corrected by the skew."""
        distance_ms = at_ms - now_ms
        if distance_ms > self.skew_ms:
            self.skew_ms = distance_ms if distance_ms > 0 else (0 if distance_ms >= -LAG_MS else distance_ms)
        if distance_ms < self.pace_lowest_ms:
            self.pace_lowest_ms = distance_ms
        elif distance_ms > self.pace_highest_ms:
            self.pace_highest_ms = distance_ms
        if now_ms - self.pace_since_ms >= PACE_WINDOW_MS or now_ms < self.pace_since_ms:
            if self.pace_since_ms and self.pace_highest_ms - self.pace_lowest_ms <= PACE_SPREAD_MS:
                highest_ms = self.pace_highest_ms
                self.skew_ms = 0 if -LAG_MS <= highest_ms <= 0 else highest_ms
            # The next window begins with this report: two that are far apart in time make one.
            self.pace_since_ms = now_ms
            self.pace_lowest_ms = self.pace_highest_ms = distance_ms
        return self.skew_ms - distance_ms

    def row(self) -> SwitchRow:
        """What must survive of it."""
        return SwitchRow(self.name, self.up, self.first_heard_ms, self.last_heard_ms, self.skew_ms)
