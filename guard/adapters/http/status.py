"""What machines ask: metrics, whether guard lives, whether it is ready, and what its API is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.gate import STRANGER
from guard.adapters.http.openapi import document
from guard.adapters.http.problems import ApiError
from guard.adapters.http.state import desk_of, tokens_of

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """The Prometheus text of contract 7."""
    return Response(desk_of(request).metrics(), media_type=METRICS_TYPE)


async def healthy(request: Request) -> Response:
    """200 while the loop turns; 503 says what is wrong."""
    return probed(request, "healthy", desk_of(request).healthy())


async def ready(request: Request) -> Response:
    """200 once the state is restored and the broker is subscribed; 503 says what is missing."""
    return probed(request, "ready", desk_of(request).ready())


def probed(request: Request, status: str, wrong: str) -> Response:
    """What a probe is told: that it is so, or that it is not; what is wrong only if it is not a stranger."""
    if wrong:
        raise ApiError(503, f"not {status}; whoever shows a token is told why" if STRANGER in request.scope else wrong)
    return json_response({"status": status})


async def openapi(request: Request) -> Response:
    """The description of this API."""
    return json_response(document(with_tokens=tokens_of(request).needed()))
