"""`where` of a rule: which calls it looks at.

What an account usually spends is known for all its calls together, so measures against the own past can be narrowed
to some accounts, not to some calls. Which numbers are habitual is known abroad and at premium rate only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeVar

from guard.config import values
from guard.config.problems import RejectedError
from guard.config.table import Table
from guard.config.thresholds import above_nothing, multiple
from guard.core.records import Direction
from guard.core.rules.rings import KEPT_MS as RINGS_KEPT_MS
from guard.core.rules.rule import COUNTS_CALLS, OWN_CALLS, OWN_PAST, WINDOWED, Measure, Per, Where
from guard.core.settings import DAY_MS
from guard.core.tariff import CallClass

E = TypeVar("E", bound=Enum)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)", re.ASCII)
_HOURS_ACCEPTED = 'from and before, on the account\'s own clock, such as "19:00-07:00"'
_PREFIX = re.compile(r"[0-9]{1,15}", re.ASCII)
_PREFIX_ACCEPTED = 'an array of strings of 1 to 15 digits, without + or 00, such as ["252"]'
_OWN_COUNT = frozenset({Measure.ACCOUNTS, Measure.VARIANTS})
"""Counted by themselves, whatever else is wanted to know."""
_OF_ACCOUNTS = frozenset({"account", "not_account", "account_age_under"})
_OF_WINDOW = frozenset({"min_calls", "min_numbers"})
_ABROAD = frozenset({CallClass.INTERNATIONAL, CallClass.PREMIUM})
_BY_NUMBER = frozenset({Per.NUMBER, Per.RANGE})
_DAY_MINUTES = 24 * 60
_NONE: tuple[str, ...] = ()
_NO_CLASS: tuple[CallClass, ...] = ()


class Read(NamedTuple):
    """A `where`, and the keys in it that are about the window and not about one call."""

    where: Where
    min_calls: int
    min_numbers: int
    times_usual: int


def read_where(table: Table, measure: Measure | None, per: Per) -> Read:
    """Read and check it for a rule of that measure."""
    where = Where(
        kinds=frozenset(table.read("class", _NO_CLASS, _choices(CallClass))),
        countries=frozenset(table.read("country", _NONE, _countries)),
        not_countries=frozenset(table.read("not_country", _NONE, _countries)),
        prefixes=table.read("prefix", _NONE, _prefixes),
        not_prefixes=table.read("not_prefix", _NONE, _prefixes),
        directions=frozenset(table.read("direction", tuple(OWN_CALLS), _choices(Direction))),
        hours=table.read("hours", None, _hours),
        days=table.read("days", frozenset(), _days),
        new_for_days=table.read("new_for", None, days_of_span),
        account_age_under_ms=table.read("account_age_under", None, _span),
        source_new=table.read("source_new", None, _flag),
        accounts=frozenset(table.read("account", _NONE, _texts)),
        not_accounts=frozenset(table.read("not_account", _NONE, _texts)),
        country_new_for_days=table.read("country_new_for", None, days_of_span),
        rung_within_ms=table.read("rung_within", None, _ring_span),
        rate_from_micros=table.read("rate_from", None, above_nothing(values.money, '"0.25"')) or 0,
    )
    min_calls = table.read("min_calls", None, above_nothing(values.count, "20")) or 0
    min_numbers = table.read("min_numbers", None, above_nothing(values.count, "4")) or 0
    times_usual = table.read("times_usual", None, above_nothing(multiple, "2")) or 0
    if measure is not None:
        _check_window(table, measure)
        _check(table, where, measure, per)
    return Read(where, min_calls, min_numbers, times_usual)


def _check_window(table: Table, measure: Measure) -> None:
    """What is asked of the window besides its value."""
    if "min_calls" in table and measure not in COUNTS_CALLS:
        found = f"does not go with measure {measure.value}, which has no calls to count besides"
        table.reject("min_calls", RejectedError(found, "a measure over a window, rate or in_flight"))
    if "min_numbers" in table and (measure not in WINDOWED or measure in _OWN_COUNT):
        found = f"does not go with measure {measure.value}, which has no window to count numbers in"
        table.reject("min_numbers", RejectedError(found, "a measure over a window"))
    if "times_usual" in table and measure is not Measure.MINUTES:
        found = f"does not go with measure {measure.value}: it is about the minutes of usual days"
        table.reject("times_usual", RejectedError(found, "measure minutes; growth compares money with the usual"))


def _check(table: Table, where: Where, measure: Measure, per: Per) -> None:
    if measure in OWN_PAST:
        for key in table.entries():
            if key in table.known and key not in _OF_ACCOUNTS and key not in _OF_WINDOW:
                found = f"does not go with measure {measure.value}: what is usual is known for all calls together"
                table.reject(key, RejectedError(found, ", ".join(sorted(_OF_ACCOUNTS))))
    if where.new_for_days is not None and per in _BY_NUMBER and not (where.kinds and where.kinds <= _ABROAD):
        found = f"with per = {per.value} needs a class, as numbers within the country are too many to be remembered"
        table.reject("new_for", RejectedError(found, 'class = ["international", "premium"], or one of them'))
    _check_apart(table, where)


def _check_apart(table: Table, where: Where) -> None:
    """Nothing is both wanted and unwanted."""
    both = where.countries & where.not_countries
    if both:
        table.reject("not_country", RejectedError(f"has {min(both)}, which country has, too", "one of them"))
    within = [each for each in where.prefixes if each.startswith(where.not_prefixes or ("-",))]
    if within:
        found = f"begins {min(within)}, which prefix has, too"
        table.reject("not_prefix", RejectedError(found, "a part of what prefix has, or something else"))
    both = where.accounts & where.not_accounts
    if both:
        table.reject("not_account", RejectedError("has an account that account has, too", "one of them"))


def _choices(of: type[E]) -> Callable[[object], tuple[E, ...]]:
    accepted = "an array of " + " | ".join(str(each.value) for each in of)

    def read(value: object) -> tuple[E, ...]:
        found = _some(value, accepted)
        wrong = next((each for each in found if each not in {one.value for one in of}), None)
        if wrong is not None:
            raise RejectedError(f"{values.shown(wrong)} is none of the choices", accepted)
        return tuple(of(each) for each in found)

    return read


def _some(value: object, accepted: str) -> tuple[str, ...]:
    found = values.texts(value, accepted)
    if not found:
        raise RejectedError("is empty", accepted)
    return found


def _texts(value: object) -> tuple[str, ...]:
    return _some(value, 'an array of account ids, such as ["A1001"]')


def _countries(value: object) -> tuple[str, ...]:
    return tuple(values.country(each) for each in _some(value, 'an array of country codes, such as ["SO", "GM"]'))


def _prefixes(value: object) -> tuple[str, ...]:
    found = _some(value, _PREFIX_ACCEPTED)
    wrong = next((each for each in found if not _PREFIX.fullmatch(each)), None)
    if wrong is not None:
        raise RejectedError(f"{values.shown(wrong)} is no prefix", _PREFIX_ACCEPTED)
    return tuple(sorted(set(found)))


def _hours(value: object) -> tuple[int, int] | None:
    match = _HOURS.fullmatch(values.text(value))
    if match is None:
        raise RejectedError(f"{values.shown(value)} is no span of hours", _HOURS_ACCEPTED)
    start = int(match.group(1)) * 60 + int(match.group(2))
    end = int(match.group(3)) * 60 + int(match.group(4)) if match.group(3) else _DAY_MINUTES
    if start == end:
        raise RejectedError(f"{values.shown(value)} ends where it begins", _HOURS_ACCEPTED)
    return start, end


def _days(value: object) -> frozenset[int]:
    accepted = "an array of " + " | ".join(DAYS)
    found = _some(value, accepted)
    wrong = next((each for each in found if each not in DAYS), None)
    if wrong is not None:
        raise RejectedError(f"{values.shown(wrong)} is no day of the week", accepted)
    return frozenset(map(DAYS.index, found))


def _span(value: object) -> int | None:
    return values.duration_ms(value)


def _ring_span(value: object) -> int:
    span_ms = values.duration_ms(value)
    if not 0 < span_ms <= RINGS_KEPT_MS:
        raise RejectedError(f"{values.shown(value)} is out of range", 'up to two days, such as "12h"')
    return span_ms


def days_of_span(value: object) -> int | None:
    """A span of whole days."""
    span_ms = values.duration_ms(value)
    if span_ms % DAY_MS:
        raise RejectedError(f"{values.shown(value)} is not a number of days", 'whole days, such as "90d"')
    return span_ms // DAY_MS


def _flag(value: object) -> bool | None:
    return values.boolean(value)
