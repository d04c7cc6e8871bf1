"""Rules compiled into counters: what is counted once for all rules that look at the same calls over the same window.

A counter is its `where`, its `per` and its window; its columns are what the rules on it need. It is named by all of
that, so state finds its counter again after a restart or a reload exactly if it still means the same. What each kind of
event does to it is a *step*.

What a measure counts:

| measure | counts | of |
|---|---|---|
| attempts, failed, calls | attempts of any outcome; unanswered ones; answered ones | failed, begins |
| minutes, gross, net | what reports added | every report of a call that is up or ends |
| numbers | different numbers attempted | failed, begins |
| variants | different ways in which one number was dialled; the number is its last digits | failed, begins |
| new_countries, new_prefixes | different ones attempted that are not habitual | failed, begins |
| short_share | the part of calls that ended within six seconds | ends |
| accounts | different accounts that got through to one number (or prefix, or country) | begins |
| growth | gross over what is usual for the hours of the window | as gross |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b

from guard.core.rules.filters import Filter, Key, filters_of, key_of
from guard.core.rules.observation import Observation, What
from guard.core.rules.profile import COUNTRY, PREFIX, Profile
from guard.core.rules.rule import ONE, PRESENT, Measure, Rule
from guard.core.rules.windows import BUCKETS, Tally
from guard.core.settings import MINUTE_MS

SHORT_MS = 6_000
"""A call that ends within it is a short one (six seconds, as carriers count them)."""
NEVER = 2**63 - 1
"""More than any column can hold."""
NEW_DAYS = 90
"""A country or prefix not called for so long is a new one, unless the rule says otherwise."""


class Column(Enum):
    """A sum that a counter keeps."""

    ATTEMPTS = "attempts"
    FAILED = "failed"
    CALLS = "calls"
    ENDED = "ended"
    SHORT = "short"
    SPOKEN = "spoken"
    GROSS = "gross"
    NET = "net"


Item = Callable[[Observation, Profile], str | None]

ONCE, GROSS, NET, SPOKEN, IF_SHORT = range(5)
"""What an observation adds (`amounts`)."""
Amounts = tuple[int, int, int, int, int]

_AMOUNTS: dict[Column, int] = {
    Column.ATTEMPTS: ONCE,
    Column.FAILED: ONCE,
    Column.CALLS: ONCE,
    Column.ENDED: ONCE,
    Column.SHORT: IF_SHORT,
    Column.SPOKEN: SPOKEN,
    Column.GROSS: GROSS,
    Column.NET: NET,
}
_UP = frozenset({What.BEGINS, What.GOES_ON, What.ENDS})
_TRIED = frozenset({What.FAILED, What.BEGINS})
_MOVED_BY: dict[Column, frozenset[What]] = {
    Column.ATTEMPTS: _TRIED,
    Column.FAILED: frozenset({What.FAILED}),
    Column.CALLS: frozenset({What.BEGINS}),
    Column.ENDED: frozenset({What.ENDS}),
    Column.SHORT: frozenset({What.ENDS}),
    Column.SPOKEN: _UP,
    Column.GROSS: _UP,
    Column.NET: _UP,
}
_MAIN: dict[Measure, Column] = {
    Measure.ATTEMPTS: Column.ATTEMPTS,
    Measure.FAILED: Column.FAILED,
    Measure.CALLS: Column.CALLS,
    Measure.MINUTES: Column.SPOKEN,
    Measure.GROSS: Column.GROSS,
    Measure.NET: Column.NET,
    Measure.SHORT_SHARE: Column.SHORT,
    Measure.GROWTH: Column.GROSS,
}
"""The column whose growth can make a rule climb."""
_SETS = (Measure.NUMBERS, Measure.VARIANTS, Measure.NEW_COUNTRIES, Measure.NEW_PREFIXES, Measure.ACCOUNTS)


Value = Callable[[Tally, Profile, int], int]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a rule's value off a tally of its counter."""

    rule: Rule
    slot: int
    """Column, or set if `is_set`."""
    is_set: bool
    least: int
    """Below it in that column or set the rule cannot have climbed."""
    value: Value
    """Given the tally, the profile and how far the account's clock is ahead of UTC."""
    calls_slot: int
    """The column that `min_calls` is about; -1: none."""

    def read(self, tally: Tally, profile: Profile, shift_ms: int) -> int:
        """The value, nothing as long as there are too few calls to say."""
        if self.calls_slot >= 0 and tally.totals[self.calls_slot] < self.rule.min_calls:
            return 0
        return self.value(tally, profile, shift_ms)


@dataclass(frozen=True, slots=True)
class Step:
    """What one kind of event does to one counter."""

    counter: Counter
    adds: tuple[tuple[int, int, int], ...]
    """Column, which of the amounts goes there, and below what in it no rule can have climbed."""
    items: tuple[tuple[int, Item], ...]
    """Set, and what goes there."""
    sums: tuple[tuple[int, int, Reading], ...]
    """Readings that it may move, of those columns: which one, and below what in it the rule cannot have climbed."""
    counts: tuple[tuple[int, int, Reading], ...]
    """The same, of sets."""


class Counter:
    """Tallies of one `where`, `per` and window."""

    __slots__ = (
        "basis",
        "columns",
        "directions",
        "fickle",
        "filters",
        "key",
        "kinds",
        "name",
        "readings",
        "rules",
        "sets",
        "steps",
        "width_ms",
    )

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        first = self.rules[0]
        self.basis = basis_of(first)
        """What it counts, whichever rules read it."""
        self.columns = sorted({column for rule in self.rules for column in _columns(rule)}, key=lambda each: each.value)
        self.sets = sorted({each for rule in self.rules for each in _distinct(rule)}, key=lambda each: each.value)
        self.filters: tuple[Filter, ...] = filters_of(first.where, first.per)
        self.key: Key | None = key_of(first)
        self.directions, self.kinds = first.where.directions, first.where.kinds
        self.fickle = first.where.fickle
        self.width_ms = -(-(first.window_ms or BUCKETS) // BUCKETS)
        self.name = _named(first, *(each.value for each in self.columns), *(each.value for each in self.sets))
        self.readings = tuple(self._reading(rule) for rule in self.rules)
        self.steps = tuple(self._step(what) for what in What)
        """By kind of event; None: nothing."""

    @property
    def across(self) -> bool:
        """Whether it counts accounts, so that its tallies belong to none of them."""
        return Measure.ACCOUNTS in self.sets

    def tally(self, head: int) -> Tally:
        """An empty one."""
        return Tally(self.width_ms, head, len(self.columns), len(self.sets))

    def _step(self, what: What) -> Step | None:
        moved = _TRIED if Measure.ACCOUNTS not in self.sets else {What.BEGINS}
        items = tuple((slot, self._item(measure)) for slot, measure in enumerate(self.sets) if what in moved)
        moved_by = [(each.slot, each.least, each) for each in self.readings if self._moves(each, what)]
        sums = tuple(each for each in moved_by if not each[2].is_set)
        counts = tuple(each for each in moved_by if each[2].is_set)
        adds = tuple(
            (slot, _AMOUNTS[column], min((least for of, least, _ in sums if of == slot), default=NEVER))
            for slot, column in enumerate(self.columns)
            if what in _MOVED_BY[column]
        )
        across = self.across and what in (What.BEGINS, What.GOES_ON)
        return Step(self, adds, items, sums, counts) if adds or items or across else None

    def _moves(self, reading: Reading, what: What) -> bool:
        if reading.is_set:
            return what in _TRIED or self.sets[reading.slot] is Measure.ACCOUNTS
        return what in _MOVED_BY[self.columns[reading.slot]]

    def _item(self, measure: Measure) -> Item:
        days = self.rules[0].where.new_for_days or NEW_DAYS
        items: dict[Measure, Item] = {
            Measure.NUMBERS: lambda seen, _profile: seen.number or seen.dialled or None,
            Measure.VARIANTS: lambda seen, _profile: seen.dialled or None,
            Measure.NEW_COUNTRIES: lambda seen, profile: (
                seen.country if profile.new(COUNTRY, seen.country, days) else None
            ),
            Measure.NEW_PREFIXES: lambda seen, profile: seen.prefix if profile.new(PREFIX, seen.prefix, days) else None,
            Measure.ACCOUNTS: lambda seen, _profile: seen.account,
        }
        return items[measure]

    def _reading(self, rule: Rule) -> Reading:
        calls = -1
        if rule.min_calls:
            calls = self.columns.index(Column.ENDED if rule.measure is Measure.SHORT_SHARE else Column.CALLS)
        if rule.measure in _SETS:
            slot = self.sets.index(rule.measure)
            count = self._of_many(rule, lambda tally, _profile, _shift: tally.sets[slot].count)
            return Reading(rule, slot, True, rule.lowest, count, calls)  # noqa: FBT003
        slot = self.columns.index(_MAIN[rule.measure])
        value, least = self._sum(rule, slot)
        return Reading(rule, slot, False, least, self._of_many(rule, value), calls)  # noqa: FBT003

    def _of_many(self, rule: Rule, value: Value) -> Value:
        """The value, nothing as long as the window holds too few different numbers or is like other days."""
        least, times = rule.min_numbers, rule.times_usual
        slot = self.sets.index(Measure.NUMBERS) if least else -1

        def of_many(tally: Tally, profile: Profile, shift_ms: int) -> int:
            if least and tally.sets[slot].count < least:
                return 0
            found = value(tally, profile, shift_ms)
            return found if found * MINUTE_MS * ONE >= times * profile.busiest_ms else 0

        return of_many if least or times else value

    def _sum(self, rule: Rule, slot: int) -> tuple[Value, int]:
        match rule.measure:
            case Measure.MINUTES:
                return lambda tally, _profile, _shift: tally.totals[slot] // MINUTE_MS, rule.lowest * MINUTE_MS
            case Measure.SHORT_SHARE:
                ended = self.columns.index(Column.ENDED)
                return lambda tally, _profile, _shift: tally.totals[slot] * ONE // max(1, tally.totals[ended]), 1
            case Measure.GROWTH:
                return self._growth(rule, slot), rule.lowest * rule.floor_micros // ONE
            case _:
                return lambda tally, _profile, _shift: tally.totals[slot], rule.lowest

    def _growth(self, rule: Rule, slot: int) -> Value:
        width_ms, window_ms, floor = self.width_ms, rule.window_ms or 0, rule.floor_micros

        def value(tally: Tally, profile: Profile, shift_ms: int) -> int:
            until_ms = (tally.head + 1) * width_ms + shift_ms
            return tally.totals[slot] * ONE // max(floor, profile.usual_micros(until_ms, window_ms), 1)

        return value


def amounts(seen: Observation) -> Amounts:
    """All that an observation may add somewhere, worked out once for all counters."""
    short = 1 if seen.duration_ms <= SHORT_MS else 0
    return (1, seen.gross_micros, seen.net_micros, seen.spoken_ms, short)


class PresentCounter:
    """Calls that are up, of one `where` and `per`."""

    __slots__ = ("directions", "filters", "key", "kinds", "name", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        first = self.rules[0]
        self.filters = filters_of(first.where, first.per)
        self.key = key_of(first)
        self.directions, self.kinds = first.where.directions, first.where.kinds
        self.name = _named(first)


def basis_of(rule: Rule) -> str:
    """What a rule's counter counts, whichever other rules read it."""
    apart = {
        Measure.DURATION: "duration",
        Measure.DRIFT: "drift",
        Measure.ACCOUNTS: "accounts",
        Measure.VARIANTS: "variants",
    }.get(rule.measure, "present" if rule.measure in PRESENT else "window")
    where = rule.where
    parts = (
        apart,
        rule.per.value,
        rule.window_ms,
        sorted(kind.value for kind in where.kinds),
        sorted(where.countries),
        sorted(where.not_countries),
        sorted(where.prefixes),
        sorted(where.not_prefixes),
        sorted(direction.value for direction in where.directions),
        where.hours,
        sorted(where.days),
        where.new_for_days,
        where.account_age_under_ms,
        where.source_new,
        sorted(where.accounts),
        sorted(where.not_accounts),
        where.rate_from_micros,
    )
    # What was asked for later is named only where it is: what others have counted goes on under its name.
    later = (where.rung_within_ms, where.country_new_for_days)
    return repr((*parts, *later) if any(later) else parts)


def _named(rule: Rule, *columns: str) -> str:
    """A short name that says the same as all that a counter is."""
    return blake2b(repr((basis_of(rule), columns)).encode(), digest_size=6).hexdigest()


def _distinct(rule: Rule) -> Iterable[Measure]:
    """Of what the different ones are counted."""
    if rule.measure in _SETS:
        yield rule.measure
    if rule.min_numbers:
        yield Measure.NUMBERS


def _columns(rule: Rule) -> Iterable[Column]:
    if rule.measure is Measure.SHORT_SHARE:
        return (Column.SHORT, Column.ENDED)
    main = (_MAIN[rule.measure],) if rule.measure in _MAIN else ()
    return (*main, Column.CALLS) if rule.min_calls else main
