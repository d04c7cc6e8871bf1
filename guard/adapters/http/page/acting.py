"""The operator's buttons: each is a form, becomes an intent, and leads back to the page where it was pressed.

A form that cannot be taken shows the page again with what is wrong, and with everything that had been typed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.adapters.http.accounts import known
from guard.adapters.http.actions import MAX_BY, MAX_REASON
from guard.adapters.http.gate import OPERATOR
from guard.adapters.http.inputs import Fields, words
from guard.adapters.http.outcomes import check
from guard.adapters.http.page.forms import Refusal, check_csrf, form_fields, form_pairs, local_moment
from guard.adapters.http.page.looking import SHOWN_ACCOUNTS, account_page, held_page
from guard.adapters.http.paths import MAX_ID, account_id, account_path
from guard.adapters.http.problems import ApiError, no_such_held
from guard.adapters.http.state import desk_of
from guard.core.records import (
    AboutAccount,
    Allow,
    Approve,
    Block,
    CloseFuse,
    Forget,
    IntentResult,
    Reject,
    Release,
    Scope,
    SetLimit,
)
from guard.core.views import AccountView
from guard.ports import Desk
from guard.wire.fields import unsigned_money

MADE = ("amount", "none", "suggested")
"""What the form of the limit can set: an amount, no limit, or the one that waits."""

MAX_PICKED = SHOWN_ACCOUNTS + 10
"""Fields of a form: as many as the page shows, and who and why."""

Maker = Callable[[Fields, AccountView, str, str], AboutAccount]
"""(fields, account, by, reason) -> what is asked for."""


async def block(request: Request) -> Response:
    """Block the account."""

    def make(fields: Fields, view: AccountView, by: str, reason: str) -> AboutAccount:
        scope = Scope(fields.read("scope", _one_of(*(scope.value for scope in Scope)), Scope.ALL.value))
        return Block(account=view.account, by=by, reason=reason, scope=scope, until_ms=_until(fields, view))

    return await _act(request, "block", make)


async def release(request: Request) -> Response:
    """Lift what blocks the account."""

    def make(fields: Fields, view: AccountView, by: str, reason: str) -> AboutAccount:
        return Release(account=view.account, by=by, reason=reason, until_ms=_until(fields, view))

    return await _act(request, "release", make)


async def allow(request: Request) -> Response:
    """Allow the account until a time."""

    def make(fields: Fields, view: AccountView, by: str, reason: str) -> AboutAccount:
        until_ms = _until(fields, view)
        if until_ms is None:
            fields.refuse("until", "is required")
        return Allow(account=view.account, by=by, reason=reason, until_ms=until_ms or 0)

    return await _act(request, "allow", make)


async def limit(request: Request) -> Response:
    """Give the account another limit."""

    def make(fields: Fields, view: AccountView, by: str, reason: str) -> AboutAccount:
        kind = fields.read("kind", _one_of(*MADE), MADE[0])
        read = fields.need if kind == "amount" else fields.read
        amount = read("limit", unsigned_money, None)
        return SetLimit(
            account=view.account,
            by=by,
            reason=reason,
            limit_micros=amount if kind == "amount" else None,
            until_ms=_until(fields, view) if kind != "suggested" else None,
            suggested=kind == "suggested",
        )

    return await _act(request, "limit", make)


async def forget(request: Request) -> Response:
    """Let go of who a closed account was; its id must be written once more."""

    def make(fields: Fields, view: AccountView, by: str, reason: str) -> AboutAccount:
        if fields.need("confirm", words(MAX_ID), "") != view.account:
            fields.refuse("confirm", f"must be {view.account}: what is forgotten is forgotten for good")
        return Forget(account=view.account, by=by, reason=reason)

    return await _act(request, "forget", make)


async def judge(request: Request) -> Response:
    """Approve or reject those of the held blocks that are picked, with one name and one reason."""
    pairs = await form_pairs(request, MAX_PICKED)
    form = dict(pairs)
    form.pop("pick", None)
    check_csrf(request, form)
    picked = frozenset(value for name, value in pairs if name == "pick")
    fields, by, reason = who_and_why(request, form)
    verdict = fields.need("verdict", _one_of("approve", "reject"), "reject")
    if not picked:
        fields.refuse("pick", "at least one")
    try:
        fields.finish()
        await _judge(desk_of(request), picked, Approve if verdict == "approve" else Reject, by, reason)
    except ApiError as error:
        return await held_page(request, picked=picked, refusal=Refusal("held", form, error))
    return _back(f"/held?done={verdict}")


async def _judge(desk: Desk, picked: Collection[str], kind: type[Approve | Reject], by: str, reason: str) -> None:
    """Those that somebody else has judged meanwhile are left as they were judged; 404 when that is all of them."""
    results = [
        await desk.submit(kind(account=held.account, held=held.id, by=by, reason=reason))
        for held in await desk.held()
        if held.id in picked
    ]
    if IntentResult.DONE not in results:
        raise no_such_held()


async def close_fuse(request: Request) -> Response:
    """Let rules block at once again."""
    form = await form_fields(request)
    check_csrf(request, form)
    fields, by, reason = who_and_why(request, form)
    try:
        fields.finish()
    except ApiError as error:
        return await held_page(request, refusal=Refusal("fuse", form, error))
    await desk_of(request).submit(CloseFuse(by=by, reason=reason))
    return _back("/held?done=fuse")


async def _act(request: Request, name: str, make: Maker) -> Response:
    form = await form_fields(request)
    check_csrf(request, form)
    view = await known(request, account_id(request))
    fields, by, reason = who_and_why(request, form)
    intent = make(fields, view, by, reason)
    try:
        fields.finish()
        check(await desk_of(request).submit(intent))
    except ApiError as error:
        return await account_page(request, view.account, refusal=Refusal(name, form, error))
    return _back(f"{account_path(view.account)}?done={name}")


def who_and_why(request: Request, form: Mapping[str, str]) -> tuple[Fields, str, str]:
    """The form's fields, who sends them (the token's name where there is one), and why."""
    fields = Fields({name: value for name, value in form.items() if name != "csrf" and value.strip()})
    holder: str | None = request.scope.get(OPERATOR)
    by = fields.need("by", words(MAX_BY), "") if holder is None else holder
    if holder is not None:
        fields.read("by", str, "")
    return fields, by, fields.need("reason", words(MAX_REASON), "")


def _until(fields: Fields, view: AccountView) -> int | None:
    """A time on the account's own clock."""
    return fields.read("until", lambda value: local_moment(view.timezone, str(value)), None)


def _one_of(*accepted: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        return str(value) if value in accepted else accepted[0]

    return read


def _back(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
