"""What happened, in order: decisions, reports held back; and the switches as they are.

A page says in `next` where the following one begins, null when there is none. After that one, `after` may also be
the id of any decision: whoever follows the decisions keeps the id of the last one seen.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.inputs import (
    DEFAULT_LIMIT,
    FieldValueError,
    account_name,
    cursor,
    page_limit,
    paged,
    query_fields,
)
from guard.adapters.http.pieces import divided
from guard.adapters.http.problems import FieldError, refused_fields
from guard.adapters.http.state import desk_of
from guard.core.decisions import Decision
from guard.ports import CursorError, Page
from guard.ports.records import FROM_THE_END
from guard.wire.decisions import decision_object
from guard.wire.views import quarantined_object, switch_object

_ID_LENGTH = 26
_NOWHERE = "must be the `next` of the page before, or the id of a decision"


async def decisions(request: Request) -> Response:
    """Decisions, oldest first, a page at a time."""
    fields = query_fields(request)
    account = fields.read("account", account_name, None)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", _after, FROM_THE_END)
    fields.finish()
    records = desk_of(request).records
    if _is_id(after):
        behind = await records.behind(after)
        if behind is None:
            raise refused_fields([FieldError("after", "there is no decision with this id")])
        after = behind
    page = await _paged(records.decisions(account=account, after=after, limit=limit))
    return json_response({"decisions": await divided(decision_object, page.items), "next": page.next})


def _after(value: object) -> str:
    try:
        return cursor(value)
    except FieldValueError:
        raise FieldValueError(_NOWHERE) from None


def _is_id(after: str) -> bool:
    return len(after) == _ID_LENGTH and after.isalnum()


async def _paged(asked: Awaitable[Page[Decision]]) -> Page[Decision]:
    try:
        return await asked
    except CursorError:
        raise refused_fields([FieldError("after", _NOWHERE)]) from None


async def quarantine(request: Request) -> Response:
    """Reports that were held back, oldest first, a page at a time."""
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", cursor, FROM_THE_END)
    fields.finish()
    page = await paged("after", desk_of(request).records.quarantined(after=after, limit=limit))
    shown = await divided(lambda each: quarantined_object(*each), page.items)
    return json_response({"quarantine": shown, "next": page.next})


async def switches(request: Request) -> Response:
    """All known switches; there are at most 1,000."""
    return json_response({"switches": await divided(switch_object, desk_of(request).switches())})
