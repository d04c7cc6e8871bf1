"""`guard ledger`: every line of money of an account, as a table, as JSON, or as the daemon's own CSV."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from rich.text import Text

from guard.commands.client import Api, account_path
from guard.commands.output import WRONG, CommandError, clock, console, lasting, money, plain, say, table
from guard.commands.times import read_cycle, read_past_time

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def show_ledger(
    api: Api,
    account: str,
    *,
    begin: str | None,
    end: str | None,
    cycle: str | None = None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Lines with begin <= at < end, or those of one cycle."""
    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", WRONG)
    if cycle is not None and (begin is not None or end is not None):
        raise CommandError("--cycle says from when to when: leave out --from and --to", WRONG)
    if cycle is not None:
        # From the 1st to the next 1st: the daemon takes dates in the account's own time zone.
        begin, end = (f"{day}" for day in read_cycle("--cycle", cycle))
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
    covered = any(line.get("covered_s") for line in lines)
    made = table(
        *("when", "what", "to", "lasted", *(["in plan"] if covered else []), "amount"),
        right=("lasted", "in plan", "amount"),
        folded=("to",),
    )
    for line in lines:
        made.add_row(*_cells(line, covered=covered))
    out = console()
    out.print(made)
    count = "1 line" if len(lines) == 1 else f"{len(lines):,} lines"
    out.print(f"{count}, together {money(answer['sum'])} {answer['currency']}", markup=False)


def _cells(line: Any, *, covered: bool) -> list[Text | str]:
    """One line of the table; where a call went stands behind its number, on a line of its own if it must."""
    is_call = bool(line.get("call"))
    what = line.get("to") or line.get("text") or line.get("ref") or ""
    lasted = lasting(int(line.get("duration_ms") or 0)) if is_call else ""
    in_plan = int(line.get("covered_s") or 0)
    cells: list[Text | str] = [
        clock(line.get("at")),
        plain(line.get("kind", "")),
        plain(f"{what} {line.get('destination') or ''}".rstrip()),
        lasted,
    ]
    if covered:
        cells.append(lasting(in_plan * 1_000) if in_plan else "")
    return [*cells, plain(money(line.get("amount")))]
