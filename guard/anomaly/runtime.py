"""The trees of one graph, walked by the ONNX Runtime on one thread: never more of the machine than that.

Of scikit-learn, plain numpy and this runtime it is the quickest at every batch size that occurs live
(`python -m tests.bench.anomaly`), and it reads the graph as a file of numbers, without running anything that is in it.
"""

from __future__ import annotations

import numpy as np

from guard.anomaly.forest import Floats

_INPUT, _OUTPUT = "features", "length"


class GraphError(ValueError):
    """A graph that is no forest of guard's."""


class Runtime:
    """One forest."""

    def __init__(self, graph: bytes, width: int) -> None:
        """`width`: how many features it must take; `GraphError` if it is none that does."""
        import onnxruntime  # noqa: PLC0415 - a daemon without the model does not load it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # boundary: the runtime's own parser, whose errors have no type
            raise GraphError(f"is no graph that can be loaded ({type(error).__name__})") from error
        inputs = [(each.name, each.type, each.shape[1:]) for each in self._session.get_inputs()]
        outputs = [(each.name, each.type) for each in self._session.get_outputs()]
        if inputs != [(_INPUT, "tensor(float)", [width])] or outputs != [(_OUTPUT, "tensor(float)")]:
            raise GraphError(f"takes {inputs} and gives {outputs}, not {width} features and a length")

    def __call__(self, features: Floats) -> Floats:
        """Mean path lengths of rows of features."""
        (lengths,) = self._session.run([_OUTPUT], {_INPUT: features})
        return np.asarray(lengths, dtype=np.float32).reshape(-1)
