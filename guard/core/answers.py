"""The statement in sentences that a clerk can read out: they answer "why is my balance not zero?".

The answer comes first, then the invoice and what was paid since, then what was charged, then one line that adds it all
up, then what stands against the limit. Amounts are in whole cents, as people say them, yet the line must add up on
paper: each part is shown as the step between two rounded running sums (`Paper`), so that parts and total always agree
and none is off by more than a cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from guard.core.cycles import MONTHS, day_text, next_month
from guard.core.money import format_cents
from guard.core.records import PaymentStatus
from guard.core.statement import ClassSum, InvoiceCheck, Payment, Statement
from guard.core.views import AccountView, InvoiceView

SHOWN_PAYMENTS = 10

_BAD_CARDS = {"expired", "declined"}
_CENT = 10_000
_MINUTE_S = 60
_METHODS = {"card": "by card", "e_transfer": "by e-transfer", "eft": "by EFT", "cheque": "by cheque"}
_CLASSES = {"onnet": "on-net call", "": "call"}


class Paper:
    """Parts of a sum in whole cents that add up to the rounded sum."""

    def __init__(self, begin_micros: int) -> None:
        self._exact = begin_micros
        self.total = to_cents(begin_micros)
        """What the parts so far add up to, in micros of whole cents."""

    def add(self, micros: int) -> int:
        """The next part as it is shown."""
        self._exact += micros
        before, self.total = self.total, to_cents(self._exact)
        return self.total - before


def to_cents(micros: int) -> int:
    """Micros of the nearest whole cent, half away from zero as `format_cents` does."""
    cents = (abs(micros) + _CENT // 2) // _CENT * _CENT
    return -cents if micros < 0 else cents


def lines(statement: Statement) -> tuple[str, ...]:
    """The sentences, in the order in which they are read out."""
    if statement.current:
        return (*_balance(statement.view), *_invoice_and_payments(statement), *_paper(statement), *_now(statement))
    return (*_paper(statement), *_invoice_and_payments(statement))


def _balance(view: AccountView) -> Iterator[str]:
    """owed = invoiced + unbilled."""
    owed = to_cents(view.owed_micros)
    invoiced = to_cents(view.invoiced_micros)
    head = f"The balance is {_money(view, owed)}"
    if owed < 0:
        yield f"{head}: {_money(view, -owed)} was paid ahead of the next invoice."
    elif owed == 0:
        yield f"{head}: nothing is owed."
    elif not view.invoices:
        yield f"{head}: guard knows of no invoice yet, so nothing of it is invoiced."
    elif view.opening_micros:
        stated = to_cents(view.opening_micros)
        yield (
            f"{head}: {_money(view, invoiced)} is invoiced and not paid yet, {_money(view, stated)} is left of the"
            f" balance that billing stated, {_money(view, owed - invoiced - stated)} has come since."
        )
    elif invoiced == 0:
        yield f"{head}: all that was invoiced is paid, and this has come since; it will be on the next invoice."
    elif invoiced == owed:
        yield f"{head}: it is invoiced and not paid yet; nothing has come since."
    else:
        yield (
            f"{head}: {_money(view, invoiced)} is invoiced and not paid yet,"
            f" {_money(view, owed - invoiced)} has come since and will be on the next invoice."
        )


# -- the invoice, and what was paid


def _invoice_and_payments(statement: Statement) -> Iterator[str]:
    view = statement.view
    check = statement.last_invoice if statement.current else statement.invoice
    if check is not None:
        invoice = check.invoice
        which = "The last invoice" if statement.current else "The invoice"
        yield f"{which}, {_about(invoice, view.timezone)}, was {_money(view, invoice.amount_micros)}."
        yield _checked(check, view)
    elif not statement.current:
        yield "guard knows of no invoice for this period."
    yield from _payments(statement)


def _about(invoice: InvoiceView, timezone: str) -> str:
    period = _period(invoice)
    return f"for {period}" if period else f"of {day_text(invoice.at_ms, timezone)}"


def _checked(check: InvoiceCheck, view: AccountView) -> str:
    period = _period(check.invoice)
    if not period:
        return "It does not say its period, so guard cannot hold it against the ledger."
    if check.ledger_micros is None:
        return f"The ledger has no calls and fees of {period}, so guard cannot check it."
    ledger = to_cents(check.ledger_micros)
    difference = ledger - to_cents(check.invoice.amount_micros)
    head = f"The calls and fees of {period} add up to {_money(view, ledger)}"
    if not difference:
        return f"{head}, as invoiced."
    way = "more" if difference > 0 else "less"
    return f"{head}, which is {_money(view, abs(difference))} {way} than the invoice."


def _payments(statement: Statement) -> Iterator[str]:
    view, payments = statement.view, statement.payments_since
    if not payments and statement.current and statement.last_invoice is not None:
        yield "No payment has been posted since."
    for payment in payments[-SHOWN_PAYMENTS:]:
        yield _told(payment, view)
    if len(payments) > SHOWN_PAYMENTS:
        yield f"{len(payments) - SHOWN_PAYMENTS} earlier payments are in the ledger."
    if statement.current:
        yield from _pending(statement.pending, view)


def _told(payment: Payment, view: AccountView) -> str:
    what = f"{_money(view, payment.amount_micros)} {_by(payment.method)}"
    day = day_text(payment.at_ms, view.timezone)
    begun = day_text(payment.begun_ms, view.timezone)
    of = f" of {begun}" if begun != day else ""
    match payment.status:
        case PaymentStatus.REJECTED:
            return f"The payment of {what}{of} was rejected on {day} and does not count."
        case PaymentStatus.REVERSED:
            return f"The payment of {what}{of} was reversed on {day}: it is owed again."
        case _:
            return f"{what} was posted on {day}."


def _pending(pending: Sequence[Payment], view: AccountView) -> Iterator[str]:
    """What is on its way, and how much of that counts already."""
    total = to_cents(view.pending_payments_micros)
    if not total:
        return
    trusted = to_cents(view.trusted_payments_micros)
    counts = f"{_money(view, trusted)} of it counts already" if trusted else "it does not count yet"
    if trusted == total:
        counts = "it counts already, all of it"
    each = [f"{_by(payment.method)} of {day_text(payment.begun_ms, view.timezone)}" for payment in pending]
    if len(pending) == 1:
        yield f"{_money(view, total)} {each[0]} is announced and not posted yet; {counts}."
        return
    amounts = [f"{format_cents(payment.amount_micros)} {how}" for payment, how in zip(pending, each, strict=True)]
    listed = f" ({', '.join(amounts[-SHOWN_PAYMENTS:])})" if amounts else ""
    yield f"{_money(view, total)} is announced and not posted yet{listed}; {counts}."


# -- what was charged, and the sum


def _paper(statement: Statement) -> Iterator[str]:
    """Charges by class, then one line that adds everything up."""
    view = statement.view
    paper = Paper(statement.opening_micros)
    begin = day_text(statement.cycle.start_ms, view.timezone)
    terms = [f"{format_cents(paper.total)} (balance on {begin})"]
    calls = 0
    for charge in statement.charges:
        part = paper.add(charge.net_micros)
        calls += part
        yield _charged(charge, part, view)
    if statement.charges:
        terms.append(_term(calls, "calls"))
    for micros, what in (
        (statement.corrections_micros, "corrections of calls"),
        (statement.adjustments_micros, "fees and adjustments"),
        (statement.reconciled_micros, "set right by billing"),
        (-statement.paid_micros, "payments"),
        (statement.reversals_micros, "payments reversed"),
        (statement.posting_micros, "being posted at this moment"),
    ):
        if micros:
            terms.append(_term(paper.add(micros), what))
    result = _money(view, paper.total)
    end = "now" if statement.current else f"on {day_text(statement.cycle.end_ms, view.timezone)}"
    if len(terms) == 1:
        yield f"Nothing was posted: the balance is {result} on {begin} and {end}."
    else:
        yield f"{' '.join(terms)} = {result}, the balance {end}."


def _term(micros: int, what: str) -> str:
    return f"{'-' if micros < 0 else '+'} {format_cents(abs(micros))} ({what})"


def _charged(charge: ClassSum, shown: int, view: AccountView) -> str:
    noun = _CLASSES.get(charge.kind_of_call, f"{charge.kind_of_call} call")
    said = f"{_counted(charge.calls, noun)}, {_talk(charge.duration_ms)}: {_money(view, shown)}"
    if charge.covered_s:
        said += f"; the plan covers {_minutes(charge.covered_s)} of {_minutes(charge.billed_s)} billed minutes"
    if to_cents(charge.gross_micros - charge.net_micros):
        said += f"; {format_cents(charge.gross_micros)} without the plan"
    return f"{said}."


# -- now


def _now(statement: Statement) -> Iterator[str]:
    view = statement.view
    owed, exposure = to_cents(view.owed_micros), to_cents(view.exposure_micros)
    trusted = to_cents(view.trusted_payments_micros)
    in_flight = exposure - owed + trusted
    if view.live_call_count:
        said = f"{_counted(view.live_call_count, 'call')} in flight, worth {_money(view, in_flight)} so far"
        if to_cents(view.in_flight_gross_micros - view.in_flight_micros):
            said += f" ({format_cents(view.in_flight_gross_micros)} without the plan)"
        yield f"{said}."
    if in_flight or trusted:
        terms = [f"{format_cents(owed)} (balance)"]
        terms += [_term(in_flight, "calls in flight")] if in_flight else []
        terms += [_term(-trusted, "payments announced that count already")] if trusted else []
        yield f"Against the limit stand {' '.join(terms)} = {_money(view, exposure)}."
    yield _limit(view)
    for use in view.use:
        yield f"Plan {view.plan}: {use.what}." if view.plan else f"{use.what}."
    if view.card is not None and view.card.text:
        yield _sentence(view.card.text)
    yield from _pace(view)


def _limit(view: AccountView) -> str:
    if view.limit_micros is None:
        return (
            f"There is no limit: {view.limit_text}."
            if view.limit_text not in {"", "no limit"}
            else "There is no limit."
        )
    why = f": {view.limit_text}" if view.limit_text else ""
    return f"The limit is {_money(view, view.limit_micros)}{why}."


def _pace(view: AccountView) -> Iterator[str]:
    """How long it goes on like this; the text of a bad card says so already."""
    if view.spends_micros_per_day <= 0 or (view.card is not None and view.card.status in _BAD_CARDS):
        return
    said = f"It spends about {_money(view, view.spends_micros_per_day)} a day"
    days, limit = view.reaches_limit_in_days, view.limit_micros
    if limit is not None and view.exposure_micros >= limit:
        said += " and has reached its limit"
    elif days is not None:
        in_days = f"in about {_counted(days, 'day')}" if days else "within a day"
        said += f" and would reach its limit {in_days} without a payment"
    yield f"{said}."


# -- words


def _money(view: AccountView, micros: int) -> str:
    return f"{format_cents(micros)} {view.currency}".rstrip()


def _by(method: str) -> str:
    return _METHODS.get(method, "by other means")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _talk(duration_ms: int) -> str:
    """How long was talked: seconds below a minute, else whole minutes to the nearest."""
    seconds = duration_ms // 1_000
    return _counted(seconds, "second") if seconds < _MINUTE_S else _counted((seconds + 30) // _MINUTE_S, "minute")


def _minutes(seconds: int) -> str:
    return f"{-(-seconds // _MINUTE_S):,}"


def _in_words(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def _period(invoice: InvoiceView) -> str:
    """The period of an invoice in words: a month by its name; empty if it does not say both ends."""
    if not (invoice.period_start and invoice.period_end):
        return ""
    start, end = date.fromisoformat(invoice.period_start), date.fromisoformat(invoice.period_end)
    if start.day == 1 and next_month(start) == end:
        return f"{MONTHS[start.month - 1]} {start.year}"
    return f"{_in_words(start)} to {_in_words(max(start, end - timedelta(days=1)))}"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
