"""The watch: takes observations and time, gives hits.

`observe` takes one observation: profile, sums of the present, counters, in this order, each doing what the call's lane
says. `advance` lets time in: a mark that stands is looked at again whenever its window moves on, so it clears at the
moment at which it should and not at the next call; and what no window holds any more is freed. Its time is that up to
which events have been read, not the clock on the wall: with a backlog of eight hours to read, a window of fifteen
minutes must not be over before its calls have been counted.

What comes out depends on what goes in, in its order, and on nothing else. Everything survives as rows (`row`,
`restore`), and a new rule set keeps what still fits (`swap`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop

from guard.core.decisions import Changes, KeptRow
from guard.core.neighbours import CrowdWord
from guard.core.rules import drift, present
from guard.core.rules.across import Across, Say
from guard.core.rules.counting import Counting
from guard.core.rules.filters import passes
from guard.core.rules.fitting import Fitting
from guard.core.rules.hits import Hit, Standing
from guard.core.rules.lanes import Lane, compiled
from guard.core.rules.levels import level_of
from guard.core.rules.local import quarter_at, shift_ms
from guard.core.rules.moments import Moments
from guard.core.rules.observation import Observation, What
from guard.core.rules.past import Past, absorb
from guard.core.rules.profile import Profile, Verdict
from guard.core.rules.routes import Route
from guard.core.rules.rows import SubjectRow
from guard.core.rules.rule import OWN_CALLS, Measure, Rule
from guard.core.rules.sentences import key_in_words
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import Live, Subject
from guard.core.settings import HOUR_MS

SWEEP_MS = HOUR_MS
"""An account is looked at so often for what can be freed."""
_SWEEP = ""
"""In a moment, in place of a counter: time to look for what can be freed."""

_FAILED, _BEGINS, _GOES_ON, _ENDS = What
"""Looked up once: each look-up of an enumeration's member costs as much as a call."""

_OWN = tuple(OWN_CALLS)

Learning = Callable[[str, int, int], Verdict]
"""Whether an account's day, from and before, may be learned."""


def _always(_account: str, _start_ms: int, _end_ms: int) -> Verdict:
    return Verdict.LEARN


class Watch:
    """All accounts, as rules see them."""

    def __init__(self, rules: Iterable[Rule] = (), learning: Learning = _always, say: Say | None = None) -> None:
        """`say`: others watch the rest of the accounts."""
        self._compiled = compiled(tuple(rules))
        self._learning = learning
        self.keep_days: int | None = None
        """For how long profiles remember numbers and sources; None: for ever."""
        self._subjects: dict[str, Subject] = {}
        self._asleep: dict[str, bytes] = {}
        """Profiles of accounts of which nothing else is left, packed."""
        self._speaker = Speaker()
        self.moments = Moments()
        """When to look at marks that stand, or for what can be freed."""
        self._across = Across(self._subjects, self._speaker, self.moments.at, say)
        self._counting = Counting(self._compiled, self._speaker, self.moments.at)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that are not off."""
        return tuple(self._compiled.rules.values())

    @property
    def forgotten(self) -> int:
        """Counts let go because an account had too many, since the start."""
        return self._counting.forgotten

    def swap(self, rules: Iterable[Rule], at_ms: int, *, caught_up: bool = True) -> list[Hit]:
        """Go on with other rules; what still fits is kept (`guard.core.rules.fitting`).

        While a backlog is being read time stands still for windows, and rules are judged with the reports to come.
        """
        fitting = Fitting(self._compiled, compiled(tuple(rules)), at_ms)
        self._compiled = self._counting.compiled = fitting.now
        for subject in self._subjects.values():
            subject.renew()
        if fitting.idle:
            return []
        for subject in self._subjects.values():
            fitting.subject(subject)
            if fitting.anew and caught_up:
                self._counting.judge_anew(subject, fitting.anew, at_ms)
            self._counting.resume(subject)
        self._across.fit(fitting, at_ms, caught_up=caught_up)
        return fitting.hits + self._speaker.take()

    # -- taking in --------------------------------------------------------------------------------------------------

    def observe(self, seen: Observation) -> list[Hit]:
        """Take one observation; the marks that it crosses, by the ids of their rules."""
        subject = self._subjects.get(seen.account)
        if subject is None or subject.timezone != seen.timezone or not subject.quarter.holds(seen.at_ms):
            subject = self._subject(seen)
        if seen.what is _GOES_ON:
            self._tick(subject, seen)
        else:
            self._take(subject, seen)
        speaker = self._speaker
        return sorted(speaker.take(), key=lambda hit: hit.rule.id) if speaker.hits else []

    def hear(self, word: CrowdWord) -> list[Hit] | None:
        """Take what another engine says of a crowd; None: it is about a rule that is not known here."""
        return self._speaker.take() if self._across.hear(word, self._compiled) else None

    def _take(self, subject: Subject, seen: Observation) -> None:
        """An attempt, or a call that begins or ends."""
        live, local_ms, what = self._live(subject, seen), seen.at_ms + subject.quarter.shift_ms, seen.what
        lane = live.lane
        if seen.direction in _OWN:
            subject.profile.note(seen, subject.quarter, len(subject.live))
        if what is not _ENDS:
            subject.see(seen)
        if seen.rung_from:
            subject.profile.rings.note(seen.rung_from, seen.at_ms)
        if what is _FAILED:
            self._counting.take(lane.attempts, subject, seen, local_ms)
        else:
            self._counting.take_call(self._route(subject, live, seen, local_ms), lane, subject, seen, local_ms)
        for step in lane.across[what]:
            self._across.count(step, subject, seen, local_ms)
        if what is not _FAILED:
            present.take(self._compiled, subject, live, seen, local_ms, self._speaker)
        self._follow_drift(lane, subject, seen)

    def _tick(self, subject: Subject, seen: Observation) -> None:
        """A call goes on: nearly all observations, and most of them do what the one before did."""
        live = subject.live.get(seen.call)
        route = live.route if live is not None else None
        if (
            live is None
            or route is None
            or route.seen is not seen
            or route.rate_micros != seen.rate_micros
            or route.epoch != subject.epoch
            or route.quarter is not subject.quarter
            or route.ticks is None
        ):
            live, route = self._set_out(subject, seen)
        if route.own:
            subject.profile.note(seen, subject.quarter, 0)
        if route.ticks:
            added = (0, seen.gross_micros, seen.net_micros, seen.spoken_ms, 0)
            self._counting.grow(route.ticks, subject, seen, added)
        if route.more:
            self._tick_more(subject, live, route, seen)
        else:
            live.net_micros += seen.net_micros
        self._follow_drift(live.lane, subject, seen)

    def _follow_drift(self, lane: Lane, subject: Subject, seen: Observation) -> None:
        """What was spent has moved: rules on drift are judged if any may climb, or stands."""
        climbs_from = subject.drift_from_micros
        if climbs_from is None:
            climbs_from = subject.drift_from_micros = drift.climbs_from(self._compiled.drifts, subject.profile)
        if subject.profile.spent_micros >= climbs_from or subject.drifts:
            local_ms = seen.at_ms + subject.quarter.shift_ms
            for check in lane.drifts:
                drift.judge(check, subject, seen, local_ms, self._speaker)

    def _tick_more(self, subject: Subject, live: Live, route: Route, seen: Observation) -> None:
        """What ticks of some calls do besides."""
        local_ms = seen.at_ms + subject.quarter.shift_ms
        fickle = live.lane.fickle[_GOES_ON]
        if fickle:
            self._counting.take(fickle, subject, seen, local_ms)
        for step in route.across:
            self._across.count(step, subject, seen, local_ms)
        present.take(self._compiled, subject, live, seen, local_ms, self._speaker)

    def _set_out(self, subject: Subject, seen: Observation) -> tuple[Live, Route]:
        """A call that goes on for the first time, or not quite as before: what its ticks do from now on."""
        live, local_ms = self._live(subject, seen), seen.at_ms + subject.quarter.shift_ms
        lane, route = live.lane, self._route(subject, live, seen, local_ms)
        if route.ticks is None:
            route.ticks = self._counting.places(route, _GOES_ON, subject, seen.at_ms)
            route.across = tuple(
                step
                for step in lane.across[_GOES_ON]
                if step.counter.fickle or passes(step.counter.filters, seen, subject.profile, local_ms)
            )
            route.more = bool(lane.fickle[_GOES_ON] or route.across or lane.durations or lane.present or live.joined)
        return live, route

    def _route(self, subject: Subject, live: Live, seen: Observation, local_ms: int) -> Route:
        """Where the reports of a call count: what is kept with it, or worked out anew if that holds no longer."""
        route = live.route
        if route is None or not route.holds(subject, seen):
            counters = self._counting.counters(live.lane.steady, subject, seen, local_ms)
            route = live.route = Route(subject, seen, counters, own=seen.direction in _OWN)
        return route

    def learn(self, seen: Observation) -> None:
        """Take an observation into the account's profile only: history from before this rule set watched."""
        subject = self._subject(seen)
        self._live(subject, seen)
        if seen.direction in _OWN:
            subject.profile.note(seen, subject.quarter, len(subject.live))

    def absorb(self, past: Past, now_ms: int) -> int:
        """Take in what history knows of an account; how many days of it were news."""
        today = quarter_at(now_ms, past.timezone).day
        subject = self._subjects.get(past.account)
        if subject is not None:
            subject.renew()
            return absorb(subject.profile, past, today)
        packed = self._asleep.get(past.account)
        profile = Profile.unpack(packed) if packed is not None else Profile(today)
        days = absorb(profile, past, today)
        if days:
            self._asleep[past.account] = profile.pack()
        return days

    def _subject(self, seen: Observation) -> Subject:
        """The account, its clock set to that time; a day that has begun there is begun."""
        subject = self._subjects.get(seen.account)
        if subject is None:
            subject = self._meet(seen)
        if subject.timezone != seen.timezone or not subject.quarter.holds(seen.at_ms):
            quarter = quarter_at(seen.at_ms, seen.timezone)
            subject.timezone, subject.quarter = seen.timezone, quarter
            if quarter.day > subject.profile.today:
                self._turn(subject, quarter.day)
        return subject

    def _meet(self, seen: Observation) -> Subject:
        """An account that is not awake."""
        packed = self._asleep.pop(seen.account, None)
        profile = Profile.unpack(packed) if packed is not None else Profile(quarter_at(seen.at_ms, seen.timezone).day)
        return self._take_up(Subject(seen.account, profile), seen.at_ms + SWEEP_MS)

    def _take_up(self, subject: Subject, sweep_ms: int) -> Subject:
        self._subjects[subject.id] = subject
        subject.sweep_ms = sweep_ms
        self.moments.at(subject.sweep_ms, subject.id, _SWEEP, "")
        return subject

    def _turn(self, subject: Subject, today: int) -> None:
        timezone, account = subject.timezone, subject.id

        def judge(start_ms: int, end_ms: int) -> Verdict:
            return self._learning(account, start_ms - shift_ms(start_ms, timezone), end_ms - shift_ms(end_ms, timezone))

        subject.profile.turn(today, judge)
        if self.keep_days is not None:
            subject.profile.fade(self.keep_days)
        subject.renew()

    def _live(self, subject: Subject, seen: Observation) -> Live:
        """The call, and the lane that it goes by."""
        live = subject.live.get(seen.call)
        if live is None:
            live = Live(self._compiled, self._compiled.lanes[seen.direction, seen.kind])
            live.number = seen.number
            if seen.what is _BEGINS or seen.what is _GOES_ON:
                subject.live[seen.call] = live
        elif seen.what is _ENDS:
            del subject.live[seen.call]
        if live.compiled is not self._compiled or live.number != seen.number:
            live.compiled, live.lane = self._compiled, self._compiled.lanes[seen.direction, seen.kind]
            if live.number != seen.number:
                live.number, live.placed = seen.number, None
        return live

    # -- time -------------------------------------------------------------------------------------------------------

    def advance(self, at_ms: int) -> list[Hit]:
        """Events have been read up to this time: what has cleared since, each at its own moment."""
        heap = self.moments.heap
        while heap and heap[0][0] <= at_ms:
            due_ms, account, name, key = heappop(heap)
            if not account:
                self._across.look(name, key, due_ms, self._compiled)
                continue
            subject = self._subjects.get(account)
            if subject is None:
                continue
            if name == _SWEEP:
                self._sweep(subject, due_ms)
            else:
                self._counting.look(subject, name, key, due_ms)
        return self._speaker.take()

    def _sweep(self, subject: Subject, at_ms: int) -> None:
        """Free what no window holds any more; of an account of which nothing else is left, put the profile away."""
        if subject.sweep_ms != at_ms:
            return
        subject.sweep(self._compiled.counters, at_ms)
        if subject.idle:
            del self._subjects[subject.id]
            self._asleep[subject.id] = subject.profile.pack()
        else:
            subject.sweep_ms = at_ms + SWEEP_MS
            self.moments.at(subject.sweep_ms, subject.id, _SWEEP, "")

    # -- the operator's hand ----------------------------------------------------------------------------------------

    def restart(self, account: str, rule_id: str, key: str, at_ms: int) -> list[Hit]:
        """An operator has released what a rule had blocked: its window begins anew; warnings that this clears.

        Rules that share the window begin anew with it. Calls that are up stay up, so measures of the present, and
        those across accounts, stand until they fall: what stands is not said again.
        """
        subject, rule = self._subjects.get(account), self._compiled.rules.get(rule_id)
        if subject is None or rule is None:
            return []
        if rule.measure is Measure.DRIFT:
            subject.profile.restart_drift()
            subject.renew()
            subject.drifts.pop(rule_id, None)
            return []
        if rule.measure is not Measure.ACCOUNTS:
            self._counting.restart(subject, rule, key, at_ms)
        return self._speaker.take()

    def standing(self, account: str) -> tuple[Standing, ...]:
        """The marks that stand on an account now, for whoever judges them anew after an allowance."""
        subject = self._subjects.get(account)
        if subject is None:
            return ()
        found = [(rule, key, mark) for (_, key), tally in subject.tallies.items() for rule, mark in tally.marks.items()]
        found += [(rule, key, mark) for (_, key), each in subject.present.items() for rule, mark in each.marks.items()]
        found += [(rule, "/".join(call), mark) for call, up in subject.live.items() for rule, mark in up.marks.items()]
        found += [(rule, "", mark) for rule, mark in subject.drifts.items()]
        rules = self._compiled.rules
        return tuple(
            Standing(rule=rules[rule], key=key, shown_key=key_in_words(rules[rule], key), level=level_of(mark))
            for rule, key, mark in found
            if rule in rules
        )

    def profile(self, account: str) -> Profile | None:
        """What is usual for an account; None: it has not been seen."""
        packed = self._asleep.get(account)
        if packed is not None:
            return Profile.unpack(packed)
        subject = self._subjects.get(account)
        return None if subject is None else subject.profile

    def now(self, account: str) -> tuple[Profile, int] | None:
        """What is usual for an account that is awake, and how many calls it has up; None: it is not."""
        subject = self._subjects.get(account)
        return None if subject is None else (subject.profile, len(subject.live))

    # -- rows -------------------------------------------------------------------------------------------------------

    def row(self, account: str) -> SubjectRow | None:
        """What must survive of an account; None: it has not been seen."""
        subject = self._subjects.get(account)
        if account in self._asleep:
            subject = Subject(account, Profile.unpack(self._asleep[account]))
        return None if subject is None else subject.row(self._compiled.present_name)

    def restore(self, row: SubjectRow) -> None:
        """Take up an account where `row()` left it."""
        subject = Subject.from_row(row, self._compiled)
        self._asleep.pop(row.account, None)
        if not row.sweep_ms:
            self._asleep[row.account] = subject.profile.pack()
            return
        self._take_up(subject, row.sweep_ms)
        self._counting.resume(subject)

    def keep_across(self, changes: Changes, *, whole: bool) -> None:
        """Add what must survive of what is counted across accounts; `whole`: also what is stored now and then."""
        self._across.keep(changes, whole=whole)

    def restore_across(self, kept: KeptRow) -> None:
        """Take up what `keep_across` left."""
        self._across.restore(kept, self._compiled)

    def forget(self, account: str) -> None:
        """Let an account go: closed and settled, or kept elsewhere until it is heard of again."""
        self._subjects.pop(account, None)
        self._asleep.pop(account, None)

    def surrender(self) -> dict[str, Subject]:
        """What it knows, to be taken apart (`guard.core.dismantling`): nothing may be observed any more."""
        self.moments.heap.clear()
        self._asleep, self._learning = {}, _always
        self._compiled = self._counting.compiled = compiled(())
        return self._subjects
