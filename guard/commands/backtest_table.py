"""The comparison of a backtest as a terminal shows it: what each fraud cost by each way, and who was blocked wrongly.

Amounts are rounded to whole units, because four of them stand in a line of eighty characters; `summary.json` has them
exactly. Surprises (labels that are no fraud) are told by how many of their accounts each way blocked.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from guard.core.money import MICROS_PER_UNIT, parse_money

WIDTH = 100
HEADS = {
    "guard": "guard",
    "with-shadow": "with shadow",
    "limit-in-flight": "limit in flight",
    "limit-at-hang-up": "limit at hang-up",
    "counters": "counters",
}

Json = dict[str, Any]


def comparison_text(comparison: Json, currency: str) -> str:
    """The table; empty where nothing is labelled."""
    if not comparison["scenarios"]:
        return ""
    ways = comparison["ways"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(f"lost before the block, {currency}".rstrip(", "), no_wrap=True)
    for way in ways:
        table.add_column(HEADS.get(way["name"], way["name"]), justify="right")
    table.add_column("times less", justify="right")
    for row in comparison["scenarios"]:
        if row["label"] == "fraud":
            amounts = [_amount(row["ways"][way["name"]]["lost_before"]) for way in ways]
            table.add_row(row["scenario"] or "fraud", *amounts, row["times_less"] or "")
    if any(way["frauds"] for way in ways):
        table.add_section()
        table.add_row("all frauds", *(_amount(way["lost_before"]) for way in ways), comparison["times_less"] or "")
        in_all = ("" if way["lost"] is None else _amount(way["lost"]) for way in ways)
        table.add_row("  before and after it", *in_all)
        table.add_row("frauds blocked", *(f"{way['blocked']} of {way['frauds']}" for way in ways))
    table.add_section()
    for row in comparison["scenarios"]:
        if row["label"] != "fraud":
            counts = [f"{row['ways'][way['name']]['blocked']} of {row['spans']}" for way in ways]
            table.add_row(f"no fraud: {row['scenario'] or 'good'}", *counts)
    table.add_row("innocent accounts, by a rule", *(f"{way['innocent_accounts']:,}" for way in ways))
    table.add_row("  per 2,000 account-days", *(way["innocent_accounts_per_2000_account_days"] for way in ways))
    table.add_row("innocent accounts, at the limit", *(f"{way['innocent_accounts_at_limit']:,}" for way in ways))
    text = StringIO()
    Console(file=text, width=WIDTH, color_system=None).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _amount(text: str) -> str:
    """To the nearest whole unit; less than half a unit is not told as nothing."""
    micros = parse_money(text)
    return (
        f"{(micros + MICROS_PER_UNIT // 2) // MICROS_PER_UNIT:,}" if micros >= MICROS_PER_UNIT // 2 else _less(micros)
    )


def _less(micros: int) -> str:
    return "< 1" if micros else "0"
