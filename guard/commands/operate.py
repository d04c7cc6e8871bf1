"""`guard block`, `release`, `allow`, `forget`: the operator's hand, with a name and a reason, in the history."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any, assert_never

from guard.commands.client import Api, account_path
from guard.commands.output import WRONG, CommandError, clock, console, plain
from guard.commands.times import read_time


class Deed(Enum):
    """What an operator can do to an account."""

    BLOCK = "block"
    RELEASE = "release"
    ALLOW = "allow"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator asks for."""

    account: str
    reason: str
    by: str | None
    """None: whoever is logged in."""
    scope: str | None = None
    until: str | None = None
    """As typed."""


def operate(api: Api, deed: Deed, order: Order, *, as_json: bool) -> None:
    """Ask the daemon to do it, and say what came of it."""
    if not order.reason.strip():
        raise CommandError("--reason: say why, it is kept in the account's history", WRONG)
    body = {"reason": order.reason, "by": order.by or login_name()}
    if order.scope is not None:
        body["scope"] = order.scope
    if order.until is not None:
        body["until"] = read_time("--until", order.until)
    answer = api.post(account_path(order.account, deed.value), body)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    console().print(plain(_told(deed, order, body.get("until"), answer)))


def _told(deed: Deed, order: Order, until: str | None, answer: Any) -> str:
    """One sentence about what is so now."""
    end = f" until {clock(until)}" if until else ""
    told = f"{order.account} is released."
    match deed:
        case Deed.BLOCK:
            calls = "all calls" if order.scope in {None, "all"} else f"{order.scope} calls"
            told = f"{order.account} is blocked{end}: {calls}, except emergency calls."
        case Deed.RELEASE:
            allowed = answer.get("allow_until") if isinstance(answer, dict) else None
            if isinstance(allowed, str):
                told = f"{order.account} is released and allowed until {clock(allowed)}."
        case Deed.ALLOW:
            told = f"{order.account} is allowed{end}, whatever automatic causes say; they are still recorded."
        case Deed.FORGET:
            told = (
                f"{order.account} is forgotten. What it owed and why it was blocked stay; details of its calls go now."
            )
        case _:
            assert_never(deed)
    state = answer.get("state") if isinstance(answer, dict) else None
    if deed is not Deed.BLOCK and state == "blocked":
        told += " It is still blocked for another cause: see `guard account`."
    return told


def login_name() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("nobody is logged in by name here: say --by NAME", WRONG) from None
