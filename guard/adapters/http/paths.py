"""Routing on the path as it was sent, so that an account's id may hold any character.

A server decodes the path before it hands it on, and then `A%2FB` is two segments and `100%25` may be decoded twice.
Here the routes match the undecoded path, and `account_id` decodes the one segment that is an id.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from guard.adapters.http.problems import no_such_account

MAX_ID = 128
"""Characters of an id (contract 1)."""

PROGRAMS = ("/api/", "/metrics", "/-/")
"""Where paths for programs begin; all others are the page."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class RawPath:
    """Puts the path as sent in the place of the decoded one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its raw path."""
        if scope["type"] == "http":
            raw = scope.get("raw_path")
            path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
            scope = {**scope, "path": path, "root_path": ""}
        await self._app(scope, receive, send)


def account_id(request: Request) -> str:
    """The account that the path names; what cannot be an id is no such account."""
    try:
        account = unquote(request.path_params["id"], errors="strict")
    except UnicodeDecodeError:
        raise no_such_account() from None
    if not 0 < len(account) <= MAX_ID or _CONTROL.search(account):
        raise no_such_account()
    return account


def account_path(account: str) -> str:
    """The path of an account's page."""
    return "/accounts/" + quote(account, safe="")
