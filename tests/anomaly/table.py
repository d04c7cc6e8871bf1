"""The table of features for the documentation: `python -m tests.anomaly.table` prints it."""

from __future__ import annotations

import sys

from guard.anomaly.features import FEATURES

BEGIN, END = "<!-- features: begin -->", "<!-- features: end -->"


def table() -> str:
    """One row for each feature."""
    rows = ["| feature | unit | what it is | counts by | in the literature |", "|---|---|---|---|---|"]
    rows += [
        f"| `{each.name}` | {each.unit} | {each.meaning} | {each.kind.value} | {each.source} |" for each in FEATURES
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
