"""Counting observations into an account's tallies, and judging the rules on those that moved.

Where a call counts is found once and kept with it (`guard.core.rules.routes`); attempts, and counters that may answer
differently the next time, are asked each time (`take`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from guard.core.rules.counters import Amounts, Counter, Reading, Step, amounts
from guard.core.rules.lanes import Compiled, Lane
from guard.core.rules.local import shift_ms
from guard.core.rules.observation import Observation, What
from guard.core.rules.routes import Place, Route
from guard.core.rules.rule import Measure, Rule
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import MOST_TALLIES, Subject
from guard.core.rules.windows import Tally

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

    def take_call(self, route: Route, lane: Lane, subject: Subject, seen: Observation, local_ms: int) -> None:
        """Count a call that begins or ends."""
        what = seen.what
        places = self.places(route, what, subject, seen.at_ms)
        if places:
            self.count(places, subject, seen)
        fickle = lane.fickle[what]
        if fickle:
            self.take(fickle, subject, seen, local_ms)

    def take(self, steps: tuple[Step, ...], subject: Subject, seen: Observation, local_ms: int) -> None:
        """Count one observation wherever these steps say."""
        at_ms = seen.at_ms
        for step in steps:
            for counter, key in self.counters((step.counter,), subject, seen, local_ms):
                self.count([(self._tally(counter, key, subject, at_ms), step, key)], subject, seen)

    @staticmethod
    def counters(
        counters: Iterable[Counter], subject: Subject, seen: Observation, local_ms: int
    ) -> tuple[tuple[Counter, str], ...]:
        """Those that look at such an observation, each with the key that it counts under."""
        profile = subject.profile
        found: list[tuple[Counter, str]] = []
        for counter in counters:
            for asks in counter.filters:
                if not asks(seen, profile, local_ms):
                    break
            else:
                key = counter.key(seen) if counter.key is not None else ""
                if key is not None:
                    found.append((counter, key))
        return tuple(found)

    def places(self, route: Route, what: What, subject: Subject, at_ms: int) -> list[Place]:
        """Where such an event of a call counts."""
        found: list[Place] = []
        for counter, key in route.counters:
            step = counter.steps[what]
            if step is not None:
                found.append((self._tally(counter, key, subject, at_ms), step, key))
        return found

    def _tally(self, counter: Counter, key: str, subject: Subject, at_ms: int) -> Tally:
        """That of a counter and key, begun when needed."""
        tallies, where = subject.tallies, (counter.name, key)
        tally = tallies.get(where)
        if tally is None:
            if len(tallies) >= MOST_TALLIES:
                self.forgotten += subject.make_room()
            tally = tallies[where] = counter.tally(at_ms // counter.width_ms)
        return tally

    def count(self, places: list[Place], subject: Subject, seen: Observation) -> None:
        """Count an attempt, or a call that begins or ends: different things first, because sums may ask for them."""
        added, at_ms, profile = amounts(seen), seen.at_ms, subject.profile
        for tally, step, _ in places:
            if step.items:
                bucket = at_ms // tally.width_ms
                if tally.locate(bucket) >= 0:
                    for index, item in step.items:
                        named = item(seen, profile)
                        if named is not None:
                            tally.sets[index].add(named, bucket, tally.head)
        self.grow(places, subject, seen, added)
        for tally, step, key in places:
            for slot, least, reading in step.counts:
                if tally.sets[slot].count >= least or reading.rule.id in tally.marks:
                    self._judge(reading, tally, subject, step.counter, key, at_ms, seen)

    def grow(self, places: list[Place], subject: Subject, seen: Observation, added: Amounts) -> None:
        """Add what an observation adds at places that are known; rules whose marks that may move are judged."""
        # The innermost loop of all: a tick spends a third of its time here.
        at_ms = seen.at_ms
        for tally, step, key in places:
            row = tally.row_at if tally.begins_ms <= at_ms < tally.ends_ms else tally.locate(at_ms // tally.width_ms)
            if row < 0:
                continue
            cells, totals, climbs = tally.cells, tally.totals, False
            for column, which, least in step.adds:
                amount = added[which]
                if amount:
                    cells[row + column] += amount
                    totals[column] += amount
                if totals[column] >= least:
                    climbs = True
            if climbs or tally.marks:
                for slot, least, reading in step.sums:
                    if totals[slot] >= least or reading.rule.id in tally.marks:
                        self._judge(reading, tally, subject, step.counter, key, at_ms, seen)

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
