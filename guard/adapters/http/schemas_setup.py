"""The schemas of the OpenAPI document that are about reloading, learning and the model; the others are in `schemas`."""

from __future__ import annotations

from guard.adapters.http.schema_parts import COUNT, FLAG, MONEY, NUMBER, PRICE, TEXT, body, identifier, maybe
from guard.wire.decisions import JsonObject

DAY: JsonObject = {"type": "string", "format": "date"}
TEXTS: JsonObject = {"type": "array", "items": TEXT}
TOLD_TEXTS: JsonObject = {"type": "array", "items": {**TEXT, "maxLength": 256}, "maxItems": 256}


def _all_of(members: dict[str, JsonObject]) -> JsonObject:
    return {"type": "object", "required": list(members), "properties": members}


_TOLD_DAY: JsonObject = {
    "type": "object",
    "required": ["day"],
    "properties": {
        "day": DAY,
        "spend": maybe(
            {
                "type": "object",
                "description": "By hour of the day, 0 to 23",
                "propertyNames": {"pattern": "^(1?[0-9]|2[0-3])$"},
                "additionalProperties": PRICE,
            }
        ),
        "countries": maybe(TOLD_TEXTS),
        "prefixes": maybe(TOLD_TEXTS),
        "sources": maybe(TOLD_TEXTS),
        "numbers": maybe(TOLD_TEXTS),
        "top_rate": maybe(PRICE),
        "peak_calls": maybe({**COUNT, "maximum": 10**9}),
        "spoken_ms": maybe({**COUNT, "maximum": 10**12}),
    },
}
_PAST: JsonObject = {
    "type": "object",
    "required": ["account", "from", "until", "days"],
    "properties": {
        "account": identifier(),
        "timezone": {**maybe(TEXT), "description": "A name of the IANA database, such as America/Toronto"},
        "from": {**DAY, "description": "The first day that is told of, by the account's clock"},
        "until": {**DAY, "description": "The first day after it that is not"},
        "left_out": {
            **maybe({"type": "array", "items": DAY, "maxItems": 400}),
            "description": "Days that must not be learned",
        },
        "days": {
            "type": "array",
            "items": _TOLD_DAY,
            "maxItems": 400,
            "description": "Days on which something happened",
        },
    },
}

SETUP_SCHEMAS: JsonObject = {
    "Doings": _all_of(
        {"history": {"type": "array", "items": {"$ref": "#/components/schemas/Audit"}}, "next": maybe(TEXT)}
    ),
    "Reloaded": _all_of({"changes": TEXTS, "needs_restart": TEXTS, "remarks": TEXTS}),
    "Model": _all_of(
        {
            "mode": {"enum": ["off", "shadow", "enforce"]},
            "up": FLAG,
            "wrong": {**TEXT, "description": "Why it does not score, or why the one read last was refused; else empty"},
            "folder": TEXT,
            "false_alarms_per_1000_account_days": NUMBER,
            "trained": maybe(
                _all_of(
                    {
                        "name": TEXT,
                        "digest": TEXT,
                        "first": TEXT,
                        "last": TEXT,
                        "accounts": COUNT,
                        "mark": {**NUMBER, "description": "In decades; what scores above it is unusual"},
                        "silence": {**TEXT, "description": "Why it says nothing of new accounts; empty: it does"},
                    }
                )
            ),
            "scored": COUNT,
            "skipped": COUNT,
            "lag_s": NUMBER,
            "drift": {**NUMBER, "description": "0.1 is little, 0.25 much"},
        }
    ),
    "Pasts": body({"profiles": {"type": "array", "maxItems": 50, "items": _PAST}}),
    "Learned": _all_of(
        {"learned": {"type": "array", "items": _all_of({"account": TEXT, "days": COUNT, "known_days": COUNT})}}
    ),
    "Profile": _all_of(
        {
            "account": TEXT,
            "since": DAY,
            "known_days": COUNT,
            "mature": FLAG,
            "history": {"type": "array", "items": _all_of({"from": DAY, "until": DAY})},
            "usual_spend": {
                "type": "array",
                "minItems": 168,
                "maxItems": 168,
                "items": MONEY,
                "description": "By hour of the week, Monday 00:00 first, by the account's clock",
            },
            "top_rate": MONEY,
            "peak_calls": TEXT,
            "busiest_day_minutes": COUNT,
            "countries": TEXTS,
            "prefixes": TEXTS,
            "sources": TEXTS,
        }
    ),
}
