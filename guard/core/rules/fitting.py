"""Fitting: other rules take over what the ones before have counted, as far as it still means the same.

A counter means the same if it looks at the same calls, by the same key, over the same window; which rules read it is of
no matter, so sums and distinct things go on when a rule joins them, leaves them or gets other marks. What only a new
rule wants to know begins at nothing.

| a rule | its standing |
|---|---|
| is as it was, but for its title | stays |
| has other marks, or asks for another block | stays, and is judged anew by them at once |
| has another mode, measure or `where` | goes, what it had warned of clears; it is judged anew at once |
| is gone | goes; what it had warned of clears, so that nobody waits for it |

So a mark that is lowered in the middle of a fraud, or a rule that acts from now on, needs no further call to act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guard.core.rules.counters import Counter, basis_of
from guard.core.rules.hits import Hit
from guard.core.rules.lanes import Compiled
from guard.core.rules.levels import Level, was_told
from guard.core.rules.rule import Rule
from guard.core.rules.sentences import key_in_words
from guard.core.rules.subjects import Subject
from guard.core.rules.windows import Crowd, Distinct, Tally


class Fitting:
    """From one rule set to the next, at a moment; what is to be told of it gathers in `hits`."""

    __slots__ = ("_at_ms", "_into", "_moved", "_was", "anew", "gone", "hits", "now")

    def __init__(self, was: Compiled, now: Compiled, at_ms: int) -> None:
        self._was, self.now, self._at_ms = was, now, at_ms
        self.gone = {rule.id: rule for rule in was.rules.values() if not _goes_on(rule, now.rules.get(rule.id))}
        """Rules whose standing means nothing any more."""
        by_basis = {counter.basis: counter for counter in now.counters.values()}
        news = frozenset(rule.id for rule in now.rules.values() if not _same(rule, was.rules.get(rule.id)))
        self._into = {name: by_basis.get(counter.basis) for name, counter in was.counters.items()}
        """By the name of a counter: the one that goes on from it; None: nobody wants to know any more."""
        self._moved = any(into is None or into.name != name for name, into in self._into.items())
        concerned = {
            name: [reading for reading in counter.readings if reading.rule.id in news]
            for name, counter in now.counters.items()
        }
        self.anew = {name: readings for name, readings in concerned.items() if readings}
        """By counter: rules that are to be judged anew."""
        self.hits: list[Hit] = []

    @property
    def idle(self) -> bool:
        """Whether what there is fits as it is."""
        return not (self.gone or self.anew or self._moved)

    def subject(self, subject: Subject) -> None:
        """Fit one account. There may be many of them, and most have no mark."""
        if self.gone:
            self._drop_marks(subject)
        if self._moved:
            self._move(subject)

    def _drop_marks(self, subject: Subject) -> None:
        for (_name, key), tally in subject.tallies.items():
            if tally.marks:
                self._drop(tally.marks, subject.id, key)
        for (_name, key), presence in subject.present.items():
            if presence.marks:
                self._drop(presence.marks, subject.id, key)
        for call, live in subject.live.items():
            if live.marks:
                self._drop(live.marks, subject.id, "/".join(call))
        if subject.drifts:
            self._drop(subject.drifts, subject.id, "")
        if subject.across:
            subject.across = {where: since for where, since in subject.across.items() if where[0] not in self.gone}
        kept = self.now.present
        gone = [where for where, each in subject.present.items() if not each.calls and where[0] not in kept]
        for where in gone:
            del subject.present[where]

    def _move(self, subject: Subject) -> None:
        """Tallies to the counters that go on from theirs."""
        tallies: dict[tuple[str, str], Tally] = {}
        for (name, key), tally in subject.tallies.items():
            into = self._into.get(name)
            if into is not None:
                tallies[into.name, key] = tally if into.name == name else carried(tally, self._was.counters[name], into)
        subject.tallies = tallies

    def crowds(self, crowds: Mapping[tuple[str, str], Crowd], *, tell: bool) -> dict[tuple[str, str], Crowd]:
        """Fit what is counted across accounts; `tell`: whom a rule that goes had warned is told here."""
        fitted: dict[tuple[str, str], Crowd] = {}
        for (name, key), crowd in crowds.items():
            into = self._into.get(name)
            for rule_id in [each for each in crowd.tally.marks if each in self.gone]:
                del crowd.tally.marks[rule_id]
                crowd.since.pop(rule_id, None)
                owner = crowd.owners.pop(rule_id, None)
                if owner is not None and tell:
                    self.clear(self.gone[rule_id], owner, key)
            if into is not None:
                fitted[into.name, key] = crowd
        return fitted

    def _drop(self, marks: dict[str, int], account: str, key: str) -> None:
        for rule_id in [each for each in marks if each in self.gone]:
            if was_told(marks.pop(rule_id)):
                self.clear(self.gone[rule_id], account, key)

    def clear(self, rule: Rule, account: str, key: str) -> None:
        """What a rule that goes had warned of stands no longer."""
        now = self.now.rules.get(rule.id)
        why = "is in force no longer" if now is None else "is another now"
        self.hits.append(
            Hit(
                rule=rule,
                account=account,
                key=key,
                shown_key=key_in_words(rule, key),
                at_ms=self._at_ms,
                level=Level.CLEARED,
                value=0,
                threshold=rule.lowest,
                estimated=False,
                learning=False,
                evidence=(),
                text=f"Cleared: rule {rule.id} {why}, so what it warned of stands no longer.",
            )
        )


def _goes_on(rule: Rule, other: Rule | None) -> bool:
    """Whether a standing means the same by the other rule."""
    return (
        other is not None
        and (rule.mode, rule.measure) == (other.mode, other.measure)
        and basis_of(rule) == basis_of(other)
    )


def _same(rule: Rule, other: Rule | None) -> bool:
    return other is not None and replace(other, title=rule.title) == rule


def carried(tally: Tally, was: Counter, now: Counter) -> Tally:
    """What a counter knew, in the columns and sets of the one that goes on from it."""
    fitted = Tally(tally.width_ms, tally.head, len(now.columns), 0)
    stride = len(was.columns) + 1
    sources = [was.columns.index(column) + 1 if column in was.columns else 0 for column in now.columns]
    for begin in range(0, len(tally.cells), stride):
        row = tally.cells[begin : begin + stride]
        fitted.cells += [row[0], *(row[source] if source else 0 for source in sources)]
    fitted.totals = [tally.totals[source - 1] if source else 0 for source in sources]
    fitted.sets = tuple(
        tally.sets[was.sets.index(measure)] if measure in was.sets else Distinct() for measure in now.sets
    )
    fitted.marks = tally.marks
    return fitted
