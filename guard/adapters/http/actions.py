"""The operator's hand: `block`, `release`, `allow`, `limit`, `forget` an account; verdicts on held blocks; the fuse.

Each comes with a name and a reason. With tokens, who acts is the token's name, whatever the body says. The answer is
the account as it is afterwards, once what was asked for is durable.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import account_response, json_response
from guard.adapters.http.gate import OPERATOR
from guard.adapters.http.inputs import Fields, FieldValueError, body_fields, moment, words
from guard.adapters.http.outcomes import check
from guard.adapters.http.paths import account_id
from guard.adapters.http.problems import no_such_held
from guard.adapters.http.state import desk_of
from guard.core.records import (
    AboutAccount,
    Allow,
    Approve,
    Block,
    CloseFuse,
    Forget,
    Reject,
    Release,
    Scope,
    SetLimit,
)
from guard.wire.fields import flag, unsigned_money

MAX_BY = 128
MAX_REASON = 256


async def block(request: Request) -> Response:
    """Block an account, wholly or in a scope, until a time or until it is released."""
    account = account_id(request)
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    scope = fields.read("scope", _scope, Scope.ALL)
    until_ms = fields.read("until", moment, None)
    fields.finish()
    return await _submit(request, Block(account=account, by=by, reason=reason, scope=scope, until_ms=until_ms))


async def release(request: Request) -> Response:
    """Lift what blocks an account, and allow it for a while."""
    account = account_id(request)
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    fields.read("scope", _whole, None)
    until_ms = fields.read("until", moment, None)
    fields.finish()
    return await _submit(request, Release(account=account, by=by, reason=reason, until_ms=until_ms))


async def allow(request: Request) -> Response:
    """Allow an account until a time, whatever automatic causes say."""
    account = account_id(request)
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    fields.read("scope", _whole, None)
    until_ms = fields.need("until", moment, 0)
    fields.finish()
    return await _submit(request, Allow(account=account, by=by, reason=reason, until_ms=until_ms))


async def limit(request: Request) -> Response:
    """Set the limit of an account by hand: an amount, none at all (null), or the one that is suggested."""
    account = account_id(request)
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    suggested = fields.read("suggested", flag, default=False)
    amount = fields.read("limit", unsigned_money, None)
    until_ms = fields.read("until", moment, None)
    if suggested and fields.states("limit"):
        fields.refuse("limit", "is not possible beside `suggested`")
    if suggested and until_ms is not None:
        fields.refuse("until", "is not possible beside `suggested`, which is for good")
    if not suggested and not fields.states("limit"):
        fields.refuse("limit", "is required: an amount, null for no limit, or else `suggested` as true")
    fields.finish()
    return await _submit(
        request,
        SetLimit(account=account, by=by, reason=reason, limit_micros=amount, until_ms=until_ms, suggested=suggested),
    )


async def forget(request: Request) -> Response:
    """Let go of who a closed account was; its money and the history of its blocks stay."""
    account = account_id(request)
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    fields.finish()
    return await _submit(request, Forget(account=account, by=by, reason=reason))


async def approve(request: Request) -> Response:
    """Let a held block happen."""
    return await _judge_held(request, Approve)


async def reject(request: Request) -> Response:
    """Drop a held block: it was a false alarm."""
    return await _judge_held(request, Reject)


async def close_fuse(request: Request) -> Response:
    """Let blocks by rules act at once again."""
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    fields.finish()
    await desk_of(request).submit(CloseFuse(by=by, reason=reason))
    # It is closed now, whatever was known a moment ago of how it stands.
    return json_response({"fuse_open": False})


async def _judge_held(request: Request, verdict: type[Approve | Reject]) -> Response:
    fields = await body_fields(request)
    by, reason = who_and_why(request, fields)
    fields.finish()
    held = await desk_of(request).held_of(request.path_params["id"])
    if held is None:
        raise no_such_held()
    return await _submit(request, verdict(account=held.account, held=held.id, by=by, reason=reason))


def who_and_why(request: Request, fields: Fields) -> tuple[str, str]:
    """Name and reason of whoever acts; with a token the name is the token's."""
    holder: str | None = request.scope.get(OPERATOR)
    if holder is None:
        by = fields.need("by", words(MAX_BY), "")
    else:
        fields.read("by", str, "")
        by = holder
    return by, fields.need("reason", words(MAX_REASON), "")


def _scope(value: object) -> Scope:
    try:
        return Scope(value)
    except ValueError:
        accepted = ", ".join(scope.value for scope in Scope)
        raise FieldValueError(f"must be one of {accepted}") from None


def _whole(value: object) -> None:
    """Only a block has a scope; `all` says nothing else than what is done anyway."""
    if _scope(value) is not Scope.ALL:
        raise FieldValueError("only a block has a scope; this concerns the account as a whole")


async def _submit(request: Request, intent: AboutAccount) -> Response:
    check(await desk_of(request).submit(intent))
    return await account_response(request, intent.account)
