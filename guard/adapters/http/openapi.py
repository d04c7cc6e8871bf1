"""The OpenAPI document of the API: written by hand, held to the routes and to the codec by tests."""

from __future__ import annotations

from guard import __version__
from guard.adapters.http.inputs import DEFAULT_AUDITS, DEFAULT_LIMIT, MAX_LIMIT
from guard.adapters.http.schemas import SCHEMAS
from guard.wire.decisions import JsonObject

_INTRODUCTION = (
    "Money is a decimal string in the account's currency, never a JSON number. Times are RFC 3339 in UTC; in requests"
    " any offset, or epoch seconds, will do. An account's id is percent-encoded in a path, `/` too. Errors are problem"
    " documents (RFC 9457). Without tokens guard answers this machine only."
)


def document() -> JsonObject:
    """The document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "guard", "version": __version__, "description": _INTRODUCTION},
        "security": [{}, {"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
        },
    }


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
                _query("state", "Only those in this state", enum=["active", "warned", "blocked", "closed"]),
                _query("q", "Part of an id or a name"),
                *_PAGING,
            )
        },
        account: {"get": _get("One account", _json("Account"), _ID)},
        f"{account}/ledger": {
            "get": _get(
                "The account's ledger, whole or from <= at < to; a date is midnight in the account's time zone",
                ledger,
                _ID,
                _query("from", "First moment: RFC 3339, epoch seconds, or a date"),
                _query("to", "First moment after: RFC 3339, epoch seconds, or a date"),
            )
        },
        f"{account}/statement": {
            "get": _get(
                "Why the balance is what it is: the figures of one cycle, and sentences to read out",
                _json("Statement"),
                _ID,
                _query("cycle", "A month that has begun, `YYYY-MM`; the present one by default"),
            )
        },
        f"{account}/history": {
            "get": _get(
                "What operators and billing did to the account outside of decisions, newest first",
                _json("History"),
                _ID,
                _limit(DEFAULT_AUDITS),
            )
        },
        f"{account}/block": {"post": _post("Block the account", "Block", _ID)},
        f"{account}/release": {"post": _post("Lift what blocks the account, and allow it for a while", "Release", _ID)},
        f"{account}/allow": {"post": _post("Allow the account until a time", "Allow", _ID)},
        f"{account}/limit": {"post": _post("Set the limit, or take the one that is suggested", "SetLimit", _ID)},
        "/api/v1/limits/review": {
            "get": _get(
                "Accounts whose limit no longer covers two to three cycles; a page may be empty and have a `next`",
                _json("LimitReview"),
                *_PAGING,
            )
        },
        "/api/v1/held": {
            "get": _get(
                "Blocks by rule or model that the fuse holds for an operator, oldest first", _json("Held"), *_PAGING
            )
        },
        "/api/v1/held/{id}/approve": {"post": _post("Let a held block happen", "Verdict", _HELD_ID)},
        "/api/v1/held/{id}/reject": {"post": _post("Drop a held block: a false alarm", "Verdict", _HELD_ID)},
        "/api/v1/fuse/close": {"post": _post("Let blocks by rules act at once again", "Verdict", answer="Fuse")},
        "/api/v1/rules": {
            "get": _get("The rules in force, and how often each has fired since the start", _json("Rules"))
        },
        "/api/v1/decisions": {
            "get": _get(
                "Decisions, oldest first; `after` may be a decision's id, too",
                _json("Decisions"),
                _query("account", "Only those of this account"),
                *_PAGING,
            )
        },
        "/api/v1/quarantine": {"get": _get("Reports held back", _json("Quarantine"), *_PAGING)},
        "/api/v1/switches": {"get": _get("All known switches", _json("Switches"))},
        "/api/v1/openapi.json": {"get": _get("This document", {"application/json": {"schema": {"type": "object"}}})},
        "/metrics": {"get": _get("Prometheus metrics", {"text/plain": {"schema": {"type": "string"}}})},
        "/-/healthy": {"get": _get("Whether guard lives; 503 if not", _json("Status"))},
        "/-/ready": {"get": _get("Whether guard is restored and subscribed; 503 if not", _json("Status"))},
        "/": {"get": _get("A plain page: accounts at risk first", _HTML, _query("q", "Part of an id or a name"))},
        "/accounts/{id}": {"get": _get("A plain page about one account", _HTML, _ID)},
    }


def _schema(name: str) -> JsonObject:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _json(name: str) -> JsonObject:
    return {"application/json": _schema(name)}


def _query(name: str, description: str, **schema: object) -> JsonObject:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "string", **schema},
    }


_HTML: JsonObject = {"text/html": {"schema": {"type": "string"}}}
_ID: JsonObject = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The account's id, percent-encoded",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}

_HELD_ID: JsonObject = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The held block's id, which is that of its `held` decision",
    "schema": {"type": "string"},
}


def _limit(default: int) -> JsonObject:
    return {
        "name": "limit",
        "in": "query",
        "description": "Entries a page",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": default},
    }


_PAGING: tuple[JsonObject, ...] = (
    _limit(DEFAULT_LIMIT),
    _query("after", "Where the page begins: `next` of the page before"),
)
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


def _post(summary: str, body: str, *subject: JsonObject, answer: str = "Account") -> JsonObject:
    operation = _get(summary, _json(answer), *subject)
    operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation
