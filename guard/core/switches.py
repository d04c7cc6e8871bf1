"""What guard knows about one switch: its live calls, its memory of ended ones, its clock, and whether it speaks.

**Clock.** `at` is the switch's own time. `skew_ms` estimates its clock minus ours, from reports alone. A report from
the future proves that the clock is ahead, at once. A clock that is behind looks like a backlog at first; what tells
them apart is pace: over `PACE_WINDOW_MS` a live switch's reports arrive as fast as its clock runs, a backlog arrives
faster. A constant distance within a window is therefore taken as the skew. Distances up to `LAG_MS` behind are
ordinary delay and leave the skew at zero. When our own clock is set, its distance from every other changes by just so
much. A jump forward of more than `LAG_MS` is a clock that was set, and the calls
known before keep their age (`Intake`); any other correction holds for all calls at once.

**Lag.** A report more than `LAG_MS` old (corrected) says that a backlog is being read: until a fresh report, or until
nothing has come for `QUIET_MS`, calls count only what they stated, and accounts whose moment may have passed wait in
`parked`. The same after a start and after each subscription, when what has waited at the broker comes first, however
young it is: there only a report proves that all of it has been read that was sent since (`hears_since_ms`), because a
switch's reports come in the order in which it sent them.

**Silence.** Reports count, not acks: `last_heard_ms` is the last report, `last_seen_ms` the last message of any kind.
`talking_since_ms` is when the switch last began to speak after a pause; a call is only stale when the
switch has been talking without mentioning it. What silence means, and who is told of it, is `guard.core.presence`'s.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from guard.core.expectation import Expectation
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


class Silence(Enum):
    """Why on-call was told that a switch says nothing."""

    CALLS_UP = "calls_up"
    """It has calls up, or had when it went down."""
    UNUSUAL = "unusual"
    """At this hour of the week it usually brings calls."""
    ABSENT = "absent"
    """No word of any kind for long, and no answer."""


class Switch:
    """One known switch."""

    __slots__ = (
        "accepted",
        "acked_at_ms",
        "asked_at_ms",
        "calls",
        "doubt_until_ms",
        "down_at_ms",
        "expectation",
        "first_heard_ms",
        "hears_since_ms",
        "lagging",
        "last_heard_ms",
        "last_seen_ms",
        "look_due_ms",
        "name",
        "outcomes",
        "pace_highest_ms",
        "pace_lowest_ms",
        "pace_since_ms",
        "parked",
        "pending",
        "quiet_due_ms",
        "refused",
        "remembered",
        "silence",
        "skew_ms",
        "snapshot",
        "snapshots_made",
        "synced",
        "talking_since_ms",
        "ticks",
        "told_at_ms",
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
        self.hears_since_ms = now_ms
        """Since when guard hears what it says; what it said before has waited, and comes first."""
        self.quiet_due_ms: int | None = None
        self.doubt_until_ms = 0
        self.silence: Silence | None = None
        """What on-call was told, and not yet that it is over."""
        self.look_due_ms: int | None = None
        """When to see whether it is silent for too long."""
        self.asked_at_ms = 0
        """When it was last given a snapshot to see whether it is there."""
        self.expectation = Expectation()
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
        self.refused: dict[str, Pending] = {}
        """Of these the ones that it said no to, the latest last."""
        self.snapshot: Snapshot | None = None
        self.snapshots_made = 0
        self.synced = False
        self.told_at_ms: int | None = None
        """When on-call was last told that commands wait here; None: since then none has waited."""
        self.acked_at_ms: dict[str, int] = {}

    def total(self, currency: str) -> Flight:
        """The sums over all its live calls in a currency."""
        total = self.totals.get(currency)
        if total is None:
            total = self.totals[currency] = Flight(self)
        return total

    @property
    def blind(self) -> bool:
        """It says nothing although calls are up."""
        return self.silence is Silence.CALLS_UP

    @property
    def present(self) -> bool:
        """Commands are waited for: it is up, and has not been away for so long that nobody expects it."""
        return self.up and self.silence is not Silence.ABSENT

    @property
    def last_word_ms(self) -> int:
        """When it last said anything."""
        return max(self.last_seen_ms, self.last_heard_ms)

    def heard(self, now_ms: int, pause_ms: int) -> None:
        """It reported; a pause longer than `pause_ms` before that starts a new stretch of talking."""
        if now_ms - self.last_heard_ms > pause_ms:
            self.talking_since_ms = now_ms
        self.last_heard_ms = self.last_seen_ms = now_ms

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

    def our_clock_stepped(self, step_ms: int) -> None:
        """Ours was set by so much, so its clock is as much further behind; a report that says otherwise is believed."""
        self.skew_ms -= step_ms
        self.pace_lowest_ms -= step_ms
        self.pace_highest_ms -= step_ms
        if self.pace_since_ms:
            self.pace_since_ms += step_ms

    def row(self) -> SwitchRow:
        """What must survive of it."""
        return SwitchRow(
            name=self.name,
            up=self.up,
            first_heard_ms=self.first_heard_ms,
            last_heard_ms=self.last_heard_ms,
            skew_ms=self.skew_ms,
            last_seen_ms=self.last_seen_ms,
            down_at_ms=self.down_at_ms,
            silence="" if self.silence is None else self.silence.value,
            told_at_ms=self.told_at_ms,
        )

    def restore(self, row: SwitchRow) -> None:
        """Go on from there."""
        self.up = bool(row.up)
        self.first_heard_ms = row.first_heard_ms
        self.last_heard_ms = max(row.last_heard_ms, row.first_heard_ms)
        self.last_seen_ms = max(row.last_seen_ms, self.last_heard_ms)
        self.skew_ms = row.skew_ms
        self.down_at_ms = row.down_at_ms
        self.silence = Silence(row.silence) if row.silence else None
        self.told_at_ms = row.told_at_ms
