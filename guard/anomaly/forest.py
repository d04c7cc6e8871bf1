"""The forest as plain arrays, and as an ONNX graph: one operator, written the same way every time.

An isolation forest is a set of trees; a row's path through each has a length, and what is far from everything is
isolated soon. Here a leaf holds its whole path length: its depth and the mean length of what was not split further. The
mean over the trees is what the graph gives; the score is two to the power of minus that, in units of the mean path of a
random tree of that size (Liu, Ting & Zhou 2008).

Rows and thresholds are 32-bit floats, as the runtime has them. scikit-learn compares 32-bit rows with 64-bit
thresholds, so each threshold is rounded down to the next 32-bit float: then every comparison comes out the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

EULER_GAMMA = 0.5772156649015329
OPSET = 3
"""Of the operator set that trees are in."""
LEAF = -1


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees one after the other. `left` and `right` are positions within all; -1 in a leaf."""

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    length: Floats
    """Of the path, in leaves."""
    roots: Ints
    samples: int
    """Rows that each tree was grown on."""

    @property
    def unit(self) -> float:
        """Mean path of a random tree of that size."""
        return mean_path(self.samples)

    def rows(self, features: npt.NDArray[Any]) -> Floats:
        """Mean path lengths, by numpy alone: all trees and rows take one step down at a time."""
        wide = np.ascontiguousarray(features, dtype=np.float32)
        count = len(wide)
        places = np.repeat(self.roots[None, :], count, axis=0)
        which = np.arange(count)[:, None]
        while True:
            inner = self.left[places] != LEAF
            if not inner.any():
                break
            values = wide[which, np.maximum(self.feature[places], 0)]
            down = np.where(values <= self.threshold[places], self.left[places], self.right[places])
            places = np.where(inner, down, places)
        return np.asarray(self.length[places].mean(axis=1), dtype=np.float32)


def mean_path(rows: int) -> float:
    """Mean length of an unsuccessful search in a binary tree of so many rows."""
    if rows <= 1:
        return 0.0
    if rows == 2:  # noqa: PLR2004 -- the formula below begins at three
        return 1.0
    return 2.0 * (math.log(rows - 1.0) + EULER_GAMMA) - 2.0 * (rows - 1.0) / rows


def floor32(values: npt.NDArray[np.float64]) -> Floats:
    """The largest 32-bit floats that are not larger."""
    near = values.astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def graph_of(forest: Forest, width: int) -> bytes:
    """An ONNX model of it, `features` (rows x width) to `length` (rows x 1). The same forest, the same bytes."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - only training writes graphs

    sizes = np.diff(np.append(forest.roots, len(forest.feature)))
    tree = np.repeat(np.arange(len(forest.roots)), sizes)
    node = np.arange(len(forest.feature)) - forest.roots[tree]
    leaf = forest.left == LEAF
    root = forest.roots[tree]
    weights = (forest.length[leaf].astype(np.float64)).astype(np.float32)
    operator = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["length"],
        domain="ai.onnx.ml",
        aggregate_function="AVERAGE",
        n_targets=1,
        post_transform="NONE",
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_featureids=np.where(leaf, 0, forest.feature).tolist(),
        nodes_modes=["LEAF" if each else "BRANCH_LEQ" for each in leaf],
        nodes_values=np.where(leaf, np.float32(0.0), forest.threshold).tolist(),
        nodes_truenodeids=np.where(leaf, 0, forest.left - root).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, forest.right - root).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=node[leaf].tolist(),
        target_ids=[0] * int(leaf.sum()),
        target_weights=weights.tolist(),
    )
    graph = helper.make_graph(
        [operator],
        "guard-anomaly",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info("length", TensorProto.FLOAT, ["rows", 1])],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", OPSET)]
    model = helper.make_model(graph, producer_name="guard", opset_imports=imports, ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))
