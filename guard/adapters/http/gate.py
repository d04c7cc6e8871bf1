"""Who may ask: without tokens this machine only, with tokens whoever holds one.

Without tokens guard listens on loopback, and loopback alone is not enough. A reverse proxy on the same machine would
open it to the world, so a request that carries a forwarding header is refused. A web page anywhere can make a browser
on this machine send requests to it; so a Host that is not this machine by name (DNS rebinding) and an Origin that is
not this very server (cross-site requests) are refused too.

**Probes.** A load balancer or an orchestrator has no token: `/-/healthy` and `/-/ready` answer anybody, with yes or no,
and say what is wrong only to whoever shows one. `/metrics` tells of money and needs a token like everything else.

With tokens each request shows one as `Authorization: Bearer ...`; `read` may look, `operate` may also act. As soon as
there has been a token there is no way back to asking without one, whatever happens to the file. The page may also be
entered with a token once, for a session (`guard.adapters.http.page.sessions`); the API takes no cookies, so no other
site can make a browser use it.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guard.adapters.http.page.sessions import COOKIE, Sessions
from guard.adapters.http.paths import PROGRAMS
from guard.adapters.http.problems import ApiError, problem_response
from guard.adapters.http.tokens import Role, Token, TokenFile

MAX_BODY_BYTES = 64 * 1024
"""No request of this interface comes near it."""

OPERATOR = "guard.operator"
"""Key in the scope: the name of the token that was shown."""
ROLE = "guard.role"
"""Key in the scope: its role; absent where no token is needed."""
CSRF = "guard.csrf"
"""Key in the scope: what a form of the page must carry."""

STRANGER = "guard.stranger"
"""Key in the scope: there where a token would be needed and none was shown."""

_OPEN = ("/login", "/static/")
"""What the page needs to ask for a token."""
_PROBES = frozenset({"/-/healthy", "/-/ready"})
"""What whoever keeps guard running asks, and has no token for."""

_FORWARDING = ("forwarded", "via", "x-real-ip")
_FORWARDING_PREFIX = "x-forwarded-"
_LOCAL_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]{1,512})", re.IGNORECASE)
_OUR_PAGES = frozenset({"none", "same-origin"})
"""Who has a browser ask, by what it says of that: nobody's page, or one of ours."""
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class SecurityHeaders:
    """Adds to each answer the headers that keep browsers from misusing it, unless it has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `send` that completes the headers."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers += [header for header in _SECURITY_HEADERS if header[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, completed)


class Gate:
    """Lets a request through to the routes, or answers it: with a problem, or with the way to the login."""

    def __init__(self, app: ASGIApp, tokens: TokenFile, sessions: Sessions) -> None:
        self._app = app
        self._tokens = tokens
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check who asks and how much they send."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            try:
                answer = self._check(scope, headers)
                check_length(headers)
            except ApiError as error:
                answer = problem_response(error.status, error.detail, headers=error.headers)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> Response | None:
        scope[CSRF] = self._sessions.local_csrf
        if not self._tokens.needed():
            check_local(headers, scope.get("scheme", "http"))
            return None
        path: str = scope["path"]
        token = self._shown(headers)
        if token is None and path in _PROBES and "authorization" not in headers:
            scope[STRANGER] = True
            return None
        if token is None and not path.startswith(PROGRAMS):
            if path.startswith(_OPEN):
                return None
            session = self._sessions.find(HTTPConnection(scope).cookies.get(COOKIE, ""), self._tokens.named)
            if session is None:
                return _way_in(scope, headers)
            token, scope[CSRF] = session.token, session.csrf
        if token is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="guard"'}
            shown = "guard knows no such token" if "authorization" in headers else "a token is needed"
            raise ApiError(401, f"{shown}; show one: Authorization: Bearer ...", headers=challenge)
        if scope["method"] not in _LOOKING and token.role is not Role.OPERATE and path != "/logout":
            raise ApiError(403, f"the token {token.name} has the role read; this needs operate")
        scope[OPERATOR], scope[ROLE] = token.name, token.role
        return None

    def _shown(self, headers: Headers) -> Token | None:
        shown = _BEARER.fullmatch(headers.get("authorization", "").strip())
        return self._tokens.find(shown.group(1)) if shown else None


def _way_in(scope: Scope, headers: Headers) -> Response:
    """To the login, and from there back to what was asked for."""
    if scope["method"] not in _LOOKING:
        raise ApiError(403, "your session is over: enter again at /login")
    if "hx-request" in headers:
        # A page that is open and keeps itself up to date: it is sent to the login as a whole.
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    query = scope.get("query_string", b"").decode("latin-1")
    back = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; of names, only `localhost` counts as such."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_local(headers: Headers, scheme: str = "http") -> None:
    """Refuse what does not come straight from this machine; see the module's text."""
    for name in headers:
        if name in _FORWARDING or name.startswith(_FORWARDING_PREFIX):
            raise ApiError(
                403,
                f"forwarded requests ({name}) need a token: make one with guard token add",
            )
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _LOCAL_HOST.fullmatch(hosts[0]):
        raise ApiError(403, "without tokens guard answers only as localhost (Host is another)")
    for origin in headers.getlist("origin"):
        if origin.lower() != f"{scheme}://{hosts[0].lower()}":
            raise ApiError(403, "without tokens guard answers no other site's pages (Origin)")
    # A picture or a script that another site's page asks for has no Origin. A link may be followed.
    foreign = headers.get("sec-fetch-site", "none").lower() not in _OUR_PAGES
    if foreign and headers.get("sec-fetch-mode", "").lower() != "navigate":
        raise ApiError(403, "without tokens guard answers no other site's pages (Sec-Fetch-Site)")


def check_origin(headers: Headers) -> None:
    """Refuse a form that comes from another site's page, as far as the browser says where it comes from."""
    host = headers.get("host", "").lower()
    for origin in headers.getlist("origin"):
        if origin.lower().partition("://")[2] != host:
            raise ApiError(403, "this form comes from another site (Origin)")


def check_length(headers: Headers) -> None:
    """Refuse a body that says itself that it is too large; the reader of bodies counts the others."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
        raise ApiError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
