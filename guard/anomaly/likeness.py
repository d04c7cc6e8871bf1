"""Likeness: how much an hour is like those that were labelled fraud. Only where enough accounts are labelled so.

Boosted trees (Friedman 2001) tell labelled hours from good ones. They are written like the forest's: arrays, and one
ONNX operator, whose answer is the log-odds; only in training does scikit-learn grow them. Beside the sum of the other
parts they are a voice of their own (`parts`), calibrated with it.

Whoever labels tells of what was found. So that what was never found is not thought harmless: more novelty and more
magnitude never make an hour less like fraud (monotone trees), the other parts of the score stand as they are, and the
louder voice counts. Each labelled account weighs as much as any other, however long its fraud went on; all of them
together weigh as much as the good hours.

How rare log-odds are is read off hours that the trees did not see: for that they are grown once without each third of
the accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.anomaly.features import FEATURES, Column, Kind
from guard.anomaly.forest import LEAF, Forest, floor32

Accounts = npt.NDArray[np.int64]
"""Whose each row is."""

FEWEST_FRAUDS = 20
"""Labelled accounts: fewer are anecdotes."""
TREES, LEAVES, RATE = 80, 8, 0.1
FEWEST_OF_A_LEAF = 40
FOLDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Rows of features with whose they are."""

    rows: Column
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was grown."""

    trees: Forest
    good: Column
    """Log-odds of good hours, each by trees that did not see its account."""


def likeness_of(good: Hours, fraud: Hours, seed: int) -> Likeness:
    """Trees that tell fraud from good."""
    odds = np.zeros(len(good.rows))
    for fold in range(FOLDS):
        left_out = good.accounts % FOLDS == fold
        trees = _grown(_without(good, left_out), _without(fraud, fraud.accounts % FOLDS == fold), seed)
        odds[left_out] = trees.rows(good.rows[left_out])
    return Likeness(_grown(good, fraud, seed), odds)


def _without(hours: Hours, left_out: npt.NDArray[np.bool_]) -> Hours:
    return Hours(rows=hours.rows[~left_out], accounts=hours.accounts[~left_out])


def _grown(good: Hours, fraud: Hours, seed: int) -> Forest:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - as slow to import as the forest
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - see above

    rows = np.vstack([good.rows, fraud.rows]).astype(np.float32)
    labels = np.repeat([0, 1], [len(good.rows), len(fraud.rows)])
    grown = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=FEWEST_OF_A_LEAF,
        l2_regularization=1.0,
        monotonic_cst=[0 if feature.kind is Kind.FOREST else 1 for feature in FEATURES],
        early_stopping=False,
        random_state=seed,
    )
    weights = np.concatenate([np.ones(len(good.rows)), _weights(good, fraud)])
    with threadpool_limits(limits=1):  # sums of several threads depend on how many processors there are
        grown.fit(rows, labels, sample_weight=weights)
    return flattened(grown)


def _weights(good: Hours, fraud: Hours) -> Column:
    """Of fraud rows: each account the same, all together as much as the good ones."""
    _, place, count = np.unique(fraud.accounts, return_inverse=True, return_counts=True)
    return np.asarray(len(good.rows) / (len(count) * count[place]), dtype=np.float64)


def flattened(grown: Any) -> Forest:
    """scikit-learn's boosted trees as a forest whose mean over the trees is the log-odds."""
    feature, threshold, left, right, value, roots = [], [], [], [], [], []
    begin, count = 0, len(grown._predictors)  # noqa: SLF001 - nowhere else; a test compares the two
    base = float(np.ravel(grown._baseline_prediction)[0])  # noqa: SLF001
    for (tree,) in grown._predictors:  # noqa: SLF001
        nodes = tree.nodes
        leaf = nodes["is_leaf"].astype(np.bool_)
        roots.append(begin)
        feature.append(np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)))
        threshold.append(floor32(np.where(leaf, 0.0, nodes["num_threshold"])))
        left.append(np.where(leaf, LEAF, nodes["left"].astype(np.int64) + begin))
        right.append(np.where(leaf, LEAF, nodes["right"].astype(np.int64) + begin))
        value.append(np.where(leaf, nodes["value"] * count + base, 0.0))
        begin += len(nodes)
    return Forest(
        feature=np.concatenate(feature),
        threshold=np.concatenate(threshold),
        left=np.concatenate(left),
        right=np.concatenate(right),
        length=np.concatenate(value).astype(np.float32),
        roots=np.array(roots, dtype=np.int64),
        samples=len(grown._bin_mapper.bin_thresholds_),  # noqa: SLF001
    )
