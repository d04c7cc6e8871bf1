"""A town's day in court: two backtests of it, as guard is shipped and with limits alone, and what comes of them.

guard is only ever spoken to by its command line, with the files that the contract names. `orders` is what would be
typed; who types it (a process of its own, or a test within its own process) is not decided here.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.strangers.town import Town, configuration, write
from tests.strangers.verdict import Verdict, judge, read

RUNS = ("guard", "limits")
"""As shipped, and without rules. Both need every account: when a switch falls silent, calls in flight grow on."""


def laid_out(town: Town, folder: Path) -> Path:
    """The town's files, with a configuration without rules for the run by limits alone."""
    write(town, folder)
    (folder / "no-rules").mkdir(exist_ok=True)
    (folder / "limits.toml").write_text(configuration(town.home) + '[rules]\ndir = "no-rules"\n')
    return folder.resolve()


def orders(folder: Path, name: str) -> list[str]:
    """What to type after `guard`."""
    files = {
        "reports": folder / "reports.ndjson.gz",
        "billing": folder / "billing.ndjson",
        "labels": folder / "labels.csv",
        "cases": folder / "cases.ndjson",
        "config": folder / f"{name}.toml",
        "out": folder / name,
    }
    return ["backtest", "--no-peers", *(part for key, path in files.items() for part in (f"--{key}", str(path)))]


def verdict_on(seed: int, town: Town, folder: Path) -> Verdict:
    """From what both runs left in their folders."""
    summary = json.loads((folder / "guard" / "summary.json").read_text())
    guard, limits = (read(folder / name / "decisions.ndjson") for name in RUNS)
    return judge(seed, town, guard, limits, summary["guard"]["held"])
