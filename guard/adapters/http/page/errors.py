"""An error for whoever sits at a browser: the same status and the same words as the problem document, as a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.page.render import render
from guard.adapters.http.paths import PROGRAMS

Handler = Callable[[Request, Exception], Awaitable[Response]]

_NO_PAGES = (*PROGRAMS, "/static/")


def as_page(handler: Handler) -> Handler:
    """The handler, whose problem document becomes a page for browsers that asked for one."""

    async def handled(request: Request, error: Exception) -> Response:
        problem = await handler(request, error)
        if request.url.path.startswith(_NO_PAGES) or "text/html" not in request.headers.get("accept", ""):
            return problem
        told = msgspec.json.decode(problem.body)
        context = {"title": HTTPStatus(problem.status_code).phrase, "detail": told["detail"]}
        page = await render(request, "error.html", context, status=problem.status_code)
        for name in ("retry-after", "allow", "www-authenticate"):
            if name in problem.headers:
                page.headers[name] = problem.headers[name]
        return page

    return handled
