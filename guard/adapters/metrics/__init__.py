"""The numbers of contract 7 for Prometheus, from plain integers to text.

| module | |
|---|---|
| `catalog` | every metric once: name, kind, labels, unit, meaning; the text, the docs and the boards are held to it |
| `figures` | what the daemon counts and holds: plain numbers that cost nothing to count |
| `reading` | brings the figures up to date with the engine, when somebody asks |
| `probe` | what nobody counts along the way: how late the event loop is, how big the store is |
| `exposition` | the text |

Counting must cost nothing on the way of the money, so nobody calls a metrics library there: the engine counts in dicts
of integers, the loop in histograms of a few integers, and all else is read off when Prometheus asks.
"""

from guard.adapters.metrics.catalog import CONTENT_TYPE
from guard.adapters.metrics.exposition import Exposition
from guard.adapters.metrics.figures import Figures, SessionFigures, initial_figures
from guard.adapters.metrics.probe import Probe
from guard.adapters.metrics.reading import read_off

__all__ = ["CONTENT_TYPE", "Exposition", "Figures", "Probe", "SessionFigures", "initial_figures", "read_off"]
