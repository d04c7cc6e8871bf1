"""Entering with a token and leaving again: the only forms of the page that need no session to begin with."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.adapters.http.gate import check_origin
from guard.adapters.http.page.forms import check_csrf, form_fields
from guard.adapters.http.page.render import render
from guard.adapters.http.page.sessions import COOKIE, LASTS_S, Sessions
from guard.adapters.http.problems import ApiError
from guard.adapters.http.tokens import TokenFile

MAX_TOKEN = 512


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _tokens(request: Request) -> TokenFile:
    tokens: TokenFile = request.app.state.tokens
    return tokens


async def login(request: Request) -> Response:
    """The form that asks for a token."""
    return await _form(request, back=_back(request.query_params.get("next", "/")))


async def enter(request: Request) -> Response:
    """A token was shown: begin a session, or say that it is none."""
    check_origin(request.headers)
    form = await form_fields(request)
    back = _back(form.get("next", "/"))
    address = "" if request.client is None else request.client.host
    sessions = _sessions(request)
    wait_s = sessions.wait_s(address)
    if wait_s:
        raise ApiError(
            429,
            f"too many tokens that are none; try again in {wait_s:.0f} s",
            headers={"Retry-After": str(int(wait_s) + 1)},
        )
    token = _tokens(request).find(form.get("token", "").strip()[:MAX_TOKEN])
    if token is None:
        sessions.failed(address)
        return await _form(request, back=back, error="This is no token that guard knows.", status=403)
    response = RedirectResponse(back, status_code=303)
    # Behind a proxy that speaks TLS, the browser does not show the cookie to anybody in the clear.
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"
    response.set_cookie(
        COOKIE, sessions.open(token), max_age=int(LASTS_S), httponly=True, samesite="strict", secure=secure
    )
    return response


async def leave(request: Request) -> Response:
    """End the session."""
    check_csrf(request, await form_fields(request))
    _sessions(request).close(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


async def _form(request: Request, *, back: str, error: str = "", status: int = 200) -> Response:
    return await render(request, "login.html", {"next": back, "error": error}, status=status)


def _back(path: str) -> str:
    """Where to go on: a path of this server, never another one's address."""
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside else "/"
