"""The ledger as CSV, for a spreadsheet: written a chunk at a time, harmless to open.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, and what stands in
call and number fields was chosen by whoever placed the call. Such a cell gets a leading apostrophe, which marks text;
a plain number in one of the number columns stays a number. The format is RFC 4180: CRLF, quotes where needed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from guard.core.decisions import LedgerLine
from guard.wire.views import ledger_object

COLUMNS: Final = (
    "number",
    "at",
    "kind",
    "amount",
    "currency",
    "switch",
    "call",
    "to",
    "direction",
    "duration_ms",
    "emergency",
    "ref",
    "method",
    "text",
)
NUMBER_COLUMNS: Final = frozenset({"number", "amount", "duration_ms"})

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def csv_head() -> str:
    """The line with the names of the columns."""
    return _written([COLUMNS])


def csv_lines(lines: Iterable[LedgerLine]) -> str:
    """Lines of the ledger, in the order of `COLUMNS`; times in UTC, amounts as in JSON."""
    return _written(_row(line) for line in lines)


def _row(line: LedgerLine) -> list[str]:
    members = ledger_object(line)
    return [_cell(column, members[column]) for column in COLUMNS]


def _cell(column: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if column in NUMBER_COLUMNS and _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _written(rows: Iterable[Iterable[str]]) -> str:
    sheet = io.StringIO(newline="")
    csv.writer(sheet, lineterminator="\r\n").writerows(rows)
    return sheet.getvalue()
