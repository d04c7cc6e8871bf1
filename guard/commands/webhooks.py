"""`guard webhooks`: how it stands with each target, what it is owed, and dead letters sent again.

Lists give two lines to an entry: its figures, and a sentence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from guard.commands.client import Api
from guard.commands.operate import login_name
from guard.commands.output import WRONG, CommandError, clock, console, item, plain, say

WEBHOOKS = "/api/v1/webhooks"
PAGE = 500
"""Deliveries asked for at once."""

_WEBHOOK_LINE = "{:<28} {:<13} {:>8} {:>6}  {:<12}"
_DELIVERY_LINE = "{:<26} {:<12} {:<12} {}"

Entry = dict[str, Any]
"""A webhook or a delivery, as the API gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """What an operator wants sent again, as typed."""

    webhook: str | None
    event: str | None
    reason: str | None
    by: str | None


def show_webhooks(api: Api, *, as_json: bool) -> None:
    """All targets, and how it stands with each."""
    webhooks = api.get(WEBHOOKS)["webhooks"]
    if as_json:
        sys.stdout.write(json.dumps(webhooks) + "\n")
        return
    if not webhooks:
        say("No webhook is configured: see [[webhook]] in guard.toml.")
        return
    out = console()
    out.print(_WEBHOOK_LINE.format("webhook", "kind", "pending", "dead", "delivered").rstrip(), style="bold")
    for webhook in webhooks:
        figures = (webhook["pending"], webhook["dead"], clock(webhook["delivered_at"]))
        out.print(plain(_WEBHOOK_LINE.format(webhook["webhook"], webhook["kind"], *figures).rstrip()), soft_wrap=True)
        out.print(item(_standing(webhook), out), soft_wrap=True)
    dead = sum(webhook["dead"] for webhook in webhooks)
    if dead:
        say(f"{dead:,} dead {_letters(dead)}: guard webhooks dead; guard webhooks resend WEBHOOK --reason TEXT.")


def _standing(webhook: Entry) -> str:
    if webhook["failing_since"]:
        return f"fails since {clock(webhook['failing_since'])}: {webhook['error']}"
    return "is told of " + ", ".join(webhook["events"])


def show_deliveries(api: Api, state: str, webhook: str | None, *, as_json: bool) -> None:
    """What targets are owed: dead letters, or what is still to be sent."""
    found = _deliveries(api, state, webhook)
    if as_json:
        sys.stdout.write(json.dumps([*found]) + "\n")
        return
    out = console()
    count = 0
    for delivery in found:
        if not count:
            out.print(_DELIVERY_LINE.format("id", "at", "type", "webhook"), style="bold")
        count += 1
        figures = (delivery["id"], clock(delivery["at"]), delivery["type"], delivery["webhook"])
        out.print(plain(_DELIVERY_LINE.format(*figures)), soft_wrap=True)
        out.print(item(f"{delivery['text']} {_fate(delivery)}".strip(), out), soft_wrap=True)
    of = f" of {webhook}" if webhook else ""
    if state == "pending":
        say(f"{count:,} to be sent{of}.")
    else:
        say(f"{count:,} dead {_letters(count)}{of}.")


def _fate(delivery: Entry) -> str:
    if not delivery["attempts"]:
        return ""
    tries = "1 attempt" if delivery["attempts"] == 1 else f"{delivery['attempts']} attempts"
    again = f", again {clock(delivery['due_at'])}" if delivery["due_at"] else ""
    return f"({tries}, last {clock(delivery['tried_at'])}: {delivery['error']}{again})"


def _letters(count: int) -> str:
    return "letter" if count == 1 else "letters"


def _deliveries(api: Api, state: str, webhook: str | None) -> Iterator[Entry]:
    after: str | None = None
    while True:
        query = {"state": state, "webhook": webhook, "limit": str(PAGE), "after": after}
        page = api.get(f"{WEBHOOKS}/deliveries", query)
        yield from page["deliveries"]
        after = page["next"]
        if after is None:
            return


def resend(api: Api, wanted: Resend, *, as_json: bool) -> None:
    """Have dead letters of a target sent again, and say how many."""
    if wanted.webhook is None:
        raise CommandError("say which webhook: its name is in the list of `guard webhooks`", WRONG)
    if not (wanted.reason or "").strip():
        raise CommandError("--reason: say why, it is kept in the history", WRONG)
    body: Entry = {"reason": wanted.reason, "by": wanted.by or login_name()}
    if wanted.event is not None:
        body["id"] = wanted.event
    answer = api.post(f"{WEBHOOKS}/{quote(wanted.webhook, safe='')}/resend", body)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    count = answer["resent"]
    if not count:
        console().print(plain(f"{wanted.webhook} has no dead letters."))
        return
    console().print(plain(f"{count:,} dead {_letters(count)} of {wanted.webhook} will be sent again now."))
