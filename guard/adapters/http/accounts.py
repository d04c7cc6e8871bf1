"""What guard knows of accounts: one, many, and the ledger of one, which is streamed and never held in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from guard.adapters.http.inputs import (
    DEFAULT_LIMIT,
    FieldValueError,
    account_name,
    moment_or_date,
    page_limit,
    query_fields,
    words,
)
from guard.adapters.http.negotiate import CSV, JSON, preferred
from guard.adapters.http.paths import MAX_ID, account_id
from guard.adapters.http.pieces import GiveWay, divided, in_pieces, in_portions
from guard.adapters.http.privacy import lines_for, view_for
from guard.adapters.http.problems import FieldError, no_such_account, refused_fields
from guard.adapters.http.state import desk_of
from guard.core.decisions import LedgerLine
from guard.core.money import format_money
from guard.core.pictures import SHOWN_CALLS
from guard.core.views import AccountState, AccountView
from guard.wire.decisions import JsonObject
from guard.wire.statements import csv_head, csv_lines
from guard.wire.views import account_item, account_object, encode_json, ledger_object, live_call_object

SHOWN_DECISIONS = 20
"""Newest decisions beside an account; all of them are at `/api/v1/decisions?account=`."""

Lines = AsyncGenerator[Sequence[LedgerLine], None]


def json_response(value: JsonObject) -> Response:
    """An answer in JSON."""
    return Response(encode_json(value), media_type=JSON)


async def account_response(request: Request, account: str) -> Response:
    """One account as it is now; 404 when there is none."""
    view = await known(request, account)
    decisions = await desk_of(request).records.last_decisions(account, SHOWN_DECISIONS)
    # Its calls may be a thousand.
    told = account_object(replace(view, live_calls=()), decisions)
    told["live_calls"] = await divided(live_call_object, view.live_calls)
    return json_response(told)


async def known(request: Request, account: str, *, calls: int = SHOWN_CALLS) -> AccountView:
    """The account's picture, as whoever asks may see it; 404 when there is none."""
    view = await desk_of(request).account(account, calls=calls)
    if view is None:
        raise no_such_account()
    return view_for(request, view)


async def account(request: Request) -> Response:
    """One account with its live calls, its block and its newest decisions."""
    return await account_response(request, account_id(request))


async def accounts(request: Request) -> Response:
    """Accounts in the order of their ids, a page at a time."""
    fields = query_fields(request)
    state = fields.read("state", _state, None)
    query = fields.read("q", words(MAX_ID), "")
    limit = fields.read("limit", page_limit, DEFAULT_LIMIT)
    after = fields.read("after", account_name, "")
    fields.finish()
    views = await desk_of(request).accounts(state=state, query=query, limit=limit + 1, after=after)
    page = views[:limit]
    return json_response(
        {
            "accounts": await divided(account_item, page),
            "next": page[-1].account if len(views) > limit else None,
        }
    )


def _state(value: object) -> AccountState:
    try:
        return AccountState(value)
    except ValueError:
        accepted = ", ".join(state.value for state in AccountState)
        raise FieldValueError(f"must be one of {accepted}") from None


async def ledger(request: Request) -> Response:
    """The lines of an account with from <= at < to, and their sum; as JSON or as CSV."""
    view = await known(request, account_id(request))
    fields = query_fields(request)
    instant = moment_or_date(view.timezone)
    from_ms = fields.read("from", instant, None)
    to_ms = fields.read("to", instant, None)
    fields.finish()
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise refused_fields([FieldError("to", "must not lie before `from`")])
    media_type = preferred(request, (JSON, CSV))
    headers = {"Vary": "Accept"}
    if media_type == CSV:
        headers["Content-Disposition"] = 'attachment; filename="ledger.csv"'
        media_type += "; charset=utf-8; header=present"
    if request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    kept = in_portions(desk_of(request).records.ledger(view.account, from_ms=from_ms, to_ms=to_ms))
    lines = _begun(lines_for(request, kept))
    # Reads the first chunk, so that a store that does not answer is a 503 and not a broken stream.
    await anext(lines)
    body = _csv(lines) if CSV in media_type else _json(view, lines)
    return _Stream(body, media_type=media_type, headers=headers, give_way=desk_of(request).give_way)


class _Stream(StreamingResponse):
    """A stream whose source is closed at once when the client goes away, not when somebody collects the garbage.

    starlette sends it from a task of its own, of which the layers around the request know nothing; so it has its own
    pieces.
    """

    def __init__(
        self, body: AsyncGenerator[bytes, None], *, media_type: str, headers: Mapping[str, str], give_way: GiveWay
    ) -> None:
        super().__init__(body, media_type=media_type, headers=headers)
        self._give_way = give_way

    async def stream_response(self, send: Send) -> None:
        try:
            await in_pieces(super().stream_response(send), self._give_way)
        finally:
            if isinstance(self.body_iterator, AsyncGenerator):
                await self.body_iterator.aclose()


async def _begun(chunks: AsyncIterator[Sequence[LedgerLine]]) -> Lines:
    """The same chunks behind an empty one, which is given when the first real one has been read."""
    try:
        first = await anext(chunks, None)
        yield ()
        if first is not None:
            yield first
            async for chunk in chunks:
                yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def _csv(lines: Lines) -> AsyncGenerator[bytes, None]:
    async with aclosing(lines):
        yield csv_head().encode()
        async for chunk in lines:
            yield csv_lines(chunk).encode()


async def _json(view: AccountView, lines: Lines) -> AsyncGenerator[bytes, None]:
    async with aclosing(lines):
        head = encode_json({"account": view.account, "currency": view.currency})
        yield head[:-1] + b',"lines":['
        total = 0
        comma = b""
        async for chunk in lines:
            if chunk:
                total += sum(line.amount_micros for line in chunk)
                # A list of its own, without its brackets.
                yield comma + encode_json([ledger_object(line) for line in chunk])[1:-1]
                comma = b","
        yield b'],"sum":"' + format_money(total).encode() + b'"}'
