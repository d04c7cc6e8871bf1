"""Recorded histories for both sides: customers, frauds, payments, limits, plans, priced by the switch or by guard."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from guard.cli import app
from guard.config.shipped import shipped
from guard.core.settings import HOUR_MS
from guard.replay.payloads import time_text

FRAUDS = ("pbx-irsf", "recon", "call-forward", "subscription-fraud", "many-accounts")
FIRST_DAY = "2026-09-01"
FIRST_MS = int(datetime.fromisoformat(FIRST_DAY).replace(tzinfo=UTC).timestamp()) * 1_000
KEPT_TICKS = 2
"""Of so many one is kept: reports are cumulative, and a minute between two is allowed."""


@dataclass(frozen=True)
class Recorded:
    """Files of a history, and the configuration under which it is replayed."""

    reports: Path
    billing: Path
    config: Path


NOWHERE = "mqtt://127.0.0.1:1"
"""A broker that nobody asks."""


def record(
    folder: Path, *, seed: int, days: int, mode: str, priced: bool, rules: bool = True, broker: str = NOWHERE
) -> Recorded:
    """Simulate, thin out, add what billing says meanwhile, and write a configuration."""
    simulated = folder / "simulated.ndjson.gz"
    asked = ["--record", simulated, "--days", days, "--accounts", 8, "--seed", seed, "--start", FIRST_DAY]
    asked += [word for name in FRAUDS for word in ("--scenario", name)]
    asked += [] if priced else ["--unpriced"]
    done = CliRunner().invoke(app, ["simulate", *map(str, asked)], prog_name="guard")
    assert done.exit_code == 0, done.output
    billing = folder / "billing.ndjson"
    said = (folder / "simulated.billing.ndjson").read_text().splitlines()
    billing.write_text("\n".join(said + _money(said)) + "\n")
    config = _configured(folder, mode, priced=priced, rules=rules)
    config.write_text(f'[broker]\nurl = "{broker}"\n{config.read_text()}')
    return Recorded(_thinned(simulated), billing, config)


def _thinned(simulated: Path) -> Path:
    thinned, ticks = simulated.with_name("reports.ndjson"), Counter[str]()
    with gzip.open(simulated, "rt") as lines, thinned.open("w") as kept:
        for line in lines:
            report = json.loads(line)
            if report["event"] == "tick":
                ticks[report["call"]] += 1
                if ticks[report["call"]] % KEPT_TICKS:
                    continue
            kept.write(line)
    return thinned


def _money(said: list[str]) -> list[str]:
    """Payments in their states, an adjustment, limits, a balance and a close, spread over the first day."""
    opened = [json.loads(line)["account"] for line in said if '"type":"account"' in line]
    a, b, c, d = opened[:4]
    at = iter(time_text(FIRST_MS + HOUR_MS * hour) for hour in (2, 5, 8, 13, 15, 16, 17, 18, 20, 22))
    messages = [
        {"type": "payment", "id": "p1", "account": a, "amount": "60.00", "method": "eft", "status": "pending"},
        {"type": "adjustment", "id": "x1", "account": b, "amount": "45.50", "reason": "setup fee"},
        {"type": "payment", "id": "p1", "account": a, "amount": "60.00", "method": "eft", "status": "posted"},
        {"type": "credit", "id": "l1", "account": c, "limit": "35.00", "until": time_text(FIRST_MS + 20 * HOUR_MS)},
        {"type": "payment", "id": "p2", "account": b, "amount": "10.00", "method": "card", "status": "posted"},
        {"type": "payment", "id": "p1", "account": a, "amount": "60.00", "method": "eft", "status": "reversed"},
        {"type": "balance", "id": "b1", "account": d, "owed": "80.00"},
        {"type": "credit", "id": "l2", "account": d, "limit": "500.00"},
        {"type": "card", "id": "k1", "account": a, "status": "expiring", "expires": "2026-12"},
        {"type": "close", "id": "z1", "account": b},
    ]
    return [json.dumps(each | {"as_of" if each["type"] == "balance" else "at": next(at)}) for each in messages]


def _configured(folder: Path, mode: str, *, priced: bool, rules: bool) -> Path:
    """Every shipped rule in one mode, so that each is met."""
    own = folder / "rules"
    own.mkdir()
    for path in sorted(shipped("rules").glob("*.toml")) if rules else ():
        text = re.sub(r'(?m)^mode = "\w+"', f'mode = "{mode}"', path.read_text())
        (own / path.name).write_text(text)
    text = '[rules]\ndir = "rules"\n[store]\nurl = "sqlite:guard.db"\n[http]\nlisten = "127.0.0.1:0"\n'
    if not priced:
        text += '[tariff]\nfile = "simulated.tariff.csv"\n[plans]\nfile = "simulated.plans.toml"\n'
    config = folder / "guard.toml"
    config.write_text(text)
    return config
