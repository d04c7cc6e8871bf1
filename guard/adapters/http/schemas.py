"""The schemas of the OpenAPI document: each answer and body, member by member.

Kept by hand, because they are a promise; tests hold them to what the codec writes.
"""

from __future__ import annotations

from guard.core.decisions import Action, LineKind, Mode, Reason
from guard.core.records import Direction, Scope
from guard.core.rules.rule import Measure, Per, RuleMode
from guard.core.views import AccountState
from guard.wire.decisions import JsonObject

TEXT: JsonObject = {"type": "string"}
FLAG: JsonObject = {"type": "boolean"}
COUNT: JsonObject = {"type": "integer", "minimum": 0}
WHOLE: JsonObject = {"type": "integer"}
MONEY: JsonObject = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,6})?$"}
TIME: JsonObject = {"type": "string", "format": "date-time"}
MOMENT: JsonObject = {"type": ["string", "number"], "description": "RFC 3339 with offset, or epoch seconds"}


def _maybe(schema: JsonObject) -> JsonObject:
    return {"oneOf": [schema, {"type": "null"}]}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> JsonObject:
    return {"type": "array", "items": _ref(name)}


def _one_of(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values)}


def _object(required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _page(name: str, entry: str) -> JsonObject:
    return _object({name: _list(entry), "next": _maybe(TEXT)})


_SCOPE = _one_of(*(scope.value for scope in Scope))
_STATE = _one_of(*(state.value for state in AccountState))
_REASON = _one_of(*(reason.value for reason in Reason))

_PLAN_USE = _object({"key": TEXT, "text": TEXT, "used": COUNT, "of": _maybe(COUNT)})

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
        "limit": _maybe(MONEY),
        "limit_source": TEXT,
        "limit_until": _maybe(TIME),
        "limit_text": TEXT,
        "limit_suggested": _maybe(MONEY),
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
        "reaches_limit_at": _maybe(TIME),
        "spends_per_day": MONEY,
        "reaches_limit_in_days": _maybe(COUNT),
        "invoices": _list("Invoice"),
        "card": _maybe(_object({"status": TEXT, "expires": TEXT, "text": TEXT})),
        "plan_use": {"type": "array", "items": _PLAN_USE},
        "live_call_count": COUNT,
        "live_calls": _list("LiveCall"),
        "block": _maybe(_ref("Blocked")),
        "allow_until": _maybe(TIME),
        "decisions": _list("Decision"),
    }
)

_ACCOUNT_ITEM = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "state": _STATE,
        "provisional": FLAG,
        "limit": _maybe(MONEY),
        "limit_source": TEXT,
        "exposure": MONEY,
        "owed": MONEY,
        "in_flight": MONEY,
        "burn_rate": MONEY,
        "reaches_limit_at": _maybe(TIME),
        "live_call_count": COUNT,
        "block_scope": _maybe(_SCOPE),
        "confirmed": _maybe(FLAG),
        "effective": _maybe(FLAG),
        "allow_until": _maybe(TIME),
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
        "until": _maybe(TIME),
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
        "limit": _maybe(MONEY),
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
        "gross": _maybe(MONEY),
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
        "charge": _maybe(MONEY),
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
_CHECKED_INVOICE = _object({**_INVOICE_MEMBERS, "ledger": _maybe(MONEY), "difference": _maybe(MONEY)})

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
        "invoice": _maybe(_ref("CheckedInvoice")),
        "last_invoice": _maybe(_ref("CheckedInvoice")),
        "live": _maybe(_ref("Live")),
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
        "limit": _maybe(MONEY),
        "limit_text": TEXT,
    }
)

_REVIEWED_LIMIT = _object(
    {
        "account": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "limit": _maybe(MONEY),
        "limit_source": TEXT,
        "spend_per_cycle": MONEY,
        "cycles_covered": _maybe(MONEY),
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
        "window": _maybe(TEXT),
        "per": _one_of(*(per.value for per in Per)),
        "warn": _maybe(TEXT),
        "block": _maybe(TEXT),
        "scope": _SCOPE,
        "hits": _object({mode.value: COUNT for mode in Mode}),
    }
)

_PROBLEM = _object(
    {"type": TEXT, "title": TEXT, "status": COUNT, "detail": TEXT},
    {"errors": {"type": "array", "items": _object({"field": TEXT, "detail": TEXT})}},
)

_WHO: dict[str, JsonObject] = {
    "by": {**TEXT, "minLength": 1, "description": "Who acts; with tokens the token's name counts instead"}
}
_REASON_GIVEN: dict[str, JsonObject] = {"reason": {**TEXT, "minLength": 1, "maxLength": 256}}

_LIMIT: dict[str, JsonObject] = {
    "limit": {**_maybe(MONEY), "description": "Null: no limit. Required unless `suggested`"},
    "suggested": {**FLAG, "description": "Take the limit that waits for approval, in place of `limit`"},
}

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
    "Held": _object({"fuse_open": FLAG, "held": _list("HeldBlock"), "next": _maybe(TEXT)}),
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
    "History": _object({"account": TEXT, "history": _list("Audit")}),
    "ReviewedLimit": _REVIEWED_LIMIT,
    "LimitReview": _page("accounts", "ReviewedLimit"),
    "Status": _object({"status": TEXT}),
    "Problem": _PROBLEM,
    "Block": _object(_REASON_GIVEN, {**_WHO, "scope": _SCOPE, "until": _maybe(MOMENT)}),
    "Release": _object(_REASON_GIVEN, {**_WHO, "until": _maybe(MOMENT)}),
    "Allow": _object({**_REASON_GIVEN, "until": MOMENT}, _WHO),
    "Fuse": _object({"fuse_open": FLAG}),
    "Verdict": _object(_REASON_GIVEN, _WHO),
    "SetLimit": _object(_REASON_GIVEN, {**_WHO, **_LIMIT, "until": _maybe(MOMENT)}),
}
