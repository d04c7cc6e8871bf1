"""`python -m tests.bench.frauds SEED...`: what the shipped rules are worth, as a table.

For each seed a history is made (`guard simulate`: customers of many kinds, every scenario once) and replayed twice
(`guard backtest`): by guard as it ships, and by limits alone, calls in flight included. Every fraud then has two
losses, and every innocent account was blocked or not. Frauds are set in rows by scenario, over all seeds: a fraud is
stopped if guard stopped it at any of its accounts while it went on, and the accounts of a wave are counted besides.
Seeds that served to tune the rules prove nothing; the table says which were run.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

SURE = 0.95
"""The bound on false blocks is one-sided and holds with this probability, false blocks being rare and independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraud:
    """One account's part in a fraud. Money in whole units: a table needs no more."""

    scenario: str
    incident: str
    """What it was a part of: the accounts of a wave share it."""
    seconds: float | None
    """From its first call to the block; None: none came."""
    by_rule: bool
    lost: float
    lost_by_limits: float


@dataclass(slots=True)
class Found:
    """All seeds together."""

    frauds: list[Fraud] = field(default_factory=list)
    account_days: int = 0
    false_accounts: int = 0
    false_with_shadow: int = 0


def bound(seen: int, days: int) -> float:
    """With so many innocent accounts blocked, at most so many in 2,000 account-days (Poisson, one-sided)."""

    def chance(mean: float) -> float:
        return sum(math.exp(-mean) * mean**count / math.factorial(count) for count in range(seen + 1))

    low, high = 0.0, 10.0 + 3 * seen
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > 1 - SURE else (low, middle)
    return high * 2_000 / max(1, days)


def guard(*words: str | Path) -> None:
    """Run a command; what it says is shown if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "guard", *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"guard {words[0]} ended with {done.returncode}: {done.stderr.strip()}")


def backtest(history: Path, out: Path, config: Path) -> dict[str, Any]:
    """The summary of one run over a recorded history."""
    files = {name: history.with_name(f"h.{name}") for name in ("billing.ndjson", "labels.csv", "cases.ndjson")}
    told = ("--billing", files["billing.ndjson"], "--labels", files["labels.csv"], "--cases", files["cases.ndjson"])
    guard("backtest", "--no-peers", "--reports", history, *told, "--config", config, "--out", out)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    return summary


def run(seed: int, days: int, accounts: int, folder: Path, found: Found) -> None:
    """One seed, both ways."""
    history = folder / "h.ndjson.gz"
    size = ("--days", str(days), "--accounts", str(accounts), "--seed", str(seed))
    guard("simulate", "--record", history, *size, "--scenario", "all")
    (folder / "rules").mkdir()
    (folder / "shipped.toml").write_text("")
    (folder / "limits.toml").write_text('[rules]\ndir = "rules"\n')
    ours = backtest(history, folder / "shipped", folder / "shipped.toml")
    limits = backtest(history, folder / "limits", folder / "limits.toml")
    lost = {(label["account"], label["start"]): float(label["loss_before"]) for label in limits["labels"]}
    for label in ours["labels"]:
        if label["label"] == "fraud":
            found.frauds.append(
                Fraud(
                    scenario=label["scenario"],
                    incident=f"{seed} {label['case']}",
                    seconds=None if label["blocked_at"] is None else label["s_to_block"],
                    by_rule=bool(label["blocked_at"]) and label["blocked_by"] != "credit_limit",
                    lost=float(label["loss_before"]),
                    lost_by_limits=lost[label["account"], label["start"]],
                )
            )
    found.account_days += ours["history"]["account_days"]
    found.false_accounts += ours["guard"]["false_accounts"]
    found.false_with_shadow += ours["guard"]["false_accounts_with_shadow"]


def times(frauds: Sequence[Fraud]) -> str:
    """How many times less was lost than by limits alone."""
    ours, limits = sum(each.lost for each in frauds), sum(each.lost_by_limits for each in frauds)
    return f"{limits / ours:.1f}" if ours >= 1 else "-"


def row(name: str, frauds: Sequence[Fraud]) -> str:
    """One row of the table."""
    stopped = [each.seconds for each in frauds if each.seconds is not None]
    incidents = {each.incident for each in frauds}
    incidents_stopped = {each.incident for each in frauds if each.seconds is not None}
    minutes = f"{median(stopped) / 60:.0f}" if stopped else "-"
    cells = (
        name,
        f"{len(incidents_stopped)} of {len(incidents)}",
        f"{len(stopped)} of {len(frauds)}",
        str(sum(each.by_rule for each in frauds)),
        minutes,
        f"{sum(each.lost for each in frauds):,.0f}",
        f"{sum(each.lost_by_limits for each in frauds):,.0f}",
        times(frauds),
    )
    return f"| {' | '.join(cells)} |"


def table(found: Found) -> Iterable[str]:
    """The table in Markdown, and what it says about the innocent."""
    by_scenario: defaultdict[str, list[Fraud]] = defaultdict(list)
    for each in found.frauds:
        by_scenario[each.scenario].append(each)
    yield "| fraud | stopped | accounts | by a rule | median minutes | lost, guard | lost, limits alone | times less |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (row(name, frauds) for name, frauds in sorted(by_scenario.items()))
    yield row("**all**", found.frauds)
    yield ""
    yield (
        f"Innocent accounts blocked: {found.false_accounts} in {found.account_days:,} account-days"
        f" ({found.false_with_shadow} if shadow rules acted); with {SURE:.0%} certainty fewer than"
        f" {bound(found.false_accounts, found.account_days):.2f} in 2,000."
    )


def main() -> None:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", metavar="SEED", type=int, nargs="+")
    parser.add_argument("--days", type=int, default=22)
    parser.add_argument("--accounts", type=int, default=60)
    options = parser.parse_args()
    found = Found()
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            run(seed, options.days, options.accounts, Path(folder), found)
        sys.stderr.write(f"seed {seed}: {len(found.frauds)} frauds, {found.false_accounts} innocent blocked so far\n")
    sys.stdout.write("\n".join(table(found)) + "\n")


if __name__ == "__main__":
    main()
