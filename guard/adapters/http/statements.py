"""Why an account's balance is what it is, what was done to it, and whose limit no longer fits: billing over HTTP."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response, known
from guard.adapters.http.inputs import (
    DEFAULT_AUDITS,
    DEFAULT_LIMIT,
    account_name,
    cursor,
    page_limit,
    paged,
    query_fields,
)
from guard.adapters.http.paths import account_id
from guard.adapters.http.pieces import divided
from guard.adapters.http.problems import ApiError, FieldError
from guard.adapters.http.state import desk_of
from guard.core.cycles import Cycle, cycle_of, cycle_of_month, day_of
from guard.core.money import Micros
from guard.core.statement import Found, InvoiceCheck, Statement, check_invoice, make_statement, period_of
from guard.core.views import AccountView, InvoiceView
from guard.ports import Desk, Records
from guard.ports.records import FROM_THE_END
from guard.wire.billing import kept_invoice
from guard.wire.books import audit_object, review_object, statement_object
from guard.wire.decisions import JsonObject

READ_PAYMENTS = 200
"""Newest entries of payments that are looked at; the ledger has them all."""
READ_INVOICES = 120
"""Ten years of them."""

_CYCLE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_FIRST = "1970"


async def statement(request: Request) -> Response:
    """One cycle of an account, the present one unless another is asked for."""
    view = await known(request, account_id(request))
    desk = desk_of(request)
    fields = query_fields(request)
    wanted = fields.read("cycle", str, "")
    fields.finish()
    return json_response(statement_object(await statement_of(desk, view, wanted)))


async def statement_of(desk: Desk, view: AccountView, wanted: str) -> Statement:
    """The statement of the cycle `YYYY-MM`, or of the present one when none is named."""
    now_ms = desk.now_ms()
    cycle = _cycle(wanted, view.timezone, now_ms) if wanted else cycle_of(now_ms, view.timezone)
    found = await _found(desk.records, view, cycle, current=cycle.holds(now_ms))
    # Once more, because the store took its time: what it owes is to be of the moment at which the ledger was read.
    return make_statement(await desk.account(view.account) or view, cycle, now_ms, found)


def _cycle(text: str, timezone: str, now_ms: int) -> Cycle:
    """The cycle that `YYYY-MM` names; 400 when there is none yet."""
    if _CYCLE.fullmatch(text) is None or text < _FIRST:
        raise _refused("must be a month, such as 2026-10")
    cycle = cycle_of_month(int(text[:4]), int(text[5:]), timezone)
    if cycle.start_ms > now_ms:
        raise _refused("must not lie in the future")
    return cycle


def _refused(detail: str) -> ApiError:
    return ApiError(400, f"cycle: {detail}", errors=[FieldError("cycle", detail)])


async def _found(records: Records, view: AccountView, cycle: Cycle, *, current: bool) -> Found:
    """What the store holds for the statement."""
    invoice = await _checked(records, view, await _invoice_of(records, view, cycle))
    last_invoice = await _checked(records, view, view.invoices[-1] if current and view.invoices else None)
    entries = await records.billing_entries(view.account, kinds=("payment",), limit=READ_PAYMENTS)
    before = await records.ledger_sums(view.account, from_ms=None, to_ms=cycle.start_ms)
    sums = await records.ledger_sums(view.account, from_ms=cycle.start_ms, to_ms=None if current else cycle.end_ms)
    return Found(
        opening_micros=Micros(sum(each.amount_micros for each in before)),
        sums=sums,
        invoice=invoice,
        last_invoice=last_invoice,
        entries=entries,
    )


async def _invoice_of(records: Records, view: AccountView, cycle: Cycle) -> InvoiceView | None:
    """The newest invoice whose period is the cycle."""
    start, end = (f"{day_of(at_ms, view.timezone)}" for at_ms in cycle)
    for entry in await records.billing_entries(view.account, kinds=("invoice",), limit=READ_INVOICES):
        invoice = kept_invoice(entry)
        if (invoice.period_start, invoice.period_end) == (start, end):
            return invoice
    return None


async def _checked(records: Records, view: AccountView, invoice: InvoiceView | None) -> InvoiceCheck | None:
    """An invoice beside the ledger of its period."""
    if invoice is None:
        return None
    period = period_of(invoice, view.timezone)
    if period is None:
        return InvoiceCheck(invoice=invoice, ledger_micros=None)
    return check_invoice(invoice, await records.ledger_sums(view.account, from_ms=period.start_ms, to_ms=period.end_ms))


async def history(request: Request) -> Response:
    """What was done to an account outside of decisions, newest first, a page at a time."""
    view = await known(request, account_id(request))
    return json_response({"account": view.account, **await _history(request, view.account)})


async def whole_history(request: Request) -> Response:
    """What was done that concerns no single account, newest first, a page at a time."""
    return json_response(await _history(request, ""))


async def _history(request: Request, account: str) -> JsonObject:
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, DEFAULT_AUDITS)
    before = fields.read("after", cursor, FROM_THE_END)
    fields.finish()
    page = await paged("after", desk_of(request).records.last_audits(account, limit, before=before))
    return {"history": await divided(audit_object, page.items), "next": page.next}


async def limit_review(request: Request) -> Response:
    """Accounts whose limit no longer fits what they spend, in the order of their ids, a page at a time."""
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", account_name, "")
    fields.finish()
    reviews, following = await desk_of(request).limit_review(after=after, limit=limit)
    return json_response({"accounts": await divided(review_object, reviews), "next": following})
