"""The scorer: rows of measures in, scores out; with the marks that they are compared with.

Nothing here changes what it is given, and nothing that is not a number leaves: what comes in as infinite or as no
number counts as very much or as nothing (`features.columns_of`), and from finite measures only finite scores come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guard.anomaly.calibration import Calibration, PromiseError
from guard.anomaly.explain import Explanation, explanation
from guard.anomaly.features import Column, Columns, columns_of
from guard.anomaly.measures import NAMES, Measures
from guard.anomaly.model import Model, Scores, Walkers
from guard.anomaly.tracker import Row
from guard.core.rules.rule import LEARNING_DAYS

SILENT = 1e9
"""A mark in decades that no score exceeds: where the promise cannot be kept, nothing is said."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A row with its score: in decades, and what it is made of."""

    row: Row
    score: float
    forest: float
    novelty: float
    magnitude: float
    likeness: float


class Scorer:
    """A model at work."""

    def __init__(self, model: Model, walk: Walkers, false_alarms_per_1000_account_days: float) -> None:
        """`PromiseError` if the model cannot keep the promise, about accounts known for two weeks."""
        self.model = model
        self._walk = walk
        self.mark = _mark(model.known, false_alarms_per_1000_account_days, "known for two weeks")
        self.silence = ""
        """Why nothing is said of accounts known for less; empty: they have a mark of their own."""
        try:
            strangers = _mark(model.strangers, false_alarms_per_1000_account_days, "known for less than two weeks")
        except PromiseError as error:
            strangers, self.silence = SILENT, str(error)
        # Nobody is spoken of sooner for being unknown: their days are few, and those of one account much alike.
        self.stranger_mark = max(self.mark, strangers)

    def score(self, rows: Sequence[Row]) -> list[Scored]:
        """Scores of rows, in their order."""
        if not rows:
            return []
        scores = self.scores(np.array([row.measures for row in rows], dtype=np.float64))
        return [
            Scored(row, *values)
            for row, *values in zip(
                rows,
                scores.total.tolist(),
                scores.forest.tolist(),
                scores.novelty.tolist(),
                scores.magnitude.tolist(),
                scores.likeness.tolist(),
                strict=True,
            )
        ]

    def features(self, rows: Sequence[Row]) -> Column:
        """What the forest sees of rows."""
        return self.model.features(columns_of(np.array([row.measures for row in rows], dtype=np.float64)))

    def scores(self, measures: npt.NDArray[np.float64], names: Sequence[str] = NAMES) -> Scores:
        """Scores of rows of measures, whose columns may come in any order as long as they are named."""
        return self.scores_of(columns_of(measures, tuple(names)))

    def scores_of(self, columns: Columns) -> Scores:
        """Scores of named columns of measures."""
        return self.model.scores(self.model.features(columns), self._walk)

    def mark_of(self, measures: Measures) -> float:
        """The score that a row must exceed."""
        return self.mark if measures.known_days >= LEARNING_DAYS else self.stranger_mark

    def explain(self, measures: Measures) -> Explanation:
        """What made the score of a row, in words."""
        return explanation(measures, self.model.cold, lambda columns: self.scores_of(columns).voices)


def _mark(calibration: Calibration, per_1000: float, whose: str) -> float:
    try:
        return calibration.mark(per_1000)
    except PromiseError as error:
        raise PromiseError(f"about accounts {whose}: {error}") from error
