"""The ledger as CSV."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decisions import LedgerLine, LineKind
from guard.core.money import Micros
from guard.wire.statements import (
    COLUMNS,
    NUMBER_COLUMNS,
    REVIEW_COLUMNS,
    csv_head,
    csv_lines,
    review_head,
    review_lines,
)
from guard.wire.views import ledger_object
from tests.wire import pictures

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def test_a_line_is_written_in_the_order_of_the_head() -> None:
    """Head and lines end with CRLF; the called number is marked as text."""
    assert csv_head() == (
        "number,at,kind,amount,currency,switch,call,to,direction,duration_ms,emergency,ref,method,text,"
        "gross,billed_s,covered_s,class,destination\r\n"
    )
    assert csv_lines([pictures.LINE]) == (
        "12,2026-11-22T03:12:45.120Z,call,2.135,CAD,sw1,a84b4c76e66710,'+25377123456,outgoing,61000,false,,,,"
        "2.24,64,3,international,Djibouti\r\n"
    )
    assert csv_lines([]) == ""


def test_the_columns_are_those_of_the_json() -> None:
    """What is in one format is in the other, under the same name."""
    assert tuple(ledger_object(pictures.LINE)) == COLUMNS


def test_a_negative_amount_stays_a_number() -> None:
    """Only in a number column, and only a number, may a cell begin with a minus."""
    payment = dataclasses.replace(
        pictures.LINE, kind=LineKind.PAYMENT, amount_micros=Micros(-120_000_000), to="", text="-120.00"
    )
    row = next(csv.DictReader(io.StringIO(csv_head() + csv_lines([payment]), newline="")))
    assert row["amount"] == "-120.00"
    assert row["text"] == "'-120.00"


def test_what_there_is_not_is_an_empty_cell() -> None:
    """A payment has no price without a plan."""
    payment = dataclasses.replace(pictures.LINE, kind=LineKind.PAYMENT, gross_micros=None)
    row = next(csv.DictReader(io.StringIO(csv_head() + csv_lines([payment]), newline="")))
    assert row["gross"] == ""


def test_the_limit_review_is_a_table_too() -> None:
    """Numbers stay numbers, and the name of a customer is no formula."""
    review = {
        "account": "A1001",
        "name": "=1+1",
        "currency": "CAD",
        "limit": None,
        "limit_source": "amount",
        "spend_per_cycle": "412.00",
        "cycles_covered": "1.21",
        "suggested": "1050.00",
        "why": "It covers only 1.2 cycles, where 2 to 3 are meant.",
        "added_later": "x",
    }
    assert review_head() == ",".join(REVIEW_COLUMNS) + "\r\n"
    row = next(csv.DictReader(io.StringIO(review_head() + review_lines([review]), newline="")))
    assert (row["name"], row["limit"], row["spend_per_cycle"]) == ("'=1+1", "", "412.00")
    assert row["why"] == review["why"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=cmd|"/C calc"!A0'])
def test_formulas_are_neutralised(cell: str) -> None:
    """A cell that a spreadsheet would take for a formula gets a leading apostrophe."""
    row = next(
        csv.DictReader(io.StringIO(csv_head() + csv_lines([dataclasses.replace(pictures.LINE, call=cell)]), newline=""))
    )
    assert row["call"] == f"'{cell}"


@given(st.lists(pictures.ledger_lines, max_size=5))
def test_every_line_is_read_back(lines: list[LedgerLine]) -> None:
    """A CSV reader finds each line with its columns, and no dangerous cell outside the number columns."""
    rows = list(csv.DictReader(io.StringIO(csv_head() + csv_lines(lines), newline="")))
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        assert set(row) == set(COLUMNS)
        for column, cell in row.items():
            assert column in NUMBER_COLUMNS or not cell.startswith(DANGEROUS)
        assert row["amount"] == ledger_object(line)["amount"]
        assert row["call"].removeprefix("'") == line.call.removeprefix("'")
