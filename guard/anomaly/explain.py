"""Why a score is high, in one sentence with what is usual: never a bare number.

Each topic is one thing that an account does. What a topic has made of the score is found by asking: the row is scored
again with that one thing as usual, and all topics in one batch; for that all parts of the score are added. So the
answer holds for whatever the score is made of, and what is said is what moved it: at most `MOST_TOPICS`, the greatest
first, each with its usual value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from guard.anomaly.features import ColdStart, Columns, blended, columns_of
from guard.anomaly.measures import NAMES, Measures
from guard.core.decisions import Evidence
from guard.core.rules.rule import LEARNING_DAYS

MOST_TOPICS = 3
LEAST_PART = 0.15
"""Of the greatest topic's: what moved the score by less is not worth a clause."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PARTS = ("night", "morning", "afternoon", "evening")
_HOURS_OF_DAY, _HOURS_OF_PART = 24, 6


@dataclass(frozen=True, slots=True)
class Explanation:
    """What made a score, for people and for records."""

    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Topic:
    """One thing that an account does: the measures that become usual without it, and how it is said."""

    name: str
    without: Mapping[str, str | float]
    """Of each measure: the one it becomes, or a number."""
    clause: Callable[[Measures], str]
    """What was done, to be followed by what is usual."""
    usual: Callable[[Measures], str] | None = None
    """None: the clause says it all."""


def _money(amount: float) -> str:
    return f"{amount:,.2f}"


def _count(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 or amount == round(amount) else f"{amount:.1f}"  # noqa: PLR2004


def _counted(amount: float, noun: str, many: str = "") -> str:
    return f"{_count(amount)} {noun if amount == 1 else many or noun + 's'}"


def _when(row: Measures) -> str:
    """The part of the week, as people say it."""
    day, hour = divmod(int(row.hour_of_week), _HOURS_OF_DAY)
    return f"on a {_DAYS[day % len(_DAYS)]} {_PARTS[hour // _HOURS_OF_PART]}"


_TOPICS: tuple[_Topic, ...] = (
    _Topic(
        "spend",
        {"spend_hour": "usual_hour", "abroad_hour": 0.0, "premium_hour": 0.0, "new_hour": 0.0},
        lambda row: f"spent {_money(row.spend_hour)} in the last hour",
        lambda row: f"{_money(row.usual_hour)} {_when(row)}",
    ),
    _Topic(
        "spend_today",
        {"spend_today": "usual_today"},
        lambda row: f"spent {_money(row.spend_today)} today",
        lambda row: f"{_money(row.usual_today)} on a whole {_DAYS[int(row.hour_of_week) // _HOURS_OF_DAY % 7]}",
    ),
    _Topic(
        "drift",
        {"drift": 0.0},
        lambda row: f"has spent {_money(row.drift)} more than usual over the last days and weeks",
    ),
    _Topic(
        "rate",
        {"top_rate": "usual_top_rate"},
        lambda row: f"called at {_money(row.top_rate)} a minute",
        lambda row: f"at most {_money(row.usual_top_rate)}",
    ),
    _Topic(
        "concurrent",
        {"peak_calls": "usual_peak_calls"},
        lambda row: f"had {_counted(row.peak_calls, 'call')} up at once",
        lambda row: f"at most {_count(row.usual_peak_calls)}",
    ),
    _Topic(
        "calls",
        {"calls": "usual_calls"},
        lambda row: f"made {_counted(row.calls, 'call')} in the last hour",
        lambda row: f"at most {_count(row.usual_calls)}",
    ),
    _Topic(
        "numbers",
        {"numbers": "usual_numbers"},
        lambda row: f"called {_counted(row.numbers, 'different number')} in the last hour",
        lambda row: f"at most {_count(row.usual_numbers)}",
    ),
    _Topic(
        "minutes",
        {"minutes": "usual_minutes"},
        lambda row: f"spoke for {_counted(row.minutes, 'minute')} in the last hour",
        lambda row: f"at most {_count(row.usual_minutes)}",
    ),
    _Topic(
        "minutes_today",
        {"minutes_today": "usual_minutes_today"},
        lambda row: f"spoke for {_counted(row.minutes_today, 'minute')} today",
        lambda row: f"at most {_count(row.usual_minutes_today)} on a whole day",
    ),
    _Topic(
        "failed",
        {"failed": "usual_failed"},
        lambda row: f"{_counted(row.failed, 'attempt')} of the last hour failed",
        lambda row: f"at most {_count(row.usual_failed)}",
    ),
    _Topic(
        "new_countries",
        {"new_countries": 0.0, "new_prefixes": 0.0, "new_numbers": 0.0, "new_hour": 0.0, "new_day": 0.0},
        lambda row: _novelty(row),  # noqa: PLW0108 -- defined below
    ),
    _Topic(
        "new_sources",
        {"new_sources": 0.0, "source_hour": 0.0},
        lambda row: _strange_sources(row),  # noqa: PLW0108 -- defined below
    ),
    _Topic(
        "forwarded",
        {"forwarded": 0.0},
        lambda row: f"forwarded {_counted(row.forwarded, 'call')} in the last hour",
    ),
    _Topic(
        "short",
        {"short": 0.0},
        lambda row: f"{_count(row.short)} of {_counted(row.ended, 'call')} lasted six seconds or less",
    ),
    _Topic(
        "abroad",
        {"abroad_hour": 0.0, "premium_hour": 0.0},
        lambda row: f"spent {_money(row.abroad_hour)} of it abroad or at premium rates",
    ),
    _Topic(
        "repetition",
        {"numbers": "calls"},
        lambda row: f"made {_counted(row.calls, 'call')} to {_counted(row.numbers, 'number')}",
    ),
    _Topic(
        "active_hours",
        {"active_hours": 8.0},
        lambda row: f"has spent something in {_count(row.active_hours)} of the last 24 hours",
    ),
)


def _novelty(row: Measures) -> str:
    if row.new_countries:
        return f"{_counted(row.new_countries, 'country', 'countries')} never called before"
    if row.new_prefixes:
        return f"{_counted(row.new_prefixes, 'destination')} never called before"
    if row.new_numbers:
        return f"{_counted(row.new_numbers, 'number')} abroad never called before"
    return f"spent {_money(row.new_day)} in 24 hours on destinations never called before"


def _strange_sources(row: Measures) -> str:
    if row.new_sources:
        return f"calls come from {_counted(row.new_sources, 'address', 'addresses')} never seen before"
    return f"spent {_money(row.source_hour)} in the last hour from addresses never seen before"


def explanation(row: Measures, cold: ColdStart, score: Callable[[Columns], np.ndarray]) -> Explanation:
    """What made the score of a row; `score` gives one for each row of named columns."""
    known = Measures(**_usuals(row, cold))
    candidates = [topic for topic in _TOPICS if _differs(topic, row, known)]
    asked = np.array([row, *[_without(topic, row, known) for topic in candidates]], dtype=np.float64)
    scores = score(columns_of(asked))
    moved = sorted(
        zip((scores[0] - scores[1:]).tolist(), range(len(candidates)), strict=True),
        key=lambda each: (-each[0], each[1]),
    )
    if not moved or moved[0][0] <= 0:
        return Explanation(f"{_TOPICS[0].clause(row)}, which is unusual with all else that it did", ())
    told = [candidates[place] for drop, place in moved[:MOST_TOPICS] if drop >= LEAST_PART * moved[0][0]]
    clauses = [_said(topic, row, known) for topic in told]
    evidence = tuple(_evidence(topic, row, known) for topic in told)
    return Explanation("; ".join(clauses), evidence)


def _usuals(row: Measures, cold: ColdStart) -> dict[str, float]:
    """The row with what is usual blended in, as the features see it."""
    mixed = blended(columns_of(np.array([row], dtype=np.float64)), cold)
    return {name: float(mixed[name][0]) for name in NAMES}


def _without(topic: _Topic, row: Measures, known: Measures) -> Measures:
    return row._replace(**{name: _target(row, known, name, to) for name, to in topic.without.items()})


def _target(row: Measures, known: Measures, name: str, to: str | float) -> float:
    """What is usual is never more than what was done: a topic takes away, it does not add."""
    done = float(getattr(row, name))
    wanted = to if isinstance(to, float) else float(getattr(known if to.startswith("usual_") else row, to))
    return max(done, wanted) if to == "calls" else min(done, wanted)


def _differs(topic: _Topic, row: Measures, known: Measures) -> bool:
    return _without(topic, row, known) != row


def _said(topic: _Topic, row: Measures, known: Measures) -> str:
    if topic.usual is None:
        return topic.clause(row)
    whose = "usually" if row.known_days >= LEARNING_DAYS else "accounts as little known usually"
    return f"{topic.clause(row)}, {whose} {topic.usual(known)}"


def _evidence(topic: _Topic, row: Measures, known: Measures) -> Evidence:
    usual = "" if topic.usual is None else f"usually {topic.usual(known)}"
    return Evidence(what=topic.name, value=topic.clause(row), threshold=usual)
