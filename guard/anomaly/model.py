"""A model: everything that a score is made of, apart from whoever walks the trees.

Scores come from features by plain sums (`parts`); only the forest needs a walker (`scorer.Runtime`, or `Forest.rows`),
which is handed in, so training and the daemon differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guard.anomaly.calibration import Calibration
from guard.anomaly.features import FEATURE_NAMES, ColdStart, Column, Columns, features
from guard.anomaly.forest import Floats
from guard.anomaly.parts import Rarity, Spreads

Walker = Callable[[Floats], Floats]
"""From rows of features to mean path lengths."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One score for each row, and what it is the sum of: all in decades."""

    total: Column
    forest: Column
    novelty: Column
    magnitude: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What was learned."""

    cold: ColdStart
    usual: tuple[float, ...]
    """The median of each feature over good rows."""
    unit: float
    """Mean path of a random tree."""
    spreads: Spreads
    forest_rarity: Rarity
    novelty_rarity: Rarity
    magnitude_rarity: Rarity
    known: Calibration
    """Of accounts that are well known."""
    strangers: Calibration
    """Of accounts known for less than two weeks."""
    drift_bins: tuple[tuple[float, ...], ...]
    """Of each feature: edges between tenths of the good rows, to see whether traffic has changed."""
    drift_parts: tuple[tuple[float, ...], ...]
    """And how large a part of the good rows lies between them."""

    def features(self, columns: Columns) -> Column:
        """Rows of features."""
        return features(columns, self.cold)

    def scores(self, rows: Column, walk: Walker) -> Scores:
        """Scores of rows of features; the rows are left as they are."""
        if not len(rows):
            nothing: Column = np.zeros(0)
            return Scores(nothing, nothing, nothing, nothing)
        forest = self.forest_rarity.of(isolation(walk(rows.astype(np.float32)), self.unit))
        novelty = self.novelty_rarity.of(self.spreads.novelty(rows))
        magnitude = self.magnitude_rarity.of(self.spreads.magnitude(rows))
        return Scores(forest + novelty + magnitude, forest, novelty, magnitude)


def isolation(lengths: npt.NDArray[np.float32], unit: float) -> Column:
    """The forest's own score: near 1 is isolated at once, below one half is ordinary."""
    return np.asarray(np.power(2.0, -lengths.astype(np.float64) / unit))


def usual_features(good: Column) -> tuple[float, ...]:
    """The median of each feature."""
    return tuple(float(each) for each in np.median(good, axis=0))


WIDTH = len(FEATURE_NAMES)
