"""`guard statement`: one cycle of an account, in figures that add up on paper and in sentences to read out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from rich.console import Console

from guard.commands.client import Api, account_path
from guard.commands.output import adding_up, console, item, plain, table, to_cents
from guard.commands.times import read_cycle

METHODS = {"card": "by card", "e_transfer": "by e-transfer", "eft": "by EFT", "cheque": "by cheque"}
CLASSES = {"onnet": "Calls, on-net", "": "Calls"}

Statement = dict[str, Any]
"""A statement as the API gives it."""


class _Row(NamedTuple):
    """One line of the table, before its amount is made to add up."""

    title: str
    amount: Decimal
    calls: str = ""
    minutes: str = ""
    in_plan: str = ""


def ask(api: Api, account: str, cycle: str | None = None) -> Statement:
    """The statement of a cycle, the present one by default."""
    if cycle is not None:
        read_cycle("--cycle", cycle)
    answer: Statement = api.get(account_path(account, "statement"), {"cycle": cycle})
    return answer


def show_statement(api: Api, account: str, *, cycle: str | None, as_json: bool) -> None:
    """The table, then the sentences."""
    statement = ask(api, account, cycle)
    if as_json:
        sys.stdout.write(json.dumps(statement) + "\n")
        return
    out = console()
    name = f"{statement['account']}  {statement.get('name') or ''}".rstrip()
    begin, _ = read_cycle("cycle", statement["cycle"]["name"])
    out.print(plain(name), style="bold")
    so_far = ", the present cycle" if statement["cycle"]["current"] else ""
    out.print(plain(f"{begin:%B %Y}{so_far}, in {statement['currency']}"))
    out.print()
    _print_figures(out, statement)
    out.print()
    print_lines(out, statement)


def print_lines(out: Console, statement: Statement) -> None:
    """Why the balance is what it is."""
    out.print("Why the balance is what it is", style="bold")
    for line in statement["lines"]:
        out.print(item(line, out), soft_wrap=True)


def _print_figures(out: Console, statement: Statement) -> None:
    begin, end = read_cycle("cycle", statement["cycle"]["name"])
    opening = statement["opening"]
    rows = list(_rows(statement))
    shown = adding_up(opening, [row.amount for row in rows])
    made = table("", "calls", "minutes", "in plan", "amount", right=("calls", "minutes", "in plan", "amount"))
    made.add_row(f"Balance on {begin.day} {begin:%b %Y}", "", "", "", f"{to_cents(opening):,}")
    for row, amount in zip(rows, shown, strict=True):
        made.add_row(plain(row.title), row.calls, row.minutes, row.in_plan, f"{amount:,}")
    total = to_cents(opening) + sum(shown)
    closing = "Balance now" if statement["cycle"]["current"] else f"Balance on {end.day} {end:%b %Y}"
    made.add_row(closing, "", "", "", f"{total:,}", style="bold")
    out.print(made)


def _rows(statement: Statement) -> Iterator[_Row]:
    """What moved the balance, signed by its effect on it."""
    for charge in statement["charges"]:
        kind = str(charge["class"])
        yield _Row(
            CLASSES.get(kind, f"Calls, {kind}"),
            Decimal(charge["net"]),
            f"{charge['calls']:,}",
            _minutes(charge["duration_ms"] // 1_000),
            _minutes(charge["covered_s"]) if charge["covered_s"] else "",
        )
    for name, title in (
        ("corrections", "Corrections of calls"),
        ("adjustments", "Fees and adjustments"),
        ("reconciled", "Set right by billing"),
    ):
        yield from _moved(title, Decimal(statement[name]))
    for payment in statement["payments"]:
        method = METHODS.get(str(payment["method"]), "by other means")
        yield _Row(f"Payments {method}", -Decimal(payment["amount"]))
    yield from _moved("Payments reversed", Decimal(statement["reversals"]))
    if statement["live"]:
        yield from _moved("Being posted at this moment", Decimal(statement["live"]["posting"]))


def _moved(title: str, amount: Decimal) -> Iterator[_Row]:
    if amount:
        yield _Row(title, amount)


def _minutes(seconds: int) -> str:
    """Minutes and seconds, as they are billed."""
    return f"{seconds // 60:,}:{seconds % 60:02d}"
