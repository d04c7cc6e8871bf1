"""A plain page for people: the accounts at risk first, and one account with the reason in a sentence.

Made on the server, without scripts. Everything that is shown was escaped on its way in (`html.escape`): names and
numbers were chosen by others. The policy in the header allows one style sheet, named by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from guard.adapters.http.accounts import SHOWN_DECISIONS, known
from guard.adapters.http.inputs import query_fields, words
from guard.adapters.http.paths import MAX_ID, account_id, account_path
from guard.adapters.http.state import desk_of
from guard.core.decisions import Decision, Mode
from guard.core.money import format_cents
from guard.core.views import AccountState, AccountView, HeldView, LiveCall, SwitchView
from guard.wire.instants import MAX_MS, format_instant

SHOWN_ACCOUNTS = 100
"""Rows a table; the API has them all."""
SHOWN_CALLS = 50
SHOWN_HELD = 100

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".blocked{color:#a00;font-weight:bold}.warned{color:#850}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def overview(request: Request) -> Response:
    """Blocks that wait for an operator, accounts at risk or accounts found, and the switches."""
    fields = query_fields(request)
    query = fields.read("q", words(MAX_ID), "")
    fields.finish()
    desk = desk_of(request)
    parts = [_state_line(desk.ready())]
    if query:
        found = desk.accounts(state=None, query=query, limit=SHOWN_ACCOUNTS, after="")
        parts += [f"<h2>Accounts with “{escape(query)}”</h2>", _account_table(found)]
    else:
        parts += _held(desk.held(), fuse_open=desk.fuse_open())
        at_risk = [
            view
            for state in (AccountState.BLOCKED, AccountState.WARNED)
            for view in desk.accounts(state=state, query="", limit=SHOWN_ACCOUNTS, after="")
        ]
        at_risk.sort(key=_share, reverse=True)
        parts += ["<h2>Accounts at risk</h2>", _account_table(at_risk)]
    parts += ["<h2>Switches</h2>", _switch_table(desk.switches())]
    return _page("guard", parts, query)


async def account(request: Request) -> Response:
    """One account: what it is, why it is blocked, its calls and its history."""
    view = known(request, account_id(request))
    decisions = await desk_of(request).store.last_decisions(view.account, SHOWN_DECISIONS)
    parts = [f"<p>{escape(sentence(view))}</p>", _money_table(view)]
    if view.block is not None:
        parts += ["<h2>Causes of the block</h2>", _causes(view)]
    parts += [f"<h2>Live calls: {view.live_call_count}</h2>", _call_table(view.live_calls[:SHOWN_CALLS])]
    parts += ["<h2>History, newest first</h2>", _history(decisions)]
    return _page(f"{view.account} {view.name}".strip(), parts, "")


def sentence(view: AccountView) -> str:
    """Where the account stands, in one sentence; why it is blocked, if it is."""
    if view.block is not None:
        obeyed = "" if view.block.confirmed else " Not every switch has confirmed this."
        obeyed += "" if view.block.effective else " Calls go on in spite of it."
        return view.block.text + obeyed
    exposure = f"{format_cents(view.exposure_micros)} {view.currency}"
    if view.state is AccountState.CLOSED:
        return f"Closed; exposure is {exposure}."
    allowed = "" if view.allow_until_ms is None else f" An operator allows it until {_when(view.allow_until_ms)}."
    if view.limit_micros is None:
        return f"Not blocked: exposure is {exposure}, and there is no limit.{allowed}"
    limit = f"{format_cents(view.limit_micros)} {view.currency}"
    return f"Not blocked: exposure is {exposure} of a limit of {limit}.{allowed}"


def _share(view: AccountView) -> tuple[bool, float]:
    """Blocked ones first, then by the part of the limit that is used (a number to sort by, not money)."""
    limit = view.limit_micros
    used = 0.0 if limit is None else view.exposure_micros / max(limit, 1)
    return view.state is AccountState.BLOCKED, used


def _page(title: str, parts: Iterable[str], query: str) -> Response:
    body = "\n".join(parts)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>'
        f'<p><a href="/">guard</a></p><form action="/"><label>Find an account '
        f'<input name="q" value="{escape(query)}" maxlength="{MAX_ID}"></label></form>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
    # Half of a surrogate pair in what somebody else wrote must not break the page.
    return HTMLResponse(text.encode(errors="replace"), headers={"Content-Security-Policy": _POLICY})


def _state_line(missing: str) -> str:
    return f"<p>Not ready: {escape(missing)}</p>" if missing else "<p>Ready.</p>"


def _table(head: str, rows: Iterable[str]) -> str:
    lines = "\n".join(rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{lines}</tbody></table>" if lines else "<p>None.</p>"


def _account_table(views: Iterable[AccountView]) -> str:
    head = '<th>Account<th>Name<th>State<th class="n">Exposure<th class="n">Limit<th class="n">Calls'
    return _table(
        head,
        (
            f'<tr><td><a href="{escape(account_path(view.account))}">{escape(view.account)}</a>'
            f'<td>{escape(view.name)}<td class="{view.state.value}">{view.state.value}'
            f'<td class="n">{format_cents(view.exposure_micros)} {escape(view.currency)}'
            f'<td class="n">{_limit(view)}<td class="n">{view.live_call_count}</tr>'
            for view in views
        ),
    )


def _limit(view: AccountView) -> str:
    return "none" if view.limit_micros is None else format_cents(view.limit_micros)


def _held(held: Sequence[HeldView], *, fuse_open: bool) -> list[str]:
    """The blocks that the fuse holds; nothing while there are none and it is closed."""
    parts: list[str] = []
    if fuse_open:
        parts.append("<p>The fuse is open: so many blocks by rules came at once that further ones wait.</p>")
    if held:
        parts += [f"<h2>Blocks that wait for an operator: {len(held)}</h2>", _held_table(held[:SHOWN_HELD])]
    return parts


def _held_table(held: Iterable[HeldView]) -> str:
    return _table(
        "<th>Since<th>Account<th>Name<th>Rule<th>Scope<th>Why",
        (
            f'<tr><td>{_when(each.at_ms)}<td><a href="{escape(account_path(each.account))}">{escape(each.account)}</a>'
            f"<td>{escape(each.name)}<td>{escape(each.rule or each.reason.value)}<td>{each.scope.value}"
            f"<td>{escape(each.text)}</tr>"
            for each in held
        ),
    )


def _switch_table(switches: Iterable[SwitchView]) -> str:
    head = '<th>Switch<th>State<th>Last heard<th class="n">Calls<th class="n">Unconfirmed commands'
    return _table(
        head,
        (
            f"<tr><td>{escape(switch.name)}<td>{_switch_state(switch)}<td>{_when(switch.last_heard_ms)}"
            f'<td class="n">{switch.live_calls}<td class="n">{switch.unconfirmed}</tr>'
            for switch in switches
        ),
    )


def _switch_state(switch: SwitchView) -> str:
    said = (
        (True, "up" if switch.up else "down"),
        (switch.blind, "silent although calls are up"),
        (switch.lagging, "behind"),
        (not switch.synced, "has not confirmed its list of blocks"),
    )
    return ", ".join(text for applies, text in said if applies)


def _money_table(view: AccountView) -> str:
    rows = (
        ("Owed", view.owed_micros),
        ("of which invoiced", view.invoiced_micros),
        ("of which unbilled", view.unbilled_micros),
        ("In flight", view.in_flight_micros),
        ("Pending payments", view.pending_payments_micros),
        ("Exposure", view.exposure_micros),
        ("Limit", view.limit_micros),
    )
    return _table(
        f'<th>{escape(view.currency)}<th class="n">Amount',
        (
            f'<tr><td>{name}<td class="n">{"none" if micros is None else format_cents(micros)}</tr>'
            for name, micros in rows
        ),
    )


def _causes(view: AccountView) -> str:
    causes = () if view.block is None else view.block.causes
    return _table(
        "<th>Since<th>Cause<th>Scope<th>Why",
        (
            f"<tr><td>{_when(cause.since_ms)}<td>{cause.reason.value} {escape(cause.rule)}"
            f"<td>{cause.scope.value}<td>{escape(cause.text)}</tr>"
            for cause in causes
        ),
    )


def _call_table(calls: Iterable[LiveCall]) -> str:
    head = '<th>To<th>Direction<th>Since<th class="n">Value<th class="n">A minute'
    return _table(
        head,
        (
            f"<tr><td>{escape(call.to)}<td>{call.direction.value}<td>{_when(call.answered_at_ms)}"
            f'<td class="n">{format_cents(call.value_micros)}<td class="n">{format_cents(call.rate_micros)}</tr>'
            for call in calls
        ),
    )


def _history(decisions: Iterable[Decision]) -> str:
    return _table(
        "<th>When<th>What<th>Why",
        (
            f"<tr><td>{_when(decision.at_ms)}<td>{decision.action.value}{_only_recorded(decision)}"
            f"<td>{escape(decision.text)}</tr>"
            for decision in decisions
        ),
    )


def _only_recorded(decision: Decision) -> str:
    """A decision in shadow did nothing, and must not look as if it had."""
    return " (shadow)" if decision.mode is Mode.SHADOW else ""


def _when(ms: int) -> str:
    """UTC to the second."""
    return format_instant(min(max(ms, 0), MAX_MS))[:19].replace("T", " ") + " UTC"
