"""`guard limit` and `guard limits review`: a credit limit set by hand, and the limits that no longer fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from guard.commands.client import Api, account_path
from guard.commands.operate import login_name
from guard.commands.output import WRONG, CommandError, cents, console, item, plain, say
from guard.commands.times import read_time
from guard.wire.statements import review_head, review_lines

PAGE = 500
"""Accounts asked for at once."""

SOURCES = {
    "amount": "billing",
    "cycles": "invoices",
    "default": "default",
    "operator": "operator",
}

Review = dict[str, Any]
"""An account of the limit review as the API gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLimit:
    """What an operator asks for: exactly one of an amount, no limit at all, and the limit that is suggested."""

    account: str
    reason: str
    by: str | None
    amount: str | None
    none: bool
    suggested: bool
    until: str | None


def set_limit(api: Api, wanted: NewLimit, *, as_json: bool) -> None:
    """Ask the daemon to set it, and say what it is now."""
    if not wanted.reason.strip():
        raise CommandError("--reason: say why, it is kept in the account's history", WRONG)
    if (wanted.amount is not None) + wanted.none + wanted.suggested != 1:
        raise CommandError("say one of --amount, --none and --suggested", WRONG)
    if wanted.suggested and wanted.until is not None:
        raise CommandError("--until: a suggested limit is for good; state its --amount to set it for a while", WRONG)
    body: dict[str, object] = {"reason": wanted.reason, "by": wanted.by or login_name()}
    body |= {"suggested": True} if wanted.suggested else {"limit": wanted.amount}
    if wanted.until is not None:
        body["until"] = read_time("--until", wanted.until)
    answer = api.post(account_path(wanted.account, "limit"), body)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    console().print(plain(_told(answer)))


def _told(answer: Any) -> str:
    """One sentence about what is so now."""
    limit = answer["limit"]
    shown = "no limit" if limit is None else f"a limit of {cents(limit)} {answer['currency']}"
    told = f"{answer['account']} has {shown} now: {answer['limit_text']}."
    if answer["state"] == "blocked":
        told += " It is blocked: see `guard account`."
    return told


def review_limits(api: Api, *, as_csv: bool, as_json: bool) -> None:
    """Accounts whose limit no longer covers two to three cycles of what they spend."""
    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", WRONG)
    if as_json:
        sys.stdout.write(json.dumps([review for page in _pages(api) for review in page]) + "\n")
    elif as_csv:
        sys.stdout.write(review_head())
        for page in _pages(api):
            sys.stdout.write(review_lines(page))
    else:
        _print_reviews(api)


def _print_reviews(api: Api) -> None:
    """Two lines an account: its figures, and why."""
    out = console()
    count = 0
    for page in _pages(api):
        for review in page:
            if not count:
                out.print(_columns("account", "limit", "from", "a cycle", "cycles", "suggested"), style="bold")
            count += 1
            out.print(plain(_figures(review)))
            out.print(item(review["why"], out), soft_wrap=True)
    say(f"{count:,} {'limit does' if count == 1 else 'limits do'} not fit." if count else "Every limit fits.")


def _figures(review: Review) -> str:
    return _columns(
        f"{review['account']} {review['name']}".rstrip(),
        cents(review["limit"]),
        SOURCES.get(review["limit_source"], ""),
        cents(review["spend_per_cycle"]),
        cents(review["cycles_covered"]) if review["cycles_covered"] else "",
        cents(review["suggested"]),
    )


def _columns(name: str, limit: str, source: str, spend: str, covers: str, suggested: str) -> str:
    """One line of 79 columns; only the name is cut."""
    return f"{name[:24]:<24} {limit:>12} {source:<8} {spend:>11} {covers:>7} {suggested:>12}"


def _pages(api: Api) -> Iterator[list[Review]]:
    """Page after page; one may be empty and still have a next."""
    after: str | None = None
    while True:
        answer = api.get("/api/v1/limits/review", {"limit": str(PAGE), "after": after})
        yield answer["accounts"]
        after = answer["next"]
        if after is None:
            return
