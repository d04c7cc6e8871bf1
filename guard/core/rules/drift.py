"""Drift: what an account spends above its usual, day after day, judged by the rules that ask for it.

The sum is the profile's (`guard.core.rules.profile`); it moves with every report. So each account keeps what must have
been spent today for a rule to climb at all (`climbs_from`), and nothing is judged below.
"""

from __future__ import annotations

from guard.core.rules.counters import PresentCounter
from guard.core.rules.filters import passes
from guard.core.rules.observation import Observation
from guard.core.rules.profile import NEVER_SPENT, Profile
from guard.core.rules.rule import ONE, Rule
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import Subject


def climbs_from(checks: tuple[PresentCounter, ...], profile: Profile) -> int:
    """What must be spent today for any of these rules to climb."""
    if not checks:
        return NEVER_SPENT
    least = [-(-rule.lowest * _usual_day(rule, profile) // ONE) for check in checks for rule in check.rules]
    return profile.spent_to_drift(max(1, min(least)))


def judge(check: PresentCounter, subject: Subject, seen: Observation, local_ms: int, speaker: Speaker) -> None:
    """Where rules on drift stand now."""
    profile = subject.profile
    above = profile.drift_micros()
    if not above and not subject.drifts:
        return
    for rule in check.rules:
        value = above * ONE // _usual_day(rule, profile)
        stands = rule.id in subject.drifts
        if stands or (value >= rule.lowest and passes(check.filters, seen, profile, local_ms)):
            speaker.judge(
                rule,
                value,
                subject.drifts,
                subject=subject,
                counter=check,
                key="",
                at_ms=seen.at_ms,
                cause=seen,
                usual=lambda: profile.usual_today_micros,
            )


def _usual_day(rule: Rule, profile: Profile) -> int:
    """What a rule on drift takes for usual today."""
    return max(rule.floor_micros, profile.usual_today_micros, 1)
