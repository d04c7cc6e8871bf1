"""Webhooks: how it stands with each target, what it is owed, and dead letters sent again by an operator."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.actions import who_and_why
from guard.adapters.http.inputs import (
    DEFAULT_LIMIT,
    FieldValueError,
    body_fields,
    page_limit,
    query_fields,
    words,
)
from guard.adapters.http.pieces import divided
from guard.adapters.http.problems import no_such_dead_letter, no_such_webhook
from guard.adapters.http.state import desk_of
from guard.wire.webhooks import delivery_object, webhook_object

MAX_NAME = 64
_STATES = {"dead": True, "pending": False}


async def webhooks(request: Request) -> Response:
    """All targets; there are at most 50."""
    views = desk_of(request).webhooks.views()
    return json_response({"webhooks": [webhook_object(view) for view in views]})


async def deliveries(request: Request) -> Response:
    """What is owed, by webhook and time, a page at a time."""
    fields = query_fields(request)
    webhook = fields.read("webhook", words(MAX_NAME), None)
    dead = fields.read("state", _state, default=True)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", page_begins, ("", ""))
    fields.finish()
    office = desk_of(request).webhooks
    found = await office.deliveries(webhook=webhook, dead=dead, after=after, limit=limit + 1)
    page = found[:limit]
    return json_response(
        {
            "deliveries": await divided(delivery_object, page),
            "next": f"{page[-1].webhook}/{page[-1].owed.event.id}" if len(found) > limit else None,
        }
    )


async def resend(request: Request) -> Response:
    """Send dead letters of a webhook again: the one that is named, or the oldest 1,000."""
    webhook = unquote(request.path_params["name"])
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    event = fields.read("id", words(MAX_NAME), None)
    fields.finish()
    resent = await desk_of(request).webhooks.resend(webhook, event, by=by, reason=reason)
    if resent is None:
        raise no_such_webhook()
    if event is not None and not resent:
        raise no_such_dead_letter()
    return json_response({"webhook": webhook, "resent": resent})


def _state(value: object) -> bool:
    if not isinstance(value, str) or value not in _STATES:
        raise FieldValueError("must be one of dead, pending")
    return _STATES[value]


def page_begins(value: object) -> tuple[str, str]:
    """The webhook and the event of the last delivery that was shown."""
    webhook, slash, event = str(value).partition("/")
    if not slash:
        raise FieldValueError("must be the `next` of the page before")
    return webhook, event
