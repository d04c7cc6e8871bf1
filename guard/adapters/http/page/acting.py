"""The operator's buttons: each is a form, becomes an intent, and leads back to the page where it was pressed.

A form that cannot be taken shows the page again with what is wrong, and with everything that had been typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.adapters.http.accounts import known
from guard.adapters.http.actions import MAX_BY, MAX_REASON
from guard.adapters.http.gate import OPERATOR
from guard.adapters.http.inputs import Fields, words
from guard.adapters.http.page.forms import check_csrf, form_fields, local_moment
from guard.adapters.http.page.looking import account_page
from guard.adapters.http.paths import account_id, account_path
from guard.adapters.http.problems import ApiError, FieldError, no_such_account, no_such_held
from guard.adapters.http.state import desk_of
from guard.core.records import (
    AboutAccount,
    Allow,
    Approve,
    Block,
    CloseFuse,
    IntentResult,
    Reject,
    Release,
    Scope,
    SetLimit,
)
from guard.core.views import AccountView
from guard.wire.fields import unsigned_money

MADE = ("amount", "none", "suggested")
"""What the form of the limit can set: an amount, no limit, or the one that waits."""

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


async def judge(request: Request) -> Response:
    """Approve or reject a block that the fuse holds."""
    form = await form_fields(request)
    check_csrf(request, form)
    desk = desk_of(request)
    held = desk.held_of(request.path_params["id"])
    if held is None:
        raise no_such_held()
    fields, by, reason = who_and_why(request, form)
    verdict = fields.need("verdict", _one_of("approve", "reject"), "reject")
    fields.finish()
    kind = Approve if verdict == "approve" else Reject
    wrong = _objection(await desk.submit(kind(account=held.account, held=held.id, by=by, reason=reason)))
    if wrong is not None:
        raise ApiError(409, wrong.detail)
    return _back(f"/held?done={verdict}")


async def close_fuse(request: Request) -> Response:
    """Let rules block at once again."""
    form = await form_fields(request)
    check_csrf(request, form)
    fields, by, reason = who_and_why(request, form)
    fields.finish()
    await desk_of(request).submit(CloseFuse(by=by, reason=reason))
    return _back("/held?done=fuse")


async def _act(request: Request, name: str, make: Maker) -> Response:
    form = await form_fields(request)
    check_csrf(request, form)
    view = known(request, account_id(request))
    fields, by, reason = who_and_why(request, form)
    intent = make(fields, view, by, reason)
    try:
        fields.finish()
    except ApiError as error:
        return await account_page(
            request, view.account, refused=error.errors, form=name, typed=form, status=error.status
        )
    wrong = _objection(await desk_of(request).submit(intent))
    if wrong is not None:
        return await account_page(request, view.account, refused=(wrong,), form=name, typed=form, status=409)
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


def _objection(result: IntentResult) -> FieldError | None:
    """Why an intent was not carried out, beside the field that could change it; None: it was."""
    match result:
        case IntentResult.DONE:
            return None
        case IntentResult.UNKNOWN_ACCOUNT:
            raise no_such_account()
        case IntentResult.AT_LIMIT:
            return FieldError(
                "until", "is needed: the account is still at its credit limit. Or give it another limit instead"
            )
        case IntentResult.CLOSED:
            return FieldError("account", "is closed; billing opens it again")
        case IntentResult.UNTIL_PAST:
            return FieldError("until", "must lie in the future")
        case IntentResult.UNKNOWN_HELD:
            raise no_such_held()
        case IntentResult.NO_SUGGESTION:
            return FieldError("limit", "is needed: no suggested limit is waiting")
        case IntentResult.NOT_CLOSED | IntentResult.CALLS_UP:
            return FieldError("account", "must be closed, with no call up")
        case unexpected:
            assert_never(unexpected)


def _back(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
