"""Checks that hold for every scorer, whatever its model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.anomaly.calibration import PromiseError
from guard.anomaly.forest import graph_of
from guard.anomaly.measures import NAMES
from guard.anomaly.model import WIDTH
from guard.anomaly.runtime import Runtime
from guard.anomaly.scorer import Scorer
from guard.anomaly.tracker import Row
from guard.anomaly.training import Recipe, train
from tests.anomaly.builders import FRAUD, QUIET, history, matrix, samples_of, trained

anything = st.floats(allow_nan=True, allow_infinity=True)


def a_scorer(per_1000: float = 20.0) -> Scorer:
    made = trained()
    return Scorer(made.model, made.forest.rows, per_1000)


def test_scoring_never_mutates() -> None:
    rows = matrix(FRAUD, QUIET)
    before = rows.copy()
    a_scorer().scores(rows)
    assert (rows == before).all()
    rows.setflags(write=False)
    a_scorer().scores(rows)


def test_the_order_in_which_measures_are_named_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(NAMES)).tolist()
    rows = matrix(FRAUD, QUIET)
    other = a_scorer().scores(rows[:, order], [NAMES[place] for place in order])
    assert (other.total == a_scorer().scores(rows).total).all()


def test_the_order_and_company_of_rows_does_not_matter() -> None:
    rows = [*history(3, accounts=4, days=3), Row("F", 0, FRAUD)]
    together = {(each.row.account, each.row.at_ms): each.score for each in a_scorer().score(rows)}
    alone = {(row.account, row.at_ms): a_scorer().score([row])[0].score for row in reversed(rows)}
    assert together == alone


def test_seeds_reproduce() -> None:
    samples = samples_of(history(7, accounts=50, days=30))
    one, same, other = (train(samples, Recipe(seed=seed, trees=20)) for seed in (3, 3, 4))
    assert one.model == same.model
    assert (one.scores == same.scores).all()
    assert graph_of(one.forest, WIDTH) == graph_of(same.forest, WIDTH)
    assert (one.scores != other.scores).any()


@given(st.lists(st.lists(anything, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=3))
@settings(deadline=None)
def test_what_is_not_a_number_never_leaves(rows: list[list[float]]) -> None:
    scores = a_scorer().scores(np.array(rows))
    assert all(np.isfinite(part).all() for part in (scores.total, scores.forest, scores.novelty, scores.magnitude))


def test_numpy_and_the_runtime_agree() -> None:
    made = trained()
    rows = np.array([row.measures for row in history(11, accounts=10, days=10)])
    runtime = Scorer(made.model, Runtime(graph_of(made.forest, WIDTH), WIDTH), 20.0)
    assert np.abs(runtime.scores(rows).total - a_scorer().scores(rows).total).max() < 1e-4


def test_a_score_is_the_sum_of_its_parts_in_the_open() -> None:
    (told,) = a_scorer().score([Row("A", 0, FRAUD)])
    assert told.score == pytest.approx(told.forest + told.novelty + told.magnitude)
    assert min(told.forest, told.novelty, told.magnitude) > 0


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
    scores = Scorer(made.model, made.forest.rows, 20.0).scores(matrix(plain, new))
    assert scores.novelty[1] > scores.novelty[0]


def test_fraud_is_an_alarm_and_a_quiet_hour_is_none() -> None:
    scorer = a_scorer()
    fraud, quiet = scorer.score([Row("A", 0, FRAUD), Row("B", 0, QUIET._replace(known_days=30.0, age_days=400.0))])
    assert fraud.score > 2 * scorer.mark_of(FRAUD) > 0
    assert quiet.score < scorer.mark


def test_nobody_is_spoken_of_sooner_for_being_unknown() -> None:
    scorer = a_scorer()
    assert scorer.mark_of(FRAUD._replace(known_days=1.0)) >= scorer.mark_of(FRAUD)


def test_no_rows_no_scores() -> None:
    assert a_scorer().score([]) == []


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
