"""The schemas of the OpenAPI document: each answer and body, member by member.

Kept by hand, because they are a promise; tests hold them to what the codec writes.
"""

from __future__ import annotations

from guard.adapters.http.schema_parts import (
    COUNT,
    FLAG,
    MOMENT,
    MONEY,
    PRICE,
    REASON_GIVEN,
    TEXT,
    TIME,
    TOLD_FLAG,
    WHO,
    WHOLE,
    body,
    maybe,
)
from guard.core.decisions import Action, LineKind, Mode, Reason
from guard.core.records import Direction, Scope
from guard.core.rules.rule import Measure, Per, RuleMode
from guard.core.views import AccountState
from guard.wire.decisions import JsonObject


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> JsonObject:
    return {"type": "array", "items": _ref(name)}


def _one_of(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values)}


def _object(required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _page(name: str, entry: str) -> JsonObject:
    return _object({name: _list(entry), "next": maybe(TEXT)})


_SCOPE = _one_of(*(scope.value for scope in Scope))
_STATE = _one_of(*(state.value for state in AccountState))
_REASON = _one_of(*(reason.value for reason in Reason))

_PLAN_USE = _object({"key": TEXT, "text": TEXT, "used": COUNT, "of": maybe(COUNT)})

_ACCOUNT = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "timezone": TEXT,
        "opened": TEXT,
        "plan": TEXT,
        "tariff": TEXT,
        "state": _STATE,
        "provisional": FLAG,
        "limit": maybe(MONEY),
        "limit_source": TEXT,
        "limit_until": maybe(TIME),
        "limit_text": TEXT,
        "limit_suggested": maybe(MONEY),
        "exposure": MONEY,
        "balance": _object(
            {
                "owed": MONEY,
                "invoiced": MONEY,
                "unbilled": MONEY,
                "in_flight": MONEY,
                "pending_payments": MONEY,
                "trusted_payments": MONEY,
                "in_flight_gross": MONEY,
            }
        ),
        "burn_rate": MONEY,
        "reaches_limit_at": maybe(TIME),
        "spends_per_day": MONEY,
        "reaches_limit_in_days": maybe(COUNT),
        "invoices": _list("Invoice"),
        "card": maybe(_object({"status": TEXT, "expires": TEXT, "text": TEXT})),
        "plan_use": {"type": "array", "items": _PLAN_USE},
        "live_call_count": COUNT,
        "live_calls": _list("LiveCall"),
        "block": maybe(_ref("Blocked")),
        "allow_until": maybe(TIME),
        "decisions": _list("Decision"),
    }
)

_ACCOUNT_ITEM = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "timezone": TEXT,
        "state": _STATE,
        "provisional": FLAG,
        "limit": maybe(MONEY),
        "limit_source": TEXT,
        "exposure": MONEY,
        "owed": MONEY,
        "in_flight": MONEY,
        "burn_rate": MONEY,
        "reaches_limit_at": maybe(TIME),
        "live_call_count": COUNT,
        "block_scope": maybe(_SCOPE),
        "confirmed": maybe(FLAG),
        "effective": maybe(FLAG),
        "allow_until": maybe(TIME),
    }
)

_LIVE_CALL = _object(
    {
        "switch": TEXT,
        "call": TEXT,
        "to": TEXT,
        "from": TEXT,
        "direction": _one_of(*(direction.value for direction in Direction)),
        "emergency": FLAG,
        "answered_at": TIME,
        "last_report_at": TIME,
        "duration_ms": COUNT,
        "charge": MONEY,
        "value": MONEY,
        "rate": MONEY,
        "gross": MONEY,
        "destination": TEXT,
        "silent": FLAG,
    }
)

_CAUSE = _object(
    {
        "reason": _REASON,
        "rule": TEXT,
        "scope": _SCOPE,
        "since": TIME,
        "until": maybe(TIME),
        "text": TEXT,
    }
)

_BLOCKED = _object(
    {
        "scope": _SCOPE,
        "since": TIME,
        "confirmed": FLAG,
        "effective": FLAG,
        "text": TEXT,
        "causes": {"type": "array", "items": _CAUSE},
        "errors": {"type": "array", "items": _object({"switch": TEXT, "error": TEXT})},
    }
)

_DECISION = _object(
    {
        "id": TEXT,
        "at": TIME,
        "account": TEXT,
        "action": _one_of(*(action.value for action in Action)),
        "scope": _SCOPE,
        "mode": _one_of(*(mode.value for mode in Mode)),
        "reason": _REASON,
        "rule": TEXT,
        "key": TEXT,
        "mark": TEXT,
        "exposure": MONEY,
        "limit": maybe(MONEY),
        "currency": TEXT,
        "evidence": {
            "type": "array",
            "items": _object({"what": TEXT, "value": TEXT, "threshold": TEXT}),
        },
        "text": TEXT,
    },
    {"by": TEXT},
)

_LEDGER_LINE = _object(
    {
        "number": COUNT,
        "at": TIME,
        "kind": _one_of(*(kind.value for kind in LineKind)),
        "amount": MONEY,
        "currency": TEXT,
        "switch": TEXT,
        "call": TEXT,
        "to": TEXT,
        "direction": TEXT,
        "duration_ms": COUNT,
        "emergency": FLAG,
        "ref": TEXT,
        "method": TEXT,
        "text": TEXT,
        "gross": maybe(MONEY),
        "billed_s": COUNT,
        "covered_s": COUNT,
        "class": TEXT,
        "destination": TEXT,
    }
)

_QUARANTINED = _object(
    {
        "number": COUNT,
        "switch": TEXT,
        "call": TEXT,
        "account": TEXT,
        "received_at": TIME,
        "at": TIME,
        "rule": TEXT,
        "event": TEXT,
        "charge": maybe(MONEY),
        "currency": TEXT,
    }
)

_SWITCH = _object(
    {
        "switch": TEXT,
        "up": FLAG,
        "last_heard": TIME,
        "live_calls": COUNT,
        "unconfirmed": COUNT,
        "synced": FLAG,
        "lagging": FLAG,
        "blind": FLAG,
        "silence": {"enum": ["", "calls_up", "unusual", "absent"]},
        "usual_calls": maybe(COUNT),
        "skew_ms": WHOLE,
    }
)

_INVOICE_MEMBERS: dict[str, JsonObject] = {
    "id": TEXT,
    "amount": MONEY,
    "period_start": TEXT,
    "period_end": TEXT,
    "at": TIME,
}
_CHECKED_INVOICE = _object({**_INVOICE_MEMBERS, "ledger": maybe(MONEY), "difference": maybe(MONEY)})

_STATEMENT = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "timezone": TEXT,
        "cycle": _object({"name": TEXT, "start": TIME, "end": TIME, "current": FLAG}),
        "opening": MONEY,
        "charges": {
            "type": "array",
            "items": _object(
                {
                    "class": TEXT,
                    "calls": COUNT,
                    "duration_ms": COUNT,
                    "billed_s": COUNT,
                    "covered_s": COUNT,
                    "gross": MONEY,
                    "net": MONEY,
                }
            ),
        },
        "charged": MONEY,
        "corrections": MONEY,
        "adjustments": MONEY,
        "reversals": MONEY,
        "reconciled": MONEY,
        "payments": {"type": "array", "items": _object({"method": TEXT, "payments": COUNT, "amount": MONEY})},
        "paid": MONEY,
        "closing": MONEY,
        "invoice": maybe(_ref("CheckedInvoice")),
        "last_invoice": maybe(_ref("CheckedInvoice")),
        "live": maybe(_ref("Live")),
        "lines": {"type": "array", "items": TEXT},
    }
)

_LIVE = _object(
    {
        "owed": MONEY,
        "posting": MONEY,
        "invoiced": MONEY,
        "unbilled": MONEY,
        "in_flight": MONEY,
        "in_flight_gross": MONEY,
        "pending_payments": MONEY,
        "trusted_payments": MONEY,
        "exposure": MONEY,
        "limit": maybe(MONEY),
        "limit_text": TEXT,
    }
)

_REVIEWED_LIMIT = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "limit": maybe(MONEY),
        "limit_source": TEXT,
        "spend_per_cycle": MONEY,
        "cycles_covered": maybe(MONEY),
        "suggested": MONEY,
        "why": TEXT,
    }
)

_HELD_BLOCK = _object(
    {
        "id": TEXT,
        "account": TEXT,
        "name": TEXT,
        "reason": _REASON,
        "rule": TEXT,
        "scope": _SCOPE,
        "since": TIME,
        "text": TEXT,
    }
)

_RULE = _object(
    {
        "id": TEXT,
        "title": TEXT,
        "mode": _one_of(*(mode.value for mode in RuleMode)),
        "measure": _one_of(*(measure.value for measure in Measure)),
        "window": maybe(TEXT),
        "per": _one_of(*(per.value for per in Per)),
        "warn": maybe(TEXT),
        "block": maybe(TEXT),
        "scope": _SCOPE,
        "hits": _object({mode.value: COUNT for mode in Mode}),
    }
)

_PROBLEM = _object(
    {"type": TEXT, "title": TEXT, "status": COUNT, "detail": TEXT},
    {"errors": {"type": "array", "items": _object({"field": TEXT, "detail": TEXT})}},
)

_LIMIT: dict[str, JsonObject] = {
    "limit": {**PRICE, "description": "Null: no limit. Required unless `suggested`"},
    "suggested": {**TOLD_FLAG, "description": "Take the limit that waits for approval, in place of `limit`"},
}

_WHOLE_ACCOUNT: dict[str, JsonObject] = {"scope": _one_of(Scope.ALL.value)}

SCHEMAS: JsonObject = {
    "Account": _ACCOUNT,
    "AccountItem": _ACCOUNT_ITEM,
    "Accounts": _page("accounts", "AccountItem"),
    "LiveCall": _LIVE_CALL,
    "Blocked": _BLOCKED,
    "Decision": _DECISION,
    "Decisions": _page("decisions", "Decision"),
    "LedgerLine": _LEDGER_LINE,
    "Ledger": _object({"account": TEXT, "currency": TEXT, "lines": _list("LedgerLine"), "sum": MONEY}),
    "HeldBlock": _HELD_BLOCK,
    "Held": _object({"fuse_open": FLAG, "held": _list("HeldBlock"), "next": maybe(TEXT)}),
    "Rule": _RULE,
    "Rules": _object({"rules": _list("Rule")}),
    "Quarantined": _QUARANTINED,
    "Quarantine": _page("quarantine", "Quarantined"),
    "Switch": _SWITCH,
    "Switches": _object({"switches": _list("Switch")}),
    "Invoice": _object(_INVOICE_MEMBERS),
    "CheckedInvoice": _CHECKED_INVOICE,
    "Statement": _STATEMENT,
    "Live": _LIVE,
    "Audit": _object({"at": TIME, "by": TEXT, "what": TEXT, "reason": TEXT}),
    "History": _object({"account": TEXT, "history": _list("Audit"), "next": maybe(TEXT)}),
    "ReviewedLimit": _REVIEWED_LIMIT,
    "LimitReview": _page("accounts", "ReviewedLimit"),
    "Status": _object({"status": TEXT}),
    "Problem": _PROBLEM,
    "Block": body(REASON_GIVEN, {**WHO, "scope": _SCOPE, "until": MOMENT}),
    "Release": body(REASON_GIVEN, {**WHO, **_WHOLE_ACCOUNT, "until": MOMENT}),
    "Allow": body({**REASON_GIVEN, "until": MOMENT}, {**WHO, **_WHOLE_ACCOUNT}),
    "Fuse": _object({"fuse_open": FLAG}),
    "Verdict": body(REASON_GIVEN, WHO),
    "SetLimit": body(REASON_GIVEN, {**WHO, **_LIMIT, "until": MOMENT}),
}
