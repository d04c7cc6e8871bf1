"""The smallest application: metrics, whether it lives, whether it is ready. For parts of a cluster without operators.

Behind the same gate as the daemon's: without tokens this machine only, with tokens whoever holds one (anybody may ask
whether it is well and ready).
"""

from __future__ import annotations

from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guard.adapters.http import status
from guard.adapters.http.app import Address
from guard.adapters.http.gate import Gate, SecurityHeaders, is_loopback
from guard.adapters.http.page.sessions import Sessions
from guard.adapters.http.problems import ApiError, Boundary, on_api_error, on_http_exception
from guard.adapters.http.tokens import TokenFile


class Probed(Protocol):
    """What is asked how it does."""

    def metrics(self) -> bytes:
        """The Prometheus text."""
        ...

    def healthy(self) -> str:
        """What is wrong with it; empty: nothing."""
        ...

    def ready(self) -> str:
        """What it waits for before it can do its work; empty: nothing."""
        ...


def probes_app(probed: Probed, *, tokens: TokenFile, listen: Address) -> Starlette:
    """The application that answers for it."""
    if not is_loopback(listen.host):
        tokens.require()

    async def metrics(_request: Request) -> Response:
        return Response(probed.metrics(), media_type=status.METRICS_TYPE)

    async def healthy(request: Request) -> Response:
        return status.probed(request, "healthy", probed.healthy())

    async def ready(request: Request) -> Response:
        return status.probed(request, "ready", probed.ready())

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/-/healthy", healthy), Route("/-/ready", ready)],
        middleware=[
            Middleware(Boundary),
            Middleware(SecurityHeaders),
            Middleware(Gate, tokens=tokens, sessions=Sessions()),
        ],
        exception_handlers={ApiError: on_api_error, HTTPException: on_http_exception},
    )
