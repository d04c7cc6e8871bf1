"""A model that was given labels knows what fraud looks like, and no less of what nobody has labelled."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from guard.anomaly.features import FEATURES, Kind, columns_of
from guard.anomaly.forest import graph_of
from guard.anomaly.likeness import FEWEST_FRAUDS, flattened
from guard.anomaly.model import WIDTH
from guard.anomaly.parts import as_rare_as
from guard.anomaly.runtime import Runtime
from guard.anomaly.scorer import Scorer
from guard.anomaly.training import Recipe, train
from guard.commands.train_card import likeness_in_words
from tests.anomaly.builders import QUIET, frauds, history, matrix, samples_of, trained_with_labels


def test_log_odds_are_scikit_learns_and_so_are_those_of_the_graph() -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(3_000, WIDTH)).astype(np.float32)
    labels = rows[:, 0] + rows[:, 3] * rows[:, 5] + draw.normal(size=3_000) > 1
    grown = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=8, random_state=1).fit(rows, labels)
    trees, further = flattened(grown), (draw.normal(size=(500, WIDTH)) * 2).astype(np.float32)
    assert np.abs(trees.rows(further) - grown.decision_function(further)).max() < 1e-5
    assert np.abs(Runtime(graph_of(trees, WIDTH), WIDTH)(further) - trees.rows(further)).max() < 1e-5


def test_what_is_like_labelled_fraud_is_heard_and_good_hours_are_not() -> None:
    made = trained_with_labels()
    scorer = Scorer(made.model, made.walk, 20.0)
    unseen, _ = frauds(99)
    assert (scorer.scores(np.array([row.measures for row in unseen])).likeness > scorer.mark).mean() > 0.95
    good = np.array([row.measures for row in history(31, accounts=40)])
    assert (scorer.scores(good).likeness > scorer.mark).mean() < 0.005


def test_what_nobody_has_labelled_is_still_heard() -> None:
    made = trained_with_labels()
    scorer = Scorer(made.model, made.walk, 20.0)
    robocall = QUIET._replace(
        known_days=30.0, age_days=400.0, calls=900.0, usual_calls=8.0, numbers=900.0, usual_numbers=6.0, minutes=200.0,
        usual_minutes=30.0, peak_calls=30.0, usual_peak_calls=2.0, failed=300.0, ended=900.0, short=700.0,
    )  # fmt: skip
    scores = scorer.scores(matrix(robocall))
    assert scores.total[0] > scorer.mark
    assert scores.total[0] > scores.likeness[0]


def test_more_novelty_and_more_magnitude_never_make_an_hour_less_like_fraud() -> None:
    made = trained_with_labels()
    assert made.likeness is not None
    features = made.model.features(columns_of(np.array([row.measures for row in history(9, accounts=10, days=8)])))
    before = made.likeness.rows(features)
    for place, feature in enumerate(FEATURES):
        if feature.kind is not Kind.FOREST:
            more = features.copy()
            more[:, place] += 1.0
            assert (made.likeness.rows(more) >= before - 1e-6).all(), feature.name


def test_the_promise_holds_with_labels_too() -> None:
    made = trained_with_labels()
    assert made.labelled >= FEWEST_FRAUDS
    for check in made.checks:
        assert check.low <= check.promised, "as far as 30 accounts tell"
    assert any(find.found == find.frauds > 0 for find in made.finds)


@pytest.mark.parametrize("labelled", [0, 3])
def test_too_few_labels_are_told_and_all_else_is_as_without(labelled: int) -> None:
    rows, labels = frauds(13, accounts=labelled)
    made = train(samples_of(history(7, accounts=60, days=40) + rows, labels), Recipe(seed=1, trees=20))
    assert made.likeness is None
    assert made.model.likeness_rarity is None
    assert likeness_in_words(made) == (
        f"no likeness to fraud: {made.labelled} accounts with hours labelled fraud to learn from, at least 20"
        " (guard train --labels)"
    )


def test_a_likeness_counts_as_the_sum_that_as_few_good_hours_reach() -> None:
    draw = np.random.default_rng(2)
    odds, sums = draw.normal(size=20_000), draw.exponential(size=20_000)
    counted = as_rare_as(odds, sums).of(odds)
    for part in (0.1, 0.01, 0.001):
        assert (counted >= np.quantile(sums, 1 - part)).mean() == pytest.approx(part, rel=0.3)
    beyond = as_rare_as(odds, sums).of(np.array([6.0, 7.0, 8.0]))
    assert (np.diff(beyond) > 0).all(), "it grows on beyond what good hours hold"
