"""`python -m tests.strangers SEED... [--author NAME] [--keep DIR] [--each]`: what guard does to strangers.

Each town is written to a folder and backtested twice, in processes of their own: as guard is shipped, and with no rules
(limits alone, calls in flight counted). Exit status 0: every fraud was stopped, losses are five times less, and no more
than one innocent in 2,000 account-days was cut off; 1: not so, or a backtest failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.strangers.paperwork import page, passed
from tests.strangers.second.town import build as build_second
from tests.strangers.third.town import build as build_third
from tests.strangers.town import build
from tests.strangers.trial import RUNS, laid_out, orders, verdict_on

AUTHORS = {"first": build, "second": build_second, "third": build_third}
"""Who has made up a town."""


def main() -> int:
    """Build, run, judge, print."""
    options = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    options.add_argument("seeds", nargs="+", type=int, metavar="SEED")
    options.add_argument("--days", type=int, help="as many as the author likes, unless told")
    options.add_argument("--accounts", type=int, help="the same")
    options.add_argument("--author", choices=AUTHORS, default="first", help="which stranger's towns")
    options.add_argument("--keep", type=Path, help="where towns and results are left for a look")
    options.add_argument("--each", action="store_true", help="also every fraud in a line of its own")
    chosen = options.parse_args()
    verdicts = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            wishes = {"accounts": chosen.accounts, "count": chosen.days}
            town = AUTHORS[chosen.author](seed, **{name: wish for name, wish in wishes.items() if wish})
            folder = laid_out(town, (chosen.keep or Path(scratch)) / str(seed))
            _run(folder)
            verdicts.append(verdict_on(seed, town, folder))
    sys.stdout.write(page(verdicts, each=chosen.each))
    return 0 if passed(verdicts) else 1


def _run(folder: Path) -> None:
    """Both backtests at once, each a process."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "guard", *orders(folder, name)],
            cwd=folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name in RUNS
    ]
    for run in runs:
        said, _ = run.communicate()
        if run.returncode != 0:
            raise SystemExit(f"a backtest in {folder} ended with {run.returncode}: {said}")


if __name__ == "__main__":
    sys.exit(main())
