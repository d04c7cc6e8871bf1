"""Books: whatever comes in whatever order, what is invoiced, opened with and paid in advance adds up."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from guard.core.books import KEPT_INVOICES, Books
from guard.core.cycles import midnight_ms
from guard.core.money import MAX_MICROS
from guard.core.rows import InvoiceRow

NOW_MS = 1_800_000_000_000
amounts = st.integers(1, 1_000_000_000)
events = st.lists(st.tuples(st.sampled_from(["invoice", "pay", "take_back"]), amounts), max_size=30)


def invoice(amount: int, end: str = "", at_ms: int = NOW_MS) -> InvoiceRow:
    """An invoice."""
    return InvoiceRow(f"i{amount}", "", end, amount, at_ms)


@given(st.integers(-1_000_000, 1_000_000_000), events)
def test_what_is_open_is_what_was_stated_less_what_was_paid(owed: int, story: list[tuple[str, int]]) -> None:
    """No part is ever negative, and nothing is both open and paid in advance unless a payment was taken back."""
    books = Books()
    books.reconcile(owed)
    total = max(0, owed)
    for event, amount in story:
        if event == "invoice":
            books.invoice(invoice(amount), "UTC")
            total += amount
        elif event == "pay":
            books.pay(amount)
            total -= amount
        else:
            books.take_back(amount)
            total += amount
        assert min(books.invoiced_micros, books.opening_micros, books.advance_micros) >= 0
        assert not (books.invoiced_micros and books.advance_micros)
    assert books.invoiced_micros + books.opening_micros - books.advance_micros == total


@given(st.permutations(range(6)))
def test_the_last_invoices_are_kept_by_the_end_of_their_periods(order: list[int]) -> None:
    """In whatever order they come."""
    books = Books()
    for month in order:
        books.invoice(invoice(month + 1, f"2026-0{month + 1}-01"), "UTC")
    assert [row.amount_micros for row in books.invoices] == [4, 5, 6]
    assert len(books.invoices) == KEPT_INVOICES


def test_an_invoice_without_a_period_stands_at_its_day_in_the_account_s_zone() -> None:
    """An hour after midnight in UTC it is still the day before in Toronto."""
    at_ms = midnight_ms(date(2027, 2, 1), "UTC") + 3_600_000
    for zone, order in (("UTC", [1, 2]), ("America/Toronto", [2, 1])):
        books = Books()
        books.invoice(invoice(1, "2027-02-01", at_ms - 1), zone)
        books.invoice(invoice(2, at_ms=at_ms), zone)
        assert [row.amount_micros for row in books.invoices] == order


def test_notes_beside_the_balance_stay_within_the_bound_of_money() -> None:
    """They decide nothing, so they refuse nothing."""
    books = Books()
    books.invoice(invoice(MAX_MICROS), "UTC")
    books.invoice(invoice(MAX_MICROS), "UTC")
    assert books.invoiced_micros == MAX_MICROS
    books.pay(MAX_MICROS)
    books.pay(MAX_MICROS)
    books.pay(MAX_MICROS)
    assert (books.invoiced_micros, books.advance_micros) == (0, MAX_MICROS)
