"""What happened, in order: decisions, reports held back; and the switches as they are.

A page says in `next` where the following one begins, null when there is none. After that one, `after` may also be
the id of any decision: whoever follows the decisions keeps the id of the last one seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.inputs import (
    DEFAULT_LIMIT,
    FieldValueError,
    account_name,
    page_limit,
    position,
    query_fields,
)
from guard.adapters.http.pieces import divided
from guard.adapters.http.problems import FieldError, refused_fields
from guard.adapters.http.state import desk_of, positions_of
from guard.core.decisions import Decision
from guard.ports import Store
from guard.wire.decisions import decision_object
from guard.wire.views import quarantined_object, switch_object

_ID_LENGTH = 26
_SCAN = 1_000
"""Decisions a step, when an id has to be looked for."""


class Positions:
    """Remembers where the decisions stand that were shown lately, so that following them by id costs no search."""

    MAX = 10_000
    """About 1 MiB."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def note(self, decisions: Sequence[Decision]) -> None:
        """These have been shown."""
        self._numbers.update((decision.id, decision.number) for decision in decisions)
        while len(self._numbers) > self.MAX:
            del self._numbers[next(iter(self._numbers))]

    async def find(self, store: Store, decision_id: str) -> int | None:
        """The number of a decision; it is searched for in the store when it was not shown lately."""
        if decision_id in self._numbers:
            return self._numbers[decision_id]
        after = 0
        while chunk := await store.decisions(account=None, after=after, limit=_SCAN):
            for decision in chunk:
                if decision.id == decision_id:
                    return decision.number
            after = chunk[-1].number
        return None


async def decisions(request: Request) -> Response:
    """Decisions, oldest first, a page at a time."""
    fields = query_fields(request)
    account = fields.read("account", account_name, None)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", _after, None) or 0
    fields.finish()
    store, positions = desk_of(request).store, positions_of(request)
    if isinstance(after, str):
        number = await positions.find(store, after)
        if number is None:
            raise refused_fields([FieldError("after", "there is no decision with this id")])
        after = number
    found = await store.decisions(account=account, after=after, limit=limit + 1)
    page = found[:limit]
    positions.note(page)
    return json_response(
        {
            "decisions": await divided(decision_object, page),
            "next": str(page[-1].number) if len(found) > limit else None,
        }
    )


def _after(value: object) -> int | str:
    if isinstance(value, str) and len(value) == _ID_LENGTH and value.isascii() and value.isalnum():
        return value
    try:
        return position(value)
    except FieldValueError:
        raise FieldValueError("must be the `next` of the page before, or the id of a decision") from None


async def quarantine(request: Request) -> Response:
    """Reports that were held back, oldest first, a page at a time."""
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", position, 0)
    fields.finish()
    found = await desk_of(request).store.quarantined(after=after, limit=limit + 1)
    page = found[:limit]
    return json_response(
        {
            "quarantine": await divided(lambda each: quarantined_object(*each), page),
            "next": str(page[-1][0]) if len(found) > limit else None,
        }
    )


async def switches(request: Request) -> Response:
    """All known switches; there are at most 1,000."""
    return json_response({"switches": await divided(switch_object, desk_of(request).switches())})
