"""What the HTTP side shows of billing: an account's statement, its history, the limits that no longer fit.

In a statement every amount bears the sign that its name implies: `payments` are positive and taken off,

    opening + charged + corrections + adjustments + reversals + reconciled - paid = closing

exactly, in micros; `lines` say the same in cents. `live` is there for the present cycle only: what the account owes and
what stands against its limit now. `live.posting` is what is owed already and not in the ledger yet.
"""

from __future__ import annotations

from guard.core.answers import lines
from guard.core.decisions import Audit
from guard.core.limits import LimitReview
from guard.core.money import format_money
from guard.core.statement import ClassSum, InvoiceCheck, MethodSum, Statement
from guard.wire.decisions import JsonObject
from guard.wire.instants import format_instant
from guard.wire.views import invoice_object, optional_money


def statement_object(statement: Statement) -> JsonObject:
    """One cycle of an account: its figures, and the sentences that a clerk can read out."""
    view, cycle = statement.view, statement.cycle
    return {
        "account": view.account,
        "name": view.name,
        "currency": view.currency,
        "timezone": view.timezone,
        "cycle": {
            "name": statement.name,
            "start": format_instant(cycle.start_ms),
            "end": format_instant(cycle.end_ms),
            "current": statement.current,
        },
        "opening": format_money(statement.opening_micros),
        "charges": [_charge_object(charge) for charge in statement.charges],
        "charged": format_money(statement.charged_micros),
        "corrections": format_money(statement.corrections_micros),
        "adjustments": format_money(statement.adjustments_micros),
        "reversals": format_money(statement.reversals_micros),
        "reconciled": format_money(statement.reconciled_micros),
        "payments": [_payment_object(payment) for payment in statement.payments],
        "paid": format_money(statement.paid_micros),
        "closing": format_money(statement.closing_micros),
        "invoice": _checked_object(statement.invoice),
        "last_invoice": _checked_object(statement.last_invoice),
        "live": _live_object(statement) if statement.current else None,
        "lines": list(lines(statement)),
    }


def _charge_object(charge: ClassSum) -> JsonObject:
    return {
        "class": charge.kind_of_call,
        "calls": charge.calls,
        "duration_ms": charge.duration_ms,
        "billed_s": charge.billed_s,
        "covered_s": charge.covered_s,
        "gross": format_money(charge.gross_micros),
        "net": format_money(charge.net_micros),
    }


def _payment_object(payment: MethodSum) -> JsonObject:
    return {
        "method": payment.method,
        "payments": payment.payments,
        "amount": format_money(payment.amount_micros),
    }


def _checked_object(check: InvoiceCheck | None) -> JsonObject | None:
    """An invoice with what the ledger holds of its period; null where that cannot be said."""
    if check is None:
        return None
    return {
        **invoice_object(check.invoice),
        "ledger": optional_money(check.ledger_micros),
        "difference": optional_money(check.difference_micros),
    }


def _live_object(statement: Statement) -> JsonObject:
    view = statement.view
    return {
        "owed": format_money(view.owed_micros),
        "posting": format_money(statement.posting_micros),
        "invoiced": format_money(view.invoiced_micros),
        "unbilled": format_money(view.unbilled_micros),
        "in_flight": format_money(view.in_flight_micros),
        "in_flight_gross": format_money(view.in_flight_gross_micros),
        "pending_payments": format_money(view.pending_payments_micros),
        "trusted_payments": format_money(view.trusted_payments_micros),
        "exposure": format_money(view.exposure_micros),
        "limit": optional_money(view.limit_micros),
        "limit_text": view.limit_text,
    }


def audit_object(audit: Audit) -> JsonObject:
    """What an operator or billing did outside of decisions."""
    return {"at": format_instant(audit.at_ms), "by": audit.by, "what": audit.what, "reason": audit.reason}


def review_object(review: LimitReview) -> JsonObject:
    """An account whose limit no longer fits; `cycles_covered` is a decimal number of cycles."""
    covered = review.cycles_covered_millionths
    return {
        "account": review.account,
        "name": review.name,
        "currency": review.currency,
        "limit": optional_money(review.limit_micros),
        "limit_source": review.limit_source,
        "spend_per_cycle": format_money(review.spend_per_cycle_micros),
        "cycles_covered": optional_money(covered),
        "suggested": format_money(review.suggested_micros),
        "why": review.why,
    }
