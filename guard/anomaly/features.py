"""Features: what the forest sees, made of measures in one place for training and live use. The table is the definition.

Most compare with the account's own past, as the logarithm of a ratio with a floor in it, so that 0.30 instead of 0.01
is no news. An account that has not been known for two weeks has no past to compare with: what is usual for it is
blended with what accounts of its age usually do (`ColdStart`, learned with the model), by the part of the two weeks
that has passed. By the same part its novelties count, because to somebody unknown everything is new.

`kind` says by what else a feature counts than by the forest, which never splits on what is constant in good data and
cannot tell 50 from 5,000,000: the sums of `parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from guard.anomaly.measures import NAMES
from guard.core.rules.rule import LEARNING_DAYS

VERSION = 2
"""Of measures and features together: a model of another version is refused."""

Column = npt.NDArray[np.float64]
Columns = Mapping[str, Column]

YOUNG_DAYS = 30
"""Accounts opened later than this are a class of their own: subscription fraud lives there."""
USUALS = {
    "usual_hour": "spend_hour",
    "usual_today": "spend_today",
    "usual_top_rate": "top_rate",
    "usual_peak_calls": "peak_calls",
    "usual_calls": "calls",
    "usual_numbers": "numbers",
    "usual_minutes": "minutes",
    "usual_minutes_today": "minutes_today",
    "usual_failed": "failed",
}
"""What is usual, and what is done of it."""


class Kind(Enum):
    """By what a feature counts beside the forest."""

    FOREST = "forest"
    """By nothing else."""
    NOVELTY = "novelty"
    """What the account has never done: any amount of it counts."""
    MAGNITUDE = "magnitude"
    """How far beyond what good accounts do at most."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What is usual for accounts that nobody knows yet: for young ones, and for old ones."""

    young: Mapping[str, float]
    old: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of the forest."""

    name: str
    unit: str
    meaning: str
    kind: Kind
    make: Callable[[Columns], Column]
    source: str = ""
    """Where the literature has it."""


def columns_of(rows: npt.NDArray[np.float64], names: tuple[str, ...] = NAMES) -> dict[str, Column]:
    """Rows of measures as named columns; their order is that of `names`. What is not a number counts as nothing."""
    clean = np.nan_to_num(np.asarray(rows, dtype=np.float64), nan=0.0, posinf=1e12, neginf=0.0)
    clean = np.clip(clean.reshape(-1, len(names)), 0.0, 1e12)
    return {name: clean[:, place] for place, name in enumerate(names)}


def features(columns: Columns, cold: ColdStart) -> npt.NDArray[np.float64]:
    """One row of features for each row of measures, in the order of `FEATURES`."""
    known = blended(columns, cold)
    return np.column_stack([feature.make(known) for feature in FEATURES])


def blended(columns: Columns, cold: ColdStart) -> dict[str, Column]:
    """The columns, with what is usual blended for accounts that are not well known, and `familiar` beside them."""
    familiar = np.minimum(columns["known_days"] / LEARNING_DAYS, 1.0)
    young = columns["age_days"] < YOUNG_DAYS
    known = dict(columns)
    known["familiar"] = familiar
    for name in USUALS:
        stranger = np.where(young, cold.young[name], cold.old[name])
        known[name] = familiar * columns[name] + (1.0 - familiar) * stranger
    return known


def _log(name: str) -> Callable[[Columns], Column]:
    return lambda known: np.log1p(known[name])


def _growth(done: str, usual: str, floor: float) -> Callable[[Columns], Column]:
    return lambda known: np.log((known[done] + floor) / (known[usual] + floor))


def _share(part: str, whole: str, some: float) -> Callable[[Columns], Column]:
    return lambda known: known[part] / (known[whole] + some)


def _novelty(name: str) -> Callable[[Columns], Column]:
    return lambda known: np.log1p(known[name]) * known["familiar"]


def _failed_share(known: Columns) -> Column:
    return known["failed"] / (known["failed"] + known["calls"] + 5.0)


def _drift(known: Columns) -> Column:
    return np.log1p(known["drift"] / np.maximum(known["usual_today"], 1.0))


def _repetition(known: Columns) -> Column:
    return np.log((known["calls"] + 1.0) / (known["numbers"] + 1.0))


def _length(known: Columns) -> Column:
    return np.log1p(known["minutes"] / np.maximum(known["calls"], 1.0))


_F, _N, _M = Kind.FOREST, Kind.NOVELTY, Kind.MAGNITUDE
_LOG, _RATIO, _PART = "log(1 + x)", "log ratio", "share"


def _feature(name: str, unit: str, kind: Kind, make: Callable[[Columns], Column], words: tuple[str, str]) -> Feature:
    return Feature(name=name, unit=unit, kind=kind, make=make, meaning=words[0], source=words[1])


FEATURES: tuple[Feature, ...] = (
    _feature(
        "spend", _LOG, _F, _log("spend_hour"), ("gross of the last hour", "charge per period, Fawcett & Provost 1997")
    ),
    _feature(
        "spend_growth",
        _RATIO,
        _M,
        _growth("spend_hour", "usual_hour", 0.5),
        ("the same against what is usual at this hour of the week", "own profile, Fawcett & Provost 1997"),
    ),
    _feature(
        "day_growth",
        _RATIO,
        _M,
        _growth("spend_today", "usual_today", 1.0),
        ("gross of today so far against a usual whole day", "long and short profiles, Burge & Shawe-Taylor 1997"),
    ),
    _feature(
        "drift",
        _LOG,
        _M,
        _drift,
        ("what was spent above the usual over all days, in usual days", "cumulative sums, Page 1954"),
    ),
    _feature("price", _LOG, _F, _log("top_rate"), ("the dearest call's rate per minute", "")),
    _feature(
        "price_growth",
        _RATIO,
        _M,
        _growth("top_rate", "usual_top_rate", 0.05),
        ("the same against the dearest usual call", ""),
    ),
    _feature(
        "abroad_share", _PART, _F, _share("abroad_hour", "spend_hour", 0.5), ("international and premium spend", "")
    ),
    _feature("premium_share", _PART, _F, _share("premium_hour", "spend_hour", 0.5), ("premium spend", "")),
    _feature("concurrency", _LOG, _F, _log("peak_calls"), ("most calls up at once", "overlapping calls, Hollmen 2000")),
    _feature(
        "concurrency_growth",
        _RATIO,
        _M,
        _growth("peak_calls", "usual_peak_calls", 1.0),
        ("the same against the usual most", "overlapping calls, Hollmen 2000"),
    ),
    _feature(
        "calls",
        _LOG,
        _F,
        _log("calls"),
        ("calls begun in the last hour", "calls per period, Hilas & Mastorocostas 2008"),
    ),
    _feature(
        "calls_growth",
        _RATIO,
        _M,
        _growth("calls", "usual_calls", 5.0),
        ("the same against the usual busiest hour", "own profile, Hilas & Mastorocostas 2008"),
    ),
    _feature(
        "numbers_growth",
        _RATIO,
        _M,
        _growth("numbers", "usual_numbers", 5.0),
        ("different numbers called, against the usual busiest hour", ""),
    ),
    _feature(
        "minutes_growth",
        _RATIO,
        _M,
        _growth("minutes", "usual_minutes", 20.0),
        ("minutes spoken, against the usual busiest hour", "duration per period, Hilas & Mastorocostas 2008"),
    ),
    _feature(
        "day_minutes_growth",
        _RATIO,
        _M,
        _growth("minutes_today", "usual_minutes_today", 60.0),
        ("minutes spoken today, against the usual busiest day", "long and short profiles, Burge & Shawe-Taylor 1997"),
    ),
    _feature("repetition", _RATIO, _F, _repetition, ("calls for each different number", "")),
    _feature(
        "length", _LOG, _F, _length, ("minutes spoken for each call begun", "mean duration, Burge & Shawe-Taylor 1997")
    ),
    _feature("failed_share", _PART, _F, _failed_share, ("attempts that were not answered", "")),
    _feature(
        "failed_growth",
        _RATIO,
        _M,
        _growth("failed", "usual_failed", 10.0),
        ("attempts not answered, against the usual busiest hour", ""),
    ),
    _feature(
        "short_share", _PART, _F, _share("short", "ended", 10.0), ("calls of at most 6 s among those that ended", "")
    ),
    _feature("forwarded", _LOG, _F, _log("forwarded"), ("forwarded calls begun in the last hour", "")),
    _feature("new_countries", _LOG, _N, _novelty("new_countries"), ("countries not called for 90 days", "")),
    _feature("new_prefixes", _LOG, _N, _novelty("new_prefixes"), ("tariff prefixes not called for 90 days", "")),
    _feature("new_numbers", _LOG, _N, _novelty("new_numbers"), ("numbers abroad not called for 90 days", "")),
    _feature("new_sources", _LOG, _N, _novelty("new_sources"), ("addresses that calls never came from", "")),
    _feature("new_spend", _LOG, _N, _novelty("new_hour"), ("spent on new countries and prefixes in the last hour", "")),
    _feature("new_day", _LOG, _N, _novelty("new_day"), ("the same in the last 24 hours", "")),
    _feature(
        "source_spend", _LOG, _N, _novelty("source_hour"), ("spent from addresses that calls never came from", "")
    ),
    _feature("active_hours", "hours", _F, lambda known: known["active_hours"], ("of the last 24 with any spend", "")),
    _feature("quiet", _LOG, _F, _log("usual_hour"), ("what is usually spent at this hour of the week", "")),
    _feature("familiar", _PART, _F, lambda known: known["familiar"], ("how much of two weeks it is known", "")),
)

FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
