"""Rules and calls, with everything that a test does not care about left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.core.decisions import Changes, KeptRow
from guard.core.records import Direction
from guard.core.rules.hits import Hit
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import PRESENT, Measure, Per, Rule, RuleMode, Where
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.core.tariff import CallClass

MONDAY = 20_605 * DAY_MS
"""2026-06-01 00:00 UTC."""
UNIT = 1_000_000

ABROAD = Where(kinds=frozenset({CallClass.INTERNATIONAL, CallClass.PREMIUM}))


def rule(measure: str = "calls", **fields: Any) -> Rule:
    """A rule on that measure; a window of an hour where it takes one."""
    of = Measure(measure)
    made: dict[str, Any] = {
        "id": measure,
        "title": measure,
        "mode": RuleMode.ENFORCE,
        "measure": of,
        "window_ms": None if of in PRESENT or of is Measure.DRIFT else HOUR_MS,
        "per": Per.NUMBER if of in (Measure.VARIANTS, Measure.ACCOUNTS) else Per.ACCOUNT,
        "warn": 5,
        "block": 10,
    }
    return Rule(**(made | fields))


def seen(what: str = "begins", at_ms: int = MONDAY, **fields: Any) -> Observation:
    """A report about a call to Somalia at 3.40 a minute."""
    made = Observation(
        account="A1",
        at_ms=at_ms,
        what=What[what.upper()],
        call=("sw1", "c1"),
        direction=Direction.OUTGOING,
        kind=CallClass.INTERNATIONAL,
        country="SO",
        prefix="252",
        number="252612345678",
        dialled="+252612345678",
        place="Somalia",
        source="203.0.113.9",
        rate_micros=3_400_000,
    )
    return replace(made, **fields)


def at_home(what: str = "begins", at_ms: int = MONDAY, **fields: Any) -> Observation:
    """A report about a call to Toronto at 0.01 a minute."""
    home: dict[str, Any] = {
        "kind": CallClass.DOMESTIC,
        "country": "CA",
        "prefix": "1416",
        "number": "14165550100",
        "dialled": "4165550100",
        "place": "Canada",
        "rate_micros": 10_000,
    }
    return seen(what, at_ms, **(home | fields))


def calls(count: int, *, every_ms: int = MINUTE_MS, at_ms: int = MONDAY, **fields: Any) -> list[Observation]:
    """Calls that begin one after the other."""
    return [seen(at_ms=at_ms + each * every_ms, call=("sw1", f"c{each}"), **fields) for each in range(count)]


def told(watch: Watch, observations: list[Observation]) -> list[Hit]:
    """All hits of some observations."""
    return [hit for each in observations for hit in watch.observe(each)]


def brief(hits: list[Hit]) -> list[tuple[str, str, int]]:
    """Rule, level and value of each."""
    return [(hit.rule.id, hit.level.value, hit.value) for hit in hits]


def known(watch: Watch, days: int = 20, **fields: Any) -> int:
    """Let the account be known: a call to Toronto each day at noon. The midnight that follows."""
    for day in range(days):
        noon = MONDAY + day * DAY_MS + 12 * HOUR_MS
        call = ("sw1", f"home{day}")
        watch.observe(at_home("begins", noon, call=call, **fields))
        watch.observe(at_home("ends", noon + MINUTE_MS, call=call, duration_ms=MINUTE_MS, **fields))
    return MONDAY + days * DAY_MS


def kept_across(watch: Watch) -> list[KeptRow]:
    """All that survives of what it counts across accounts."""
    changes = Changes()
    watch.keep_across(changes, whole=True)
    return changes.kept
