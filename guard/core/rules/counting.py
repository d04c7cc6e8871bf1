"""Counting observations into an account's tallies, and judging the rules on those that moved.

Most observations are ticks, and the ticks of a call go where the one before went: which tallies those are is worked
out once and kept with the call (`Route`) for as long as nothing that `where` asks could answer differently. Counters
that ask for the hour or the account's age are asked each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from guard.core.rules.counters import Amounts, Compiled, Counter, Reading, Step, amounts
from guard.core.rules.local import shift_ms
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Measure, Rule
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import MOST_TALLIES, Place, Subject
from guard.core.rules.windows import Tally

_new = tuple.__new__
"""Makes a place for a third of what calling its class costs."""

At = Callable[[int, str, str, str], None]
"""Sets a moment: when, account, counter, key."""


class Counting:
    """Tallies of all accounts, under one rule set at a time."""

    __slots__ = ("_at", "_speaker", "compiled", "forgotten")

    def __init__(self, compiled: Compiled, speaker: Speaker, at: At) -> None:
        self.compiled = compiled
        self._speaker = speaker
        self._at = at
        self.forgotten = 0
        """Tallies let go because an account had too many."""

    def take(self, steps: tuple[Step, ...], subject: Subject, seen: Observation, local_ms: int) -> None:
        """Count one observation wherever these steps say."""
        added = amounts(seen)
        for step in steps:
            place = self._place(step, subject, seen, local_ms)
            if place is not None:
                self.count((place,), subject, seen, added)

    def places(self, steps: tuple[Step, ...], subject: Subject, seen: Observation, local_ms: int) -> tuple[Place, ...]:
        """Where these steps count such an observation."""
        found = [self._place(step, subject, seen, local_ms) for step in steps]
        return tuple(place for place in found if place is not None)

    def _place(self, step: Step, subject: Subject, seen: Observation, local_ms: int) -> Place | None:
        counter, profile = step.counter, subject.profile
        for asks in counter.filters:
            if not asks(seen, profile, local_ms):
                return None
        key = counter.key(seen) if counter.key is not None else ""
        if key is None:
            return None
        tally = subject.tallies.get((counter.name, key))
        if tally is None:
            tally = self._tally(subject, counter, key, seen.at_ms)
        return _new(Place, (step, key, tally))

    def count(self, places: tuple[Place, ...], subject: Subject, seen: Observation, added: Amounts) -> None:
        """Count an observation at places that are known; rules whose marks that may move are judged."""
        # The innermost loop of all: a tick spends a third of its time here.
        at_ms = seen.at_ms
        for (counter, adds, items, readings), key, tally in places:
            bucket = at_ms // tally.width_ms
            totals, cells = tally.totals, tally.cells
            row = len(cells) - len(totals)
            if row <= 0 or cells[row - 1] != bucket:
                row = tally.locate(bucket)
                if row < 0:
                    continue
            for column, which in adds:
                amount = added[which]
                if amount:
                    cells[row + column] += amount
                    totals[column] += amount
            for index, item in items:
                named = item(seen, subject.profile)
                if named is not None:
                    tally.sets[index].add(named, bucket, tally.head)
            marks = tally.marks
            for reading in readings:
                _, slot, is_set, least, _, _ = reading
                reached = tally.sets[slot].count if is_set else totals[slot]
                if reached >= least or (marks and reading.rule.id in marks):
                    self._judge(reading, tally, subject, counter, key, at_ms, seen)

    def _tally(self, subject: Subject, counter: Counter, key: str, at_ms: int) -> Tally:
        if len(subject.tallies) >= MOST_TALLIES:
            self.forgotten += subject.make_room()
        tally = subject.tallies[counter.name, key] = counter.tally(at_ms // counter.width_ms)
        return tally

    def _judge(  # noqa: PLR0917 -- a tally, whose it is, and why it is looked at
        self,
        reading: Reading,
        tally: Tally,
        subject: Subject,
        counter: Counter,
        key: str,
        at_ms: int,
        cause: Observation | None,
    ) -> None:
        rule, profile = reading.rule, subject.profile
        shift = shift_ms(at_ms, subject.timezone)
        value = reading.read(tally, profile, shift)
        if value < rule.lowest and rule.id not in tally.marks:
            return

        def usual_micros() -> int:
            return profile.usual_micros(tally.next_edge_ms + shift, rule.window_ms or 0)

        self._speaker.judge(
            rule,
            value,
            tally.marks,
            subject=subject,
            counter=counter,
            key=key,
            at_ms=at_ms,
            cause=cause,
            estimated=reading.is_set and tally.sets[reading.slot].estimated,
            usual=usual_micros if rule.measure is Measure.GROWTH else None,
        )
        if tally.marks and not tally.due_ms:
            tally.due_ms = tally.next_edge_ms
            self._at(tally.due_ms, subject.id, counter.name, key)

    def look(self, subject: Subject, name: str, key: str, due_ms: int) -> None:
        """The window of marks that stand has moved on."""
        tally, counter = subject.tallies.get((name, key)), self.compiled.counters.get(name)
        if tally is None or counter is None or tally.due_ms != due_ms:
            return
        tally.due_ms = 0
        tally.advance(due_ms // counter.width_ms)
        self._judge_standing(subject, counter, key, tally, due_ms)

    def _judge_standing(self, subject: Subject, counter: Counter, key: str, tally: Tally, at_ms: int) -> None:
        for reading in counter.readings:
            if reading.rule.id in tally.marks:
                self._judge(reading, tally, subject, counter, key, at_ms, None)
        known = {reading.rule.id for reading in counter.readings}
        for rule in [each for each in tally.marks if each not in known]:
            del tally.marks[rule]

    def judge_anew(self, subject: Subject, anew: Mapping[str, Sequence[Reading]], at_ms: int) -> None:
        """Rules that are other ones now, by their counters: where they stand on what has been counted so far."""
        for (name, key), tally in subject.tallies.items():
            concerned = anew.get(name)
            if concerned is None:
                continue
            tally.advance(at_ms // tally.width_ms)
            for reading in concerned:
                reached = tally.sets[reading.slot].count if reading.is_set else tally.totals[reading.slot]
                if reached >= reading.least or tally.marks:
                    self._judge(reading, tally, subject, self.compiled.counters[name], key, at_ms, None)

    def restart(self, subject: Subject, rule: Rule, key: str, at_ms: int) -> None:
        """Begin the window of a rule and key anew, and with it those of rules that share it."""
        for name, counter in self.compiled.counters.items():
            tally = subject.tallies.get((name, key))
            if tally is not None and rule in counter.rules:
                tally.empty()
                self._judge_standing(subject, counter, key, tally, at_ms)

    def resume(self, subject: Subject) -> None:
        """Set the moments of an account that has been restored."""
        for (name, key), tally in subject.tallies.items():
            if tally.marks:
                tally.due_ms = tally.next_edge_ms
                self._at(tally.due_ms, subject.id, name, key)
