"""The schemas of what the API says about webhooks; a promise like those of `guard.adapters.http.schemas`."""

from __future__ import annotations

from guard.adapters.http.schema_parts import COUNT, REASON_GIVEN, TEXT, TIME, WHO, body, maybe, said
from guard.wire.decisions import JsonObject

_TIME_OR_NOTHING = maybe(TIME)
_TEXT_OR_NOTHING = maybe(TEXT)


def _record(required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _listed(name: str) -> JsonObject:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_WEBHOOK = _record(
    {
        "webhook": TEXT,
        "kind": {**TEXT, "enum": ["generic", "alertmanager", "pagerduty", "apprise"]},
        "events": {"type": "array", "items": TEXT},
        "pending": COUNT,
        "dead": COUNT,
        "delivered_at": _TIME_OR_NOTHING,
        "failing_since": _TIME_OR_NOTHING,
        "error": TEXT,
    }
)

_DELIVERY = _record(
    {
        "webhook": TEXT,
        "id": {**TEXT, "description": "Of the event: what its receiver knows as `webhook-id`"},
        "type": TEXT,
        "at": TIME,
        "account": TEXT,
        "switch": TEXT,
        "text": TEXT,
        "state": {**TEXT, "enum": ["pending", "dead"]},
        "since": TIME,
        "attempts": COUNT,
        "tried_at": _TIME_OR_NOTHING,
        "due_at": _TIME_OR_NOTHING,
        "error": TEXT,
    }
)

WEBHOOK_SCHEMAS: JsonObject = {
    "Webhook": _WEBHOOK,
    "Webhooks": _record({"webhooks": _listed("Webhook")}),
    "Delivery": _DELIVERY,
    "Deliveries": _record({"deliveries": _listed("Delivery"), "next": _TEXT_OR_NOTHING}),
    "Resend": body(REASON_GIVEN, {**WHO, "id": {**said(64), "description": "Only this one"}}),
    "Resent": _record({"webhook": TEXT, "resent": COUNT}),
}
