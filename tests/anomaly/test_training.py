"""Training learns from what is good, keeps its promise on what it has not seen, and says when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from guard.anomaly.drift import MUCH, parts_in, stability
from guard.anomaly.samples import Doubt
from guard.anomaly.tracker import Row
from guard.anomaly.training import Recipe, TrainingError, daily_highest, known_rows, scores_of, train
from guard.core.settings import DAY_MS, HOUR_MS
from tests.anomaly.builders import FRAUD, START_MS, history, samples_of, trained

SMALL = Recipe(seed=1, trees=20)


def test_the_promise_is_kept_on_further_accounts() -> None:
    """Independent days, so the realised rate scatters as coin tosses do: three of their deviations."""
    made = trained()
    unseen = samples_of(history(99, accounts=150, days=40))
    scores = scores_of(unseen, made.model, made.forest)
    highest = daily_highest(unseen, scores, known_rows(unseen))
    assert made.model.known.days > 150
    for promised in (20.0, 50.0, 100.0):
        allowed = promised / 1_000
        deviation = np.sqrt(allowed * (1 - allowed) * (1 / len(highest) + 1 / made.model.known.days))
        assert (highest > made.model.known.mark(promised)).mean() <= allowed + 3 * deviation


def test_what_is_not_known_to_be_good_teaches_nothing() -> None:
    rows = history(7)
    spoilt = [*rows, *(Row(f"A{number:03}", START_MS + 3 * DAY_MS + 1, FRAUD) for number in range(30))]
    doubts = tuple(Doubt(f"A{number:03}", START_MS + 3 * DAY_MS + 1, START_MS + 3 * DAY_MS + 1) for number in range(30))
    samples = samples_of(spoilt, doubts)
    assert (~samples.good).sum() >= 30
    plain = samples_of(spoilt)
    assert plain.good.all()
    assert (
        train(samples, SMALL).model.spreads.high["spend_growth"]
        < train(plain, SMALL).model.spreads.high["spend_growth"]
    )


def test_a_label_that_says_good_has_the_last_word() -> None:
    rows = history(7, accounts=2, days=2)
    hit = Doubt("A000", START_MS, START_MS + 2 * DAY_MS)
    good = Doubt("A000", START_MS, START_MS + DAY_MS - 2 * HOUR_MS, good=True)
    for doubts in ((hit, good), (good, hit)):
        samples = samples_of(rows, doubts)
        first = (samples.account == 0) & (samples.at_ms < START_MS + DAY_MS)
        assert samples.good[first].all()
        assert not samples.good[(samples.account == 0) & ~first].all()


def test_the_order_of_arrival_does_not_matter() -> None:
    rows = history(7, accounts=30, days=20)
    assert train(samples_of(rows), SMALL).model == train(samples_of(rows[::-1]), SMALL).model


def test_accounts_little_known_have_a_mark_of_their_own() -> None:
    made = trained()
    assert made.model.strangers.days > 100
    assert made.model.strangers.marks != made.model.known.marks


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no calls that accounts would pay for"),
        (history(1, accounts=5, days=1), "shorter than two days"),
        (history(1, accounts=5, days=10), "good rows to learn from, at least 1000: more accounts or a longer history"),
    ],
)
def test_too_little_history_is_told(rows: list[Row], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        train(samples_of(rows), SMALL)


def test_traffic_that_has_changed_is_told_by_feature() -> None:
    made = trained()
    same = parts_in(made.features, made.model.drift_bins)
    assert max(stability(made.model.drift_parts, same)) == 0.0
    moved = made.features.copy()
    moved[:, 0] += 3.0
    index = stability(made.model.drift_parts, parts_in(moved, made.model.drift_bins))
    assert index[0] > MUCH
    assert max(index[1:]) == 0.0
