"""The forest as arrays and as a graph gives what scikit-learn gives, and the same bytes every time."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from guard.anomaly.forest import Forest, floor32, graph_of, mean_path
from guard.anomaly.model import isolation
from guard.anomaly.runtime import GraphError, Runtime
from guard.anomaly.training import flattened

WIDTH = 12


@pytest.fixture(scope="module")
def grown() -> IsolationForest:
    good = np.random.default_rng(1).normal(size=(2_000, WIDTH)).astype(np.float32)
    return IsolationForest(n_estimators=30, max_samples=256, random_state=5, n_jobs=1).fit(good)


@pytest.fixture(scope="module")
def forest(grown: IsolationForest) -> Forest:
    return flattened(grown)


def rows() -> np.ndarray:
    return (np.random.default_rng(2).normal(size=(500, WIDTH)) * 2).astype(np.float32)


def test_scores_are_scikit_learns(grown: IsolationForest, forest: Forest) -> None:
    ours = isolation(forest.rows(rows()), forest.unit)
    assert np.abs(ours - -grown.score_samples(rows())).max() < 1e-6


def test_values_on_a_threshold_fall_the_same_way(grown: IsolationForest, forest: Forest) -> None:
    on_it = np.repeat(forest.threshold[forest.left >= 0][:200, None], WIDTH, axis=1).astype(np.float32)
    assert np.abs(isolation(forest.rows(on_it), forest.unit) - -grown.score_samples(on_it)).max() < 1e-6


def test_the_graph_gives_what_the_arrays_give(forest: Forest) -> None:
    runtime = Runtime(graph_of(forest, WIDTH), WIDTH)
    assert np.abs(runtime(rows()) - forest.rows(rows())).max() < 1e-5


def test_the_same_forest_makes_the_same_bytes(forest: Forest) -> None:
    assert graph_of(forest, WIDTH) == graph_of(forest, WIDTH)


def test_a_graph_of_another_width_is_refused(forest: Forest) -> None:
    with pytest.raises(GraphError, match="not 13 features"):
        Runtime(graph_of(forest, WIDTH), WIDTH + 1)


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x08\x08" * 50])
def test_what_is_no_graph_is_refused(junk: bytes) -> None:
    with pytest.raises(GraphError):
        Runtime(junk, WIDTH)


def test_thresholds_are_rounded_down() -> None:
    values = np.array([0.1, -0.1, 1.0, 1e-50, 3.0000000001])
    assert (floor32(values).astype(np.float64) <= values).all()
    assert (np.nextafter(floor32(values), np.float32(np.inf)).astype(np.float64) > values).all()


def test_mean_paths_are_those_of_the_literature() -> None:
    # Liu, Ting & Zhou 2008, equation 1; 256 rows make 10.244.
    assert (mean_path(0), mean_path(1), mean_path(2)) == (0.0, 0.0, 1.0)
    assert mean_path(256) == pytest.approx(10.2448, abs=1e-4)
