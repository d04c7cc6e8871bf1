"""What a backtest reads besides reports: billing messages in the order of their times, and labels.

A billing message acts at its `at`. One without takes, for a balance, its `as_of`; otherwise the time of the message
before it in the file, as a file is in the order in which billing spoke (at its head: the beginning of it all).
A balance acts at its `as_of` in any case: no report of a later time has been taken then, so the ledger holds nothing
that would have to stay owed on top of it.

Labels say what is known about an account from a time to a time: `fraud`, or `good` for a surprise that is none. The
name of a label, if there is any, comes from the cases that `guard simulate --record` writes beside it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

from guard.backtest.history import EARLIEST_MS, LATEST_MS
from guard.core.money import ZERO
from guard.core.records import BalanceMessage, BillingMessage
from guard.replay.reportfiles import FileError, Tally, raw_lines
from guard.wire.billing import decode_billing
from guard.wire.instants import InstantError, rfc3339_ms

COLUMNS = ["account", "start", "end", "label"]


class Bill(NamedTuple):
    """A billing message and when it acts."""

    at_ms: int
    message: BillingMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is known of an account from a time to a time, both included."""

    account: str
    start_ms: int
    end_ms: int
    fraud: bool
    name: str = ""
    """Of the scenario, where it is known."""
    case: str = ""
    """What happened, where it is known: the accounts of a wave share it."""


def read_billing(path: Path, tally: Tally) -> list[Bill]:
    """All good messages in the order of their times; bad lines are noted."""
    bills: list[Bill] = []
    last_ms = EARLIEST_MS
    for number, texts in raw_lines(path, tally):
        decoded = decode_billing(texts[0])
        if decoded.refusals or len(decoded.messages) != 1:
            refusal = decoded.refusals[0].refusal if decoded.refusals else None
            rule = f"{refusal.key.removeprefix('$')}: {refusal.rule}" if refusal else "one message a line"
            tally.note(str(path), number, rule.removeprefix(".").removeprefix(": "))
            continue
        message = decoded.messages[0]
        if isinstance(message, BalanceMessage):
            message = replace(message, posted_since_micros=ZERO)
            last_ms = message.as_of_ms
        elif message.at_ms is not None:
            last_ms = message.at_ms
        if not EARLIEST_MS <= last_ms <= LATEST_MS:
            tally.note(str(path), number, "at: a time from 2000 to 2100")
            last_ms = EARLIEST_MS
            continue
        bills.append(Bill(last_ms, message))
    return sorted(bills, key=itemgetter(0))


def read_labels(path: Path, cases: Path | None = None) -> tuple[Span, ...]:
    """All labels; `FileError` with the line of the first that is bad: a wrong truth is worse than none."""
    names = {} if cases is None else _names(cases)
    spans: list[Span] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if [name.strip() for name in next(rows, [])] != COLUMNS:
                raise FileError(f"{path}:1: the header is {','.join(COLUMNS)}")
            spans.extend(_span(row, names, f"{path}:{rows.line_num}") for row in rows if row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error
    return tuple(sorted(spans, key=lambda span: (span.start_ms, span.account, span.end_ms)))


def _span(row: list[str], names: dict[tuple[str, str], _Case], place: str) -> Span:
    if len(row) != len(COLUMNS):
        raise FileError(f"{place}: has {len(row)} fields, the header has {len(COLUMNS)}")
    account, start, end, label = (value.strip() for value in row)
    if label not in {"fraud", "good"}:
        raise FileError(f"{place}: label: fraud or good")
    try:
        start_ms, end_ms = rfc3339_ms(start), rfc3339_ms(end)
    except InstantError as error:
        raise FileError(f"{place}: start and end: RFC 3339 with an offset") from error
    if end_ms < start_ms:
        raise FileError(f"{place}: end: not before start")
    known = names.get((account, start))
    name, case = ("", "") if known is None else (known.scenario, known.case)
    return Span(account=account, start_ms=start_ms, end_ms=end_ms, fraud=label == "fraud", name=name, case=case)


class _Case(msgspec.Struct):
    account: str
    start: str
    scenario: str
    case: str = ""


def _names(path: Path) -> dict[tuple[str, str], _Case]:
    try:
        cases = msgspec.json.Decoder(_Case).decode_lines(path.read_bytes())
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error
    return {(case.account, case.start): case for case in cases}
