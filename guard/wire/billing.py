"""Billing messages: what the billing system says about accounts and their money (contract 1).

There are few of them and each moves money, so all are read with care, member by member. A message is *invalid* when it
breaks a rule and *refused* when it is a payment that may hold a card number; the second is looked for first, because a
broken payment with a card number in it must count as the graver thing. Nothing of either is kept or shown.

Unknown fields are ignored. `invoice` and `card` also bear their known fields in canonical JSON (sorted names, no
blanks, times as given): that is how they are kept, and `kept_invoice` finds the period of an old invoice there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import available_timezones

from guard.core.decisions import BillingEntry
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BalanceMessage,
    BillingMessage,
    BillingOutcome,
    CardMessage,
    CardStatus,
    CloseMessage,
    Credit,
    CreditMessage,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Refusal,
)
from guard.core.views import InvoiceView
from guard.wire import document, fields, rules
from guard.wire.cards import may_hold_card_number
from guard.wire.fields import Members, may, need
from guard.wire.instants import InstantError, checked_month
from guard.wire.rules import RuleError

METHODS: Final = ("card", "e_transfer", "eft", "cheque", "other")
"""How a payment can be made."""

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_PAYMENT_FIELDS: Final = frozenset({"type", "id", "account", "amount", "method", "status", "at"})
_CARD_NUMBER_FIELDS: Final = frozenset({"amount", "method"})
_KEPT_FIELDS: Final = {
    "invoice": ("type", "id", "account", "amount", "period_start", "period_end", "at"),
    "card": ("type", "id", "account", "status", "expires", "at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRefusal:
    """A billing message that is not taken: INVALID (it breaks a rule) or REFUSED (it may hold a card number)."""

    type: str
    """One of the contract's types; empty when the message does not state one."""
    outcome: BillingOutcome
    refusal: Refusal


class DecodedBilling(NamedTuple):
    """What a payload holds: its messages in their order, and one refusal for each element that is none."""

    messages: list[BillingMessage]
    refusals: list[BillingRefusal]


class _CardNumberError(RuleError):
    """A payment may hold a card number."""


def decode_billing(payload: bytes) -> DecodedBilling:
    """Messages of a payload; every element that is none is a refusal, never an error (keys as in `decode_reports`)."""
    decoded = DecodedBilling([], [])
    try:
        elements = document.elements(payload)
    except RuleError as error:
        return DecodedBilling([], [_refusal("", "$", error)])
    for key, element in elements:
        stated_type = _stated_type(element)
        try:
            if stated_type == "payment":
                _refuse_card_numbers(element)
            members = document.as_members(element)
            decoded.messages.append(need(members, "type", _read_type)(members))
        except RuleError as error:
            decoded.refusals.append(_refusal(stated_type, key, error))
    return decoded


def kept_invoice(entry: BillingEntry) -> InvoiceView:
    """An invoice as the store keeps it, its period with it."""
    members = document.as_members(document.parse(entry.payload.encode()))
    return InvoiceView(
        id=entry.id,
        amount_micros=Micros(entry.amount_micros or 0),
        period_start=may(members, "period_start", fields.date) or "",
        period_end=may(members, "period_end", fields.date) or "",
        at_ms=entry.at_ms,
    )


def _refusal(stated_type: str, key: str, error: RuleError) -> BillingRefusal:
    outcome = BillingOutcome.REFUSED if isinstance(error, _CardNumberError) else BillingOutcome.INVALID
    return BillingRefusal(type=stated_type, outcome=outcome, refusal=Refusal(key + error.key, error.rule))


def _pairs(element: object) -> list[tuple[str, object]]:
    """The members of an element that is an object, also of an ambiguous one; none of any other."""
    if isinstance(element, document.RepeatedKeys):
        return element
    return list(element.items()) if isinstance(element, dict) else []


def _stated_type(element: object) -> str:
    """The type as a word of ours, never the text of the message; of two stated ones, a payment."""
    stated = [value for name, value in _pairs(element) if name == "type" and isinstance(value, str)]
    known = [word for word in stated if word in _READERS]
    if not known:
        return ""
    return "payment" if "payment" in known else known[-1]


def _refuse_card_numbers(element: object) -> None:
    for name, value in _pairs(element):
        if name in _PAYMENT_FIELDS:
            if name in _CARD_NUMBER_FIELDS and may_hold_card_number(value):
                raise _CardNumberError(rules.CARD_NUMBER, f".{name}")
        elif may_hold_card_number([name, value]):
            raise _CardNumberError(rules.CARD_NUMBER_UNKNOWN_FIELD)


def _read_account(members: Members) -> AccountMessage:
    return AccountMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        name=may(members, "name", fields.text),
        currency=may(members, "currency", _currency),
        timezone=may(members, "timezone", timezone),
        opened=may(members, "opened", fields.date),
        plan=may(members, "plan", fields.text),
        tariff=may(members, "tariff", fields.text),
        credit=may(members, "credit", _account_credit),
        at_ms=may(members, "at", fields.instant),
    )


def _read_balance(members: Members) -> BalanceMessage:
    return BalanceMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        owed_micros=need(members, "owed", fields.money),
        as_of_ms=need(members, "as_of", fields.instant),
        at_ms=may(members, "at", fields.instant),
    )


def _read_payment(members: Members) -> PaymentMessage:
    return PaymentMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        amount_micros=need(members, "amount", fields.positive_money),
        method=need(members, "method", _read_method),
        status=need(members, "status", _read_payment_status),
        at_ms=may(members, "at", fields.instant),
    )


def _read_adjustment(members: Members) -> AdjustmentMessage:
    return AdjustmentMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        amount_micros=need(members, "amount", fields.money),
        reason=may(members, "reason", fields.text) or "",
        at_ms=may(members, "at", fields.instant),
    )


def _read_credit_message(members: Members) -> CreditMessage:
    return CreditMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        credit=_read_credit(members),
        until_ms=may(members, "until", fields.instant),
        by=may(members, "by", fields.text) or "",
        reason=may(members, "reason", fields.text) or "",
        at_ms=may(members, "at", fields.instant),
    )


def _read_close(members: Members) -> CloseMessage:
    return CloseMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        at_ms=may(members, "at", fields.instant),
    )


def _read_invoice(members: Members) -> InvoiceMessage:
    start = may(members, "period_start", fields.date) or ""
    end = may(members, "period_end", fields.date) or ""
    if start and end and end < start:
        raise RuleError(rules.PERIOD_BACKWARDS, ".period_end")
    return InvoiceMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        amount_micros=need(members, "amount", fields.positive_money),
        period_start=start,
        period_end=end,
        payload=_canonical("invoice", members),
        at_ms=may(members, "at", fields.instant),
    )


def _read_card(members: Members) -> CardMessage:
    return CardMessage(
        id=need(members, "id", fields.identifier),
        account=need(members, "account", fields.identifier),
        status=need(members, "status", _read_card_status),
        expires=may(members, "expires", _month) or "",
        payload=_canonical("card", members),
        at_ms=may(members, "at", fields.instant),
    )


def _canonical(kind: str, members: Members) -> str:
    known = {name: members[name] for name in _KEPT_FIELDS[kind] if members.get(name) is not None}
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _account_credit(value: object) -> Credit:
    members = document.as_members(value)
    if members.get("until") is not None:
        # Ignored as an unknown field it would make for good what was meant for a while.
        raise RuleError(rules.UNTIL_MISPLACED, ".until")
    return _read_credit(members)


def _read_credit(members: Members) -> Credit:
    """A limit (null: none at all), or cycles within floor and cap; never both."""
    limit = may(members, "limit", fields.unsigned_money)
    cycles = may(members, "cycles", fields.positive_money)
    floor = may(members, "floor", fields.unsigned_money)
    cap = may(members, "cap", fields.unsigned_money)
    if cycles is None:
        if "limit" not in members or floor is not None or cap is not None:
            raise RuleError(rules.NOT_A_CREDIT)
        return Credit(limit_micros=limit)
    if limit is not None:
        raise RuleError(rules.NOT_A_CREDIT)
    if floor is not None and cap is not None and floor > cap:
        raise RuleError(rules.FLOOR_ABOVE_CAP, ".floor")
    return Credit(cycles_micros=cycles, floor_micros=floor, cap_micros=cap)


def _currency(value: object) -> str:
    if not isinstance(value, str) or _CURRENCY.fullmatch(value) is None:
        raise RuleError(rules.NOT_A_CURRENCY)
    return value


@cache
def _timezones() -> frozenset[str]:
    """Names that the machine's tz database knows; UTC even where there is none."""
    return frozenset({"UTC", *available_timezones()})


def timezone(value: object) -> str:
    """The name of a time zone."""
    if not isinstance(value, str) or value not in _timezones():
        raise RuleError(rules.NOT_A_TIMEZONE)
    return value


def _month(value: object) -> str:
    try:
        return checked_month(fields.text(value))
    except InstantError:
        raise RuleError(rules.NOT_A_MONTH) from None


_Reader = Callable[[Members], BillingMessage]

_READERS: Final[dict[str, _Reader]] = {
    "account": _read_account,
    "balance": _read_balance,
    "payment": _read_payment,
    "invoice": _read_invoice,
    "adjustment": _read_adjustment,
    "credit": _read_credit_message,
    "card": _read_card,
    "close": _read_close,
}

_read_type: Final = fields.one_of(_READERS, rules.NOT_A_BILLING_TYPE)
_read_method: Final = fields.one_of({word: word for word in METHODS}, rules.NOT_A_METHOD)
_read_payment_status: Final = fields.one_of({word.value: word for word in PaymentStatus}, rules.NOT_A_PAYMENT_STATUS)
_read_card_status: Final = fields.one_of({word.value: word for word in CardStatus}, rules.NOT_A_CARD_STATUS)
