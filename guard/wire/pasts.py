"""What history says of accounts, and what guard knows of their past, as JSON: `guard learn` and whoever looks at it.

A day is its date by the account's own clock; money and rates are decimal strings, as everywhere. Only days on which
something happened are told of one by one; on the others between `from` and `until` nothing did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final, TypeVar

from guard.core.money import MAX_MICROS, Micros, format_money
from guard.core.rules.local import HOURS_OF_WEEK
from guard.core.rules.past import Past
from guard.core.rules.profile import COUNTRY, MOST_CALLED, NUMBER, PREFIX, SOURCE, Profile
from guard.core.rules.rows import DayRow
from guard.core.settings import MINUTE_MS
from guard.wire import rules
from guard.wire.billing import timezone
from guard.wire.decisions import JsonObject
from guard.wire.document import as_members
from guard.wire.fields import MAX_COUNT, Reader, count, identifier, integer, may, need, text, unsigned_money
from guard.wire.fields import date as date_text
from guard.wire.rules import RuleError

MOST_PROFILES: Final = 50
"""In one request: some 50 ms in which the loop does little else."""
MOST_DAYS: Final = 400
"""Of one account in one request."""

T = TypeVar("T")

_EPOCH: Final = date(1970, 1, 1)
_HOURS: Final = {str(hour): hour for hour in range(24)}
_KINDS: Final = {"countries": COUNTRY, "prefixes": PREFIX, "sources": SOURCE, "numbers": NUMBER}
_MILLS: Final = 1_000


def day_number(text_: str) -> int:
    """Days since 1970-01-01."""
    return (date.fromisoformat(text_) - _EPOCH).days


def day_text(number: int) -> str:
    """The date of a day."""
    return (_EPOCH + timedelta(days=number)).isoformat()


spoken: Final = integer(MAX_COUNT * 1_000, rules.NOT_A_DURATION)
"""Milliseconds that all calls of a day lasted together."""

# -- what history says


def past_object(past: Past) -> JsonObject:
    """One account's past, to be sent to the daemon."""
    return {
        "account": past.account,
        "timezone": past.timezone,
        "from": day_text(past.from_day),
        "until": day_text(past.until_day),
        "left_out": [day_text(day) for day in sorted(past.left_out)],
        "days": [_day_object(row) for row in past.days],
    }


def _day_object(row: DayRow) -> JsonObject:
    stated: JsonObject = {"day": day_text(row.day)}
    spend = {str(hour): format_money(min(micros, MAX_MICROS)) for hour, micros in row.spend if micros > 0}
    if spend:
        stated["spend"] = spend
    for name, kind in _KINDS.items():
        called = [what for each, what in row.called if each == kind]
        if called:
            stated[name] = called
    stated["top_rate"] = format_money(min(row.top_rate_micros, MAX_MICROS))
    stated["peak_calls"], stated["spoken_ms"] = row.peak_calls, row.spoken_ms
    return stated


def pasts_of(members: Mapping[str, object], by: str) -> tuple[Past, ...]:
    """The accounts of a request; `RuleError` names what in it breaks which rule."""
    read: Reader[list[Past]] = _list(lambda value: _past(value, by), MOST_PROFILES)
    return tuple(need(members, "profiles", read))


def _past(value: object, by: str) -> Past:
    members = as_members(value)
    from_day, until_day = day_number(need(members, "from", date_text)), day_number(need(members, "until", date_text))
    if until_day < from_day:
        raise RuleError(rules.DAYS_BACKWARDS, ".until")
    days = need(members, "days", _list(_day, MOST_DAYS))
    for row in days:
        if not from_day <= row.day < until_day:
            raise RuleError(rules.DAY_OUTSIDE, ".days")
    if len({row.day for row in days}) < len(days):
        raise RuleError(rules.DAY_TWICE, ".days")
    left_out = may(members, "left_out", _list(date_text, MOST_DAYS)) or []
    return Past(
        account=need(members, "account", identifier),
        timezone=may(members, "timezone", _timezone) or "",
        from_day=from_day,
        until_day=until_day,
        days=tuple(days),
        left_out=frozenset(map(day_number, left_out)),
        by=by,
    )


def _timezone(value: object) -> str:
    return "" if value == "" else timezone(value)


def _day(value: object) -> DayRow:
    members = as_members(value)
    spend = may(members, "spend", _spend) or ()
    called: list[tuple[int, str]] = []
    for name, kind in _KINDS.items():
        called += [(kind, what) for what in may(members, name, _list(text, MOST_CALLED)) or ()]
    return DayRow(
        day=day_number(need(members, "day", date_text)),
        spend=spend,
        called=tuple(called),
        top_rate_micros=may(members, "top_rate", unsigned_money) or 0,
        peak_calls=may(members, "peak_calls", count) or 0,
        spoken_ms=may(members, "spoken_ms", spoken) or 0,
    )


def _spend(value: object) -> tuple[tuple[int, int], ...]:
    spent: list[tuple[int, int]] = []
    for name, amount in as_members(value).items():
        if name not in _HOURS:
            raise RuleError(rules.NOT_AN_HOUR)
        spent.append((_HOURS[name], unsigned_money(amount)))
    return tuple(spent)


def _list(read: Reader[T], most: int) -> Reader[list[T]]:
    """A reader of an array of at most so many."""

    def read_all(value: object) -> list[T]:
        if not isinstance(value, list):
            raise RuleError(rules.NOT_AN_ARRAY)
        if len(value) > most:
            raise RuleError(rules.ARRAY_TOO_LONG)
        found: list[T] = []
        for index, element in enumerate(value):
            try:
                found.append(read(element))
            except RuleError as error:
                raise RuleError(error.rule, f"[{index}]{error.key}") from None
        return found

    return read_all


# -- what guard knows


def profile_object(account: str, profile: Profile) -> JsonObject:
    """What is usual for an account."""
    mills = profile.spend_mills or [0] * HOURS_OF_WEEK
    peak_tenths = profile.peak_thousandths // 100
    return {
        "account": account,
        "since": day_text(profile.first_day),
        "known_days": profile.known_days,
        "mature": profile.mature(),
        "history": [{"from": day_text(begin), "until": day_text(end)} for begin, end in profile.past],
        "usual_spend": [format_money(Micros(each * _MILLS)) for each in mills],
        "top_rate": format_money(Micros(profile.top_rate_micros)),
        "peak_calls": f"{peak_tenths // 10}.{peak_tenths % 10}",
        "busiest_day_minutes": profile.busiest_ms // MINUTE_MS,
        **{name: list(_latest_first(profile.habits[kind])) for name, kind in _KINDS.items() if kind != NUMBER},
    }


def _latest_first(habits: Mapping[str, int]) -> Iterator[str]:
    """What cannot be told, such as the prefix of a number that no tariff knows, is a habit like any other."""
    yield from sorted(filter(None, habits), key=lambda each: (-habits[each], each))
