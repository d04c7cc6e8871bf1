"""What is served until a daemon can show something: that it is well, that it is not ready, and why; and nothing else.

That is while it reads its state, while it stands by for another one, and while it ends. The server runs all the time,
at one address; what it serves is put in its place (`Front.app`) when the time has come, and taken away (`close`) before
what it asks is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from guard.adapters.http.problems import RETRY_AFTER_S, problem_response
from guard.adapters.http.server import STOP_WITHIN_S


class Front:
    """Serves what stands behind it now: at first that there is nothing yet."""

    def __init__(self) -> None:
        self.app: ASGIApp = _waiting_app(lambda: self.why)
        self.why = "restoring the state"
        """What there is to wait for."""
        self._answering = 0
        self._done = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        self._answering += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._answering -= 1
            if not self._answering:
                self._done.set()

    async def close(self) -> None:
        """Serve nothing any more; return when all that was asked is answered, or when that takes too long."""
        self.app, self.why = _waiting_app(lambda: self.why), "stopping"
        self._done.clear()
        if self._answering:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_WITHIN_S):
                    await self._done.wait()


def _waiting_app(status: Callable[[], str]) -> ASGIApp:
    """Says of everything but health that it has to wait, and for what."""

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "healthy"})

    async def waiting(_: Request) -> Response:
        return problem_response(503, status(), headers={"Retry-After": str(RETRY_AFTER_S)})

    return Starlette(
        routes=[
            Route("/-/healthy", healthy),
            Route("/{path:path}", waiting, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )
