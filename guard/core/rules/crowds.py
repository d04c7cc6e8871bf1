"""Crowds: how many accounts got through to one number, prefix or country, and which marks that has reached.

The second of the three roles of `across`: it takes sightings and judges them, and asks for nothing itself. What a
crowd says of a rule is a `Mark`; what has just changed about it is `Judged`.

A crowd that holds nothing any more is let go in an engine of a cluster, by a moment of its own. A single daemon keeps
it until there are too many: it costs little there, and its moments stay those of marks that stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from guard.core.rules.counters import Counter
from guard.core.rules.fitting import Fitting
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import BLOCKED, CALM, Level, level_of, settle
from guard.core.rules.rows import CrowdRow
from guard.core.rules.rule import Rule
from guard.core.rules.subjects import TallyKey, oldest
from guard.core.rules.windows import BUCKETS, Crowd

MOST_CROWDS = 50_000
"""Numbers (or prefixes, or countries) counted at once; of more the quarter called longest ago goes."""
MOST_OF_A_PARTITION = 4_000
"""The same in an engine of a cluster: a million over all partitions."""

At = Callable[[int, str, str, str], None]
"""Sets a moment: when, account (none here), counter, key."""


class Mark(NamedTuple):
    """How a rule stands on a crowd, at a moment."""

    rule: Rule
    key: str
    at_ms: int
    value: int
    estimated: bool
    since_ms: int | None
    """Since when it has stood where accounts are blocked; None: it does not."""
    until_ms: int = 0
    """When it falls at the latest, if nobody calls there any more."""


class Judged(NamedTuple):
    """What looking at a crowd has come to."""

    mark: Mark
    said: Level | None
    owner: str = ""
    """Of a warning that has cleared: the account that it was about."""
    renew: bool = False
    """It goes on, and others should hear so before they take it to be over."""


class Fallen(NamedTuple):
    """A mark that stands no longer where accounts are blocked."""

    rule: str
    key: str
    since_ms: int


class Crowds:
    """By counter and key."""

    def __init__(self, *, shared: bool) -> None:
        """`shared`: others ask by what it says; it notes what has changed, and lets go of what holds nothing."""
        self._crowds: dict[TallyKey, Crowd] = {}
        self._shared = shared
        self._most = MOST_OF_A_PARTITION if shared else MOST_CROWDS
        self._changed: dict[TallyKey, None] = {}
        """Those whose row is another now, or that are gone."""
        self._fallen: list[Fallen] = []

    # -- sightings

    def enter(self, counter: Counter, key: str, at_ms: int, account: str | None) -> Crowd | None:
        """An account has got through there (None: a call goes on); the crowd, None if nobody has called yet."""
        crowd = self._crowds.get((counter.name, key))
        if account is None:
            return crowd
        bucket = at_ms // counter.width_ms
        if crowd is None:
            self._make_room()
            crowd = self._crowds[counter.name, key] = Crowd(counter.tally(bucket))
            self._note(counter.name, key)
        tally = crowd.tally
        if tally.locate(bucket) >= 0:
            if self._shared and not tally.sets[0].holds_in(account, bucket):
                self._note(counter.name, key)
            tally.sets[0].add(account, bucket, tally.head)
        return crowd

    def _make_room(self) -> None:
        if len(self._crowds) >= self._most:
            for where in oldest({where: each.tally for where, each in self._crowds.items()}, self._most // 4):
                self._let_go(where)

    def _let_go(self, where: TallyKey) -> None:
        for rule, since_ms in self._crowds.pop(where).since.items():
            self._fell(rule, where[1], since_ms)
        self._note(*where)

    def _note(self, counter: str, key: str) -> None:
        if self._shared:
            self._changed[counter, key] = None

    def _fell(self, rule: str, key: str, since_ms: int) -> None:
        if self._shared:
            self._fallen.append(Fallen(rule, key, since_ms))

    def judge(self, rule: Rule, crowd: Crowd, counter: str, key: str, at_ms: int) -> Judged:
        """Move the standing of a rule to what the crowd says now."""
        accounts, tally, since = crowd.tally.sets[0], crowd.tally, crowd.since
        before = tally.marks.get(rule.id, CALM)
        standing, said = settle(rule, accounts.count, before, may_block=True)
        if standing != before:
            self._note(counter, key)
        if standing:
            tally.marks[rule.id] = standing
        else:
            tally.marks.pop(rule.id, None)
        if level_of(standing) == BLOCKED:
            # Never before one that fell: whoever hears of both must be able to tell which is the later.
            since.setdefault(rule.id, max(at_ms, tally.head * tally.width_ms, crowd.floor_ms))
        elif rule.id in since:
            self._fell(rule.id, key, since.pop(rule.id))
        owner = crowd.owners.pop(rule.id, "") if said is Level.CLEARED else ""
        until_ms = (tally.head + BUCKETS) * tally.width_ms
        mark = Mark(rule, key, at_ms, accounts.count, accounts.estimated, since.get(rule.id), until_ms)
        return Judged(mark, said, owner, self._shared and _to_be_told(crowd, mark, until_ms - at_ms))

    # -- time

    def look(self, name: str, key: str, due_ms: int, compiled: Compiled, at: At) -> list[Judged]:
        """The window of a crowd with standing marks has moved on, or of one without any is over."""
        crowd, counter = self._crowds.get((name, key)), compiled.counters.get(name)
        if crowd is None or counter is None or crowd.tally.due_ms != due_ms:
            return []
        tally = crowd.tally
        tally.due_ms = 0
        tally.advance(due_ms // tally.width_ms)
        found = [self.judge(reading.rule, crowd, name, key, due_ms) for reading in counter.readings]
        if self._shared and not tally.marks and not tally.sets[0].count:
            self._let_go((name, key))
        else:
            self.wait(crowd, name, key, at)
        return found

    def wait(self, crowd: Crowd, name: str, key: str, at: At) -> None:
        """It is looked at again when its window moves on, or is over."""
        tally = crowd.tally
        if tally.marks:
            due_ms = tally.next_edge_ms
            if tally.due_ms and tally.due_ms <= due_ms:
                return
        elif self._shared and not tally.due_ms:
            due_ms = (tally.head + BUCKETS) * tally.width_ms
        else:
            return
        tally.due_ms = due_ms
        at(due_ms, "", name, key)

    # -- other rules

    def fit(self, fitting: Fitting, at: At) -> None:
        """Other rules: what they do not count goes."""
        were = {where: dict(crowd.since) for where, crowd in self._crowds.items()} if self._shared else {}
        self._crowds = fitting.crowds(self._crowds, tell=not self._shared)
        for (name, key), crowd in self._crowds.items():
            crowd.tally.due_ms = 0
            self._note(name, key)
            self.wait(crowd, name, key, at)
        for where, since in were.items():
            self._note(*where)
            now = self._crowds.get(where)
            for rule, since_ms in since.items():
                if now is None or rule not in now.since:
                    self._fell(rule, where[1], since_ms)

    def of(self, counter: str) -> list[tuple[str, Crowd]]:
        """The crowds of a counter, by their keys."""
        return [(key, crowd) for (name, key), crowd in self._crowds.items() if name == counter]

    # -- rows

    def rows(self) -> tuple[CrowdRow, ...]:
        """What must survive."""
        return tuple(crowd.row(*where) for where, crowd in self._crowds.items())

    def take_changed(self) -> list[tuple[TallyKey, CrowdRow | None]]:
        """Those that have changed since the last time; None: it is no more."""
        changed, self._changed = self._changed, {}
        crowds = self._crowds
        return [(where, crowds[where].row(*where) if where in crowds else None) for where in changed]

    def take_fallen(self) -> list[Fallen]:
        """Marks that have fallen since the last time."""
        fallen, self._fallen = self._fallen, []
        return fallen

    def restore(self, rows: Iterable[CrowdRow], compiled: Compiled, at: At) -> None:
        """As `row()` wrote it; what fits no counter is left out, and marks of rules that are no more have fallen."""
        for row in rows:
            name, key = row.tally.counter, row.tally.key
            counter = compiled.counters.get(name)
            known = set() if counter is None else {reading.rule.id for reading in counter.readings}
            for rule, since_ms in row.since:
                if rule not in known:
                    self._fell(rule, key, since_ms)
            if counter is None:
                self._note(name, key)
                continue
            crowd = self._crowds[name, key] = Crowd.from_row(row, counter.width_ms)
            if self._shared:
                crowd.keep(known)
                # At the crossing they were told; whether later, too, is not known.
                crowd.told = {rule: since_ms + BUCKETS * counter.width_ms for rule, since_ms in crowd.since.items()}
            self.wait(crowd, name, key, at)


def _to_be_told(crowd: Crowd, mark: Mark, window_ms: int) -> bool:
    """Whether a mark stands of which others have heard nothing for half a window; now they do."""
    rule = mark.rule.id
    if mark.since_ms is None:
        crowd.told.pop(rule, None)
        return False
    if crowd.told.get(rule, 0) - mark.at_ms > window_ms // 2:
        return False
    crowd.told[rule] = mark.until_ms
    return True
