"""`guard ledger`: every line of money of an account, as a table, as JSON, or as the daemon's own CSV."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from guard.commands.client import Api, account_path
from guard.commands.output import WRONG, CommandError, clock, console, lasting, money, plain, say, table
from guard.commands.times import read_past_time

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def show_ledger(
    api: Api,
    account: str,
    *,
    begin: str | None,
    end: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Lines with begin <= at < end."""
    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", WRONG)
    query = {"from": _moment("--from", begin), "to": _moment("--to", end)}
    path = account_path(account, "ledger")
    if as_csv:
        for piece in api.stream_csv(path, query):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    answer = api.get(path, query)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    _print_lines(answer)


def _moment(option: str, text: str | None) -> str | None:
    """A date is passed on as it is: the daemon takes it in the account's own time zone, as its invoices do."""
    if text is None or _DATE.fullmatch(text):
        return text
    return read_past_time(option, text)


def _print_lines(answer: Any) -> None:
    lines = answer["lines"]
    if not lines:
        say("No line in this time.")
        return
    made = table("when", "what", "to", "lasted", "amount", right=("lasted", "amount"), folded=("to",))
    for line in lines:
        duration_ms = int(line.get("duration_ms") or 0)
        is_call = bool(line.get("call"))
        made.add_row(
            clock(line.get("at")),
            plain(line.get("kind", "")),
            plain(line.get("to") or line.get("text") or line.get("ref") or ""),
            lasting(duration_ms) if is_call else "",
            plain(money(line.get("amount"))),
        )
    out = console()
    out.print(made)
    count = "1 line" if len(lines) == 1 else f"{len(lines):,} lines"
    out.print(f"{count}, together {money(answer['sum'])} {answer['currency']}", markup=False)
