"""Good accounts and bad ones for the model's tests: made in a moment from a seed, and a model of them, trained once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from guard.anomaly.artefact import Origin, Written, save
from guard.anomaly.features import columns_of
from guard.anomaly.forest import graph_of
from guard.anomaly.measures import NAMES, Measures
from guard.anomaly.model import WIDTH
from guard.anomaly.samples import Collector, Doubt, Samples
from guard.anomaly.tracker import Row
from guard.anomaly.training import Recipe, Trained, train
from guard.core.records import Direction
from guard.core.rules.observation import Observation, What
from guard.core.settings import DAY_MS, HOUR_MS
from guard.core.tariff import CallClass

START_MS = 1_788_220_800_000
"""2026-09-01 00:00 UTC, a Tuesday."""


def seen(at_ms: int, what: What = What.BEGINS, **changed: object) -> Observation:
    """An observation of a domestic call of account A."""
    told: dict[str, object] = {
        "account": "A",
        "call": ("sw1", f"c{at_ms}"),
        "direction": Direction.OUTGOING,
        "kind": CallClass.DOMESTIC,
        "country": "CA",
        "prefix": "1",
        "number": "16475550100",
        "dialled": "16475550100",
        "place": "Canada",
        "source": "",
        "rate_micros": 10_000,
    }
    return Observation(at_ms=at_ms, what=what, **(told | changed))  # type: ignore[arg-type] # by name


QUIET = Measures(**dict.fromkeys(NAMES, 0.0))


def ordinary(draw: np.random.Generator, day: float, size: float) -> Measures:
    """A good account's hour; `size`: how much it usually does."""
    calls = float(draw.poisson(4 * size))
    minutes = calls * float(draw.gamma(2, 1.5))
    spend = minutes * 0.02 * float(draw.gamma(4, 0.25))
    return QUIET._replace(
        spend_hour=spend,
        usual_hour=0.24 * size * float(draw.gamma(8, 0.125)),
        spend_today=spend * 4,
        usual_today=2.0 * size,
        drift=float(draw.exponential(0.3)),
        abroad_hour=spend * float(draw.random() < 0.1),
        new_hour=0.0,
        top_rate=0.02 * (1 + float(draw.random())),
        usual_top_rate=0.04,
        peak_calls=1 + float(draw.poisson(size)),
        usual_peak_calls=2 + size,
        calls=calls,
        usual_calls=8 * size,
        numbers=calls * 0.7,
        usual_numbers=6 * size,
        minutes=minutes,
        usual_minutes=30 * size,
        failed=float(draw.poisson(0.5)),
        usual_failed=3.0,
        ended=calls,
        short=float(draw.poisson(0.3)),
        new_countries=float(draw.random() < 0.004),
        active_hours=8 + float(draw.integers(0, 4)),
        age_days=400.0,
        known_days=day,
        hour_of_week=float(draw.integers(0, 168)),
    )


FRAUD = QUIET._replace(
    spend_hour=412.0,
    usual_hour=0.3,
    spend_today=412.0,
    usual_today=2.0,
    drift=400.0,
    abroad_hour=411.0,
    new_hour=411.0,
    top_rate=2.1,
    usual_top_rate=0.04,
    peak_calls=8.0,
    usual_peak_calls=2.0,
    calls=30.0,
    usual_calls=8.0,
    numbers=3.0,
    usual_numbers=6.0,
    minutes=190.0,
    usual_minutes=30.0,
    new_countries=3.0,
    new_prefixes=3.0,
    new_numbers=3.0,
    active_hours=6.0,
    age_days=400.0,
    known_days=30.0,
    hour_of_week=5 * 24 + 2.0,
)


def history(seed: int, accounts: int = 200, days: int = 40, hours: int = 5) -> list[Row]:
    """Rows of good accounts."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(accounts):
        size = float(draw.gamma(2, 0.5)) + 0.3
        for day in range(days):
            rows += [
                Row(f"A{number:03}", START_MS + day * DAY_MS + hour * HOUR_MS, ordinary(draw, float(day), size))
                for hour in sorted(draw.choice(24, hours, replace=False).tolist())
            ]
    return rows


def samples_of(rows: list[Row], doubts: tuple[Doubt, ...] = ()) -> Samples:
    """As a history would have been taken."""
    collector = Collector()
    collector.take(rows)
    return collector.samples(doubts)


def frauds(seed: int, accounts: int = 30) -> tuple[list[Row], tuple[Doubt, ...]]:
    """Some hours of fraud at good accounts, and the labels of these."""
    draw = np.random.default_rng(seed)
    rows, labels = [], []
    for number in range(accounts):
        begins_ms = START_MS + (20 + number % 15) * DAY_MS + 100_000
        for hour in range(6):
            size = float(draw.gamma(3, 0.3)) + 0.1
            spent = {"spend_hour": 60.0 * size, "new_hour": 50.0 * size, "abroad_hour": 50.0 * size}
            told = FRAUD._replace(known_days=20.0, **spent)
            rows.append(Row(f"A{number:03}", begins_ms + hour * HOUR_MS, told))
        labels.append(Doubt(f"A{number:03}", begins_ms, begins_ms + 5 * HOUR_MS, fraud=True))
    return rows, tuple(labels)


@lru_cache(maxsize=1)
def trained_with_labels() -> Trained:
    """A model that knows what fraud looks like."""
    rows, labels = frauds(13)
    return train(samples_of(history(7) + rows, labels), Recipe(seed=3))


@lru_cache(maxsize=1)
def trained() -> Trained:
    """A model of good accounts."""
    return train(samples_of(history(7)), Recipe(seed=3))


def write_model(folder: Path, made: Trained | None = None) -> str:
    """That model on disk, or another; its digest."""
    made = made or trained()
    rows = np.vstack([matrix(FRAUD, QUIET), [row.measures for row in history(5, accounts=2, days=2)]])
    scores = made.model.scores(made.model.features(columns_of(rows)), made.walk).total
    likeness = None if made.likeness is None else graph_of(made.likeness, WIDTH)
    written = Written(
        graph=graph_of(made.forest, WIDTH),
        likeness=likeness,
        card="# A card\n",
        examples=rows.tolist(),
        scores=scores.tolist(),
    )
    return save(folder, made.model, Origin(name="trial", trained={"seed": 3}), written)


def matrix(*rows: Measures) -> npt.NDArray[np.float64]:
    """Rows of measures."""
    return np.array(rows, dtype=np.float64)
