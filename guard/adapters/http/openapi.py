"""The OpenAPI document of the API: written by hand, held to the routes, to the codec and to the daemon by tests.

It says what this very daemon wants: with tokens one is needed for everything but the probes, and who acts is known by
it; without them every act says who it is.
"""

from __future__ import annotations

from typing import Any, cast

from guard import __version__
from guard.adapters.http.inputs import DEFAULT_AUDITS, DEFAULT_LIMIT, MAX_LIMIT
from guard.adapters.http.paths import MAX_ID
from guard.adapters.http.schema_parts import ASKED_MOMENT, SIGNED, TEXT, asked, identifier, matching
from guard.adapters.http.schemas import SCHEMAS
from guard.adapters.http.schemas_setup import SETUP_SCHEMAS
from guard.adapters.http.schemas_webhooks import WEBHOOK_SCHEMAS
from guard.adapters.http.webhooks import MAX_NAME
from guard.wire.decisions import JsonObject

_INTRODUCTION = (
    "Money is a decimal string in the account's currency, never a JSON number. Times are RFC 3339 in UTC; in requests"
    " any offset, or epoch seconds, will do. An account's id is percent-encoded in a path, `/` too. Errors are problem"
    " documents (RFC 9457). Without tokens guard answers this machine only."
)


_ACTS = ("Block", "Release", "Allow", "SetLimit", "Verdict", "Resend")
"""What somebody is answerable for."""
_POSITION = matching("[0-9A-Za-z_-]{1,4096}")
_DECISION = _POSITION
"""Or the id of a decision, which looks no different."""
_MONTH = matching("[0-9]{4}-(0[1-9]|1[0-2])")


def document(*, with_tokens: bool) -> JsonObject:
    """The document, OpenAPI 3.1; `with_tokens`: nobody gets in without one."""
    schemas = {**SCHEMAS, **SETUP_SCHEMAS, **WEBHOOK_SCHEMAS}
    if not with_tokens:
        schemas |= {name: _signed(schemas[name]) for name in _ACTS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "guard", "version": __version__, "description": _INTRODUCTION},
        "security": [{"token": []}] if with_tokens else [],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _signed(act: object) -> JsonObject:
    """The same, and who acts must be said."""
    schema = cast("dict[str, Any]", act)
    return {**schema, "required": ["by", *schema["required"]], "properties": {**schema["properties"], **SIGNED}}


def _paths() -> JsonObject:
    account = "/api/v1/accounts/{id}"
    ledger: JsonObject = {
        "application/json": _schema("Ledger"),
        "text/csv": {"schema": {"type": "string"}},
    }
    return {
        "/api/v1/accounts": {
            "get": _get(
                "Accounts in the order of their ids",
                _json("Accounts"),
                _query("state", "Only those in this state", _one_of("active", "warned", "blocked", "closed")),
                _query("q", "Part of an id or a name", asked(MAX_ID)),
                *_paging(asked(MAX_ID)),
            )
        },
        account: {"get": _get("One account", _json("Account"), _ID)},
        f"{account}/ledger": {
            "get": _get(
                "The account's ledger, whole or from <= at < to; a date is midnight in the account's time zone",
                ledger,
                _ID,
                _query("from", "First moment", ASKED_MOMENT),
                _query("to", "First moment after", ASKED_MOMENT),
            )
        },
        f"{account}/statement": {
            "get": _get(
                "Why the balance is what it is: the figures of one cycle, and sentences to read out",
                _json("Statement"),
                _ID,
                _query("cycle", "A month that has begun, `YYYY-MM`; the present one by default", _MONTH),
            )
        },
        f"{account}/history": {
            "get": _get(
                "What was done to the account outside of decisions, newest first",
                _json("History"),
                _ID,
                *_paging(_POSITION, DEFAULT_AUDITS),
            )
        },
        f"{account}/block": {"post": _post("Block the account", "Block", _ID)},
        f"{account}/release": {"post": _post("Lift what blocks the account, and allow it for a while", "Release", _ID)},
        f"{account}/allow": {"post": _post("Allow the account until a time", "Allow", _ID)},
        f"{account}/limit": {"post": _post("Set the limit, or take the one that is suggested", "SetLimit", _ID)},
        f"{account}/forget": {
            "post": _post("Let go of who a closed account was; its money and its blocks stay", "Verdict", _ID)
        },
        f"{account}/profile": {
            "get": _get("What is usual for the account, as the rules see it", _json("Profile"), _ID)
        },
        "/api/v1/profiles": {
            "post": _post("Teach the profiles of accounts what was before guard", "Pasts", answer="Learned")
        },
        "/api/v1/history": {
            "get": _get(
                "What was done that concerns no single account, such as reloads, newest first",
                _json("Doings"),
                *_paging(_POSITION, DEFAULT_AUDITS),
            )
        },
        "/api/v1/limits/review": {
            "get": _get(
                "Accounts whose limit no longer covers two to three cycles; a page may be empty and have a `next`",
                _json("LimitReview"),
                *_paging(asked(MAX_ID)),
            )
        },
        "/api/v1/held": {
            "get": _get(
                "Blocks by rule or model that the fuse holds for an operator, oldest first",
                _json("Held"),
                *_paging(asked(MAX_ID)),
            )
        },
        "/api/v1/held/{id}/approve": {"post": _post("Let a held block happen", "Verdict", _HELD_ID)},
        "/api/v1/held/{id}/reject": {"post": _post("Drop a held block: a false alarm", "Verdict", _HELD_ID)},
        "/api/v1/fuse/close": {"post": _post("Let blocks by rules act at once again", "Verdict", answer="Fuse")},
        "/api/v1/rules": {
            "get": _get("The rules in force, and how often each has fired since the start", _json("Rules"))
        },
        "/api/v1/model": {"get": _get("The anomaly model: whether it scores, and which one it is", _json("Model"))},
        "/api/v1/decisions": {
            "get": _get(
                "Decisions, oldest first; `after` may be a decision's id, too",
                _json("Decisions"),
                _query("account", "Only those of this account", asked(MAX_ID)),
                *_paging(_DECISION),
            )
        },
        "/api/v1/quarantine": {"get": _get("Reports held back", _json("Quarantine"), *_paging(_POSITION))},
        "/api/v1/switches": {"get": _get("All known switches", _json("Switches"))},
        "/api/v1/webhooks": {"get": _get("The targets of webhooks, and how it stands with each", _json("Webhooks"))},
        "/api/v1/webhooks/deliveries": {
            "get": _get(
                "What webhooks are owed: dead letters, or what is still to be sent",
                _json("Deliveries"),
                _query("webhook", "Only of this one", asked(MAX_NAME)),
                _query("state", "`dead` by default", _one_of("dead", "pending")),
                *_paging(matching("[^/]*/.*")),
            )
        },
        "/api/v1/webhooks/{name}/resend": {
            "post": _post("Send dead letters again, one or the oldest 1,000", "Resend", _WEBHOOK, answer="Resent")
        },
        "/api/v1/openapi.json": {"get": _get("This document", {"application/json": {"schema": {"type": "object"}}})},
        "/metrics": {"get": _get("Prometheus metrics", {"text/plain": {"schema": {"type": "string"}}})},
        "/-/healthy": {
            "get": _open(_get("Whether guard lives; 503 if not, and why for whoever shows a token", _json("Status")))
        },
        "/-/reload": {
            "post": _get(
                "Read the files anew and go by them; 422 with every mistake, and then nothing has changed",
                _json("Reloaded"),
            )
        },
        "/-/ready": {
            "get": _open(
                _get(
                    "Whether guard is restored and subscribed; 503 if not, and why for whoever shows a token",
                    _json("Status"),
                )
            )
        },
    }


def _schema(name: str) -> JsonObject:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _json(name: str) -> JsonObject:
    return {"application/json": _schema(name)}


def _query(name: str, description: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _one_of(*values: str) -> JsonObject:
    """One of these, or nothing."""
    return {**TEXT, "enum": [*values, ""]}


_ID: JsonObject = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The account's id, percent-encoded",
    "schema": identifier(),
}

_WEBHOOK: JsonObject = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The webhook's name",
    "schema": {"type": "string"},
}

_HELD_ID: JsonObject = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The held block's id, which is that of its `held` decision",
    "schema": {"type": "string"},
}


def _paging(after: JsonObject, entries: int = DEFAULT_LIMIT) -> tuple[JsonObject, JsonObject]:
    limit: JsonObject = {
        "name": "limit",
        "in": "query",
        "description": "Entries a page",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": entries},
    }
    return limit, _query("after", "Where the page begins: `next` of the page before", after)


_PROBLEM: JsonObject = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": _schema("Problem")},
}


def _get(summary: str, content: JsonObject, *parameters: JsonObject) -> JsonObject:
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": {"description": "OK", "content": content}, "default": _PROBLEM},
    }


def _open(operation: JsonObject) -> JsonObject:
    """It can be asked without a token."""
    return {**operation, "security": [{}, {"token": []}]}


def _post(summary: str, body: str, *subject: JsonObject, answer: str = "Account") -> JsonObject:
    operation = _get(summary, _json(answer), *subject)
    operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation
