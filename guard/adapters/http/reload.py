"""`POST /-/reload`: the daemon reads its files anew and goes by them, or says everything that is wrong in them.

No body is needed, so that a service manager or `curl -X POST` can ask. Who asked is the token's name in the history.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.gate import OPERATOR
from guard.adapters.http.problems import ApiError, FieldError
from guard.adapters.http.state import desk_of
from guard.ports import SetupRefusedError

ON_THIS_MACHINE = "this machine"
"""Who asks where no token is needed."""


async def reload(request: Request) -> Response:
    """200 once what the files say is in force; 422 with every mistake when they cannot be used."""
    try:
        reloaded = await desk_of(request).reload(who(request))
    except SetupRefusedError as refused:
        count = len(refused.mistakes)
        found = "1 mistake" if count == 1 else f"{count} mistakes"
        raise ApiError(
            422,
            f"nothing has changed, because of {found} in the files:\n{refused}",
            errors=[FieldError(mistake.place, mistake.text) for mistake in refused.mistakes],
        ) from None
    return json_response(
        {
            "changes": list(reloaded.changes),
            "needs_restart": list(reloaded.needs_restart),
            "remarks": list(reloaded.remarks),
        }
    )


def who(request: Request) -> str:
    """The name of the token that was shown."""
    holder: str | None = request.scope.get(OPERATOR)
    return holder or ON_THIS_MACHINE
