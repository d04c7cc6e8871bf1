"""Backtest: reports a second on one core with all shipped rules, and memory by the length of the history.

Two histories of the same customers, one four times as long, go through `guard backtest` as a whole: reading, sorting on
disk, replay, report. What counts is the processor's time of the one process, as the system accounts for it, so whatever
else the machine does is left out as far as it can be. Its bytecode lies ready, as where it is installed: the history of
a day goes first. Memory must follow the accounts, not the history.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ACCOUNTS, SEED = 60, 7
DAYS, LONGER = 12, 4
"""Even the short one is more than what is sorted in memory at once."""


def record(folder: Path, days: int) -> tuple[Path, int]:
    """A history of so many days, and how many reports there are."""
    file = folder / f"days-{days}.ndjson"
    options = ["--record", str(file), "--days", str(days), "--accounts", str(ACCOUNTS), "--seed", str(SEED)]
    subprocess.run([sys.executable, "-m", "guard", "simulate", *options], check=True, capture_output=True)
    with file.open("rb") as lines:
        return file, sum(1 for _ in lines)


def backtest(folder: Path, file: Path) -> tuple[float, float]:
    """Seconds of the processor and MiB at most of one run."""
    name = file.name.removesuffix(".ndjson")
    inputs = ["--reports", str(file), "--billing", str(folder / f"{name}.billing.ndjson")]
    command = [sys.executable, "-m", "guard", "backtest", *inputs, "--no-peers", "--out", str(folder / "out")]
    bytecode = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | bytecode, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def run(show: Callable[[str], None], folder: Path) -> dict[str, float]:
    """Rate and memory, at both lengths."""
    figures: dict[str, float] = {}
    backtest(folder, record(folder, 1)[0])
    for length, days in (("short", DAYS), ("long", DAYS * LONGER)):
        file, reports = record(folder, days)
        seconds, mib = backtest(folder, file)
        file.unlink()
        show(
            f"backtest, {days} days of {ACCOUNTS} accounts: {reports:,} reports,"
            f" {reports / seconds:,.0f} a second on one core, {mib:,.0f} MiB at most"
        )
        figures |= {f"backtest_{length}_per_s": reports / seconds, f"backtest_{length}_mib": mib}
    figures["backtest_memory_ratio"] = figures["backtest_long_mib"] / figures["backtest_short_mib"]
    return figures
