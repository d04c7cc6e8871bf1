"""`guard account` and `guard accounts`: what the daemon knows, in words that a clerk can read out to a customer.

One account is its state and why, the sums, the sentences of its statement (why the balance is not zero), its calls, its
last decisions, and what people did to it. The sums are shown in cents that add up on paper.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from guard.commands.client import Api, account_path
from guard.commands.output import (
    bar,
    cents,
    clock,
    console,
    lasting,
    local,
    money,
    plain,
    say,
    share_of,
    table,
    to_cents,
)
from guard.commands.statement import ask, print_lines

MAX_CALLS_SHOWN = 12
MAX_DECISIONS_SHOWN = 8
MAX_AUDITS_SHOWN = 5
PAGE = 500
"""Accounts asked for at once."""

LIMIT_SOURCES = {
    "amount": "fixed",
    "cycles": "from the last invoices",
    "default": "the default, billing has set none",
    "operator": "set by an operator",
    "temporary": "for the time being",
}

Picture = dict[str, Any]
"""An account as the API gives it (contract 6)."""


def show_account(api: Api, account: str, *, as_json: bool) -> None:
    """One account: state and why, the sums and what they come from, its calls, its last decisions, its history."""
    picture = api.get(account_path(account))
    if as_json:
        sys.stdout.write(json.dumps(picture) + "\n")
        return
    statement = ask(api, account)
    history = api.get(account_path(account, "history"), {"limit": str(MAX_AUDITS_SHOWN)})["history"]
    out = console()
    name = str(picture.get("name") or "")
    out.print(plain(f"{picture['account']}  {name}".rstrip()), style="bold")
    for line in state_lines(picture):
        out.print(plain(line), soft_wrap=False)
    out.print()
    for line in sum_lines(picture):
        out.print(plain(line))
    out.print()
    print_lines(out, statement)
    _print_calls(out, picture)
    _print_decisions(out, picture)
    _print_history(out, history)


def state_lines(picture: Picture) -> list[str]:
    """In what state the account is, since when, and why."""
    block = picture.get("block")
    lines: list[str] = []
    if block:
        lines += _block_lines(block)
    elif picture.get("state") == "warned":
        share = share_of(picture.get("exposure"), picture.get("limit"))
        lines.append(f"Warned: {share} % of its limit is used." if share is not None else "Warned.")
    elif picture.get("state") == "closed":
        lines.append("Closed.")
    else:
        lines.append("Active: nothing stands against its calls.")
    if not block and picture.get("reaches_limit_at"):
        rate, currency = cents(picture.get("burn_rate")), picture.get("currency", "")
        when = clock(picture["reaches_limit_at"])
        lines.append(f"At the present rate of {rate} {currency} a minute it reaches its limit at {when}.")
    if picture.get("allow_until"):
        lines.append(f"An operator allows it until {clock(picture['allow_until'])}, whatever automatic causes say.")
    if picture.get("provisional"):
        lines.append("Provisional: it has made calls, but billing has not said anything about it yet.")
    return lines


def _block_lines(block: Picture) -> Iterator[str]:
    since = clock(block.get("since"))
    scope = block.get("scope", "all")
    what = "Blocked" if scope == "all" else f"Blocked for {scope} calls"
    yield f"{what} since {since}: {_without_verb(str(block.get('text', '')))}"
    causes = block.get("causes") or []
    if len(causes) > 1:
        yield from (
            f"  - since {clock(cause.get('since'))}{_rule_of(cause)}: {cause.get('text', '')}" for cause in causes
        )
    elif causes and causes[0].get("rule"):
        until = causes[0].get("until")
        yield f"By rule {causes[0]['rule']}; " + (
            f"it ends at {clock(until)}." if until else "an operator releases it."
        )
    if not block.get("confirmed"):
        yield "Not every switch has confirmed the block yet; guard keeps sending it."
    elif block.get("effective") is False:
        yield "A switch has confirmed the block and lets calls go on all the same; guard sends it again."
    for refusal in block.get("errors") or []:
        yield f"Switch {refusal.get('switch')} refuses it: {refusal.get('error')}"
    yield "Emergency calls always go through."
    if any(cause.get("reason") == "credit_limit" for cause in causes):
        yield "It ends by itself when a payment or a higher limit brings this below 90 %."


def _rule_of(cause: Picture) -> str:
    return f", rule {cause['rule']}" if cause.get("rule") else ""


def _without_verb(text: str) -> str:
    """The reason alone: `Blocked: ...` is already said."""
    head, colon, rest = text.partition(": ")
    return rest if colon and head.startswith("Blocked") else text


def sum_lines(picture: Picture) -> Iterator[str]:
    """The money, so that it adds up on paper."""
    balance = picture.get("balance") or {}
    currency = str(picture.get("currency", ""))
    limit = picture.get("limit")
    share = share_of(picture.get("exposure"), limit)
    shown = f"  {bar(share)} {share} %" if share is not None else ""
    owed, exposure = to_cents(balance.get("owed")), to_cents(picture.get("exposure"))
    trusted = to_cents(balance.get("trusted_payments"))
    calls = picture.get("live_call_count", len(picture.get("live_calls") or []))
    plural = "call" if calls == 1 else "calls"
    # What is in flight is an estimate: of the three it bears the rounding, so that the sum is right to the cent.
    rows: list[tuple[str, Decimal | None, str]] = [
        ("Owed", owed, _owed_note(balance)),
        ("In flight", exposure - owed + trusted, f"{calls} {plural} up" if calls else "no call is up"),
    ]
    if to_cents(balance.get("pending_payments")):
        counts = "this part counts" if trusted else "none of it counts yet"
        rows.append(("Pending payments", -trusted, f"{cents(balance['pending_payments'])} announced, {counts}"))
    rows.append(("Exposure", exposure, shown.strip()))
    rows.append(("Limit", None if limit is None else to_cents(limit), _limit_note(picture)))
    for title, amount, note in rows:
        value = "none" if amount is None else f"{amount:,} {currency}"
        yield f"  {title:<17}{value:>18}  {note}".rstrip()


def _limit_note(picture: Picture) -> str:
    """Where the limit is from, and whether it is only for a while."""
    source = LIMIT_SOURCES.get(str(picture.get("limit_source")), "")
    until = f"until {clock(picture['limit_until'])}" if picture.get("limit_until") else ""
    return ", ".join(filter(None, (source, until)))


def _owed_note(balance: Picture) -> str:
    """Why a balance is not zero although the invoice was paid: part of it is not invoiced yet."""
    return f"{cents(balance.get('invoiced'))} invoiced, {cents(balance.get('unbilled'))} not invoiced yet"


def _print_calls(out: Console, picture: Picture) -> None:
    calls = picture.get("live_calls") or []
    if not calls:
        return
    made = table(
        *("live call to", "since", "lasts", "value", "a minute", ""),
        right=("lasts", "value", "a minute"),
        folded=("live call to",),
    )
    for call in calls[:MAX_CALLS_SHOWN]:
        made.add_row(
            plain(f"{call.get('to') or 'unknown'} {call.get('destination') or ''}".rstrip()),
            clock(call.get("answered_at")),
            lasting(int(call.get("duration_ms") or 0)),
            cents(call.get("value")),
            money(call.get("rate")),
            _call_note(call),
        )
    out.print()
    out.print(made)
    if len(calls) > MAX_CALLS_SHOWN:
        out.print(f"and {len(calls) - MAX_CALLS_SHOWN} more")


def _call_note(call: Picture) -> str:
    if call.get("emergency"):
        return "emergency"
    if call.get("silent"):
        return "silent"
    direction = str(call.get("direction") or "")
    return "" if direction == "outgoing" else direction


def _print_decisions(out: Console, picture: Picture) -> None:
    decisions = picture.get("decisions") or []
    if not decisions:
        return
    newest = sorted(decisions, key=_at, reverse=True)[:MAX_DECISIONS_SHOWN]
    made = table("when", "decision", "why", folded=("why",))
    for decision in newest:
        action = str(decision.get("action", ""))
        shadow = " (shadow)" if decision.get("mode") == "shadow" else ""
        made.add_row(clock(decision.get("at")), plain(action + shadow), plain(decision.get("text", "")))
    out.print()
    out.print(made)


def _print_history(out: Console, history: list[Picture]) -> None:
    if not history:
        return
    made = table("when", "who", "what", "why", folded=("why",))
    for audit in history:
        made.add_row(clock(audit["at"]), plain(audit["by"]), plain(audit["what"]), plain(audit["reason"]))
    out.print()
    out.print(made)


def _at(decision: Picture) -> float:
    moment = local(str(decision.get("at", "")))
    return moment.timestamp() if moment else 0.0


def show_accounts(api: Api, *, state: str | None, query: str | None, limit: int, as_json: bool) -> None:
    """Accounts in the order of their ids."""
    if as_json:
        sys.stdout.write(json.dumps(list(_accounts(api, state, query, limit))) + "\n")
        return
    made = table(
        "account", "name", "state", "exposure", "limit", "used", right=("exposure", "limit", "used"), folded=("name",)
    )
    shown = 0
    for picture in _accounts(api, state, query, limit):
        _add_account(made, picture)
        shown += 1
    if not shown:
        say("No account." if state is None else f"No account is {state}.")
        return
    console().print(made)
    if limit and shown == limit:
        say(f"The first {limit}; more with --limit.")


def _add_account(made: Table, picture: Picture) -> None:
    share = share_of(picture.get("exposure"), picture.get("limit"))
    currency = str(picture.get("currency") or "")
    # Where it gets narrow, the name is cut and nothing else.
    name = plain(picture.get("name") or "")
    name.no_wrap, name.overflow = True, "ellipsis"
    made.add_row(
        plain(picture["account"]),
        name,
        plain(picture.get("state") or ""),
        plain(f"{cents(picture.get('exposure'))} {currency}"),
        plain(cents(picture.get("limit"))),
        "" if share is None else f"{share} %",
    )


def _accounts(api: Api, state: str | None, query: str | None, limit: int) -> Iterator[Picture]:
    """Page after page until there are enough or no more (limit 0: all)."""
    after: str | None = None
    given = 0
    while not limit or given < limit:
        size = min(PAGE, limit - given) if limit else PAGE
        answer = api.get("/api/v1/accounts", {"state": state, "q": query, "limit": str(size), "after": after})
        yield from answer["accounts"]
        given += len(answer["accounts"])
        after = answer["next"]
        if after is None:
            return
