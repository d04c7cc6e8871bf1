"""The rules in force with their hits, and the blocks that the fuse holds for an operator."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.inputs import DEFAULT_LIMIT, page_limit, query_fields, words
from guard.adapters.http.paths import MAX_ID
from guard.adapters.http.pieces import divided
from guard.adapters.http.state import desk_of
from guard.wire.rulebook import rule_object
from guard.wire.views import held_object


async def held(request: Request) -> Response:
    """Held blocks, a page at a time, in the order of their ids, which is that of time.

    So a page begins at the right place even if the last block of the one before has been judged meanwhile.
    """
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", words(MAX_ID), "")
    fields.finish()
    desk = desk_of(request)
    found = sorted((each for each in await desk.held() if each.id > after), key=lambda each: each.id)
    page = found[:limit]
    return json_response(
        {
            "fuse_open": desk.fuse_open(),
            "held": await divided(held_object, page),
            "next": page[-1].id if len(found) > limit else None,
        }
    )


async def rules(request: Request) -> Response:
    """All rules; there are at most 1,000."""
    desk = desk_of(request)
    hits = desk.rule_hits()
    return json_response({"rules": await divided(lambda rule: rule_object(rule, hits), desk.rules())})
