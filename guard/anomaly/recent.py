"""What an account has done of late: sums over the last hour, and what it spent on new things in the last 24.

Time is cut into steps of five minutes. Each step has one bucket of plain sums, and the twelve buckets up to a moment
are the hour before it, so what an observation costs does not depend on how many calls the account has. Late
observations count where their own time says, as long as that is within the hour. What was called is kept as sets with
a bound, for counting what differs; of a step with more than `MOST_DIFFERENT` numbers the rest is not told apart.

What is new is judged when it is called, against what is habitual for the account then (`guard.core.rules.profile`).
"""

from __future__ import annotations

from guard.core.records import Direction
from guard.core.rules.observation import Observation, What
from guard.core.rules.profile import COUNTRY, NUMBER, PREFIX, SOURCE, Profile
from guard.core.settings import HOUR_MS, MINUTE_MS, SECOND_MS
from guard.core.tariff import CallClass

STEP_MS = 5 * MINUTE_MS
"""An account that is heard of is looked at at the end of the step."""
STEPS = HOUR_MS // STEP_MS
HOURS = 24
NEW_FOR_DAYS = 90
"""What was not called for so long is new (as in the shipped rules)."""
SHORT_MS = 6 * SECOND_MS
"""A call up to this length is a short one: over 15 % of them are a robocaller's sign."""
MOST_DIFFERENT = 200
"""Numbers told apart in a step: 16 KB of references in the hour of the busiest account."""

_ABROAD = frozenset({CallClass.INTERNATIONAL, CallClass.PREMIUM})
_DOMESTIC, _PREMIUM = CallClass.DOMESTIC, CallClass.PREMIUM
_FAILED, _BEGINS, _ENDS = What.FAILED, What.BEGINS, What.ENDS
"""Looked up once: each look-up of an enumeration's member costs as much as a call."""


class Bucket:
    """One step's sums."""

    __slots__ = (
        "abroad_micros",
        "calls",
        "country",
        "ended",
        "failed",
        "forwarded",
        "gross_micros",
        "new",
        "new_micros",
        "news",
        "numbers",
        "peak_calls",
        "prefix",
        "premium_micros",
        "short",
        "source_micros",
        "spoken_ms",
        "top_rate_micros",
    )

    def __init__(self) -> None:
        self.gross_micros = self.abroad_micros = self.premium_micros = self.new_micros = self.source_micros = 0
        self.calls = self.failed = self.ended = self.short = self.forwarded = 0
        self.spoken_ms = self.peak_calls = self.top_rate_micros = 0
        self.numbers: set[str] = set()
        self.news: set[tuple[int, str]] = set()
        """What was called and is new: kind of habit, and what."""
        self.prefix: str | None = None
        self.country = ""
        self.new = False
        """Where money went last, and whether that is new: most of a step goes to few places."""


class Recent:
    """One account's last hour and day."""

    __slots__ = ("_buckets", "_head", "_newest", "_spent", "newest_ms")

    def __init__(self) -> None:
        self._buckets: dict[int, Bucket] = {}
        self._spent: dict[int, int] = {}
        """Hours, since 1970, in which it spent something, and how much of it on what is new."""
        self._head = 0
        """The newest step."""
        self._newest: Bucket | None = None
        """Its bucket."""
        self.newest_ms = 0

    def take(self, seen: Observation, profile: Profile, up: int) -> None:
        """Add an observation of an account's own call; `up`: how many calls it has now."""
        at_ms = seen.at_ms
        step = at_ms // STEP_MS
        bucket = self._newest if step == self._head else self._bucket(step)
        if bucket is None:
            return
        if at_ms > self.newest_ms:  # noqa: PLR1730 -- a tenth of what max() costs, here and below
            self.newest_ms = at_ms
        what = seen.what
        if what is _BEGINS:
            self._begins(bucket, seen, profile)
        elif what is _ENDS:
            bucket.ended += 1
            bucket.short += seen.duration_ms <= SHORT_MS
        elif what is _FAILED:
            bucket.failed += 1
        bucket.spoken_ms += seen.spoken_ms
        if up > bucket.peak_calls:  # noqa: PLR1730
            bucket.peak_calls = up
        if seen.gross_micros:
            self._spend(bucket, seen, profile)

    def _bucket(self, step: int) -> Bucket | None:
        """The bucket of a step that is not the newest, or not yet; None: it is too long ago."""
        if step > self._head:
            self._turn(step)
        elif step <= self._head - STEPS:
            return None
        bucket = self._buckets.get(step)
        if bucket is None:
            bucket = self._buckets[step] = Bucket()
        if step == self._head:
            self._newest = bucket
        return bucket

    def _turn(self, step: int) -> None:
        self._head = step
        self._buckets = {each: bucket for each, bucket in self._buckets.items() if each > step - STEPS}
        hour = step * STEP_MS // HOUR_MS
        self._spent = {each: micros for each, micros in self._spent.items() if each > hour - HOURS}

    def _begins(self, bucket: Bucket, seen: Observation, profile: Profile) -> None:
        bucket.calls += 1
        bucket.forwarded += seen.direction is Direction.FORWARDED
        bucket.top_rate_micros = max(bucket.top_rate_micros, seen.rate_micros)
        if len(bucket.numbers) < MOST_DIFFERENT:
            bucket.numbers.add(seen.number or seen.dialled)
        if len(bucket.news) >= MOST_DIFFERENT:
            return
        for kind, what in ((COUNTRY, seen.country), (PREFIX, seen.prefix), (NUMBER, _number_abroad(seen))):
            if what and profile.new(kind, what, NEW_FOR_DAYS):
                bucket.news.add((kind, what))
        if profile.new_source(seen.source):
            bucket.news.add((SOURCE, seen.source))

    def _spend(self, bucket: Bucket, seen: Observation, profile: Profile) -> None:
        gross, kind, prefix = seen.gross_micros, seen.kind, seen.prefix
        hour = seen.at_ms // HOUR_MS
        bucket.gross_micros += gross
        if seen.rate_micros > bucket.top_rate_micros:  # noqa: PLR1730
            bucket.top_rate_micros = seen.rate_micros
        if kind is not _DOMESTIC and kind in _ABROAD:
            bucket.abroad_micros += gross
            if kind is _PREMIUM:
                bucket.premium_micros += gross
        if prefix != bucket.prefix or seen.country != bucket.country:
            bucket.prefix, bucket.country = prefix, seen.country
            bucket.new = profile.new(COUNTRY, seen.country, NEW_FOR_DAYS) or profile.new(PREFIX, prefix, NEW_FOR_DAYS)
        if bucket.new:
            bucket.new_micros += gross
            self._spent[hour] = self._spent.get(hour, 0) + gross
        elif hour not in self._spent:
            self._spent[hour] = 0
        if seen.source and profile.new_source(seen.source):
            bucket.source_micros += gross

    def hour(self, until_ms: int) -> Bucket:
        """The hour before a moment between two steps, as one bucket."""
        total = Bucket()
        last = until_ms // STEP_MS - 1
        for step in range(last - STEPS + 1, last + 1):
            bucket = self._buckets.get(step)
            if bucket is not None:
                _add(total, bucket)
        return total

    def active_hours(self, until_ms: int) -> int:
        """In how many of the 24 hours before something was spent."""
        return len(self._last_hours(until_ms))

    def new_day_micros(self, until_ms: int) -> int:
        """What was spent on new countries and prefixes in the 24 hours before."""
        return sum(self._last_hours(until_ms))

    def _last_hours(self, until_ms: int) -> list[int]:
        last = (until_ms - 1) // HOUR_MS
        return [micros for hour, micros in self._spent.items() if last - HOURS < hour <= last]


def _number_abroad(seen: Observation) -> str:
    """Domestic numbers are too many to be habits."""
    return seen.number if seen.kind in _ABROAD else ""


def _add(total: Bucket, bucket: Bucket) -> None:
    total.gross_micros += bucket.gross_micros
    total.abroad_micros += bucket.abroad_micros
    total.premium_micros += bucket.premium_micros
    total.new_micros += bucket.new_micros
    total.source_micros += bucket.source_micros
    total.calls += bucket.calls
    total.failed += bucket.failed
    total.ended += bucket.ended
    total.short += bucket.short
    total.forwarded += bucket.forwarded
    total.spoken_ms += bucket.spoken_ms
    total.peak_calls = max(total.peak_calls, bucket.peak_calls)
    total.top_rate_micros = max(total.top_rate_micros, bucket.top_rate_micros)
    total.numbers |= bucket.numbers
    total.news |= bucket.news
