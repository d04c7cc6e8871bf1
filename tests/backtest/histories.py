"""Small recorded histories: calls written as the reports of their switch, billing, and one run over them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.backtest.history import History, Sorter
from guard.backtest.inputs import Bill, Span, read_billing
from guard.backtest.replay import Assumptions, Replay
from guard.backtest.tally import Tally
from guard.core.decisions import Decision
from guard.core.engine import Engine
from guard.core.money import format_money
from guard.core.rating import Rating
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.replay.payloads import time_text
from guard.replay.reportfiles import Tally as Lines

T0 = 1_780_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ABROAD = "+252611234567"
HOME = "+14165550100"

Object = dict[str, Any]


def call(
    name: str,
    account: str,
    *,
    start_ms: int,
    lasts_s: int,
    rate: int = 6_000_000,
    to: str = ABROAD,
    ends: bool = True,
    stated: bool = True,
    **more: Any,
) -> list[Object]:
    """A call's reports: answered, a tick every 30 s, ended; its charge grows evenly at micros a minute."""
    moments = [("answered", 0)]
    moments += [("tick", after_s) for after_s in range(30, lasts_s, 30)]
    moments += [("ended", lasts_s)] if ends else []
    reports = []
    for event, after_s in moments:
        report: Object = {
            "call": name,
            "event": event,
            "account": account,
            "to": to,
            "at": time_text(T0 + start_ms + after_s * SECOND),
            "duration_ms": after_s * SECOND,
            "switch": "sw1",
        }
        if stated:
            report |= {"charge": format_money(rate * after_s // 60), "rate": format_money(rate)}
        reports.append(report | more)
    return reports


def written(folder: Path, objects: Iterable[Object], name: str = "reports.ndjson") -> Path:
    """A file of JSON lines."""
    path = folder / name
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return path


def limit(account: str, amount: str, *, at_ms: int = 0) -> Object:
    """Billing opens an account with a limit."""
    return {
        "type": "account",
        "id": f"open-{account}",
        "account": account,
        "currency": "CAD",
        "credit": {"limit": amount},
        "at": time_text(T0 + at_ms),
    }


def span(account: str, start_ms: int, end_ms: int, *, fraud: bool = True) -> Span:
    """A label."""
    return Span(account=account, start_ms=T0 + start_ms, end_ms=T0 + end_ms, fraud=fraud)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run."""

    tally: Tally
    decisions: list[Decision]
    engine: Engine

    def told(self) -> list[tuple[int, str, str, str]]:
        """Each decision: milliseconds since T0, account, action, reason."""
        return [
            (each.at_ms - T0, each.account, each.action.value, each.reason.value)
            for each in self.decisions
            if each.action.value in {"block", "unblock"}
        ]

    def owed(self, account: str) -> int:
        """What an account's calls came to."""
        return self.tally.accounts[account].owed_micros

    def prevented(self, account: str) -> int:
        """What blocks saved of them."""
        return self.tally.accounts[account].prevented_micros


def play(
    reports: Sequence[Object],
    billing: Sequence[Object] = (),
    spans: Sequence[Span] = (),
    assumptions: Assumptions | None = None,
    *,
    run_reports: int = 7,
    rating: Rating | None = None,
) -> Played:
    """Run a history; runs on disk are tiny, so that sorting is part of every test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bills: list[Bill] = read_billing(written(folder, billing, "billing.ndjson"), Lines())
        with Sorter(folder, run_reports) as sorter:
            sorter.add(written(folder, reports))
            return _play(sorter.history(), bills, spans, assumptions or Assumptions(), rating)


def _play(
    history: History, bills: Sequence[Bill], spans: Sequence[Span], assumptions: Assumptions, rating: Rating | None
) -> Played:
    engine = Engine(Settings(), Scopes.of_country_code("1"), T0 - DAY, rating=rating)
    tally, decisions = Tally(spans), list[Decision]()
    Replay(engine, history, bills, tally, assumptions, decisions.append).run()
    return Played(tally, decisions, engine)
