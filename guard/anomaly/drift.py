"""Whether traffic has changed since a model was trained: the population stability index of each feature.

For each feature the good rows of training lie in bins (tenths of them, fewer where values repeat); the index sums
(now - then) x log(now / then) over the bins. By custom below 0.1 nothing has changed, and above 0.25 much has: then
alarms and silence mean less than was promised, and the model should be trained anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.anomaly.features import FEATURE_NAMES, Column

SLIGHT, MUCH = 0.1, 0.25
BINS = 10
_LEAST = 1e-4
"""A bin that nobody is in counts as this, so that the index stays finite."""


def bins_of(
    good: Column, untold: frozenset[str] = frozenset()
) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    """Edges of each feature's bins, and the parts of the good rows in them; of `untold` ones nothing can move."""
    tenths = np.quantile(good, np.arange(1, BINS) / BINS, axis=0)
    edges = tuple(
        () if name in untold else tuple(np.unique(tenths[:, place]).tolist())
        for place, name in enumerate(FEATURE_NAMES)
    )
    return edges, parts_in(good, edges)


def parts_in(rows: Column, edges: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """How large a part of the rows lies in each bin of each feature; a value on an edge lies below it."""
    parts = []
    for place, bounds in enumerate(edges):
        found = np.searchsorted(np.asarray(bounds), rows[:, place], side="left")
        counts = np.bincount(found, minlength=len(bounds) + 1)
        parts.append(tuple((counts / max(len(rows), 1)).tolist()))
    return tuple(parts)


def stability(then: Sequence[Sequence[float]], now: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The index of each feature."""
    return tuple(_index(before, after) for before, after in zip(then, now, strict=True))


def _index(before: Sequence[float], after: Sequence[float]) -> float:
    old = np.maximum(np.asarray(before), _LEAST)
    new = np.maximum(np.asarray(after), _LEAST)
    return float(np.sum((new - old) * np.log(new / old)))
