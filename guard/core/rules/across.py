"""Counting accounts: how many of them got through to one number, prefix or country (call-back fraud).

What is counted belongs to no account, so it has a store of its own, bounded by `MOST_CROWDS`. A warning is told once,
about the account that made it so many. A block is about each account that calls there while it stands, and each is
asked for once: of accounts that have a call up there, when the mark is crossed; of others when they call there (again).
Whoever has called before and does not again is not blocked: there is nothing left to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from guard.core.rules.counters import Counter, Step
from guard.core.rules.filters import passes
from guard.core.rules.fitting import Fitting
from guard.core.rules.hits import Crossing
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import BLOCKED, CALM, Level, level_of, settle
from guard.core.rules.observation import Observation, What
from guard.core.rules.rows import CrowdRow
from guard.core.rules.rule import Rule
from guard.core.rules.speaker import Speaker, may_block, recent_calls
from guard.core.rules.subjects import MOST_ACROSS, Subject, TallyKey, oldest
from guard.core.rules.windows import Crowd

MOST_CROWDS = 50_000
"""Numbers (or prefixes, or countries) counted at once; of more the quarter called longest ago goes."""

At = Callable[[int, str, str, str], None]
"""Sets a moment: when, account (none here), counter, key."""


class Across:
    """Crowds by counter and key."""

    def __init__(self, subjects: Mapping[str, Subject]) -> None:
        self._crowds: dict[TallyKey, Crowd] = {}
        self._subjects = subjects
        """Accounts that are awake; they are the watch's."""

    def fit(self, fitting: Fitting, at: At) -> None:
        """Other rules: what they do not count goes."""
        self._crowds = fitting.crowds(self._crowds)
        for (name, key), crowd in self._crowds.items():
            if crowd.tally.marks:
                crowd.tally.due_ms = crowd.tally.next_edge_ms
                at(crowd.tally.due_ms, "", name, key)

    def count(self, step: Step, subject: Subject, seen: Observation, local_ms: int, speaker: Speaker, at: At) -> None:
        """Take a report of a call that begins or goes on."""
        counter = step.counter
        key = counter.key(seen) if counter.key is not None else None
        if not key or not passes(counter.filters, seen, subject.profile, local_ms):
            return
        bucket = seen.at_ms // counter.width_ms
        crowd = self._crowds.get((counter.name, key))
        if crowd is None:
            if seen.what is not What.BEGINS:
                return
            crowd = self._crowd(counter, key, bucket)
        tally = crowd.tally
        if seen.what is What.BEGINS and tally.locate(bucket) >= 0:
            tally.sets[0].add(seen.account, bucket, tally.head)
        for _, least, reading in step.counts:
            if tally.sets[0].count >= least or reading.rule.id in tally.marks:
                self._judge(Mark(reading.rule, crowd, key, seen.at_ms), counter, subject, seen, speaker)
        if tally.marks and not tally.due_ms:
            tally.due_ms = tally.next_edge_ms
            at(tally.due_ms, "", counter.name, key)

    def look(self, name: str, key: str, due_ms: int, compiled: Compiled, speaker: Speaker, at: At) -> None:
        """The window of a crowd with standing marks has moved on."""
        crowd, counter = self._crowds.get((name, key)), compiled.counters.get(name)
        if crowd is None or counter is None or crowd.tally.due_ms != due_ms:
            return
        tally = crowd.tally
        tally.due_ms = 0
        tally.advance(due_ms // tally.width_ms)
        for reading in counter.readings:
            rule, value = reading.rule, tally.sets[0].count
            said = _settle(rule, crowd, due_ms)
            owner = crowd.owners.pop(rule.id, None) if said is Level.CLEARED else None
            if owner is not None:
                speaker.say(Crossing(rule=rule, account=owner, key=key, at_ms=due_ms, level=Level.CLEARED, value=value))
        if tally.marks:
            tally.due_ms = tally.next_edge_ms
            at(tally.due_ms, "", name, key)

    def rows(self) -> tuple[CrowdRow, ...]:
        """What must survive."""
        return tuple(crowd.row(*where) for where, crowd in self._crowds.items())

    def restore(self, rows: Iterable[CrowdRow], compiled: Compiled, at: At) -> None:
        """As `rows()` wrote it; what fits no counter is left out."""
        for row in rows:
            counter = compiled.counters.get(row.tally.counter)
            if counter is None:
                continue
            crowd = self._crowds[row.tally.counter, row.tally.key] = Crowd.from_row(row, counter.width_ms)
            if crowd.tally.marks:
                crowd.tally.due_ms = crowd.tally.next_edge_ms
                at(crowd.tally.due_ms, "", row.tally.counter, row.tally.key)

    def _crowd(self, counter: Counter, key: str, bucket: int) -> Crowd:
        if len(self._crowds) >= MOST_CROWDS:
            for where in oldest({where: each.tally for where, each in self._crowds.items()}, MOST_CROWDS // 4):
                del self._crowds[where]
        crowd = self._crowds[counter.name, key] = Crowd(counter.tally(bucket))
        return crowd

    def _judge(self, mark: Mark, counter: Counter, subject: Subject, seen: Observation, speaker: Speaker) -> None:
        rule, crowd = mark.rule, mark.crowd
        said = _settle(rule, crowd, seen.at_ms)
        stands = rule.id in crowd.since
        if stands and may_block(rule, subject, seen):
            mark.ask_once(subject, seen, speaker)
        elif said is Level.WARN or said is Level.BLOCK:
            mark.say(Level.WARN, seen, speaker, learning=stands)
        if said is Level.WARN:
            crowd.owners[rule.id] = subject.id
        elif said is Level.BLOCK:
            self._cut_short(mark, counter, speaker)

    def _cut_short(self, mark: Mark, counter: Counter, speaker: Speaker) -> None:
        """Those who have a call up there: their next report may be a minute away. Of a great crowd it is awaited."""
        for account in tuple(mark.crowd.tally.sets[0].seen):
            subject = self._subjects.get(account)
            if subject is None:
                continue
            for call in recent_calls(subject, counter, mark.key):
                if call.call in subject.live and may_block(mark.rule, subject, call):
                    mark.ask_once(subject, call, speaker)


class Mark(NamedTuple):
    """A rule on a crowd, at a moment."""

    rule: Rule
    crowd: Crowd
    key: str
    at_ms: int

    def ask_once(self, subject: Subject, call: Observation, speaker: Speaker) -> None:
        """Ask for the block of an account, unless that has been done since the mark was crossed."""
        since_ms = self.crowd.since[self.rule.id]
        if subject.across.get((self.rule.id, self.key)) != since_ms:
            _remember(subject, (self.rule.id, self.key), since_ms)
            self.say(Level.BLOCK, call, speaker)

    def say(self, level: Level, call: Observation, speaker: Speaker, *, learning: bool = False) -> None:
        """Speak of the account that made the call."""
        accounts = self.crowd.tally.sets[0]
        speaker.say(
            Crossing(
                rule=self.rule,
                account=call.account,
                key=self.key,
                at_ms=self.at_ms,
                level=level,
                value=accounts.count,
                estimated=accounts.estimated,
                learning=learning,
                calls=(call,),
            )
        )


def _settle(rule: Rule, crowd: Crowd, at_ms: int) -> Level | None:
    """Move the standing; note since when it has stood where accounts are blocked."""
    marks = crowd.tally.marks
    standing, said = settle(rule, crowd.tally.sets[0].count, marks.get(rule.id, CALM), may_block=True)
    if standing:
        marks[rule.id] = standing
    else:
        marks.pop(rule.id, None)
    if level_of(standing) == BLOCKED:
        crowd.since.setdefault(rule.id, at_ms)
    else:
        crowd.since.pop(rule.id, None)
    return said


def _remember(subject: Subject, where: TallyKey, since_ms: int) -> None:
    if len(subject.across) >= MOST_ACROSS:
        del subject.across[next(iter(subject.across))]
    subject.across[where] = since_ms
