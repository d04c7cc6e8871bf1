"""What machines ask: metrics, whether guard lives, whether it is ready, and what its API is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.openapi import document
from guard.adapters.http.problems import ApiError
from guard.adapters.http.state import desk_of, tokens_of

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """The Prometheus text of contract 7."""
    return Response(desk_of(request).metrics(), media_type=METRICS_TYPE)


async def healthy(request: Request) -> Response:
    """200 while the loop turns; 503 says what is wrong."""
    if wrong := desk_of(request).healthy():
        raise ApiError(503, wrong)
    return json_response({"status": "healthy"})


async def ready(request: Request) -> Response:
    """200 once the state is restored and the broker is subscribed; 503 says what is missing."""
    if missing := desk_of(request).ready():
        raise ApiError(503, missing)
    return json_response({"status": "ready"})


async def openapi(request: Request) -> Response:
    """The description of this API."""
    return json_response(document(with_tokens=tokens_of(request).needed()))
