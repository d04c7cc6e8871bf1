"""A rule as an analyst wrote it, checked and frozen; and the tables that say what belongs to which measure.

A rule is data. What its measure counts is in `counters` and `present`; how its text becomes this record, and what is
refused with which words, is in `guard.config.rules`. All thresholds are whole numbers in the unit of their measure:
counts as they are, money in micros, time in milliseconds, shares and multiples in millionths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from guard.core.records import Direction, Scope
from guard.core.tariff import CallClass

ONE = 1_000_000
"""A share of one, or one time the usual, in millionths."""

LEARNING_DAYS = 14
"""So many days of an account must have been seen before novelty may block it (contract 2, Learning)."""

QUARTER_MINUTES = 15
RANGE_DIGITS = 4
"""The end of a number that tells it from the others of its range."""

OWN_CALLS = frozenset({Direction.OUTGOING, Direction.FORWARDED})
"""What an account pays for: the directions that rules look at unless they say otherwise."""


class RuleMode(Enum):
    """Whether a rule acts."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


class Per(Enum):
    """What a rule counts by: each value has its own count."""

    ACCOUNT = "account"
    COUNTRY = "country"
    CLASS = "class"
    PREFIX = "prefix"
    NUMBER = "number"
    RANGE = "range"
    """Numbers that differ in their last four digits only: what is rented out for revenue share."""
    SOURCE = "source"


class Unit(Enum):
    """What kind of number a threshold is."""

    COUNT = "count"
    MONEY = "money"
    TIME = "time"
    SHARE = "share"
    MULTIPLE = "multiple"


class Measure(Enum):
    """What a rule counts."""

    ATTEMPTS = "attempts"
    FAILED = "failed"
    CALLS = "calls"
    MINUTES = "minutes"
    GROSS = "gross"
    NET = "net"
    NUMBERS = "numbers"
    VARIANTS = "variants"
    SHORT_SHARE = "short_share"
    NEW_COUNTRIES = "new_countries"
    NEW_PREFIXES = "new_prefixes"
    ACCOUNTS = "accounts"
    CONCURRENT = "concurrent"
    IN_FLIGHT = "in_flight"
    RATE = "rate"
    DURATION = "duration"
    GROWTH = "growth"
    DRIFT = "drift"


UNITS = dict.fromkeys(Measure, Unit.COUNT) | {
    Measure.GROSS: Unit.MONEY,
    Measure.NET: Unit.MONEY,
    Measure.IN_FLIGHT: Unit.MONEY,
    Measure.RATE: Unit.MONEY,
    Measure.DURATION: Unit.TIME,
    Measure.SHORT_SHARE: Unit.SHARE,
    Measure.GROWTH: Unit.MULTIPLE,
    Measure.DRIFT: Unit.MULTIPLE,
}

PRESENT = frozenset({Measure.CONCURRENT, Measure.IN_FLIGHT, Measure.RATE, Measure.DURATION})
"""Of the calls that are up now: no window."""

OWN_PAST = frozenset({Measure.GROWTH, Measure.DRIFT})
"""Against what the account itself usually spends, all its calls together."""

WINDOWED = frozenset(Measure) - PRESENT - {Measure.DRIFT}

COUNTS_CALLS = WINDOWED | {Measure.RATE, Measure.IN_FLIGHT}
"""Measures that may ask for a number of calls besides."""

NOVEL = OWN_PAST | {Measure.NEW_COUNTRIES, Measure.NEW_PREFIXES}
"""Measures that know nothing about an account they have not seen for a while."""

PERS = {measure: frozenset(Per) for measure in Measure} | {
    Measure.VARIANTS: frozenset({Per.NUMBER}),
    Measure.ACCOUNTS: frozenset({Per.NUMBER, Per.RANGE, Per.PREFIX, Per.COUNTRY}),
    Measure.DURATION: frozenset({Per.ACCOUNT}),
    Measure.GROWTH: frozenset({Per.ACCOUNT}),
    Measure.DRIFT: frozenset({Per.ACCOUNT}),
}
"""By what a measure may be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which calls a rule looks at. An empty set asks for nothing."""

    kinds: frozenset[CallClass] = frozenset()
    countries: frozenset[str] = frozenset()
    not_countries: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    """The number begins with one of them, E.164 digits."""
    not_prefixes: tuple[str, ...] = ()
    directions: frozenset[Direction] = OWN_CALLS
    hours: tuple[int, int] | None = None
    """Minutes of the account's own day, from and before; a night has its end before its start."""
    days: frozenset[int] = frozenset()
    """Days of the account's own week, Monday is 0."""
    new_for_days: int | None = None
    """The account has not called there for so long: the country, or the prefix or number if counted by those."""
    account_age_under_ms: int | None = None
    source_new: bool | None = None
    accounts: frozenset[str] = frozenset()
    not_accounts: frozenset[str] = frozenset()
    rate_from_micros: int = 0
    """Per minute, in force: cheaper calls are not looked at."""
    country_new_for_days: int | None = None
    """The account has not called the country for so long, whatever is counted by."""
    rung_within_ms: int | None = None
    """Somebody of the number's range rang the account so long ago at most, and nobody talked: a call back to bait."""

    @property
    def fickle(self) -> bool:
        """Whether it asks what changes within a quarter of an hour: a call that it looks at now it may soon not."""
        if self.account_age_under_ms is not None or self.rung_within_ms is not None:
            return True
        return self.hours is not None and any(minute % QUARTER_MINUTES for minute in self.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. At least one of `warn` and `block` is set, and `warn` is the lower one."""

    id: str
    title: str
    mode: RuleMode
    measure: Measure
    window_ms: int | None
    """None exactly for measures of the present and `drift`."""
    per: Per
    where: Where = field(default_factory=Where)
    warn: int | None = None
    block: int | None = None
    scope: Scope = Scope.ALL
    end_calls: bool = True
    min_rate_micros: int | None = None
    """A rule of novelty blocks accounts that it does not know yet only for calls at this rate or above."""
    known_days: int = 0
    """It blocks no account of which fewer days have been seen, at whatever rate, unless that is young itself."""
    release_after_ms: int | None = None
    """None: an operator releases."""
    floor_micros: int = 0
    """For `growth` and `drift`: what is usual is taken to be at least this."""
    min_calls: int = 0
    """The window must hold so many calls (for `short_share`: calls that ended) before its value means anything; for
    `rate` and `in_flight` so many must be up."""
    min_numbers: int = 0
    """And so many different numbers attempted."""
    times_usual: int = 0
    """And so many times the minutes of the account's busiest usual day; of `minutes` only."""

    @property
    def novel(self) -> bool:
        """Whether it asks what an account has not done before, which takes knowing the account."""
        where = self.where
        asks_for_new = (where.new_for_days, where.country_new_for_days, where.source_new) != (None, None, None)
        return self.measure in NOVEL or asks_for_new or self.times_usual > 0

    @property
    def lowest(self) -> int:
        """The lower of its marks."""
        return self.warn if self.warn is not None else self.block or 0

    @property
    def unit(self) -> Unit:
        """What kind of number its thresholds are."""
        return UNITS[self.measure]
