"""Books: what an account has to do with billing beyond its balance.

Its use of the plan per cycle, its last invoices, how much of what it owes is invoiced, the card on file, the pace of
its spending. Most accounts have the same few numbers for a month; one without any has no books at all.

**Use** is kept per cycle, because a call belongs to the cycle in which it ended and may be posted when the next has
begun. Cycles that no report can reach any more are dropped.

**Invoiced or not.** An invoice moves nothing: it says which part of what is owed is invoiced, and the rest is unbilled.
Posted money pays what is invoiced first, then what was owed by a `balance` message, which no invoice to come contains;
what is left over was paid in advance, and the next invoice contains it already. A payment that bounces gives back in
the opposite order. These are notes beside the balance: nothing is decided by them, so they are pressed into the bound
of money instead of refusing what would pass it.
"""

from __future__ import annotations

from guard.core.cycles import day_of
from guard.core.money import Micros, clamp_for_show
from guard.core.records import CardStatus
from guard.core.rows import BooksRow, CardRow, InvoiceRow, UseRow

KEPT_INVOICES = 3
"""The last invoices, of which the mean is taken (contract 1, `credit`)."""


class Books:
    """Of one account. Money in micros of its currency."""

    __slots__ = (
        "advance_micros",
        "card",
        "card_watched",
        "invoiced_micros",
        "invoices",
        "limit_by",
        "opening_micros",
        "pace_at_ms",
        "pace_micros",
        "pace_since_ms",
        "step_micros",
        "until_by",
        "use",
    )

    def __init__(self) -> None:
        self.use: dict[int, dict[str, int]] = {}
        """By the start of the cycle and the key of the quota or discount."""
        self.invoices: tuple[InvoiceRow, ...] = ()
        self.invoiced_micros = 0
        self.opening_micros = 0
        self.advance_micros = 0
        self.card: CardRow | None = None
        # It is not `ok`, so that it is looked at once a day (`guard.core.cards`): kept at hand for the hot path.
        self.card_watched = False
        self.pace_micros = 0
        self.pace_at_ms = 0
        self.pace_since_ms = 0
        self.step_micros: int | None = None
        self.limit_by = ""
        self.until_by = ""

    # -- use of the plan

    def used(self, cycle_ms: int, key: str) -> int:
        """How much of a quota (seconds) or discount (its units) was used in the cycle that began then."""
        cycle = self.use.get(cycle_ms)
        return 0 if cycle is None else cycle.get(key, 0)

    def take(self, cycle_ms: int, key: str, amount: int) -> None:
        """Use so much more of it; a negative amount gives it back."""
        cycle = self.use.setdefault(cycle_ms, {})
        cycle[key] = cycle.get(key, 0) + amount

    def forget_before(self, before_ms: int) -> None:
        """Drop the use of cycles that began so long ago that no call can belong to them any more."""
        for cycle_ms in [start_ms for start_ms in self.use if start_ms < before_ms]:
            del self.use[cycle_ms]

    def file_card(self, card: CardRow | None) -> None:
        """The card on file from now on."""
        self.card = card
        self.card_watched = card is not None and card.status != CardStatus.OK.value

    # -- what is invoiced

    def invoice(self, invoice: InvoiceRow, timezone: str) -> None:
        """Take an invoice; one that comes late stands where its period ended, and may drop out of the last ones."""
        advance = min(self.advance_micros, invoice.amount_micros)
        self.advance_micros -= advance
        self.invoiced_micros = clamp_for_show(self.invoiced_micros + invoice.amount_micros - advance)
        known = (*self.invoices, invoice)
        order = sorted(known, key=lambda one: (one.end or day_of(one.at_ms, timezone).isoformat(), one.at_ms))
        self.invoices = tuple(order[-KEPT_INVOICES:])

    def pay(self, amount_micros: int) -> None:
        """Money has come in: the oldest debts first."""
        invoiced = min(self.invoiced_micros, amount_micros)
        opening = min(self.opening_micros, amount_micros - invoiced)
        self.invoiced_micros -= invoiced
        self.opening_micros -= opening
        self.advance_micros = clamp_for_show(self.advance_micros + amount_micros - invoiced - opening)

    def take_back(self, amount_micros: int) -> None:
        """Money that had come in has gone again."""
        advance = min(self.advance_micros, amount_micros)
        self.advance_micros -= advance
        self.invoiced_micros = clamp_for_show(self.invoiced_micros + amount_micros - advance)

    def reconcile(self, owed_micros: int) -> None:
        """Billing has said what was owed: what of it is not invoiced belongs to no invoice that is still to come."""
        self.advance_micros = 0
        self.opening_micros = max(0, owed_micros - self.invoiced_micros)

    def invoiced_of(self, owed_micros: int) -> Micros:
        """The part of what is owed that is invoiced, as it is shown: never more than all of it, never negative."""
        return Micros(min(self.invoiced_micros, max(0, owed_micros)))

    # -- rows

    def row(self) -> BooksRow:
        """What must survive of it: all."""
        return BooksRow(
            tuple(UseRow(cycle_ms, key, used) for cycle_ms, cycle in self.use.items() for key, used in cycle.items()),
            self.invoices,
            self.invoiced_micros,
            self.opening_micros,
            self.advance_micros,
            self.card,
            self.pace_micros,
            self.pace_at_ms,
            self.pace_since_ms,
            self.step_micros,
            self.limit_by,
            self.until_by,
        )

    @classmethod
    def from_row(cls, row: BooksRow) -> Books:
        """The books that `row()` wrote."""
        books = cls()
        for use in row.use:
            books.use.setdefault(use.cycle_ms, {})[use.key] = use.used
        books.invoices = row.invoices
        books.invoiced_micros = row.invoiced_micros
        books.opening_micros = row.opening_micros
        books.advance_micros = row.advance_micros
        books.file_card(row.card)
        books.pace_micros = row.pace_micros
        books.pace_at_ms = row.pace_at_ms
        books.pace_since_ms = row.pace_since_ms
        books.step_micros = row.step_micros
        books.limit_by = row.limit_by
        books.until_by = row.until_by
        return books
