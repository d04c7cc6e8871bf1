"""A model: everything that a score is made of, apart from whoever walks the trees.

Scores come from features by plain sums (`parts`); only trees need a walker (`scorer.Runtime`, or `Forest.rows`), which
is handed in, so training and the daemon differ in nothing else. A model has a likeness to fraud only if it was trained
with labels (`likeness`); without one that part of each score is nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.anomaly.calibration import Calibration
from guard.anomaly.features import FEATURE_NAMES, ColdStart, Column, Columns, features
from guard.anomaly.forest import Floats
from guard.anomaly.parts import Rarity, Spreads

Walker = Callable[[Floats], Floats]
"""From rows of features to one number each."""


class Walkers(NamedTuple):
    """Who walks the trees of a model."""

    forest: Walker
    likeness: Walker | None = None
    """None: it has none."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One score for each row, and what it is made of: all in decades."""

    total: Column
    forest: Column
    novelty: Column
    magnitude: Column
    likeness: Column

    @property
    def voices(self) -> Column:
        """All that speaks, together: what moves any of it is worth telling."""
        return self.forest + self.novelty + self.magnitude + self.likeness


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
    likeness_rarity: Rarity | None = None
    """None: it was trained without labels, or with too few."""
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

    def scores(self, rows: Column, walk: Walkers) -> Scores:
        """Scores of rows of features; the rows are left as they are."""
        if not len(rows):
            nothing: Column = np.zeros(0)
            return Scores(nothing, nothing, nothing, nothing, nothing)
        narrow = rows.astype(np.float32)
        forest = self.forest_rarity.of(isolation(walk.forest(narrow), self.unit))
        novelty = self.novelty_rarity.of(self.spreads.novelty(rows))
        magnitude = self.magnitude_rarity.of(self.spreads.magnitude(rows))
        likeness: Column = np.zeros(len(rows))
        if self.likeness_rarity is not None and walk.likeness is not None:
            likeness = self.likeness_rarity.of(walk.likeness(narrow).astype(np.float64))
        return Scores(np.maximum(forest + novelty + magnitude, likeness), forest, novelty, magnitude, likeness)


def isolation(lengths: npt.NDArray[np.float32], unit: float) -> Column:
    """The forest's own score: near 1 is isolated at once, below one half is ordinary."""
    return np.asarray(np.power(2.0, -lengths.astype(np.float64) / unit))


def usual_features(good: Column) -> tuple[float, ...]:
    """The median of each feature."""
    return tuple(float(each) for each in np.median(good, axis=0))


WIDTH = len(FEATURE_NAMES)
