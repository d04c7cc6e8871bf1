"""The tracker: follows all accounts as the engine accepts their reports, and tells their measures when it is time.

An account that was heard of in a step of five minutes is looked at at the end of that step (`due`), as of that moment,
whoever asks and whenever: rows depend on what was observed and on nothing else, so training, backtest and daemon see
the same. What an account costs: constant work for each observation, and one row each five minutes in which it calls.

Accounts of which nothing was heard for a day are let go, except for what is usual for them. Of that `row` tells what
must survive a restart; the sums of the last hour need not: after one the model sees up to an hour less.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from guard.anomaly.measures import Measures, heights_of, measure
from guard.anomaly.recent import STEP_MS, Recent
from guard.core.records import Direction
from guard.core.rules.local import day_of, shift_ms
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.rule import OWN_CALLS
from guard.core.rules.usual import Usual, UsualRow
from guard.core.settings import DAY_MS, HOUR_MS

_OUTGOING = Direction.OUTGOING
QUIET_MS = HOUR_MS
IDLE_MS = DAY_MS


class Row(NamedTuple):
    """An account at a moment, to be scored."""

    account: str
    at_ms: int
    measures: Measures


class _Trail:
    """One account that is being followed."""

    __slots__ = ("due_ms", "idle_ms", "opened_ms", "profile", "recent", "timezone")

    def __init__(self) -> None:
        self.recent = Recent()
        self.profile: Profile | None = None
        """Let go after an hour of silence, as the rules put it aside then too."""
        self.timezone = ""
        self.opened_ms: int | None = None
        self.due_ms = 0
        """When it is to be looked at; 0: not until it is heard of."""
        self.idle_ms = 0
        """When to look whether it is to be let go."""


class Tracker:
    """All accounts, as the model sees them."""

    __slots__ = ("_changed", "_followed", "_moments", "_trails", "_usual")

    def __init__(self) -> None:
        self._trails: dict[str, _Trail] = {}
        self._followed: set[str] = set()
        self._changed: set[str] = set()
        """Accounts for which a new day has begun."""
        self._usual: dict[str, Usual] = {}
        self._moments: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._trails)

    def take(self, seen: Observation, profile: Profile, up: int) -> None:
        """An observation that the rules have taken; `profile`: the account's, `up`: how many of its calls are up."""
        direction = seen.direction
        if direction is not _OUTGOING and direction not in OWN_CALLS:  # most are: a set's hash costs as much as a call
            return
        trail = self._trails.get(seen.account)
        if trail is None:
            trail = self._trails[seen.account] = _Trail()
            self._at(trail, seen.account, seen.at_ms)
        trail.recent.take(seen, profile, up)
        if not trail.due_ms or trail.profile is not profile:
            self._heard(trail, seen, profile)

    def _heard(self, trail: _Trail, seen: Observation, profile: Profile) -> None:
        """The first that is heard of an account in a step: what is known of it, and when to look."""
        trail.profile, trail.timezone, trail.opened_ms = profile, seen.timezone, seen.opened_ms
        if not trail.due_ms:
            trail.due_ms = (seen.at_ms // STEP_MS + 1) * STEP_MS
            heappush(self._moments, (trail.due_ms, seen.account))

    @property
    def next_due_ms(self) -> int | None:
        """When `due` has something to tell."""
        return self._moments[0][0] if self._moments else None

    def due(self, now_ms: int) -> list[Row]:
        """The rows whose moment has come by now, in the order of moments."""
        rows: list[Row] = []
        while self._moments and self._moments[0][0] <= now_ms:
            moment_ms, account = heappop(self._moments)
            trail = self._trails.get(account)
            if trail is None:
                continue
            profile = trail.profile
            if trail.due_ms == moment_ms and profile is not None:
                rows.append(Row(account, moment_ms, self._look(account, trail, profile, moment_ms)))
                self._looked(account, trail, moment_ms)
            if trail.idle_ms == moment_ms:
                self._rest(account, trail, moment_ms)
        return rows

    def _looked(self, account: str, trail: _Trail, moment_ms: int) -> None:
        """Look again when it is heard of; one that is followed at the end of the next step in any case."""
        trail.due_ms = 0
        if account in self._followed:
            self._look_again(account, trail, moment_ms + STEP_MS)

    def _look_again(self, account: str, trail: _Trail, moment_ms: int) -> None:
        trail.due_ms = moment_ms
        heappush(self._moments, (moment_ms, account))

    def follow(self, account: str, at_ms: int) -> None:
        """Look at an account, looked at then, each step from now on, whether or not it is heard of."""
        self._followed.add(account)
        trail = self._trails.get(account)
        if trail is not None and not trail.due_ms:
            self._look_again(account, trail, at_ms + STEP_MS)

    def unfollow(self, account: str) -> None:
        """Look at it only when it is heard of."""
        self._followed.discard(account)

    def follows(self, account: str) -> bool:
        """Whether an account is followed."""
        return account in self._followed

    def _at(self, trail: _Trail, account: str, heard_ms: int) -> None:
        """Look an hour later whether it has fallen silent, at the end of a step."""
        trail.idle_ms = (heard_ms // STEP_MS + 1) * STEP_MS + QUIET_MS
        heappush(self._moments, (trail.idle_ms, account))

    def _rest(self, account: str, trail: _Trail, moment_ms: int) -> None:
        """Let go what is not needed of an account that has fallen silent; after a day all of it."""
        silent_ms = moment_ms - trail.recent.newest_ms
        if account not in self._followed:
            if silent_ms >= IDLE_MS:
                del self._trails[account]
                return
            if silent_ms >= QUIET_MS:
                trail.profile = None
        self._at(trail, account, moment_ms)

    def _look(self, account: str, trail: _Trail, profile: Profile, moment_ms: int) -> Measures:
        usual = self._usual.get(account)
        if usual is None:
            usual = self._usual[account] = Usual()
        shift = shift_ms(moment_ms - 1, trail.timezone)
        told = measure(trail.recent, usual, profile, moment_ms, shift, trail.opened_ms)
        began = usual.note(day_of(moment_ms - 1 + shift), heights_of(trail.recent, moment_ms), profile)
        if began:
            self._changed.add(account)
        return told

    def take_changed(self) -> list[tuple[str, UsualRow]]:
        """What is to be stored since the last time: of an account once a day, when the day before is complete."""
        changed, self._changed = self._changed, set()
        return [(account, self._usual[account].row()) for account in sorted(changed) if account in self._usual]

    def row(self, account: str) -> UsualRow | None:
        """What must survive of an account; None: nothing."""
        usual = self._usual.get(account)
        return None if usual is None else usual.row()

    def restore(self, account: str, row: UsualRow) -> None:
        """Take up an account where `row()` left it."""
        self._usual[account] = Usual.from_row(row)

    def forget(self, account: str) -> None:
        """Let an account go."""
        self._trails.pop(account, None)
        self._followed.discard(account)
        self._usual.pop(account, None)
