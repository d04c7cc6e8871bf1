"""What is posted to webhooks: guard's own body (contract 5), and the bodies of on-call tools.

guard's own is `{"type","timestamp","data"}`, `data` being the decision as it stands in the history, or the notice. It
depends on the event alone, so it is the same at every attempt. The others also know when they are sent:

* **Alertmanager** (API v2) forgets an alert at its `endsAt`, and would invent one five minutes ahead. So a matter that
  another event is going to end stands for a week, one that nobody ends for an hour, and one that is over ends now.
* **PagerDuty** (Events API v2) takes one event a matter and resolves it by the same `dedup_key`.

Called numbers are masked in what decisions say (`guard.core.sentences`); nothing here unmasks them.
"""

from __future__ import annotations

import msgspec

from guard.core.decisions import Decision, Notice
from guard.core.events import Delivery, Event, WebhookView
from guard.core.identity import derived_id
from guard.core.incidents import Incident, incident_of
from guard.core.settings import DAY_MS, HOUR_MS
from guard.wire.decisions import JsonObject, decision_object
from guard.wire.instants import format_instant

STANDS_MS = 7 * DAY_MS
"""An alert that something ends; what lasts longer than a week has been seen."""
PASSES_MS = HOUR_MS
"""An alert that nothing ends."""

PAGERDUTY_SUMMARY = 1_024
PAGERDUTY_KEY = 255
"""Characters that PagerDuty takes."""


def notice_object(notice: Notice) -> JsonObject:
    """A notice as JSON."""
    return {
        "id": notice.id,
        "at": format_instant(notice.at_ms),
        "kind": notice.kind.value,
        "switch": notice.switch,
        "account": notice.account,
        "over": notice.over,
        "text": notice.text,
    }


def event_object(event: Event) -> JsonObject:
    """An event as guard's own webhooks carry it."""
    return {"type": event.type, "timestamp": format_instant(event.at_ms), "data": _data(event)}


def encode_event(event: Event) -> bytes:
    """The body of guard's own webhooks."""
    return msgspec.json.encode(event_object(event))


def encode_alerts(event: Event, now_ms: int) -> bytes:
    """The body of `POST /api/v2/alerts` of an Alertmanager."""
    incident = incident_of(event)
    alert: JsonObject = {
        "labels": {
            "alertname": f"guard_{incident.kind}",
            "severity": incident.severity.value,
            **dict(incident.about),
        },
        "annotations": {"summary": event.told.text, "event": event.id, "type": event.type},
    }
    if incident.over:
        # Without `startsAt` it ends the alert of these labels, whenever that began.
        alert["endsAt"] = format_instant(min(event.at_ms, now_ms))
    else:
        alert["startsAt"] = format_instant(min(event.at_ms, now_ms))
        alert["endsAt"] = format_instant(now_ms + (STANDS_MS if incident.lasts else PASSES_MS))
    return msgspec.json.encode([alert])


def encode_pagerduty(event: Event, routing_key: str) -> bytes:
    """The body of `POST /v2/enqueue` of PagerDuty."""
    incident = incident_of(event)
    body: JsonObject = {
        "routing_key": routing_key,
        "event_action": "resolve" if incident.over else "trigger",
        "dedup_key": _dedup_key(incident),
    }
    if not incident.over:
        body["payload"] = {
            "summary": event.told.text[:PAGERDUTY_SUMMARY],
            "source": "guard",
            "severity": incident.severity.value,
            "timestamp": format_instant(event.at_ms),
            "component": dict(incident.about).get("switch") or event.told.account or "guard",
            "class": event.type,
            "custom_details": _data(event),
        }
    return msgspec.json.encode(body)


def webhook_object(view: WebhookView) -> JsonObject:
    """A target of webhooks, as the API shows it: without its address, which may be a secret."""
    return {
        "webhook": view.webhook,
        "kind": view.kind,
        "events": list(view.events),
        "pending": view.pending,
        "dead": view.dead,
        "delivered_at": _moment(view.delivered_ms),
        "failing_since": _moment(view.failing_since_ms),
        "error": view.error,
    }


def delivery_object(delivery: Delivery) -> JsonObject:
    """Something that a target is owed, as the API shows it."""
    owed = delivery.owed
    told = owed.event.told
    return {
        "webhook": delivery.webhook,
        "id": owed.event.id,
        "type": owed.event.type,
        "at": format_instant(owed.event.at_ms),
        "account": told.account,
        "switch": told.switch if isinstance(told, Notice) else "",
        "text": told.text,
        "state": "dead" if owed.dead else "pending",
        "since": format_instant(owed.since_ms),
        "attempts": owed.attempts,
        "tried_at": _moment(owed.tried_ms or None),
        "due_at": None if owed.dead else format_instant(owed.due_ms),
        "error": owed.error,
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else format_instant(ms)


def _data(event: Event) -> JsonObject:
    told = event.told
    return decision_object(told) if isinstance(told, Decision) else notice_object(told)


def _dedup_key(incident: Incident) -> str:
    key = "/".join(("guard", incident.kind, *(value for _, value in incident.about)))
    return key if len(key) <= PAGERDUTY_KEY else f"guard/{incident.kind}/{derived_id(0, *incident.matter)}"
