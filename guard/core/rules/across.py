"""Counting accounts: how many of them got through to one number, prefix or country (call-back fraud).

What is counted belongs to no account, so it has a store of its own. It takes three roles:

    sighting (here)  --counter, key, account-->  crowd (`crowds`)  --mark-->  asking (`asking`)
    an account's call passes the filters         counts, crosses marks        warns of, or blocks, accounts

In a single daemon each calls the next. In a cluster (`say` is given) they lie apart, and words between engines
(`guard.core.neighbours`) take the place of the calls: accounts are sighted and asked about in their own partition, a
crowd is counted in the partition of its counter and key, its **home**.

| word | from, to | when |
|---|---|---|
| `Sighting` | account's, home | a call begins there |
| `CrowdWarns`, `CrowdClears` | home, the account's | it has made it so many that a rule warns; that has cleared |
| `CrowdStands`, `CrowdFalls` | home, everyone | the mark at which accounts are blocked is crossed, is left |
| `CrowdStands` | home, the account's | its partition did not know when the account called there |

**Everyone knows which marks stand** (`standings`). So whoever calls there is blocked at once, in his own partition, and
so is whose call goes on, without a question to the home: as in a daemon, and also while the home has no owner. What a
block's evidence says is the number of accounts at the crossing; a daemon says the present one.

**The same decisions, with these differences in time.** The account that crosses a mark is judged when the home's word
has come back, two ways through the log after its report: some milliseconds. (If its call is over by then, because the
log was away, it is blocked when it calls there again.) Sightings of different partitions reach the home in any order,
so of two calls within that time the one or the other may be said to have made the crowd so many. A partition that is
read late sights late; each sighting counts at its own time, and nowhere if the window is past.

**Nothing is lost.** A crowd's row and what a partition has heard are stored with the batch that changed them, so a home
that dies goes on where its log goes on. Hearing twice changes nothing: accounts are a set, and of a mark that has been
heard of and fallen, or been asked for, `since_ms` says so.

**What was said may never have become so:** a home that dies before its commit has been heard already, and who takes it
up may judge a moment later and otherwise. So a sighting says which marks are believed to stand, and the home answers
when they do not (everyone, so that such a mark hits one call and no more), or others do. And a mark lapses with its
window unless the home says it again, which it does every half a window (`standings`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never, cast

from guard.core.decisions import Changes, KeptRow
from guard.core.neighbours import CrowdClears, CrowdFalls, CrowdStands, CrowdWarns, CrowdWord, Said, Sighting, Word
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rules.asking import Asking
from guard.core.rules.counters import Counter, Reading, Step
from guard.core.rules.crowds import At, Crowds, Judged, Mark
from guard.core.rules.filters import passes
from guard.core.rules.fitting import Fitting
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rows import CrowdRow, StandingRow
from guard.core.rules.speaker import Speaker
from guard.core.rules.standings import Standings
from guard.core.rules.subjects import Subject
from guard.core.rules.windows import Crowd

CROWDS, CROWD, STANDING = "crowds", "crowd", "standing"
"""Kinds of what is kept of it: all crowds of a single daemon, one of a partition, what a partition has heard of one."""
Say = Callable[[Word, int | None], None]
"""Tells the engine of a partition, or everyone (None)."""


def home_of(counter: str, key: str) -> int:
    """The partition in which a crowd is counted."""
    return partition_of(f"{counter} {key}")


def kept_crowd(row: CrowdRow) -> KeptRow:
    """As the home keeps it."""
    return KeptRow(CROWD, _name((row.tally.counter, row.tally.key)), row)


def kept_standing(row: StandingRow) -> KeptRow:
    """As whoever has heard of it keeps it."""
    return KeptRow(STANDING, _name((row.rule, row.key)), row)


def _name(where: tuple[str, str]) -> str:
    return " ".join(where)


class Across:
    """Counts accounts, or has them counted."""

    def __init__(self, subjects: Mapping[str, Subject], speaker: Speaker, at: At, say: Say | None) -> None:
        """`subjects`: accounts that are awake; they are the watch's. `say`: others decide for the rest of them."""
        self._crowds = Crowds(shared=say is not None)
        self._asking = Asking(subjects, speaker)
        self._standings = Standings()
        self._at = at
        self._shared = say is not None
        self._say = say or _to_nobody

    # -- sighting

    def count(self, step: Step, subject: Subject, seen: Observation, local_ms: int) -> None:
        """Take a report of a call that begins or goes on."""
        counter = step.counter
        key = counter.key(seen) if counter.key is not None else None
        if not key or not passes(counter.filters, seen, subject.profile, local_ms):
            return
        if self._shared:
            self._sight(counter, key, subject, seen)
            return
        crowd = self._crowds.enter(counter, key, seen.at_ms, seen.account if seen.what is What.BEGINS else None)
        if crowd is None:
            return
        marks, accounts = crowd.tally.marks, crowd.tally.sets[0].count
        for reading in counter.readings:
            if accounts >= reading.least or reading.rule.id in marks:
                self._meet(crowd, reading, counter, key, subject, seen)
        self._crowds.wait(crowd, counter.name, key, self._at)

    def _sight(self, counter: Counter, key: str, subject: Subject, seen: Observation) -> None:
        """Act by what the home has said before; tell it, and what is believed here."""
        heard: list[tuple[str, int]] = []
        for reading in counter.readings:
            row = self._standings.standing(reading.rule.id, counter.name, key, seen.at_ms)
            if row is not None:
                heard.append((row.rule, row.since_ms))
                mark = Mark(reading.rule, key, seen.at_ms, row.value, row.estimated, row.since_ms)
                self._asking.meet(mark, None, subject, seen)
        if seen.what is What.BEGINS:
            word = Sighting(counter=counter.name, key=key, account=seen.account, at_ms=seen.at_ms, heard=tuple(heard))
            self._say(word, home_of(counter.name, key))

    def _meet(
        self, crowd: Crowd, reading: Reading, counter: Counter, key: str, subject: Subject, seen: Observation
    ) -> None:
        """Crowd and account are both here."""
        judged = self._crowds.judge(reading.rule, crowd, counter.name, key, seen.at_ms)
        self._clear(judged)
        self._asking.meet(judged.mark, judged.said, subject, seen)
        if judged.said is Level.WARN:
            crowd.owners[reading.rule.id] = subject.id
        elif judged.said is Level.BLOCK:
            self._asking.cut_short(judged.mark, counter, tuple(crowd.tally.sets[0].seen))

    def _clear(self, judged: Judged) -> None:
        if judged.owner:
            mark = judged.mark
            self._asking.clear(mark.rule, judged.owner, mark.key, mark.at_ms, mark.value)

    # -- the home

    def _sighted(self, word: Sighting, counter: Counter) -> None:
        crowd = self._crowds.enter(counter, word.key, word.at_ms, word.account)
        if crowd is not None:
            told = self._judge(crowd, counter, counter.readings, word)
            self._answer(crowd, counter, word, told)

    def _judge(self, crowd: Crowd, counter: Counter, readings: Iterable[Reading], last: Sighting) -> set[str]:
        """Judge a crowd by some rules, and tell what that has come to; the last sighting is why.

        The rules of which everyone has been told that they stand.
        """
        marks, accounts, key = crowd.tally.marks, crowd.tally.sets[0].count, last.key
        told: set[str] = set()
        for reading in readings:
            if accounts >= reading.least or reading.rule.id in marks:
                judged = self._crowds.judge(reading.rule, crowd, counter.name, key, last.at_ms)
                self._tell_cleared(judged)
                if judged.said is Level.WARN:
                    crowd.owners[reading.rule.id] = last.account
                    self._say(_warning(judged.mark, counter, last.account), partition_of(last.account))
                elif judged.said is Level.BLOCK:
                    self._tell_standing(judged.mark, counter, crowd, last.account)
                    told.add(reading.rule.id)
                elif judged.renew:
                    self._say(_standing(judged.mark, counter), None)
        self._crowds.wait(crowd, counter.name, key, self._at)
        return told

    def _answer(self, crowd: Crowd, counter: Counter, word: Sighting, told: set[str]) -> None:
        """What the partition of the account believed is not so: it hears how it is."""
        heard, to = dict(word.heard), partition_of(word.account)
        for reading in counter.readings:
            rule = reading.rule.id
            since_ms, believed_ms = crowd.since.get(rule), heard.get(rule)
            if since_ms is not None and since_ms != believed_ms and rule not in told:
                mark = self._crowds.judge(reading.rule, crowd, counter.name, word.key, word.at_ms).mark
                self._say(_standing(mark, counter, accounts=(word.account,), again=True), to)
            elif since_ms is None and believed_ms is not None:
                # Others may believe it, too.
                crowd.floor_ms = max(crowd.floor_ms, believed_ms + 1)
                self._say(CrowdFalls(rule=rule, key=word.key, since_ms=believed_ms), None)

    def _tell_cleared(self, judged: Judged) -> None:
        if judged.owner:
            rule, key, at_ms, value = judged.mark[:4]
            word = CrowdClears(rule=rule.id, key=key, account=judged.owner, at_ms=at_ms, value=value)
            self._say(word, partition_of(judged.owner))

    def _tell_standing(self, mark: Mark, counter: Counter, crowd: Crowd, by: str) -> None:
        """To each with those of its accounts that may have a call up there."""
        theirs: dict[int, list[str]] = {}
        for account in crowd.tally.sets[0].seen:
            theirs.setdefault(partition_of(account), []).append(account)
        told: dict[tuple[str, ...], CrowdStands] = {}
        for part in range(PARTITIONS):
            accounts = tuple(theirs.get(part, ()))
            if accounts not in told:
                told[accounts] = _standing(mark, counter, accounts, by=by)
            self._say(told[accounts], part)

    # -- asking, by word

    def hear(self, word: CrowdWord, compiled: Compiled) -> bool:
        """Take a word; False: it is about a rule that is not known here."""
        match word:
            case Sighting():
                counter = compiled.counters.get(word.counter)
                if counter is not None:
                    self._sighted(word, counter)
                return counter is not None
            case CrowdWarns():
                return self._warned(word, compiled)
            case CrowdClears():
                return self._cleared(word, compiled)
            case CrowdStands():
                return self._stands(word, compiled)
            case CrowdFalls():
                self._standings.falls(word)
                return True
            case _:
                assert_never(word)

    def _warned(self, word: CrowdWarns, compiled: Compiled) -> bool:
        rule, counter = compiled.rules.get(word.rule), compiled.counters.get(word.counter)
        if rule is None or counter is None:
            return False
        if self._standings.warns(word):
            found = self._asking.last_call(word.account, counter, word.key)
            mark = Mark(rule, word.key, word.at_ms, word.value, word.estimated, None)
            self._asking.say(mark, Level.WARN, word.account, None if found is None else found[1])
        return True

    def _cleared(self, word: CrowdClears, compiled: Compiled) -> bool:
        rule = compiled.rules.get(word.rule)
        if rule is not None and self._standings.clears(word):
            self._asking.clear(rule, word.account, word.key, word.at_ms, word.value)
        return rule is not None

    def _stands(self, word: CrowdStands, compiled: Compiled) -> bool:
        """Kept also when the rule is not known yet: it may be at the next reload."""
        news = self._standings.stands(word)
        rule, counter = compiled.rules.get(word.rule), compiled.counters.get(word.counter)
        if rule is None or counter is None:
            return False
        row = self._standings.standing(word.rule, word.counter, word.key, word.at_ms)
        if row is not None and row.since_ms == word.since_ms:
            mark = Mark(rule, word.key, word.at_ms, word.value, word.estimated, word.since_ms)
            found = self._asking.last_call(word.by, counter, word.key) if news else None
            if found is not None and found[1].call in found[0].live:
                self._asking.meet(mark, Level.BLOCK, *found)
            self._asking.cut_short(mark, counter, word.accounts)
        return True

    # -- time

    def look(self, name: str, key: str, due_ms: int, compiled: Compiled) -> None:
        """The window of a crowd has moved on."""
        for judged in self._crowds.look(name, key, due_ms, compiled, self._at):
            if not self._shared:
                self._clear(judged)
                continue
            self._tell_cleared(judged)
            if judged.renew:
                self._say(_standing(judged.mark, compiled.counters[name]), None)

    # -- other rules

    def fit(self, fitting: Fitting, at_ms: int, *, caught_up: bool) -> None:
        """Other rules: what they do not count goes; in a home, what they see otherwise is judged at once."""
        self._crowds.fit(fitting, self._at)
        self._standings.fit(fitting)
        for name, readings in fitting.anew.items() if self._shared and caught_up else ():
            counter = fitting.now.counters[name]
            for key, crowd in self._crowds.of(name) if counter.across else ():
                # Of a great crowd nobody is known by name; the next to call there is.
                account = next(reversed(crowd.tally.sets[0].seen), None)
                if account is not None:
                    last = Sighting(counter=name, key=key, account=account, at_ms=at_ms)
                    self._judge(crowd, counter, readings, last)

    # -- what survives

    def keep(self, changes: Changes, *, whole: bool) -> None:
        """Add what is to be stored: of a single daemon all crowds, now and then; else whatever has changed.

        Marks that have fallen are told here, after all that was said of those that stand: `since_ms` sorts it.
        """
        kept = changes.kept
        if not self._shared:
            if whole:
                kept.append(KeptRow(CROWDS, "", self._crowds.rows()))
            return
        fallen = self._crowds.take_fallen()
        kept += [KeptRow(CROWD, _name(where), row) for where, row in self._crowds.take_changed()]
        kept += [KeptRow(STANDING, _name(where), row) for where, row in self._standings.take_changed()]
        changes.says += [Said(None, CrowdFalls(rule=rule, key=key, since_ms=since)) for rule, key, since in fallen]

    def restore(self, kept: KeptRow, compiled: Compiled) -> None:
        """As it was kept; what fits no counter is left out, and so is what was not counted for all partitions."""
        if kept.kind == STANDING:
            self._standings.restore(cast("StandingRow", kept.row))
        elif kept.kind == CROWD:
            self._crowds.restore((cast("CrowdRow", kept.row),), compiled, self._at)
        elif not self._shared:
            self._crowds.restore(cast("tuple[CrowdRow, ...]", kept.row), compiled, self._at)


def _to_nobody(_word: Word, _to: int | None) -> None:
    """A single daemon has nobody to tell."""


def _warning(mark: Mark, counter: Counter, account: str) -> CrowdWarns:
    return CrowdWarns(
        rule=mark.rule.id,
        counter=counter.name,
        key=mark.key,
        account=account,
        at_ms=mark.at_ms,
        value=mark.value,
        estimated=mark.estimated,
    )


def _standing(
    mark: Mark, counter: Counter, accounts: tuple[str, ...] = (), *, by: str = "", again: bool = False
) -> CrowdStands:
    return CrowdStands(
        rule=mark.rule.id,
        counter=counter.name,
        key=mark.key,
        since_ms=mark.since_ms or 0,
        at_ms=mark.at_ms,
        until_ms=mark.until_ms,
        value=mark.value,
        estimated=mark.estimated,
        by=by,
        accounts=accounts,
        again=again,
    )
