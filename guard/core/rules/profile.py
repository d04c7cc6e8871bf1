"""What is usual for one account: its own past, learned late and only from what was not fraud.

A day is taken down as it passes (`Day`) and learned when it has been over for 48 hours, if whoever knows says that the
account was under no block or suspicion then (`Verdict`). So an attack never makes itself usual while it goes on, and a
day that was a false alarm after all is learned when that is known. Days on which nothing happened are learned too.

* **Spend** by hour of the week: gross, in thousandths of a unit, each the mean of its last weeks (at most
  `MEMORY_WEEKS` count). What is usual for a span is read off with each hour blended with its neighbours, because a
  call at 9:58 is no news where 10:02 is usual.
* **Habits**: countries, prefixes, sources, and numbers abroad or at premium rate (domestic ones are too many and tell
  little), each with the last day learned. What is habitual is noted again after `REFRESH_DAYS` only, so "not for 90
  days" is true for up to a week longer. Of too many the longest unused go.
* **Price, concurrency and minutes**: the highest of a day, sinking slowly from one day to the next.
* **Drift**: a sum of what each day costs above a quarter more than usual, which fades slowly (CUSUM with a leak): a
  slow drip shows there when no window does.

Time here is the account's own clock (`local`); money is gross, so a quota does not hide what calls are worth.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import Enum
from json import dumps, loads
from zlib import compress, decompress

from guard.core.rules.local import DAYS_OF_WEEK, HOURS_OF_WEEK, Quarter, hour_of_week, weekday_of
from guard.core.rules.observation import Observation, What
from guard.core.rules.rings import Rings
from guard.core.rules.rows import DayRow, ProfileRow, in_tuples
from guard.core.rules.rule import LEARNING_DAYS
from guard.core.settings import DAY_MS, HOUR_MS
from guard.core.tariff import CallClass

COUNTRY, PREFIX, SOURCE, NUMBER = range(4)
"""Kinds of habits."""
MOST_HABITS = (48, 96, 24, 64)
"""Countries, prefixes, sources, numbers kept per account: a row of it stays within a few KiB."""
MOST_CALLED = 256
"""Different things noted per day."""

REFRESH_DAYS = 7
MEMORY_WEEKS = 8
LATE_DAYS = 3
"""A day is learned on the third day after it: it has been over for 48 hours then."""
MOST_WAIT_DAYS = 10
"""A day about which nobody has decided by then (48 hours and a week) is not learned."""
MOST_GAP_DAYS = 56
"""Longer silences are learned as this long."""

NEVER_SPENT = 2**63
"""More than an account can spend in a day."""
MILLS = 1_000
"""Micros in a thousandth of a unit."""
MOST_MILLS = 2**32 - 1
_WEEK_MS = DAYS_OF_WEEK * DAY_MS
HOURS_OF_DAY = 24
FADE = 32
"""Highest price, concurrency and minutes lose this part a day, so they halve in three weeks."""
_LEAK = 16
"""The sum of drift loses this part a day."""
_ABROAD = (CallClass.INTERNATIONAL, CallClass.PREMIUM)
_FAILED, _BEGINS = What.FAILED, What.BEGINS
"""Looked up once: each look-up of an enumeration's member costs as much as a call."""


class Verdict(Enum):
    """What is known about a day when its time to be learned has come."""

    LEARN = "learn"
    WAIT = "wait"
    """Under suspicion: ask again tomorrow."""
    SKIP = "skip"
    """Fraud, or blocked."""


Judge = Callable[[int, int], Verdict]
"""Asked about a span of local milliseconds."""


class Day:
    """A day that has not been learned yet."""

    __slots__ = ("called", "peak_calls", "spend", "spoken_ms", "top_rate_micros")

    def __init__(self) -> None:
        self.spend: dict[int, int] = {}
        self.called: set[tuple[int, str]] | None = None
        """What is not already habitual; on most days nothing."""
        self.top_rate_micros = 0
        self.peak_calls = 0
        self.spoken_ms = 0

    def row(self, number: int) -> DayRow:
        """What must survive of it."""
        called = tuple(sorted(self.called or ()))
        return DayRow(number, tuple(self.spend.items()), called, self.top_rate_micros, self.peak_calls, self.spoken_ms)


class Profile:
    """The own past of one account. `today` is the newest day seen, by the account's clock."""

    __slots__ = (
        "_day",
        "busiest_ms",
        "days",
        "excess_micros",
        "first_day",
        "habits",
        "next_day",
        "past",
        "peak_thousandths",
        "rings",
        "samples",
        "spend_mills",
        "spent_micros",
        "today",
        "top_rate_micros",
        "usual_today_micros",
    )

    def __init__(self, day: int) -> None:
        self.first_day = self.today = self.next_day = day
        """`next_day`: the first whose time to be learned has not come."""
        self.past: tuple[tuple[int, int], ...] = ()
        """Spans of days (from, before) that were learned from history (`guard.core.rules.past`)."""
        self.samples = [0] * DAYS_OF_WEEK
        self.spend_mills = array("I")
        self.habits: tuple[dict[str, int], ...] = ({}, {}, {}, {})
        self.top_rate_micros = 0
        self.peak_thousandths = 0
        self.busiest_ms = 0
        """What was spoken on the busiest day."""
        self.excess_micros = 0
        """Sum of drift up to yesterday."""
        self.spent_micros = 0
        """Today, late reports about earlier days included."""
        self.usual_today_micros = 0
        self.rings = Rings()
        self.days: dict[int, Day] = {}
        self._day: Day | None = None

    @property
    def known_days(self) -> int:
        """How many days have been seen, or told of by history."""
        return self.today - self.first_day + sum(end - begin for begin, end in self.past)

    def mature(self) -> bool:
        """Whether enough days have been seen to judge what is new."""
        if self.past:
            return self.known_days >= LEARNING_DAYS
        return self.today - self.first_day >= LEARNING_DAYS

    def new(self, kind: int, what: str, for_days: int) -> bool:
        """Whether a thing has not been habitual for so many days."""
        last = self.habits[kind].get(what)
        return last is None or self.today - last > for_days + REFRESH_DAYS

    def new_source(self, source: str) -> bool:
        """Whether calls have never come from there; where none is known, none is new."""
        known = self.habits[SOURCE]
        return bool(source and known) and source not in known

    # -- taking down ------------------------------------------------------------------------------------------------

    def note(self, observation: Observation, quarter: Quarter, live_calls: int) -> None:
        """Take down a report; `turn` first when it is of a new day."""
        number, hour = quarter.day, quarter.hour
        day = self._day if number == self.today else self._past_day(number)
        gross, what = observation.gross_micros, observation.what
        self.spent_micros += gross
        if day is None:
            if number < self.today:
                return
            day = self._day = self.days[number] = self.days.get(number) or Day()
        day.spoken_ms += observation.spoken_ms
        if gross:
            day.spend[hour] = day.spend.get(hour, 0) + gross
        if what is _BEGINS:
            self._note_call(day, observation, live_calls)
        if observation.rate_micros > day.top_rate_micros and what is not _FAILED:
            day.top_rate_micros = observation.rate_micros

    def _past_day(self, number: int) -> Day | None:
        """An earlier day as long as it has not been learned."""
        day = self.days.get(number)
        if day is None and number >= self.next_day:
            day = self.days[number] = Day()
        return day

    def _note_call(self, day: Day, observation: Observation, live_calls: int) -> None:
        day.peak_calls = max(day.peak_calls, live_calls)
        self._note_habit(day, COUNTRY, observation.country)
        self._note_habit(day, PREFIX, observation.prefix)
        if observation.source:
            self._note_habit(day, SOURCE, observation.source)
        if observation.number and observation.kind in _ABROAD:
            self._note_habit(day, NUMBER, observation.number)

    def _note_habit(self, day: Day, kind: int, what: str) -> None:
        last = self.habits[kind].get(what)
        stale = last is None or self.today - last > REFRESH_DAYS
        if not stale:
            return
        if day.called is None:
            day.called = set()
        if len(day.called) < MOST_CALLED:
            day.called.add((kind, what))

    # -- learning ---------------------------------------------------------------------------------------------------

    def turn(self, today: int, judge: Judge) -> None:
        """A new day has begun: close the drift of those before, learn what has been over for 48 hours."""
        for number in range(max(self.today, today - MOST_GAP_DAYS), today):
            self._close(number)
        self.today, self._day = today, None
        self.rings.fade(today * DAY_MS)
        due = today - LATE_DAYS
        for number in sorted(self.days):
            if number < self.next_day:
                self._learn(number, judge)
        for number in range(max(self.next_day, due - MOST_GAP_DAYS + 1), due + 1):
            self._learn(number, judge)
        self.next_day = max(self.next_day, due + 1)
        self.usual_today_micros = self.usual_day_micros(today)
        self._day = self.days.get(today)

    def _close(self, number: int) -> None:
        """Drift: what the day cost above a quarter more than usual, on top of what is left of the days before."""
        if not self._sampled(number):
            self.spent_micros = 0
            return
        kept = self.excess_micros - self.excess_micros // _LEAK
        usual = self.usual_day_micros(number)
        self.excess_micros = max(0, kept + self.spent_micros - usual - usual // 4)
        self.spent_micros = 0

    def _learn(self, number: int, judge: Judge) -> None:
        verdict = judge(number * DAY_MS, (number + 1) * DAY_MS)
        day = self.days.get(number)
        if verdict is Verdict.WAIT and self.today - number < MOST_WAIT_DAYS:
            return
        if day is not None:
            del self.days[number]
        if verdict is Verdict.LEARN:
            self._learn_spend(number, day.spend if day is not None else {})
            self._learn_day(number, day)

    def _learn_spend(self, number: int, spend: dict[int, int]) -> None:
        start = hour_of_week(number * DAY_MS)
        weekday = start // HOURS_OF_DAY
        samples = self.samples[weekday] = min(self.samples[weekday] + 1, MEMORY_WEEKS)
        if not self.spend_mills:
            if not spend:
                return
            self.spend_mills = array("I", bytes(array("I").itemsize * HOURS_OF_WEEK))
        mills = self.spend_mills
        for hour in range(HOURS_OF_DAY):
            before = mills[start + hour]
            amount = min(max(0, spend.get(hour, 0) // MILLS), MOST_MILLS)
            mills[start + hour] = before + (amount - before) // samples

    def _learn_day(self, number: int, day: Day | None) -> None:
        top = day.top_rate_micros if day is not None else 0
        peak = day.peak_calls * 1_000 if day is not None else 0
        spoken_ms = day.spoken_ms if day is not None else 0
        self.top_rate_micros = max(top, self.top_rate_micros - self.top_rate_micros // FADE)
        self.peak_thousandths = max(peak, self.peak_thousandths - self.peak_thousandths // FADE)
        self.busiest_ms = max(spoken_ms, self.busiest_ms - self.busiest_ms // FADE)
        for kind, what in sorted(day.called or ()) if day is not None else ():
            habits = self.habits[kind]
            habits[what] = max(number, habits.get(what, number))
        for habits, most in zip(self.habits, MOST_HABITS, strict=True):
            while len(habits) > most:
                del habits[min(habits, key=lambda each: (habits[each], each))]

    def fade(self, keep_days: int) -> None:
        """Let go of whom it called and from where, once that is longer ago than call details are kept.

        As `new` has it a week more than that is let pass: what is still habitual is noted again after a week only.
        """
        before = self.today - keep_days - REFRESH_DAYS
        for kind in (SOURCE, NUMBER):
            habits = self.habits[kind]
            for what in [each for each, last in habits.items() if last < before]:
                del habits[what]

    # -- reading off ------------------------------------------------------------------------------------------------

    def usual_day_micros(self, number: int) -> int:
        """What is usually spent on such a day of the week."""
        if not self.spend_mills:
            return 0
        start = hour_of_week(number * DAY_MS)
        return sum(self.spend_mills[start : start + HOURS_OF_DAY]) * MILLS

    def usual_micros(self, until_ms: int, span_ms: int) -> int:
        """What is usually spent in the span that ends then (on the account's clock)."""
        mills = self.spend_mills
        if not mills:
            return 0
        weeks, rest = divmod(span_ms, _WEEK_MS)
        sum_ms = weeks * sum(mills) * HOUR_MS
        at = until_ms - rest
        while at < until_ms:
            stop = min((at // HOUR_MS + 1) * HOUR_MS, until_ms)
            hour = hour_of_week(at)
            blend = 2 * mills[hour] + mills[hour - 1] + mills[(hour + 1) % HOURS_OF_WEEK]
            sum_ms += blend * (stop - at) // 4
            at = stop
        return sum_ms * MILLS // HOUR_MS

    def _sampled(self, number: int) -> bool:
        """Whether any such day of the week has been learned: what is usual on it is not known before."""
        return self.samples[weekday_of(number * DAY_MS)] > 0

    def drift_micros(self) -> int:
        """What has been spent above the usual, over all days and today so far."""
        if not self._sampled(self.today):
            return self.excess_micros
        usual = self.usual_today_micros
        return self.excess_micros + max(0, self.spent_micros - usual - usual // 4)

    def spent_to_drift(self, above_micros: int) -> int:
        """What must be spent today for the drift to reach so much."""
        if self.excess_micros >= above_micros:
            return -NEVER_SPENT
        if not self._sampled(self.today):
            return NEVER_SPENT
        usual = self.usual_today_micros
        return above_micros - self.excess_micros + usual + usual // 4

    def restart_drift(self) -> None:
        """Count drift anew from here."""
        self.excess_micros = self.spent_micros = 0

    # -- rows -------------------------------------------------------------------------------------------------------

    def row(self) -> ProfileRow:
        """What must survive of it."""
        return ProfileRow(
            first_day=self.first_day,
            today=self.today,
            next_day=self.next_day,
            samples=tuple(self.samples),
            spend_mills=tuple(self.spend_mills),
            habits=tuple(tuple(habits.items()) for habits in self.habits),
            top_rate_micros=self.top_rate_micros,
            peak_thousandths=self.peak_thousandths,
            excess_micros=self.excess_micros,
            spent_micros=self.spent_micros,
            days=tuple(day.row(number) for number, day in self.days.items()),
            past=self.past,
            busiest_ms=self.busiest_ms,
            rings=self.rings.row(),
        )

    def pack(self) -> bytes:
        """The same in a tenth of the room, for an account that is not heard of for hours."""
        return compress(dumps(self.row(), separators=(",", ":")).encode(), level=1)

    @classmethod
    def unpack(cls, packed: bytes) -> Profile:
        """As `pack()` wrote it."""
        return cls.from_row(ProfileRow(*in_tuples(loads(decompress(packed)))))

    @classmethod
    def from_row(cls, row: ProfileRow) -> Profile:
        """As `row()` wrote it."""
        profile = cls(row.first_day)
        profile.today, profile.next_day = row.today, row.next_day
        profile.samples = list(row.samples)
        profile.spend_mills = array("I", row.spend_mills)
        profile.habits = tuple(dict(habits) for habits in row.habits)
        profile.top_rate_micros, profile.peak_thousandths = row.top_rate_micros, row.peak_thousandths
        profile.excess_micros, profile.spent_micros = row.excess_micros, row.spent_micros
        profile.busiest_ms = row.busiest_ms
        profile.past = tuple((begin, end) for begin, end in row.past)
        profile.rings = Rings(row.rings)
        for number, spend, called, top_rate_micros, peak_calls, *later in row.days:
            day = profile.days[number] = Day()
            day.spend = dict(spend)
            day.called = {(kind, what) for kind, what in called} or None
            day.top_rate_micros, day.peak_calls = top_rate_micros, peak_calls
            day.spoken_ms = later[0] if later else 0
        profile._day = profile.days.get(row.today)
        profile.usual_today_micros = profile.usual_day_micros(row.today)
        return profile
