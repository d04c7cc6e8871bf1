"""`python -m tests.bench.anomaly_frauds SEED...`: what the model adds to the rules, as a table.

For each seed a history is made (every fraud and every surprise of `guard simulate`) and replayed twice by guard with
the rules as shipped: without the model, and with `models/default` set to `enforce`. `--keep DIR` keeps histories and
runs and takes up what is there. The model was trained on none of these seeds. Of the innocent it tells on how many
account-days the model spoke of them, with the interval in which the rate lies, accounts being clusters of days.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from guard.anomaly.calibration import interval
from guard.core.settings import DAY_MS, HOUR_MS
from guard.wire.instants import rfc3339_ms
from tests.bench.frauds import backtest, guard

MODEL = Path(__file__).resolve().parents[2] / "models" / "default"
MODES = ("off", "enforce")
SPOKEN = {"warn", "block", "held"}

Json = dict[str, Any]


@dataclass(slots=True)
class Side:
    """What came of one way of running guard, over all seeds."""

    frauds: defaultdict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    """Labels of frauds, by scenario."""
    account_days: int = 0
    false_accounts: int = 0
    spoken: list[int] = field(default_factory=list)
    """Of each account: days on which the model spoke of it, innocent as it was."""
    days: list[int] = field(default_factory=list)
    """Of each account: days."""
    blocked: int = 0
    """Account-days on which it blocked somebody innocent."""

    def take(self, summary: Json, decisions: list[Json]) -> None:
        """One seed."""
        spoken = [each for each in decisions if each["reason"] == "anomaly" and each["action"] in SPOKEN]
        for label in summary["labels"]:
            if label["label"] == "fraud":
                start_ms, end_ms = rfc3339_ms(label["start"]), rfc3339_ms(label["end"]) + HOUR_MS
                label["spoken"] = any(
                    each["account"] == label["account"] and start_ms <= rfc3339_ms(each["at"]) <= end_ms
                    for each in spoken
                )
                self.frauds[label["scenario"]].append(label)
        self.account_days += summary["history"]["account_days"]
        self.false_accounts += summary["guard"]["false_accounts"]
        spans = [
            (label["account"], rfc3339_ms(label["start"]), rfc3339_ms(label["end"]) + DAY_MS)
            for label in summary["labels"]
            if label["label"] == "fraud"
        ]
        innocent = [
            (each["account"], rfc3339_ms(each["at"]) // DAY_MS, each["action"])
            for each in spoken
            if not any(each["account"] == who and a <= rfc3339_ms(each["at"]) <= b for who, a, b in spans)
        ]
        told = Counter(account for account, _ in {spoken[:2] for spoken in innocent})
        accounts = summary["history"]["accounts"]
        self.spoken += [*told.values(), *[0] * (accounts - len(told))]
        self.days += [summary["history"]["days"]] * accounts
        self.blocked += len({spoken[:2] for spoken in innocent if spoken[2] == "block"})

    def rate(self) -> str:
        """How often the model spoke of the innocent."""
        accounts = np.repeat(np.arange(len(self.days)), self.days)
        each = zip(self.days, self.spoken, strict=True)
        alarmed = np.concatenate([np.arange(days) < spoken for days, spoken in each])
        low, high = interval(alarmed, accounts)
        return f"{1_000 * sum(self.spoken) / self.account_days:.1f} in 1,000 (95 %: {low:.1f} to {high:.1f})"


def play(seed: int, folder: Path, size: tuple[str, ...], sides: dict[str, Side]) -> None:
    """One seed, both ways; what is there already is taken as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    history = folder / "h.ndjson.gz"
    if not (folder / "h.cases.ndjson").exists():
        guard("simulate", "--record", history, *size, "--seed", str(seed), "--scenario", "all")
    for mode in MODES:
        config, out = folder / f"{mode}.toml", folder / mode
        config.write_text("" if mode == "off" else f'[model]\ndir = "{MODEL}"\nmode = "{mode}"\n')
        if not (out / "report.html").exists():
            backtest(history, out, config)
        summary = json.loads((out / "summary.json").read_bytes())
        decisions = [json.loads(line) for line in (out / "decisions.ndjson").read_bytes().splitlines()]
        sides[mode].take(summary, decisions)


def table(sides: dict[str, Side]) -> Iterator[str]:
    """In Markdown: frauds by scenario, then the innocent."""
    rules, both = sides["off"], sides["enforce"]
    yield "| fraud | accounts | blocked by rules | with model | first by it | spoken of | lost, rules | with model |"
    yield "|---|---|---|---|---|---|---|---|"
    everything: tuple[list[Json], list[Json]] = ([], [])
    for scenario in sorted(rules.frauds):
        pair = rules.frauds[scenario], both.frauds[scenario]
        yield _row(scenario, *pair)
        for whole, part in zip(everything, pair, strict=True):
            whole.extend(part)
    yield _row("**all**", *everything)
    yield ""
    yield (
        f"Innocent accounts blocked in {both.account_days:,} account-days: {rules.false_accounts} by rules,"
        f" {both.false_accounts} by rules and model. The model spoke of innocent accounts on {sum(both.spoken)}"
        f" account-days, {both.rate()}, and blocked on {both.blocked} of them."
    )


def _row(name: str, rules: list[Json], both: list[Json]) -> str:
    cells = (
        name,
        str(len(rules)),
        *(str(sum(each["blocked_at"] is not None for each in side)) for side in (rules, both)),
        str(sum(each["blocked_by"] == "anomaly" for each in both)),
        str(sum(each["spoken"] for each in both)),
        *(f"{sum(float(each['loss_before']) for each in side):,.0f}" for side in (rules, both)),
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", metavar="SEED", type=int, nargs="+")
    parser.add_argument("--days", type=int, default=22)
    parser.add_argument("--accounts", type=int, default=60)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    size = ("--days", str(options.days), "--accounts", str(options.accounts))
    sides = {mode: Side() for mode in MODES}
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            play(seed, (options.keep or Path(folder)) / str(seed), size, sides)
            sys.stderr.write(f"seed {seed}: done\n")
    sys.stdout.write("\n".join(table(sides)) + "\n")


if __name__ == "__main__":
    main()
