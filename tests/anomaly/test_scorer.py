"""Checks that hold for every scorer, whatever its model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.anomaly.calibration import PromiseError
from guard.anomaly.forest import graph_of
from guard.anomaly.measures import NAMES
from guard.anomaly.model import WIDTH, Walkers
from guard.anomaly.runtime import Runtime
from guard.anomaly.scorer import Scorer
from guard.anomaly.tracker import Row
from guard.anomaly.training import Recipe, Trained, train
from tests.anomaly.builders import FRAUD, QUIET, frauds, history, matrix, samples_of, trained, trained_with_labels

anything = st.floats(allow_nan=True, allow_infinity=True)


def a_scorer(per_1000: float = 20.0) -> Scorer:
    made = trained()
    return Scorer(made.model, made.walk, per_1000)


@pytest.fixture(params=["good history alone", "labels too"])
def made(request: pytest.FixtureRequest) -> Trained:
    """Each kind of model that there is."""
    return trained() if request.param == "good history alone" else trained_with_labels()


@pytest.fixture
def scorer(made: Trained) -> Scorer:
    return Scorer(made.model, made.walk, 20.0)


def test_scoring_never_mutates(scorer: Scorer) -> None:
    rows = matrix(FRAUD, QUIET)
    before = rows.copy()
    scorer.scores(rows)
    assert (rows == before).all()
    rows.setflags(write=False)
    scorer.scores(rows)


def test_the_order_in_which_measures_are_named_does_not_matter(scorer: Scorer) -> None:
    order = np.random.default_rng(1).permutation(len(NAMES)).tolist()
    rows = matrix(FRAUD, QUIET)
    other = scorer.scores(rows[:, order], [NAMES[place] for place in order])
    assert (other.total == scorer.scores(rows).total).all()


def test_the_order_and_company_of_rows_does_not_matter(scorer: Scorer) -> None:
    rows = [*history(3, accounts=4, days=3), Row("F", 0, FRAUD)]
    together = {(each.row.account, each.row.at_ms): each.score for each in scorer.score(rows)}
    alone = {(row.account, row.at_ms): scorer.score([row])[0].score for row in reversed(rows)}
    assert together == alone


@pytest.mark.parametrize("labelled", [0, 40])
def test_seeds_reproduce(labelled: int) -> None:
    rows, labels = frauds(13, accounts=labelled)
    samples = samples_of(history(7, accounts=50, days=40) + rows, labels)
    one, same, other = (train(samples, Recipe(seed=seed, trees=20)) for seed in (3, 3, 4))
    assert one.model == same.model
    assert (one.scores == same.scores).all()
    assert graph_of(one.forest, WIDTH) == graph_of(same.forest, WIDTH)
    assert (one.scores != other.scores).any()
    assert (one.likeness is not None) == bool(labelled)
    if one.likeness is not None and same.likeness is not None:
        assert graph_of(one.likeness, WIDTH) == graph_of(same.likeness, WIDTH)


@given(st.lists(st.lists(anything, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=3))
@settings(deadline=None)
def test_what_is_not_a_number_never_leaves(rows: list[list[float]]) -> None:
    for each in (trained(), trained_with_labels()):
        scores = Scorer(each.model, each.walk, 20.0).scores(np.array(rows))
        parts = (scores.total, scores.forest, scores.novelty, scores.magnitude, scores.likeness)
        assert all(np.isfinite(part).all() for part in parts)


def test_numpy_and_the_runtime_agree(made: Trained, scorer: Scorer) -> None:
    rows = np.array([row.measures for row in history(11, accounts=10, days=10)])
    likeness = None if made.likeness is None else Runtime(graph_of(made.likeness, WIDTH), WIDTH)
    walk = Walkers(Runtime(graph_of(made.forest, WIDTH), WIDTH), likeness)
    assert np.abs(Scorer(made.model, walk, 20.0).scores(rows).total - scorer.scores(rows).total).max() < 1e-4


def test_a_score_is_the_sum_of_its_parts_in_the_open() -> None:
    (told,) = a_scorer().score([Row("A", 0, FRAUD)])
    assert told.score == pytest.approx(told.forest + told.novelty + told.magnitude)
    assert min(told.forest, told.novelty, told.magnitude) > 0
    assert told.likeness == 0


def test_with_labels_the_louder_voice_counts() -> None:
    made = trained_with_labels()
    scores = Scorer(made.model, made.walk, 20.0).scores(np.array([row.measures for row in history(3, accounts=20)]))
    sums = scores.forest + scores.novelty + scores.magnitude
    assert (scores.total == np.maximum(sums, scores.likeness)).all()
    assert (scores.likeness > sums).any()
    assert (scores.likeness < sums).any()


def test_magnitude_does_not_saturate() -> None:
    """The forest cannot tell 50 from 5,000,000: what stands beside it does."""
    amounts = (50.0, 5_000.0, 500_000.0, 5_000_000.0)
    scores = a_scorer().scores(matrix(*(FRAUD._replace(spend_hour=amount) for amount in amounts)))
    assert np.ptp(scores.forest[1:]) < 0.2
    assert (np.diff(scores.magnitude) > 1).all()


def test_novelty_counts_though_it_never_occurs_in_good_data() -> None:
    samples = samples_of([row._replace(measures=row.measures._replace(new_sources=0.0)) for row in history(7)])
    made = train(samples, Recipe(seed=1, trees=20))
    plain, new = QUIET._replace(known_days=30.0), QUIET._replace(known_days=30.0, new_sources=1.0)
    scores = Scorer(made.model, made.walk, 20.0).scores(matrix(plain, new))
    assert scores.novelty[1] > scores.novelty[0]


def test_fraud_is_an_alarm_and_a_quiet_hour_is_none() -> None:
    scorer = a_scorer()
    fraud, quiet = scorer.score([Row("A", 0, FRAUD), Row("B", 0, QUIET._replace(known_days=30.0, age_days=400.0))])
    assert fraud.score > 2 * scorer.mark_of(FRAUD) > 0
    assert quiet.score < scorer.mark


def test_nobody_is_spoken_of_sooner_for_being_unknown() -> None:
    scorer = a_scorer()
    assert scorer.mark_of(FRAUD._replace(known_days=1.0)) >= scorer.mark_of(FRAUD)


def test_no_rows_no_scores(scorer: Scorer) -> None:
    assert scorer.score([]) == []


def test_a_promise_that_the_model_cannot_keep_is_refused() -> None:
    with pytest.raises(PromiseError, match=r"about accounts known for two weeks: 0\.01 false alarms"):
        a_scorer(0.01)


def test_where_only_that_about_newer_accounts_cannot_be_kept_nothing_is_said_of_them() -> None:
    made = trained()
    assert made.model.known.finest < made.model.strangers.finest
    scorer = a_scorer((made.model.known.finest + made.model.strangers.finest) / 2)
    (new,) = scorer.score([Row("N", 0, FRAUD._replace(known_days=1.0))])
    assert new.score < scorer.mark_of(new.row.measures)
    assert scorer.silence.startswith("about accounts known for less than two weeks: ")
    assert a_scorer().silence == ""
