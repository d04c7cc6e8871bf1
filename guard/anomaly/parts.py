"""What stands beside the forest, and how all of it becomes one score, in the open.

    likeness  = the sum below that as few good rows reach as reach its log-odds (only of a model trained with labels)
    magnitude = sum over its features of (x - high) / spread, where x is beyond what good rows reach (their 99 %)
    novelty   = sum over its features of x / spread: any amount counts, and more counts more
    score     = rarity(forest) + rarity(novelty) + rarity(magnitude), or the likeness where that is higher

A rarity is in decades: 3 is what one good row in a thousand reaches. It is read off the good rows (`Rarity`), and
beyond what they hold it goes on growing in a straight line, so that what is ten times as far is not the same. Sums of
decades are no probabilities; what a score is worth in false alarms is for the calibration to say. The likeness is a
voice of its own: added, either would drown the other (tried on simulated histories: at the same promise less than a
third as many frauds were spoken of).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from guard.anomaly.features import FEATURE_NAMES, FEATURES, Column, Kind

HIGH = 0.99
SURVIVALS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
"""Parts of the good rows that reach a value: where rarities are noted."""
FEWEST_ABOVE = 5
"""A part is noted only if so many good rows make it up."""
LEAST_SPREAD = 0.05
"""Of a feature that hardly varies in good rows."""
UNTOLD_SPREAD = 1e12
"""Of one that the history tells nothing of: whatever is seen live counts for nothing."""
LEAST_DECADE = 0.02
"""Beyond what good rows hold, a decade is at least so much more."""

_PLACES = {
    kind: tuple(place for place, feature in enumerate(FEATURES) if feature.kind is kind)
    for kind in (Kind.NOVELTY, Kind.MAGNITUDE)
}


@dataclass(frozen=True, slots=True)
class Spreads:
    """How high good rows reach, and how far their upper half is spread, by feature."""

    high: Mapping[str, float]
    spread: Mapping[str, float]

    def magnitude(self, features: Column) -> Column:
        """How far beyond good rows, all features together."""
        return self._sum(features, Kind.MAGNITUDE)

    def novelty(self, features: Column) -> Column:
        """How much that the account has never done."""
        return self._sum(features, Kind.NOVELTY)

    def _sum(self, features: Column, kind: Kind) -> Column:
        total = np.zeros(len(features))
        for place in _PLACES[kind]:
            name = FEATURE_NAMES[place]
            high = self.high[name] if kind is Kind.MAGNITUDE else 0.0
            total += np.maximum(features[:, place] - high, 0.0) / self.spread[name]
        return total


def spreads_of(good: Column, untold: frozenset[str] = frozenset()) -> Spreads:
    """As good rows of features have it; the rows know nothing of the `untold` ones."""
    high = np.quantile(good, HIGH, axis=0)
    spread = np.maximum(high - np.median(good, axis=0), LEAST_SPREAD)
    spread[[FEATURE_NAMES.index(name) for name in untold]] = UNTOLD_SPREAD
    return Spreads(
        dict(zip(FEATURE_NAMES, high.tolist(), strict=True)), dict(zip(FEATURE_NAMES, spread.tolist(), strict=True))
    )


@dataclass(frozen=True, slots=True)
class Rarity:
    """Values that parts of the good rows reach: the value of each, ascending, and its decades."""

    values: tuple[float, ...]
    decades: tuple[float, ...]

    def of(self, values: Column) -> Column:
        """How rare values are, in decades."""
        noted = np.asarray(self.values)
        inside = np.interp(values, noted, np.asarray(self.decades))
        beyond = np.maximum(values - noted[-1], 0.0) / self._decade
        return np.asarray(inside + beyond, dtype=np.float64)

    @property
    def _decade(self) -> float:
        """How much more makes a decade, beyond what is noted: as much as near the end of it."""
        if len(self.values) == 1:
            return max(abs(self.values[0]), LEAST_DECADE)
        back = max(0, len(self.values) - 4)
        step = (self.values[-1] - self.values[back]) / (self.decades[-1] - self.decades[back])
        return max(step, LEAST_DECADE)


def rarity_of(good: Column) -> Rarity:
    """As good rows have it. Of equal values the most frequent part counts."""
    ordered = np.sort(good)
    noted: dict[float, float] = {}
    for survival in SURVIVALS:
        above = int(len(ordered) * survival)
        if above < FEWEST_ABOVE:
            break
        value = float(ordered[len(ordered) - above])
        reached = float((ordered >= value).mean())
        noted.setdefault(value, max(0.0, -float(np.log10(reached))))
    if not noted:
        noted = {float(ordered[-1]): 0.0}
    return Rarity(tuple(noted), tuple(noted.values()))


def as_rare_as(values: Column, sums: Column) -> Rarity:
    """Of what good rows have: for each noted part of them the value that it reaches, and the sum that it reaches."""
    noted: list[tuple[float, float]] = []
    for survival in SURVIVALS:
        if int(len(values) * survival) < FEWEST_ABOVE:
            break
        value, reached = (float(np.quantile(each, 1 - survival)) for each in (values, sums))
        if not noted or (value > noted[-1][0] and reached > noted[-1][1]):
            noted.append((value, reached))
    if not noted:
        noted = [(float(values.max()), float(sums.max()))]
    return Rarity(tuple(value for value, _ in noted), tuple(reached for _, reached in noted))
