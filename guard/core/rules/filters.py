"""`where` and `per`, compiled: small functions asked about one observation, the cheapest first.

Direction and class are not asked here: which counters a call of that direction and class concerns is known before
(`counters`), so a domestic call costs nothing to rules about abroad.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.rules.local import minute_of, weekday_of
from guard.core.rules.observation import Observation
from guard.core.rules.profile import COUNTRY, NUMBER, PREFIX, Profile
from guard.core.rules.rule import RANGE_DIGITS, Measure, Per, Rule, Where

Filter = Callable[[Observation, Profile, int], bool]
"""Asked about an observation, the account's profile and the time on the account's clock."""
Key = Callable[[Observation], str | None]
"""What an observation counts under; None: nothing that could be told."""

CORE_DIGITS = 8
"""The end of a number that stays the same whatever is dialled before it."""


def filters_of(where: Where, per: Per) -> tuple[Filter, ...]:
    """All that `where` asks besides direction and class."""
    made = (
        _accounts(where),
        _rate(where),
        _countries(where),
        _prefixes(where),
        _clock(where),
        _age(where),
        _source(where),
        _country_novelty(where),
        _novelty(where, per),
        _rung(where),
    )
    return tuple(each for each in made if each is not None)


def passes(filters: tuple[Filter, ...], observation: Observation, profile: Profile, local_ms: int) -> bool:
    """Whether an observation is one of those that a rule looks at."""
    for asks in filters:  # noqa: SIM110 -- all() over a generator costs three times as much
        if not asks(observation, profile, local_ms):
            return False
    return True


def key_of(rule: Rule) -> Key | None:
    """What the rule counts by; None: all under one, the account."""
    if rule.measure is Measure.VARIANTS:
        return _core
    return _KEYS[rule.per]


def _accounts(where: Where) -> Filter | None:
    wanted, unwanted = where.accounts, where.not_accounts
    if not (wanted or unwanted):
        return None
    return lambda seen, _profile, _local: seen.account not in unwanted and (not wanted or seen.account in wanted)


def _rate(where: Where) -> Filter | None:
    least = where.rate_from_micros
    return (lambda seen, _profile, _local: seen.rate_micros >= least) if least else None


def _countries(where: Where) -> Filter | None:
    wanted, unwanted = where.countries, where.not_countries
    if not (wanted or unwanted):
        return None
    return lambda seen, _profile, _local: seen.country not in unwanted and (not wanted or seen.country in wanted)


def _prefixes(where: Where) -> Filter | None:
    wanted, unwanted = where.prefixes, where.not_prefixes
    if not (wanted or unwanted):
        return None

    def begins(seen: Observation, _profile: Profile, _local: int) -> bool:
        return not seen.number.startswith(unwanted) and (not wanted or seen.number.startswith(wanted))

    return begins


def _clock(where: Where) -> Filter | None:
    days, hours = where.days, where.hours
    if hours is None:
        return (lambda _seen, _profile, local: weekday_of(local) in days) if days else None
    start, end = hours

    def within(_seen: Observation, _profile: Profile, local: int) -> bool:
        minute = minute_of(local)
        inside = start <= minute < end if start < end else minute >= start or minute < end
        return inside and (not days or weekday_of(local) in days)

    return within


def _age(where: Where) -> Filter | None:
    under = where.account_age_under_ms
    if under is None:
        return None
    return lambda seen, _profile, _local: seen.opened_ms is not None and seen.at_ms - seen.opened_ms < under


def _source(where: Where) -> Filter | None:
    wanted = where.source_new
    if wanted is None:
        return None
    return lambda seen, profile, _local: profile.new_source(seen.source) is wanted


def _novelty(where: Where, per: Per) -> Filter | None:
    days = where.new_for_days
    if days is None:
        return None
    if per is Per.PREFIX:
        return lambda seen, profile, _local: profile.new(PREFIX, seen.prefix, days)
    if per is Per.NUMBER or per is Per.RANGE:
        return lambda seen, profile, _local: profile.new(NUMBER, seen.number, days)
    return lambda seen, profile, _local: profile.new(COUNTRY, seen.country, days)


def _country_novelty(where: Where) -> Filter | None:
    days = where.country_new_for_days
    return None if days is None else lambda seen, profile, _local: profile.new(COUNTRY, seen.country, days)


def _rung(where: Where) -> Filter | None:
    within_ms = where.rung_within_ms
    if within_ms is None:
        return None

    return lambda seen, profile, _local: profile.rings.within(seen.number, seen.at_ms, within_ms)


def _number(seen: Observation) -> str | None:
    return seen.number or None


def _core(seen: Observation) -> str | None:
    digits = seen.number or "".join(filter(str.isdigit, seen.dialled))
    return digits[-CORE_DIGITS:] or None


_KEYS: dict[Per, Key | None] = {
    Per.ACCOUNT: None,
    Per.COUNTRY: lambda seen: seen.country,
    Per.CLASS: lambda seen: seen.kind.value,
    Per.PREFIX: lambda seen: seen.prefix,
    Per.NUMBER: _number,
    Per.RANGE: lambda seen: seen.number[:-RANGE_DIGITS] or None,
    Per.SOURCE: lambda seen: seen.source or None,
}
