"""What the HTTP side shows, as JSON objects (contract 6): accounts, ledger lines, held blocks, quarantine, switches.

Everything the contract names is here under its name; what is more (`burn_rate`, `reaches_limit_at` ...) may be relied
on too. Called numbers are whole in live calls and in the ledger, because the operator has to act on them (for whoever
may only read they are masked before: `guard.core.privacy`); in decisions they were masked when the decision was taken.
Rates are money per minute. A time or amount that is not known is null.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guard.core.decisions import Decision, LedgerLine, Quarantined
from guard.core.money import format_money
from guard.core.views import AccountView, BlockView, CardView, HeldView, InvoiceView, LiveCall, SwitchView, UseView
from guard.wire.decisions import JsonObject, decision_object
from guard.wire.instants import MAX_MS, format_instant, format_optional_instant


def encode_json(value: JsonObject | Sequence[JsonObject]) -> bytes:
    """The bytes of an object or of a list of them."""
    return msgspec.json.encode(value)


def account_object(view: AccountView, decisions: Sequence[Decision]) -> JsonObject:
    """One account with its live calls, its block and the given decisions (newest first, as the store gives them)."""
    return {
        "account": view.account,
        "name": view.name,
        "currency": view.currency,
        "timezone": view.timezone,
        "opened": view.opened,
        "plan": view.plan,
        "tariff": view.tariff,
        "state": view.state.value,
        "provisional": view.provisional,
        "limit": optional_money(view.limit_micros),
        "limit_source": view.limit_source,
        "limit_until": format_optional_instant(view.limit_until_ms),
        "limit_text": view.limit_text,
        "limit_suggested": optional_money(view.limit_suggested_micros),
        "exposure": format_money(view.exposure_micros),
        "balance": {
            "owed": format_money(view.owed_micros),
            "invoiced": format_money(view.invoiced_micros),
            "unbilled": format_money(view.unbilled_micros),
            "in_flight": format_money(view.in_flight_micros),
            "pending_payments": format_money(view.pending_payments_micros),
            "trusted_payments": format_money(view.trusted_payments_micros),
            "in_flight_gross": format_money(view.in_flight_gross_micros),
        },
        "burn_rate": format_money(view.burn_micros_per_minute),
        "reaches_limit_at": _foreseen(view.reaches_limit_at_ms),
        "spends_per_day": format_money(view.spends_micros_per_day),
        "reaches_limit_in_days": view.reaches_limit_in_days,
        "invoices": [invoice_object(invoice) for invoice in view.invoices],
        "card": None if view.card is None else card_object(view.card),
        "plan_use": [use_object(use) for use in view.use],
        "live_call_count": view.live_call_count,
        "live_calls": [live_call_object(call) for call in view.live_calls],
        "block": None if view.block is None else block_object(view.block),
        "allow_until": format_optional_instant(view.allow_until_ms),
        "decisions": [decision_object(decision) for decision in decisions],
    }


def account_item(view: AccountView) -> JsonObject:
    """One account in a list: its figures without live calls and decisions, its block as the scope alone."""
    return {
        "account": view.account,
        "name": view.name,
        "currency": view.currency,
        "timezone": view.timezone,
        "state": view.state.value,
        "provisional": view.provisional,
        "limit": optional_money(view.limit_micros),
        "limit_source": view.limit_source,
        "exposure": format_money(view.exposure_micros),
        "owed": format_money(view.owed_micros),
        "in_flight": format_money(view.in_flight_micros),
        "burn_rate": format_money(view.burn_micros_per_minute),
        "reaches_limit_at": _foreseen(view.reaches_limit_at_ms),
        "live_call_count": view.live_call_count,
        "block_scope": None if view.block is None else view.block.scope.value,
        "confirmed": None if view.block is None else view.block.confirmed,
        "effective": None if view.block is None else view.block.effective,
        "allow_until": format_optional_instant(view.allow_until_ms),
    }


def live_call_object(call: LiveCall) -> JsonObject:
    """One call that is up: `charge` by its last report, `value` carried forward to now, `gross` without any plan."""
    return {
        "switch": call.switch,
        "call": call.call,
        "to": call.to,
        "from": call.caller,
        "direction": call.direction.value,
        "emergency": call.emergency,
        "answered_at": format_instant(call.answered_at_ms),
        "last_report_at": format_instant(call.last_report_at_ms),
        "duration_ms": call.duration_ms,
        "charge": format_money(call.charge_micros),
        "value": format_money(call.value_micros),
        "rate": format_money(call.rate_micros),
        "gross": format_money(call.gross_micros),
        "destination": call.destination,
        "silent": call.silent,
    }


def invoice_object(invoice: InvoiceView) -> JsonObject:
    """An invoice; the days of its period are those of the account's time zone, empty when it does not say them."""
    return {
        "id": invoice.id,
        "amount": format_money(invoice.amount_micros),
        "period_start": invoice.period_start,
        "period_end": invoice.period_end,
        "at": format_instant(invoice.at_ms),
    }


def card_object(card: CardView) -> JsonObject:
    """The card on file, with what there is to say about it."""
    return {"status": card.status, "expires": card.expires, "text": card.text}


def use_object(use: UseView) -> JsonObject:
    """Use of one part of the plan in the present cycle: a quota in seconds, a discount in units of its tiers."""
    return {"key": use.key, "text": use.what, "used": use.used, "of": use.of}


def block_object(block: BlockView) -> JsonObject:
    """Why and how an account is blocked, whether the switches obey, and what those said that refused."""
    return {
        "scope": block.scope.value,
        "since": format_instant(block.since_ms),
        "confirmed": block.confirmed,
        "effective": block.effective,
        "text": block.text,
        "causes": [
            {
                "reason": cause.reason.value,
                "rule": cause.rule,
                "scope": cause.scope.value,
                "since": format_instant(cause.since_ms),
                "until": format_optional_instant(cause.until_ms),
                "text": cause.text,
            }
            for cause in block.causes
        ],
        "errors": [{"switch": switch, "error": error} for switch, error in block.errors],
    }


def held_object(held: HeldView) -> JsonObject:
    """A block by rule or model that waits for an operator; `since` is when it was asked for."""
    return {
        "id": held.id,
        "account": held.account,
        "name": held.name,
        "reason": held.reason.value,
        "rule": held.rule,
        "scope": held.scope.value,
        "since": format_instant(held.at_ms),
        "text": held.text,
    }


def ledger_object(line: LedgerLine) -> JsonObject:
    """One line of the ledger; the amount is signed by its effect on what is owed, `gross` is the price without plan."""
    return {
        "number": line.number,
        "at": format_instant(line.at_ms),
        "kind": line.kind.value,
        "amount": format_money(line.amount_micros),
        "currency": line.currency,
        "switch": line.switch,
        "call": line.call,
        "to": line.to,
        "direction": line.direction,
        "duration_ms": line.duration_ms,
        "emergency": line.emergency,
        "ref": line.ref,
        "method": line.method,
        "text": line.text,
        "gross": optional_money(line.gross_micros),
        "billed_s": line.billed_s,
        "covered_s": line.covered_s,
        "class": line.kind_of_call,
        "destination": line.destination,
    }


def quarantined_object(number: int, report: Quarantined) -> JsonObject:
    """A report that was kept but moves no money, with its row number in the store."""
    return {
        "number": number,
        "switch": report.switch,
        "call": report.call,
        "account": report.account,
        "received_at": format_instant(report.received_at_ms),
        "at": format_instant(report.at_ms),
        "rule": report.rule,
        "event": report.event,
        "charge": optional_money(report.charge_micros),
        "currency": report.currency,
    }


def switch_object(switch: SwitchView) -> JsonObject:
    """One known switch; `skew_ms` is how far its clock is estimated to be off, in milliseconds."""
    return {
        "switch": switch.name,
        "up": switch.up,
        "last_heard": format_instant(switch.last_heard_ms),
        "live_calls": switch.live_calls,
        "unconfirmed": switch.unconfirmed,
        "synced": switch.synced,
        "lagging": switch.lagging,
        "blind": switch.blind,
        "silence": switch.silence,
        "usual_calls": switch.usual_calls,
        "skew_ms": switch.skew_ms,
    }


def optional_money(micros: int | None) -> str | None:
    """An amount, or null where there is none."""
    return None if micros is None else format_money(micros)


def _foreseen(ms: int | None) -> str | None:
    """A computed moment; one beyond the year 9999 (a tiny rate, a large limit) is as good as never."""
    return None if ms is None or ms > MAX_MS else format_instant(ms)
