"""What guard knows of accounts' past, and `POST /api/v1/profiles`: history that was before guard (`guard learn`)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.inputs import body_members
from guard.adapters.http.paths import account_id
from guard.adapters.http.problems import ApiError, FieldError, no_such_account, refused_fields
from guard.adapters.http.reload import who
from guard.adapters.http.state import desk_of
from guard.wire.pasts import pasts_of, profile_object
from guard.wire.rules import RuleError


async def learn(request: Request) -> Response:
    """Take in the past of some accounts. Each day counts once: telling it again changes nothing."""
    members = await body_members(request)
    try:
        pasts = pasts_of(members, who(request))
    except RuleError as error:
        raise refused_fields([FieldError(error.key.removeprefix("."), error.rule)]) from None
    if unknown := sorted(members.keys() - {"profiles"}):
        raise refused_fields([FieldError(unknown[0], "is not a field of this request")])
    desk = desk_of(request)
    days = await desk.learn(pasts)
    learned = []
    for past, count in zip(pasts, days, strict=True):
        profile = await desk.profile(past.account)
        known = profile.known_days if profile is not None else 0
        learned.append({"account": past.account, "days": count, "known_days": known})
    return json_response({"learned": learned})


async def profile(request: Request) -> Response:
    """What is usual for one account, as the rules see it."""
    account = account_id(request)
    desk = desk_of(request)
    found = await desk.profile(account)
    if found is None:
        if await desk.account(account) is None:
            raise no_such_account()
        raise ApiError(404, "nothing is known of what is usual for this account: it has not called yet")
    return json_response(profile_object(account, found))
