"""From the words of a line to the record that enters the engine, and from `settings` lines to settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros, parse_money
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    Allow,
    BalanceMessage,
    BillingMessage,
    Block,
    CardMessage,
    CardStatus,
    CloseFuse,
    CloseMessage,
    Credit,
    CreditMessage,
    Direction,
    Event,
    Forget,
    Intent,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Release,
    Report,
    Scope,
    SetLimit,
)
from guard.core.settings import Settings, SwitchSettings
from tests.scenarios.prices import is_price
from tests.scenarios.rulebooks import is_rule
from tests.scenarios.script import ScriptError, Words, span_ms
from tests.scenarios.stage import START_MS

_EVENTS = {event.name.lower(): event for event in Event}
_FLAGS = {"yes": True, "no": False}
DIALLED = "+16135550100"
"""Where a call goes when the scenario does not say."""


def moment(text: str) -> int:
    """The time of an offset from the scenario's start."""
    return START_MS + span_ms(text)


def money(text: str) -> Micros:
    """Money as the contract writes it."""
    return parse_money(text)


def flag(text: str) -> bool:
    """`yes` or `no`."""
    return _FLAGS[text]


def report_of(words: Words, now_ms: int) -> Report:
    """A report. `at` is now unless said; `to` is `DIALLED` where the contract requires one; `to=` says none."""
    fields = dict(words.fields)
    fields.pop("switch", None)
    account, event_name = words.names
    event = _EVENTS[event_name]
    to = fields.pop("to", DIALLED if event in {Event.ANSWERED, Event.FAILED} else "")
    report = Report(
        call=fields.pop("call"),
        event=event,
        account=account,
        at_ms=moment(fields.pop("at")) if "at" in fields else now_ms,
        duration_ms=span_ms(fields.pop("duration", "0s")),
        to=to or None,
        charge_micros=_optional_money(fields, "charge"),
        rate_micros=_optional_money(fields, "rate"),
        emergency=flag(fields.pop("emergency")) if "emergency" in fields else None,
        direction=Direction(fields.pop("direction")) if "direction" in fields else None,
        caller=fields.pop("from", ""),
        source=fields.pop("source", ""),
        cause=fields.pop("cause", ""),
        currency=fields.pop("currency", None),
    )
    _nothing_left(fields)
    return report


def billing_of(kind: str, words: Words, fresh_id: str) -> BillingMessage:
    """A billing message; its id is a new one unless said."""
    account, *amounts = words.names
    fields = dict(words.fields)
    message_id = fields.pop("id", fresh_id)
    at_ms = moment(fields.pop("at")) if "at" in fields else None
    message: BillingMessage
    match kind:
        case "account":
            credit = _credit(amounts, fields)
            message = AccountMessage(
                id=message_id,
                account=account,
                credit=credit,
                name=fields.pop("name", None),
                currency=fields.pop("currency", None),
                timezone=fields.pop("timezone", None),
                opened=fields.pop("opened", None),
                plan=fields.pop("plan", None),
                at_ms=at_ms,
            )
        case "limit":
            until_ms = moment(fields.pop("until")) if "until" in fields else None
            by, reason = fields.pop("by", ""), fields.pop("reason", "")
            credit = _credit(amounts, fields)
            if credit is None:
                raise ScriptError("a limit is an amount, `none`, or cycles")
            message = CreditMessage(
                id=message_id, account=account, credit=credit, until_ms=until_ms, by=by, reason=reason, at_ms=at_ms
            )
        case "payment":
            method, status = fields.pop("method", "card"), PaymentStatus(fields.pop("status", "posted"))
            amount = money(amounts[0])
            message = PaymentMessage(
                id=message_id, account=account, amount_micros=amount, method=method, status=status, at_ms=at_ms
            )
        case "balance":
            as_of_ms = moment(fields.pop("as_of"))
            message = BalanceMessage(
                id=message_id, account=account, owed_micros=money(amounts[0]), as_of_ms=as_of_ms, at_ms=at_ms
            )
        case "adjustment":
            message = AdjustmentMessage(
                id=message_id,
                account=account,
                amount_micros=money(amounts[0]),
                reason=fields.pop("reason", ""),
                at_ms=at_ms,
            )
        case "close":
            message = CloseMessage(id=message_id, account=account, at_ms=at_ms)
        case "invoice":
            message = InvoiceMessage(
                id=message_id,
                account=account,
                amount_micros=money(amounts[0]),
                period_start=fields.pop("start", ""),
                period_end=fields.pop("end", ""),
                payload="{}",
                at_ms=at_ms,
            )
        case "card":
            message = CardMessage(
                id=message_id,
                account=account,
                status=CardStatus(amounts[0]),
                expires=fields.pop("expires", ""),
                payload="{}",
                at_ms=at_ms,
            )
        case _:
            raise ScriptError(f"{kind} is no kind of input")
    _nothing_left(fields)
    return message


def intent_of(kind: str, words: Words) -> Intent:
    """An operator's intent; `by` is ana unless said."""
    account, *amounts = words.names or ("",)
    fields = dict(words.fields)
    by, reason = fields.pop("by", "ana"), fields.pop("reason", "because")
    until_ms = moment(fields.pop("until")) if "until" in fields else None
    intent: Intent
    match kind:
        case "block":
            scope = Scope(fields.pop("scope", "all"))
            intent = Block(account=account, by=by, reason=reason, scope=scope, until_ms=until_ms)
        case "close_fuse":
            intent = CloseFuse(by=by, reason=reason)
        case "release":
            intent = Release(account=account, by=by, reason=reason, until_ms=until_ms)
        case "forget":
            intent = Forget(account=account, by=by, reason=reason)
        case "set_limit":
            suggested = amounts == ["suggested"]
            intent = SetLimit(
                account=account,
                by=by,
                reason=reason,
                limit_micros=None if suggested or amounts == ["none"] else money(amounts[0]),
                until_ms=until_ms,
                suggested=suggested,
            )
        case _ if until_ms is not None:
            intent = Allow(account=account, by=by, reason=reason, until_ms=until_ms)
        case _:
            raise ScriptError("an allow needs `until`")
    _nothing_left(fields)
    return intent


def settings_of(stated: tuple[Words, ...]) -> tuple[Settings, frozenset[str]]:
    """Settings, and the switches that acknowledge only when told (`manual`)."""
    settings = Settings()
    manual: set[str] = set()
    trust: dict[str, int] = {}
    switches: dict[str, SwitchSettings] = {}
    for words in stated:
        match words.names:
            case ("manual", *names):
                manual.update(names)
            case ("switch", name):
                switches[name] = _switch_settings(words.fields)
            case ("trust", method):
                trust[method] = money(words.fields["part"])
            case _ if is_price(words) or is_rule(words):
                # Not the engine's settings: `rating_of` and `rules_of` read them.
                continue
            case ():
                settings = replace(settings, **_plain_settings(words.fields))  # type: ignore[arg-type]
            case _:
                raise ScriptError(f"unknown setting: {words}")
    return replace(settings, trust=trust, switches=switches), frozenset(manual)


def _switch_settings(fields: Mapping[str, str]) -> SwitchSettings:
    declared = SwitchSettings(ticks=flag(fields.get("ticks", "yes")))
    spans = {f"{name}_ms": span_ms(fields[name]) for name in ("silent_after", "absent_after") if name in fields}
    return replace(declared, **spans)  # type: ignore[arg-type]


def _plain_settings(fields: Mapping[str, str]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, text in fields.items():
        if name == "default_currency":
            plain[name] = text
        elif name in {"default_limit", "unknown_rate"}:
            plain[f"{name}_micros"] = money(text)
        elif name in {"stale_after", "blind_carry", "lost_after", "remember", "fuse_window", "away_after"}:
            plain[f"{name}_ms"] = span_ms(text)
        elif name == "fuse_blocks":
            plain[name] = int(text)
        elif name == "emergency":
            plain[name] = EmergencyNumbers(text.split(","))
        else:
            raise ScriptError(f"unknown setting: {name}")
    return plain


def _credit(amounts: list[str], fields: dict[str, str]) -> Credit | None:
    if "cycles" in fields:
        return Credit(
            cycles_micros=money(fields.pop("cycles")),
            floor_micros=_optional_money(fields, "floor"),
            cap_micros=_optional_money(fields, "cap"),
        )
    if not amounts:
        return None
    return Credit(limit_micros=None if amounts[0] == "none" else money(amounts[0]))


def _optional_money(fields: dict[str, str], name: str) -> Micros | None:
    text = fields.pop(name, None)
    return None if text is None else money(text)


def _nothing_left(fields: Mapping[str, str]) -> None:
    if fields:
        raise ScriptError(f"unknown: {', '.join(fields)}")
