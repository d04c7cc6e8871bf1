"""What can be looked at: who is at risk, one account with its reason, what waits, what was decided, what decides."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import known
from guard.adapters.http.inputs import FieldValueError, cursor, page_limit, paged, query_fields, words
from guard.adapters.http.page.chart import chart_of
from guard.adapters.http.page.forms import Refusal
from guard.adapters.http.page.model import standing_finding
from guard.adapters.http.page.render import render
from guard.adapters.http.paths import MAX_ID, account_id
from guard.adapters.http.state import desk_of
from guard.adapters.http.statements import statement_of
from guard.core.answers import lines as answers
from guard.core.decisions import Action, LedgerLine
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.core.views import AccountState, AccountView
from guard.ports import Records
from guard.ports.records import FROM_THE_END
from guard.wire.rulebook import rule_object

SHOWN_ACCOUNTS = 100
"""Rows a table; the API has them all."""
SHOWN_AT_RISK = 25
"""Rows a table on the first page, which many keep open."""
MAX_PAGE = 40
"""Of the accounts at risk and of the blocked ones: nobody turns over more."""
MAX_DIGITS = 2
NOT_FOUND = 404
SHOWN_CALLS = 50
SHOWN_DECISIONS = 50
SHOWN_EVERYWHERE = 10
"""Of the newest decisions on the first page."""
LOOKED_THROUGH = 50
"""Newest decisions among which those are looked for: what has cleared is no news to whoever is called at night."""
CHARTED_SPANS_MS = (10 * MINUTE_MS, 6 * HOUR_MS, 7 * DAY_MS)
CHARTED_LINES = 2_000
"""Of the ledger, for the drawing: about 10 ms of reading, in pieces."""

DONE = {
    "block": "Blocked. The switches have been told.",
    "release": "Released.",
    "allow": "Allowed; what would have blocked it is still recorded.",
    "limit": "The new limit counts from now on.",
    "approve": "Approved: what was picked is blocked now.",
    "reject": "Rejected: false alarms, nobody is blocked by them.",
    "fuse": "The fuse is closed: rules block at once again.",
    "forget": "Forgotten: who it was is gone; what it owed and why it was blocked stays.",
    "resend": "Due again: each is tried at once.",
}
"""What is said after a button was pressed, by the word in the address."""


async def overview(request: Request) -> Response:
    """Accounts at risk first: on their way to the limit, warned; and who was blocked lately."""
    fields = query_fields(request)
    query = fields.read("q", words(MAX_ID), "")
    done = fields.read("done", words(MAX_ID), "")
    page = fields.read("page", _page_number, 1)
    fields.finish()
    if query:
        return await _found(request, query, None, "")
    desk = desk_of(request)
    growing = await desk.at_risk(limit=SHOWN_AT_RISK + 1, skip=(page - 1) * SHOWN_AT_RISK)
    blocked = await desk.newly_blocked(query="", limit=SHOWN_AT_RISK, skip=0)
    decisions = await desk.records.newest(before=FROM_THE_END, limit=LOOKED_THROUGH)
    lately = [each for each in decisions.items if each.action is not Action.CLEARED][:SHOWN_EVERYWHERE]
    context = {
        "done": DONE.get(done, ""),
        "totals": desk.totals(),
        "state": AccountState,
        "blocked": blocked,
        "growing": growing[:SHOWN_AT_RISK],
        "page": page,
        "more": len(growing) > SHOWN_AT_RISK and page < MAX_PAGE,
        "switches": desk.switches(),
        "fuse_open": desk.fuse_open(),
        "decisions": lately,
    }
    return await render(request, "overview.html", context)


def _page_number(value: object) -> int:
    if not (isinstance(value, str) and value.isdecimal() and len(value) <= MAX_DIGITS and 1 <= int(value) <= MAX_PAGE):
        raise FieldValueError(f"must be a number from 1 to {MAX_PAGE}")
    return int(value)


async def accounts(request: Request) -> Response:
    """Accounts by state, or by a part of their id or name, a page at a time; blocked ones with the newest first."""
    fields = query_fields(request)
    query = fields.read("q", words(MAX_ID), "")
    state = fields.read("state", words(MAX_ID), "")
    after = fields.read("after", words(MAX_ID), "")
    page = fields.read("page", _page_number, 1)
    if state and state not in {each.value for each in AccountState}:
        fields.refuse("state", "must be one of " + ", ".join(each.value for each in AccountState))
    fields.finish()
    if state == AccountState.BLOCKED.value:
        return await _newly_blocked(request, query, page)
    return await _found(request, query, AccountState(state) if state else None, after)


async def _found(request: Request, query: str, state: AccountState | None, after: str) -> Response:
    views = await desk_of(request).accounts(state=state, query=query, limit=SHOWN_ACCOUNTS + 1, after=after)
    shown = views[:SHOWN_ACCOUNTS]
    following = {"after": shown[-1].account} if len(views) > SHOWN_ACCOUNTS else {}
    return await _accounts_page(request, query, state, shown, "In the order of their ids", following)


async def _newly_blocked(request: Request, query: str, page: int) -> Response:
    skip = (page - 1) * SHOWN_AT_RISK
    views = await desk_of(request).newly_blocked(query=query, limit=SHOWN_AT_RISK + 1, skip=skip)
    following = {"page": str(page + 1)} if len(views) > SHOWN_AT_RISK and page < MAX_PAGE else {}
    shown = views[:SHOWN_AT_RISK]
    return await _accounts_page(
        request, query, AccountState.BLOCKED, shown, "The last one that was blocked first", following
    )


async def _accounts_page(
    request: Request,
    query: str,
    state: AccountState | None,
    shown: Sequence[AccountView],
    caption: str,
    following: Mapping[str, str],
) -> Response:
    """`following`: what is said in the address of the next page; empty: there is none."""
    asked = {name: text for name, text in (("q", query), ("state", state.value if state else "")) if text}
    context = {
        "query": query,
        "wanted": state,
        "states": list(AccountState),
        "accounts": shown,
        "caption": caption,
        "following": urlencode(asked | dict(following)) if following else "",
    }
    return await render(request, "accounts.html", context)


async def account(request: Request) -> Response:
    """One account: what it is, why it is blocked, what it does now, its history, and the operator's buttons."""
    return await account_page(request, account_id(request), done=request.query_params.get("done", ""))


async def account_page(
    request: Request,
    account: str,
    *,
    done: str = "",
    refusal: Refusal | None = None,
) -> Response:
    """The account's page, perhaps with a form of it that could not be taken; 404 whatever was wanted of nobody."""
    if refusal is not None and refusal.status == NOT_FOUND:
        raise refusal.error
    view = await known(request, account, calls=SHOWN_CALLS)
    desk = desk_of(request)
    now_ms = desk.now_ms()
    decisions = await desk.records.last_decisions(view.account, SHOWN_DECISIONS)
    audits = await desk.records.last_audits(view.account, SHOWN_EVERYWHERE)
    context = {
        "view": view,
        "calls": view.live_calls,
        "decisions": decisions,
        "chart": chart_of(view, decisions, await _charted(desk.records, view.account, now_ms), now_ms),
        "audits": audits.items,
        "older": audits.next is not None,
        "finding": standing_finding(decisions),
        "held": await desk.held(view.account),
        "done": DONE.get(done, ""),
        "refusal": refusal,
    }
    return await render(request, "account.html", context, status=200 if refusal is None else refusal.status)


async def _charted(records: Records, account: str, now_ms: int) -> list[LedgerLine]:
    """The last lines of the ledger, as far back as the drawing goes or as there is room for them.

    They are read span by span from the present back, so that nobody who sells minutes by the million makes a page of
    his read them all.
    """
    lines: list[LedgerLine] = []
    to_ms = None
    for span_ms in CHARTED_SPANS_MS:
        from_ms = now_ms - span_ms
        earlier = await _lines_within(records, account, from_ms, to_ms, CHARTED_LINES - len(lines))
        if earlier is None:
            break
        lines = earlier + lines
        to_ms = from_ms
    return lines


async def _lines_within(
    records: Records, account: str, from_ms: int, to_ms: int | None, most: int
) -> list[LedgerLine] | None:
    """The lines of a span; None: there are more."""
    lines: list[LedgerLine] = []
    chunks = records.ledger(account, from_ms=from_ms, to_ms=to_ms)
    try:
        async for chunk in chunks:
            lines += chunk
            if len(lines) > most:
                return None
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    return lines


async def statement(request: Request) -> Response:
    """Why the balance of an account is what it is: one cycle, in sentences."""
    view = await known(request, account_id(request))
    fields = query_fields(request)
    cycle = fields.read("cycle", words(MAX_ID), "")
    fields.finish()
    made = await statement_of(desk_of(request), view, cycle)
    return await render(request, "statement.html", {"view": view, "statement": made, "answers": answers(made)})


async def held(request: Request) -> Response:
    """Blocks that wait for an operator because the fuse is open, and the fuse."""
    return await held_page(request, done=request.query_params.get("done", ""))


async def held_page(
    request: Request, *, done: str = "", picked: Collection[str] = (), refusal: Refusal | None = None
) -> Response:
    """What the fuse holds, perhaps with a form that could not be taken; 404 when what was picked is held no more."""
    if refusal is not None and refusal.status == NOT_FOUND:
        raise refusal.error
    desk = desk_of(request)
    context = {
        "held": (await desk.held())[:SHOWN_ACCOUNTS],
        "fuse_open": desk.fuse_open(),
        "done": DONE.get(done, ""),
        "all": "all" in request.query_params,
        "picked": picked,
        "refusal": refusal,
    }
    return await render(request, "held.html", context, status=200 if refusal is None else refusal.status)


async def rules(request: Request) -> Response:
    """The rules in force, and how often each has fired."""
    desk = desk_of(request)
    hits = desk.rule_hits()
    listed = sorted((rule_object(rule, hits) for rule in desk.rules()), key=lambda rule: str(rule["id"]))
    return await render(request, "rules.html", {"rules": listed})


async def decisions(request: Request) -> Response:
    """All decisions, the newest first, a page at a time."""
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, SHOWN_ACCOUNTS)
    before = fields.read("before", cursor, FROM_THE_END)
    fields.finish()
    page = await paged("before", desk_of(request).records.newest(before=before, limit=limit))
    return await render(request, "decisions.html", {"decisions": page.items, "before": page.next})


async def switches(request: Request) -> Response:
    """All switches and how they stand."""
    return await render(request, "switches.html", {"switches": desk_of(request).switches()})
