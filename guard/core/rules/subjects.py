"""All that rules know about one account: its tallies, its calls that are up, its profile.

Memory is bounded: `MOST_TALLIES` counters and keys, of which those without a standing mark that were heard of longest
ago go first; a few recent calls as evidence; a profile. What no window holds any more is freed by `sweep`. Calls that
are up are as many as the account has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from guard.core.records import Direction
from guard.core.rules.local import NO_QUARTER
from guard.core.rules.observation import CallKey, Observation, What
from guard.core.rules.profile import Profile
from guard.core.rules.rows import LiveRow, PresenceRow, SeenRow, SubjectRow
from guard.core.rules.windows import BUCKETS, Tally
from guard.core.tariff import CallClass

if TYPE_CHECKING:
    from guard.core.rules.counters import Counter
    from guard.core.rules.lanes import Compiled, Lane
    from guard.core.rules.routes import Route

MOST_TALLIES = 512
"""Per account, of some 600 bytes each: an office that calls 150 numbers stays below with three rules by number."""
MOST_SEEN = 8
"""Recent calls kept as evidence."""
MOST_ACROSS = 64
"""Blocks for a number that many accounts call, remembered per account so that each is asked for once."""

TallyKey = tuple[str, str]
"""Counter and key."""


class Presence:
    """Calls that are up, of one counter and key."""

    __slots__ = ("calls", "key", "marks", "name", "net_micros", "rate_micros")

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        self.calls = 0
        self.rate_micros = 0
        self.net_micros = 0
        self.marks: dict[str, int] = {}


class Live:
    """A call that is up, and where it counts."""

    __slots__ = ("compiled", "joined", "lane", "marks", "net_micros", "number", "placed", "rate_micros", "route")

    def __init__(self, compiled: Compiled, lane: Lane) -> None:
        self.compiled = compiled
        """The rules that `lane` is of."""
        self.lane = lane
        self.placed: Compiled | None = None
        """The rules whose sums it has `joined`; None: to be found out."""
        self.joined: tuple[Presence, ...] = ()
        self.number = ""
        self.rate_micros = 0
        self.net_micros = 0
        self.marks: dict[str, int] = {}
        """Of rules on its duration."""
        self.route: Route | None = None
        """Where its reports count; None: to be found out."""

    def leave(self) -> None:
        """Count no more where it counted."""
        for presence in self.joined:
            presence.calls -= 1
            presence.rate_micros -= self.rate_micros
            presence.net_micros -= self.net_micros
        self.joined = ()

    def join(self, presences: tuple[Presence, ...]) -> None:
        """Count there, with all that is known of it."""
        self.joined = presences
        for presence in presences:
            presence.calls += 1
            presence.rate_micros += self.rate_micros
            presence.net_micros += self.net_micros

    def grow(self, net_micros: int) -> None:
        """It has cost so much more."""
        self.net_micros += net_micros
        for presence in self.joined:
            presence.net_micros += net_micros


class Subject:
    """One account."""

    __slots__ = (
        "across",
        "drift_from_micros",
        "drifts",
        "epoch",
        "id",
        "live",
        "present",
        "profile",
        "quarter",
        "seen",
        "sweep_ms",
        "tallies",
        "timezone",
    )

    def __init__(self, account: str, profile: Profile) -> None:
        self.id = account
        self.timezone = ""
        self.profile = profile
        self.tallies: dict[TallyKey, Tally] = {}
        self.live: dict[CallKey, Live] = {}
        self.present: dict[TallyKey, Presence] = {}
        self.drifts: dict[str, int] = {}
        """Standing, by rule."""
        self.across: dict[TallyKey, int] = {}
        """By rule and key: since when it has stood where this account was to be blocked."""
        self.seen: list[Observation] = []
        """The last few calls and attempts, oldest first."""
        self.quarter = NO_QUARTER
        """Where its clock stood last."""
        self.epoch = 0
        """Another one begins whenever tallies are let go, the profile learns or the rules are others: routes hold for
        one of them."""
        self.drift_from_micros: int | None = None
        """Spent today, it makes a rule on drift climb: for one epoch, like routes. None: to be worked out."""
        self.sweep_ms = 0
        """When to look for what can be freed."""

    def presence(self, name: str, key: str) -> Presence:
        """That of a counter and key."""
        presence = self.present.get((name, key))
        if presence is None:
            presence = self.present[name, key] = Presence(name, key)
        return presence

    def renew(self) -> None:
        """Another epoch: what was worked out from tallies, profile and rules is worked out anew."""
        self.epoch += 1
        self.drift_from_micros = None

    def make_room(self) -> int:
        """Too many tallies: a quarter goes, that heard of longest ago. How many went."""
        gone = oldest(self.tallies, MOST_TALLIES // 4)
        for where in gone:
            del self.tallies[where]
        self.renew()
        return len(gone)

    def sweep(self, counters: Mapping[str, Counter], at_ms: int) -> None:
        """Free what no window holds any more."""
        tallies = self.tallies
        # Written out: most accounts keep some dozens, and each is looked at every hour.
        gone = [
            where
            for where, tally in tallies.items()
            if (at_ms // tally.width_ms >= tally.head + BUCKETS and not tally.marks) or where[0] not in counters
        ]
        if gone:
            for where in gone:
                del tallies[where]
            self.renew()

    @property
    def idle(self) -> bool:
        """Whether nothing is left of it but its profile."""
        return not (self.tallies or self.live or self.present or self.drifts or self.across)

    def see(self, seen: Observation) -> None:
        """Keep a call or an attempt as evidence."""
        self.seen.append(seen)
        if len(self.seen) > MOST_SEEN:
            del self.seen[0]

    # -- rows -------------------------------------------------------------------------------------------------------

    def row(self, present_name: str) -> SubjectRow:
        """What must survive of it; `present_name` is that of the rules."""
        return SubjectRow(
            account=self.id,
            timezone=self.timezone,
            sweep_ms=self.sweep_ms,
            rules=present_name,
            profile=self.profile.row(),
            tallies=tuple(tally.row(*where) for where, tally in self.tallies.items()),
            live=tuple(_live_row(key, live) for key, live in self.live.items()),
            present=tuple(
                PresenceRow(each.name, each.key, tuple(each.marks.items()))
                for each in self.present.values()
                if each.marks
            ),
            drifts=tuple(self.drifts.items()),
            across=tuple((rule, key, since) for (rule, key), since in self.across.items()),
            seen=tuple(_seen_row(each) for each in self.seen),
        )

    @classmethod
    def from_row(cls, row: SubjectRow, compiled: Compiled) -> Subject:
        """As `row()` wrote it; what fits no counter of these rules is left out."""
        subject = cls(row.account, Profile.from_row(row.profile))
        subject.timezone = row.timezone
        for tally in row.tallies:
            counter = compiled.counters.get(tally.counter)
            if counter is not None:
                subject.tallies[tally.counter, tally.key] = Tally.from_row(
                    tally, counter.width_ms, len(counter.columns)
                )
        for present in row.present:
            if present.counter in compiled.present:
                subject.presence(present.counter, present.key).marks = dict(present.marks)
        for live in row.live:
            subject.live[live.switch, live.call] = _live_of(live, subject, compiled, row.rules)
        subject.drifts = dict(row.drifts)
        subject.across = {(rule, key): since for rule, key, since in row.across}
        subject.seen.extend(_seen_of(each, row) for each in row.seen)
        return subject


def oldest(tallies: Mapping[TallyKey, Tally], count: int) -> list[TallyKey]:
    """So many of them: first those without a standing mark, and of these those whose newest event is oldest."""

    def order(where: TallyKey) -> tuple[bool, int]:
        tally = tallies[where]
        return (bool(tally.marks), tally.head * tally.width_ms)

    return sorted(tallies, key=order)[:count]


def _live_row(key: CallKey, live: Live) -> LiveRow:
    return LiveRow(
        switch=key[0],
        call=key[1],
        direction=live.lane.direction.value,
        kind=live.lane.kind.value,
        number=live.number,
        rate_micros=live.rate_micros,
        net_micros=live.net_micros,
        joined=tuple((presence.name, presence.key) for presence in live.joined),
        marks=tuple(live.marks.items()),
    )


def _live_of(row: LiveRow, subject: Subject, compiled: Compiled, subject_rules: str) -> Live:
    live = Live(compiled, compiled.lanes[Direction(row.direction), CallClass(row.kind)])
    live.number, live.rate_micros, live.net_micros = row.number, row.rate_micros, row.net_micros
    live.marks = dict(row.marks)
    if subject_rules == compiled.present_name:
        live.placed = compiled
    live.join(tuple(subject.presence(name, key) for name, key in row.joined if name in compiled.present))
    return live


def _seen_row(seen: Observation) -> SeenRow:
    return SeenRow(
        at_ms=seen.at_ms,
        failed=seen.what is What.FAILED,
        switch=seen.call[0],
        call=seen.call[1],
        direction=seen.direction.value,
        kind=seen.kind.value,
        country=seen.country,
        prefix=seen.prefix,
        number=seen.number,
        dialled=seen.dialled,
        place=seen.place,
        source=seen.source,
        rate_micros=seen.rate_micros,
        opened_ms=seen.opened_ms,
    )


def _seen_of(row: SeenRow, subject: SubjectRow) -> Observation:
    return Observation(
        account=subject.account,
        at_ms=row.at_ms,
        what=What.FAILED if row.failed else What.BEGINS,
        call=(row.switch, row.call),
        direction=Direction(row.direction),
        kind=CallClass(row.kind),
        country=row.country,
        prefix=row.prefix,
        number=row.number,
        dialled=row.dialled,
        place=row.place,
        source=row.source,
        rate_micros=row.rate_micros,
        timezone=subject.timezone,
        opened_ms=row.opened_ms,
    )
