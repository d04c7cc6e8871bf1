"""Measures: what an account has done in the hour before a moment, and what is usual for it, as plain numbers.

A row of measures is all that a score and its explanation need, so it can be queued, stored and replayed; features are
made of rows (`features`). Amounts are in the account's currency, times in minutes, ages in days. The names below are
part of the artefact's schema: adding, removing or redefining one is a new `VERSION` in `features`.
"""

from __future__ import annotations

from typing import NamedTuple

from guard.anomaly.recent import Recent
from guard.core.money import MICROS_PER_UNIT
from guard.core.rules.local import day_of, hour_of_week
from guard.core.rules.profile import COUNTRY, NUMBER, PREFIX, SOURCE, Profile
from guard.core.rules.usual import Heights, Usual
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS

MOST_AGE_DAYS = 1_000.0


class Measures(NamedTuple):
    """One account at one moment."""

    spend_hour: float
    """Gross of the last hour."""
    usual_hour: float
    """Usual for this hour of the week."""
    spend_today: float
    usual_today: float
    drift: float
    """Spent above the usual over all days."""
    abroad_hour: float
    """Of the last hour's, international and premium."""
    premium_hour: float
    new_hour: float
    """Of the last hour's, to countries or prefixes that are new for the account."""
    new_day: float
    """The same of the last 24 hours."""
    source_hour: float
    """Of the last hour's, on calls from addresses that are new for the account."""
    top_rate: float
    """The dearest call of the hour, per minute."""
    usual_top_rate: float
    peak_calls: float
    """Most calls up at once."""
    usual_peak_calls: float
    calls: float
    usual_calls: float
    numbers: float
    usual_numbers: float
    minutes: float
    usual_minutes: float
    minutes_today: float
    usual_minutes_today: float
    """On the busiest day."""
    failed: float
    usual_failed: float
    ended: float
    short: float
    forwarded: float
    new_countries: float
    new_prefixes: float
    new_numbers: float
    new_sources: float
    active_hours: float
    """Of the last 24."""
    age_days: float
    """Since the account was opened; where that is not known, since it was first heard of."""
    known_days: float
    """Since it was first heard of."""
    hour_of_week: float
    """On the account's own clock, Monday 00:00 is 0: for the words."""


NAMES = Measures._fields


def heights_of(recent: Recent, until_ms: int) -> Heights:
    """The hour's heights, for `Usual`."""
    hour = recent.hour(until_ms)
    return Heights(hour.calls, len(hour.numbers), hour.spoken_ms // MINUTE_MS, hour.failed)


def measure(
    recent: Recent, usual: Usual, profile: Profile, until_ms: int, shift_ms: int, opened_ms: int | None
) -> Measures:
    """An account at a moment; `shift_ms`: how far its own clock is ahead of UTC."""
    local_ms = until_ms + shift_ms
    hour = recent.hour(until_ms)
    calls, numbers, minutes, failed = usual.heights
    known = max(0, local_ms - profile.first_day * DAY_MS) / DAY_MS
    age = known if opened_ms is None else max(0.0, min((until_ms - opened_ms) / DAY_MS, MOST_AGE_DAYS))
    news = [kind for kind, _ in hour.news]
    day = day_of(local_ms - 1)
    current = day == profile.today  # else nothing has been heard of it since midnight
    today = profile.days.get(day)
    return Measures(
        spend_hour=max(0, hour.gross_micros) / MICROS_PER_UNIT,
        usual_hour=profile.usual_micros(local_ms, HOUR_MS) / MICROS_PER_UNIT,
        spend_today=max(0, profile.spent_micros if current else 0) / MICROS_PER_UNIT,
        usual_today=profile.usual_day_micros(day) / MICROS_PER_UNIT,
        drift=profile.drift_micros() / MICROS_PER_UNIT,
        abroad_hour=max(0, hour.abroad_micros) / MICROS_PER_UNIT,
        premium_hour=max(0, hour.premium_micros) / MICROS_PER_UNIT,
        new_hour=max(0, hour.new_micros) / MICROS_PER_UNIT,
        new_day=max(0, recent.new_day_micros(until_ms)) / MICROS_PER_UNIT,
        source_hour=max(0, hour.source_micros) / MICROS_PER_UNIT,
        top_rate=hour.top_rate_micros / MICROS_PER_UNIT,
        usual_top_rate=profile.top_rate_micros / MICROS_PER_UNIT,
        peak_calls=float(hour.peak_calls),
        usual_peak_calls=profile.peak_thousandths / 1_000,
        calls=float(hour.calls),
        usual_calls=calls,
        numbers=float(len(hour.numbers)),
        usual_numbers=numbers,
        minutes=max(0, hour.spoken_ms) / MINUTE_MS,
        usual_minutes=minutes,
        minutes_today=today.spoken_ms / MINUTE_MS if today is not None else 0.0,
        usual_minutes_today=profile.busiest_ms / MINUTE_MS,
        failed=float(hour.failed),
        usual_failed=failed,
        ended=float(hour.ended),
        short=float(hour.short),
        forwarded=float(hour.forwarded),
        new_countries=float(news.count(COUNTRY)),
        new_prefixes=float(news.count(PREFIX)),
        new_numbers=float(news.count(NUMBER)),
        new_sources=float(news.count(SOURCE)),
        active_hours=float(recent.active_hours(until_ms)),
        age_days=age,
        known_days=min(known, MOST_AGE_DAYS),
        hour_of_week=float(hour_of_week(local_ms - 1)),
    )
