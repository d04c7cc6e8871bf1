"""`guard held` and `guard rules`: blocks that the fuse holds for an operator, and the rules that asked for them.

Both lists give two lines to an entry: its figures, and a sentence.
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
from guard.commands.options import VerdictName
from guard.commands.output import WRONG, CommandError, clock, console, item, plain, say

HELD = "/api/v1/held"
PAGE = 500
"""Held blocks asked for at once."""

_RULE_LINE = "{:<23.23} {:<7} {:>9} {:>9} {:<13} {:>6} {:>6}"
"""79 columns; only a long id is cut."""

Entry = dict[str, Any]
"""A held block or a rule, as the API gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an operator says about a held block or the fuse, as typed."""

    name: VerdictName
    held: str | None
    reason: str | None
    by: str | None


def show_held(api: Api, *, as_json: bool) -> None:
    """All blocks that wait, oldest first."""
    if as_json:
        sys.stdout.write(json.dumps([held for page in _pages(api) for held in page["held"]]) + "\n")
        return
    out = console()
    count, fuse_open = 0, False
    for page in _pages(api):
        fuse_open = page["fuse_open"]
        for held in page["held"]:
            if not count:
                out.print(_held_columns("id", "since", "scope", "account"), style="bold")
            count += 1
            shown = _held_columns(held["id"], clock(held["since"]), held["scope"], held["account"])
            out.print(plain(shown), soft_wrap=True)
            out.print(item(f"{held['rule'] or held['reason']}: {held['text']}", out), soft_wrap=True)
    if count:
        blocks = "block waits" if count == 1 else "blocks wait"
        say(f"{count:,} {blocks} for an operator: guard held approve|reject ID --reason TEXT.")
    else:
        say("No block waits for an operator.")
    if fuse_open:
        say("The fuse is open, so will further ones: guard held close-fuse --reason TEXT.")


def _held_columns(held: str, since: str, scope: str, account: str) -> str:
    """Nothing is cut: the id has to be typed, and the account is last."""
    return f"{held:<26} {since:<17} {scope:<13} {account}"


def _pages(api: Api) -> Iterator[Any]:
    after: str | None = None
    while True:
        page = api.get(HELD, {"limit": str(PAGE), "after": after})
        yield page
        after = page["next"]
        if after is None:
            return


def judge_held(api: Api, verdict: Verdict, *, as_json: bool) -> None:
    """Approve or reject a held block, and say what is so now."""
    if verdict.held is None:
        raise CommandError("say which block: its ID is in the list of `guard held`", WRONG)
    answer = api.post(f"{HELD}/{quote(verdict.held, safe='')}/{verdict.name.value}", _who_and_why(verdict))
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    console().print(plain(_told(verdict.name, answer)))


def close_fuse(api: Api, verdict: Verdict, *, as_json: bool) -> None:
    """Let blocks by rules act at once again."""
    if verdict.held is not None:
        raise CommandError("close-fuse takes no ID: it concerns all rules", WRONG)
    answer = api.post("/api/v1/fuse/close", _who_and_why(verdict))
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    again = "The fuse has opened again already." if answer["fuse_open"] else "The fuse is closed."
    console().print(f"{again} What is held stays held: see `guard held`.")


def _who_and_why(verdict: Verdict) -> Entry:
    if not (verdict.reason or "").strip():
        raise CommandError("--reason: say why, it is kept in the history", WRONG)
    return {"reason": verdict.reason, "by": verdict.by or login_name()}


def _told(name: VerdictName, picture: Any) -> str:
    account, block = picture["account"], picture["block"]
    if name is VerdictName.REJECT:
        still = " It is blocked for another cause: see `guard account`." if block else ""
        return f"The block of {account} is dropped.{still}"
    if block is None:
        return f"The block of {account} is approved, but something allows the account: see `guard account`."
    calls = "all calls" if block["scope"] == "all" else f"{block['scope']} calls"
    return f"{account} is blocked: {calls}, except emergency calls."


def show_rules(api: Api, *, as_json: bool) -> None:
    """All rules in force, with their marks and how often they have fired."""
    rules = api.get("/api/v1/rules")["rules"]
    if as_json:
        sys.stdout.write(json.dumps(rules) + "\n")
        return
    if not rules:
        say("No rule is in force.")
        return
    out = console()
    out.print(_RULE_LINE.format("rule", "mode", "warn", "block", "scope", "hits", "shadow"), style="bold")
    for rule in rules:
        out.print(plain(_rule_line(rule)))
        out.print(item(f"{rule['title']} ({_measured(rule)})", out), soft_wrap=True)
    enforced = sum(rule["mode"] == "enforce" for rule in rules)
    say(f"{len(rules):,} {'rule' if len(rules) == 1 else 'rules'}, {enforced:,} of them enforced.")


def _measured(rule: Entry) -> str:
    """`calls per number in 15m`."""
    window = f" in {rule['window']}" if rule["window"] else ""
    return f"{rule['measure']} per {rule['per']}{window}"


def _rule_line(rule: Entry) -> str:
    hits = rule["hits"]
    marks = (rule["warn"] or "-", rule["block"] or "-")
    return _RULE_LINE.format(rule["id"], rule["mode"], *marks, rule["scope"], hits["enforce"], hits["shadow"])
