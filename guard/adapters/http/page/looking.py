"""What can be looked at: who is at risk, one account with its reason, what waits, what was decided, what decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import known
from guard.adapters.http.inputs import page_limit, position, query_fields, words
from guard.adapters.http.page.chart import chart_of
from guard.adapters.http.page.render import render
from guard.adapters.http.page.words import percent
from guard.adapters.http.paths import MAX_ID, account_id
from guard.adapters.http.problems import FieldError
from guard.adapters.http.state import desk_of
from guard.adapters.http.statements import statement_of
from guard.core.answers import lines as answers
from guard.core.decisions import LedgerLine
from guard.core.settings import DAY_MS
from guard.core.views import AccountState, AccountView
from guard.ports import Store
from guard.wire.rulebook import rule_object

SHOWN_ACCOUNTS = 100
"""Rows a table; the API has them all."""
SHOWN_SOON = 20
SHOWN_CALLS = 50
SHOWN_DECISIONS = 50
SHOWN_EVERYWHERE = 10
"""Of the newest decisions on the first page."""
CHARTED_MS = 7 * DAY_MS
CHARTED_LINES = 5_000
"""Of the ledger, for the drawing: about 20 ms of reading."""

DONE = {
    "block": "Blocked. The switches have been told.",
    "release": "Released.",
    "allow": "Allowed; what would have blocked it is still recorded.",
    "limit": "The new limit counts from now on.",
    "approve": "Approved: the block acts now.",
    "reject": "Rejected: it was a false alarm.",
    "fuse": "The fuse is closed: rules block at once again.",
    "resend": "Due again: each is tried at once.",
}
"""What is said after a button was pressed, by the word in the address."""


async def overview(request: Request) -> Response:
    """Accounts at risk first: blocked, about to reach their limit, warned."""
    fields = query_fields(request)
    query = fields.read("q", words(MAX_ID), "")
    done = fields.read("done", words(MAX_ID), "")
    fields.finish()
    if query:
        return await _found(request, query, None, "")
    desk = desk_of(request)
    soon = [view for view in desk.soonest(SHOWN_SOON) if view.state is not AccountState.BLOCKED]
    warned = await desk.accounts(state=AccountState.WARNED, query="", limit=SHOWN_ACCOUNTS, after="")
    blocked = await desk.accounts(state=AccountState.BLOCKED, query="", limit=SHOWN_ACCOUNTS, after="")
    totals = desk.totals()
    before = max(0, totals.last_decision - SHOWN_EVERYWHERE)
    decisions = await desk.store.decisions(account=None, after=before, limit=SHOWN_EVERYWHERE)
    return render(
        request,
        "overview.html",
        {
            "done": DONE.get(done, ""),
            "totals": totals,
            "state": AccountState,
            "blocked": sorted(blocked, key=_most_used),
            "growing": _joined(soon, sorted(warned, key=_most_used)),
            "switches": desk.switches(),
            "fuse_open": desk.fuse_open(),
            "decisions": decisions[::-1],
        },
    )


def _most_used(view: AccountView) -> tuple[int, str]:
    return -(percent(view) or 0), view.account


def _joined(first: Sequence[AccountView], then: Sequence[AccountView]) -> list[AccountView]:
    """Both, each account once."""
    seen = {view.account for view in first}
    return [*first, *(view for view in then if view.account not in seen)][:SHOWN_ACCOUNTS]


async def accounts(request: Request) -> Response:
    """Accounts by state, or by a part of their id or name, a page at a time."""
    fields = query_fields(request)
    query = fields.read("q", words(MAX_ID), "")
    state = fields.read("state", words(MAX_ID), "")
    after = fields.read("after", words(MAX_ID), "")
    if state and state not in {each.value for each in AccountState}:
        fields.refuse("state", "must be one of " + ", ".join(each.value for each in AccountState))
    fields.finish()
    return await _found(request, query, AccountState(state) if state else None, after)


async def _found(request: Request, query: str, state: AccountState | None, after: str) -> Response:
    views = await desk_of(request).accounts(state=state, query=query, limit=SHOWN_ACCOUNTS + 1, after=after)
    shown = views[:SHOWN_ACCOUNTS]
    context = {
        "query": query,
        "wanted": state,
        "states": list(AccountState),
        "accounts": shown,
        "after": shown[-1].account if len(views) > SHOWN_ACCOUNTS else "",
    }
    return render(request, "accounts.html", context)


async def account(request: Request) -> Response:
    """One account: what it is, why it is blocked, what it does now, its history, and the operator's buttons."""
    return await account_page(request, account_id(request), done=request.query_params.get("done", ""))


async def account_page(
    request: Request,
    account: str,
    *,
    done: str = "",
    refused: Sequence[FieldError] = (),
    form: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The account's page; after a refused form with what is wrong, and with what had been typed."""
    view = known(request, account)
    desk = desk_of(request)
    now_ms = desk.now_ms()
    decisions = await desk.store.last_decisions(view.account, SHOWN_DECISIONS)
    audits = await desk.store.last_audits(view.account, SHOWN_EVERYWHERE + 1)
    context = {
        "view": view,
        "calls": view.live_calls[:SHOWN_CALLS],
        "decisions": decisions,
        "chart": chart_of(view, decisions, await _charted(desk.store, view.account, now_ms), now_ms),
        "audits": audits[:SHOWN_EVERYWHERE],
        "older": len(audits) > SHOWN_EVERYWHERE,
        "held": [each for each in desk.held() if each.account == view.account],
        "done": DONE.get(done, ""),
        "refused": refused,
        "form": form,
        "typed": typed or {},
    }
    return render(request, "account.html", context, status=status)


async def _charted(store: Store, account: str, now_ms: int) -> list[LedgerLine]:
    """The last lines of the ledger, up to a bound: the drawing says from when on it is."""
    lines: list[LedgerLine] = []
    async for chunk in store.ledger(account, from_ms=now_ms - CHARTED_MS, to_ms=None):
        lines += chunk
        if len(lines) > CHARTED_LINES:
            del lines[:-CHARTED_LINES]
    return lines


async def statement(request: Request) -> Response:
    """Why the balance of an account is what it is: one cycle, in sentences."""
    view = known(request, account_id(request))
    fields = query_fields(request)
    cycle = fields.read("cycle", words(MAX_ID), "")
    fields.finish()
    made = await statement_of(desk_of(request), view, cycle)
    return render(request, "statement.html", {"view": view, "statement": made, "answers": answers(made)})


async def held(request: Request) -> Response:
    """Blocks that wait for an operator because the fuse is open, and the fuse."""
    desk = desk_of(request)
    done = request.query_params.get("done", "")
    context = {"held": desk.held()[:SHOWN_ACCOUNTS], "fuse_open": desk.fuse_open(), "done": DONE.get(done, "")}
    return render(request, "held.html", context)


async def rules(request: Request) -> Response:
    """The rules in force, and how often each has fired."""
    desk = desk_of(request)
    hits = desk.rule_hits()
    listed = sorted((rule_object(rule, hits) for rule in desk.rules()), key=lambda rule: str(rule["id"]))
    return render(request, "rules.html", {"rules": listed})


async def decisions(request: Request) -> Response:
    """All decisions, the newest first, a page at a time."""
    fields = query_fields(request)
    limit = fields.read("limit", page_limit, SHOWN_ACCOUNTS)
    before = fields.read("before", position, None)
    fields.finish()
    desk = desk_of(request)
    last = desk.totals().last_decision if before is None else max(0, before - 1)
    first = max(0, last - limit)
    found = [each for each in await desk.store.decisions(account=None, after=first, limit=limit) if each.number <= last]
    return render(request, "decisions.html", {"decisions": found[::-1], "before": first + 1 if first else None})


async def switches(request: Request) -> Response:
    """All switches and how they stand."""
    return render(request, "switches.html", {"switches": desk_of(request).switches()})
