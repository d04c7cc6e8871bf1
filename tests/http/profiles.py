"""A profile that is known from history."""

from __future__ import annotations

from guard.core.rules.past import Past, absorb
from guard.core.rules.profile import COUNTRY, PREFIX, Profile
from guard.core.rules.rows import DayRow

MONDAY = 20_605
"""2026-06-01."""


def known_profile() -> Profile:
    """First seen on a Tuesday, after three weeks of history in which London was called on Mondays."""
    profile = Profile(MONDAY)
    profile.today = MONDAY + 1
    days = tuple(
        DayRow(day, ((9, 500_000),), ((COUNTRY, "GB"), (PREFIX, "44")), 200_000, 2)
        for day in range(MONDAY - 21, MONDAY, 7)
    )
    past = Past(account="A1", timezone="", from_day=MONDAY - 20, until_day=MONDAY, days=days[1:])
    absorb(profile, past, MONDAY + 3)
    return profile
