"""A lesson: a history played through the engine, and what each account's profile is to learn of it.

Only what a profile would take is played: the last weeks before today (`PAST_DAYS`). The history counts for an account
from its first call there to the end, days without a call included; but where nobody at all called for longer than a
long weekend the history has a gap, and a gap says nothing about anybody. Days with fraud are left out, by the labels.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from guard.backtest.history import History
from guard.backtest.inputs import Span
from guard.core.engine import Engine
from guard.core.money import MAX_MICROS, Micros
from guard.core.records import AccountMessage
from guard.core.rules.local import day_of, shift_ms
from guard.core.rules.past import PAST_DAYS, Past
from guard.core.settings import DAY_MS, Settings
from guard.core.setup import Setup
from guard.learning.days import DayBook

LONG_WEEKEND_DAYS = 4
BATCH = 10_000
"""Reports between two looks at how far it is."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the history's reports."""

    taken: int
    too_old: int
    """Told of days that no profile remembers."""


class Lesson:
    """One history, made into what is to be learned of it."""

    def __init__(self, setup: Setup, timezones: Mapping[str, str], now_ms: int) -> None:
        """`timezones` of the accounts that have one; `now_ms` is the present, not that of the history."""
        self._now_ms = now_ms
        self._from_ms = now_ms - (PAST_DAYS + 1) * DAY_MS
        self._setup = setup
        self._timezones = timezones
        self._covered: set[int] = set()
        """Days on which anybody called."""

    def play(self, history: History, book: DayBook, told: Callable[[int], None]) -> Played:
        """Let the engine see it; `told` gets the number of reports from time to time."""
        engine = self._engine(book)
        done = too_old = 0
        for switch, report in history:
            done += 1
            if report.at_ms < self._from_ms:
                too_old += 1
                continue
            self._covered.add(report.at_ms // DAY_MS)
            while engine.next_wake_ms <= report.at_ms:
                engine.advance(engine.next_wake_ms)
            engine.report(switch, report, report.at_ms)
            if done % BATCH == 0:
                engine.take()
                told(done)
        told(done)
        return Played(done - too_old, too_old)

    def _engine(self, book: DayBook) -> Engine:
        setup = self._setup
        settings: Settings = replace(setup.settings, default_limit_micros=Micros(MAX_MICROS), switches={})
        engine = Engine(settings, setup.scopes, self._from_ms, rating=setup.rating)
        engine.listen(book.take)
        for number, (account, timezone) in enumerate(self._timezones.items()):
            engine.billing(AccountMessage(id=f"timezone-{number}", account=account, timezone=timezone), self._from_ms)
        engine.take()
        return engine

    def pasts(self, book: DayBook, fraud: Iterable[Span]) -> Iterator[Past]:
        """What each account is to learn."""
        spans: dict[str, list[Span]] = {}
        for span in fraud:
            if span.fraud:
                spans.setdefault(span.account, []).append(span)
        gaps, last_day = self._gaps(), max(self._covered, default=0)
        for account, timezone, days in book:
            from_day, until_day = days[0].day, max(last_day, days[-1].day) + 1
            left_out = {day for day in range(from_day, until_day) if day in gaps}
            for span in spans.get(account, ()):
                left_out.update(range(_day(span.start_ms, timezone), _day(span.end_ms, timezone) + 1))
            yield Past(
                account=account,
                timezone=timezone,
                from_day=from_day,
                until_day=until_day,
                days=tuple(days),
                left_out=frozenset(day for day in left_out if from_day <= day < until_day),
            )

    def _gaps(self) -> set[int]:
        """Days of spans in which nobody called for longer than a long weekend."""
        known = sorted(self._covered)
        gaps: set[int] = set()
        for index, day in enumerate(known[1:]):
            before = known[index]
            if day - before - 1 > LONG_WEEKEND_DAYS:
                gaps.update(range(before + 1, day))
        return gaps


def _day(at_ms: int, timezone: str) -> int:
    return day_of(at_ms + shift_ms(at_ms, timezone))


def parts_of(past: Past, most: int, size: Callable[[Past], int]) -> list[Past]:
    """A past in parts each of which is at most that big, the newest first: what is newer counts for more."""
    if size(past) <= most or past.until_day - past.from_day <= 1:
        return [past]
    days = [row.day for row in past.days]
    middle = (past.from_day + past.until_day) // 2
    cut = bisect_right(days, middle - 1)
    older = replace(past, until_day=middle, days=past.days[:cut], left_out=_within(past, past.from_day, middle))
    newer = replace(past, from_day=middle, days=past.days[cut:], left_out=_within(past, middle, past.until_day))
    return [*parts_of(newer, most, size), *parts_of(older, most, size)]


def _within(past: Past, begin: int, end: int) -> frozenset[int]:
    return frozenset(day for day in past.left_out if begin <= day < end)
