"""Tables as CSV, for a spreadsheet: the ledger, written a chunk at a time, and the limit review. Harmless to open.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, and what stands in
call and number fields was chosen by whoever placed the call. Such a cell gets a leading apostrophe, which marks text;
a plain number in one of the number columns stays a number. The format is RFC 4180: CRLF, quotes where needed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
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
    "gross",
    "billed_s",
    "covered_s",
    "class",
    "destination",
)
NUMBER_COLUMNS: Final = frozenset({"number", "amount", "duration_ms", "gross", "billed_s", "covered_s"})

REVIEW_COLUMNS: Final = (
    "account",
    "name",
    "currency",
    "limit",
    "limit_source",
    "spend_per_cycle",
    "cycles_covered",
    "suggested",
    "why",
)
_REVIEW_NUMBERS: Final = frozenset({"limit", "spend_per_cycle", "cycles_covered", "suggested"})

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def csv_head() -> str:
    """The line with the names of the columns."""
    return _written([COLUMNS])


def csv_lines(lines: Iterable[LedgerLine]) -> str:
    """Lines of the ledger, in the order of `COLUMNS`; times in UTC, amounts as in JSON."""
    return _written(_row(line) for line in lines)


def review_head() -> str:
    """The line with the names of the columns of the limit review."""
    return _written([REVIEW_COLUMNS])


def review_lines(reviews: Iterable[Mapping[str, object]]) -> str:
    """Lines of the limit review, from the objects that the API gives."""
    return _written(
        [_cell(review[column], number=column in _REVIEW_NUMBERS) for column in REVIEW_COLUMNS] for review in reviews
    )


def _row(line: LedgerLine) -> list[str]:
    members = ledger_object(line)
    return [_cell(members[column], number=column in NUMBER_COLUMNS) for column in COLUMNS]


def _cell(value: object, *, number: bool) -> str:
    """What is not there is an empty cell."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if number and _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _written(rows: Iterable[Iterable[str]]) -> str:
    sheet = io.StringIO(newline="")
    csv.writer(sheet, lineterminator="\r\n").writerows(rows)
    return sheet.getvalue()
