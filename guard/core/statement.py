"""The statement of an account for one cycle: the figures that say why its balance is what it is.

    opening + charges + corrections + adjustments + reversals + reconciled - payments = closing

Everything before the cycle is in `opening`, everything in it is a ledger line, so the sum is exact. For the present
cycle the account as it stands now is there too (`view`): what it owes may be ahead of the ledger by what is being
posted at that very moment, and `posting_micros` says by how much, so that the paper adds up even then.

An invoice is checked against the ledger of its own period: calls (with their corrections) and adjustments, because
fees and taxes come as adjustments; payments and balances set by billing are on no invoice.

`guard.core.answers` makes sentences of all this. Pure: whoever calls has asked the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from guard.core.cycles import Cycle, day_of, midnight_ms
from guard.core.decisions import BillingEntry, LineKind
from guard.core.money import Micros
from guard.core.records import PaymentStatus
from guard.core.views import AccountView, InvoiceView

CALL_KINDS = frozenset({LineKind.CALL, LineKind.LOST})
INVOICED_KINDS = CALL_KINDS | {LineKind.CORRECTION, LineKind.ADJUSTMENT}
"""What an invoice contains."""

CLASSES = ("onnet", "domestic", "international", "premium", "")
"""Classes of calls in the order in which they are shown; the last: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSum:
    """Ledger lines of one kind added up."""

    kind: LineKind
    kind_of_call: str
    """Class of the destination, for calls; else empty."""
    method: str
    """Of payments and their reversals; else empty."""
    lines: int
    amount_micros: Micros
    gross_micros: Micros
    """Lines that bear none count with their amount, if they are calls; with nothing otherwise."""
    duration_ms: int
    billed_s: int
    covered_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSum:
    """The calls of one class."""

    kind_of_call: str
    calls: int
    duration_ms: int
    billed_s: int
    covered_s: int
    gross_micros: Micros
    net_micros: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSum:
    """Payments by one method."""

    method: str
    payments: int
    amount_micros: Micros
    """As paid: positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCheck:
    """An invoice beside what the ledger holds of its period."""

    invoice: InvoiceView
    ledger_micros: Micros | None
    """None: the invoice says no period, or the ledger has nothing of it."""

    @property
    def difference_micros(self) -> Micros | None:
        """By how much the ledger is above the invoice."""
        return None if self.ledger_micros is None else Micros(self.ledger_micros - self.invoice.amount_micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What became of one payment."""

    id: str
    method: str
    amount_micros: Micros
    status: PaymentStatus
    begun_ms: int
    """Time of the first that was heard of it."""
    at_ms: int
    """Time of its present status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the store holds for a statement."""

    opening_micros: Micros
    """Sum of all lines before the cycle."""
    sums: Sequence[LedgerSum]
    """Of the cycle; of the present one also of what bears a later time."""
    invoice: InvoiceCheck | None
    """The invoice whose period is the cycle."""
    last_invoice: InvoiceCheck | None
    """The last one there is; None for a cycle that is over."""
    entries: Sequence[BillingEntry]
    """Payments, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The figures of one cycle. Amounts are signed as named: payments are positive and taken off."""

    view: AccountView
    cycle: Cycle
    current: bool
    opening_micros: Micros
    charges: tuple[ClassSum, ...]
    corrections_micros: Micros
    adjustments_micros: Micros
    reconciled_micros: Micros
    """What `balance` messages have changed."""
    payments: tuple[MethodSum, ...]
    reversals_micros: Micros
    closing_micros: Micros
    invoice: InvoiceCheck | None
    last_invoice: InvoiceCheck | None
    payments_since: tuple[Payment, ...]
    """Those that came to something in the cycle, or since the last invoice's period ended; oldest first."""
    pending: tuple[Payment, ...]
    """Announced and not posted yet; oldest first. Empty for a cycle that is over."""

    @property
    def name(self) -> str:
        """`YYYY-MM`."""
        return f"{day_of(self.cycle.start_ms, self.view.timezone):%Y-%m}"

    @property
    def charged_micros(self) -> Micros:
        """All calls together."""
        return Micros(sum(charge.net_micros for charge in self.charges))

    @property
    def paid_micros(self) -> Micros:
        """All payments together."""
        return Micros(sum(payment.amount_micros for payment in self.payments))

    @property
    def posting_micros(self) -> Micros:
        """By how much the account is ahead of the ledger; nothing for a cycle that is over."""
        return Micros(self.view.owed_micros - self.closing_micros) if self.current else Micros(0)


def make_statement(view: AccountView, cycle: Cycle, now_ms: int, found: Found) -> Statement:
    """The statement of a cycle that has begun."""
    current = cycle.holds(now_ms)
    sums = found.sums
    payments = payments_of(found.entries)
    since_ms = cycle.start_ms
    if found.last_invoice is not None:
        since_ms = min(since_ms, invoiced_until_ms(found.last_invoice.invoice, view.timezone))
    return Statement(
        view=view,
        cycle=cycle,
        current=current,
        opening_micros=found.opening_micros,
        charges=_charges(sums),
        corrections_micros=_total(sums, {LineKind.CORRECTION}),
        adjustments_micros=_total(sums, {LineKind.ADJUSTMENT}),
        reconciled_micros=_total(sums, {LineKind.BALANCE}),
        payments=tuple(
            MethodSum(method=each.method, payments=each.lines, amount_micros=Micros(-each.amount_micros))
            for each in sums
            if each.kind is LineKind.PAYMENT
        ),
        reversals_micros=_total(sums, {LineKind.REVERSAL}),
        closing_micros=Micros(found.opening_micros + sum(each.amount_micros for each in sums)),
        invoice=found.invoice,
        last_invoice=found.last_invoice,
        payments_since=tuple(
            payment
            for payment in payments
            if payment.status is not PaymentStatus.PENDING
            and since_ms <= payment.at_ms
            and (current or payment.at_ms < cycle.end_ms)
        ),
        pending=tuple(payment for payment in payments if current and payment.status is PaymentStatus.PENDING),
    )


def check_invoice(invoice: InvoiceView, sums: Sequence[LedgerSum]) -> InvoiceCheck:
    """An invoice beside the ledger of its period; without any line there is nothing to compare it with."""
    billed = [each for each in sums if each.kind in INVOICED_KINDS]
    return InvoiceCheck(
        invoice=invoice,
        ledger_micros=Micros(sum(each.amount_micros for each in billed)) if billed else None,
    )


def period_of(invoice: InvoiceView, timezone: str) -> Cycle | None:
    """The period of an invoice in the account's time zone; None if it does not say both ends."""
    if not (invoice.period_start and invoice.period_end):
        return None
    start, end = (_midnight(day, timezone) for day in (invoice.period_start, invoice.period_end))
    return Cycle(start, end)


def invoiced_until_ms(invoice: InvoiceView, timezone: str) -> int:
    """From when on charges are on a later invoice: the end of its period, else its own time."""
    return _midnight(invoice.period_end, timezone) if invoice.period_end else invoice.at_ms


def payments_of(entries: Iterable[BillingEntry]) -> list[Payment]:
    """What became of each payment, in the order of their last news; `entries` are newest first, one for each status."""
    found: dict[str, Payment] = {}
    for entry in entries:
        newer = found.get(entry.id)
        found[entry.id] = Payment(
            id=entry.id,
            method=entry.method,
            amount_micros=Micros(entry.amount_micros or 0),
            status=PaymentStatus(entry.status) if newer is None else newer.status,
            begun_ms=entry.at_ms,
            at_ms=entry.at_ms if newer is None else newer.at_ms,
        )
    return sorted(found.values(), key=lambda payment: payment.at_ms)


def _charges(sums: Sequence[LedgerSum]) -> tuple[ClassSum, ...]:
    """The calls by class, in the order of `CLASSES`; calls taken for lost are among them."""
    calls = [each for each in sums if each.kind in CALL_KINDS]
    kinds = sorted({each.kind_of_call for each in calls}, key=_place)
    return tuple(_class_sum(kind, [each for each in calls if each.kind_of_call == kind]) for kind in kinds)


def _class_sum(kind_of_call: str, sums: Sequence[LedgerSum]) -> ClassSum:
    return ClassSum(
        kind_of_call=kind_of_call,
        calls=sum(each.lines for each in sums),
        duration_ms=sum(each.duration_ms for each in sums),
        billed_s=sum(each.billed_s for each in sums),
        covered_s=sum(each.covered_s for each in sums),
        gross_micros=Micros(sum(each.gross_micros for each in sums)),
        net_micros=Micros(sum(each.amount_micros for each in sums)),
    )


def _place(kind_of_call: str) -> int:
    return CLASSES.index(kind_of_call) if kind_of_call in CLASSES else len(CLASSES)


def _total(sums: Sequence[LedgerSum], kinds: set[LineKind]) -> Micros:
    return Micros(sum(each.amount_micros for each in sums if each.kind in kinds))


def _midnight(day: str, timezone: str) -> int:
    return midnight_ms(date.fromisoformat(day), timezone)
