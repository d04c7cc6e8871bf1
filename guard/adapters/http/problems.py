"""Every error as a problem document (RFC 9457), and the boundary where exceptions become one.

A problem names what is wrong in `detail`; where fields of the request are at fault, `errors` has one entry for each.
Nothing that went wrong inside is told to the outside beyond the fact; it is logged.
"""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guard.ports import NotReadyError, StoreError
from guard.ports.archive import TooLongError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 1
"""When to ask again after 503: the daemon restarts within seconds, or its store has come back."""

_log = logging.getLogger("guard.http")


class FieldError(NamedTuple):
    """One field of a request and what is wrong with it."""

    field: str
    detail: str


class ApiError(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def refused_fields(errors: Sequence[FieldError]) -> ApiError:
    """The request was understood, but some of its fields cannot be taken."""
    return ApiError(422, "; ".join(f"{field}: {detail}" for field, detail in errors), errors=errors)


def no_such_account() -> ApiError:
    """The path names an account that guard does not know."""
    return ApiError(404, "no such account")


def no_such_held() -> ApiError:
    """The path names a block that the fuse does not hold."""
    return ApiError(404, "no block with this id is held: it was approved or rejected, has lapsed, or never was")


def no_such_webhook() -> ApiError:
    """The path names a webhook that is not configured."""
    return ApiError(404, "no webhook has this name")


def no_such_dead_letter() -> ApiError:
    """There is nothing to send again."""
    return ApiError(404, "this webhook has no such dead letter")


def problem_response(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document; its title is the status in words, so that the type may be `about:blank`."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [error._asdict() for error in errors]
    return Response(
        json.dumps(body, ensure_ascii=False),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=dict(headers or {}),
    )


async def on_api_error(_request: Request, error: Exception) -> Response:
    """`ApiError` as a problem."""
    if not isinstance(error, ApiError):
        raise error
    return problem_response(error.status, error.detail, errors=error.errors, headers=error.headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What starlette raises (404 of the router, 405) as a problem."""
    if not isinstance(error, HTTPException):
        raise error
    match error.status_code:
        case 404:
            detail = "nothing is served at this path"
        case 405:
            detail = f"{request.method} is not possible here"
        case _:
            detail = error.detail
    return problem_response(error.status_code, detail, headers=error.headers)


async def on_not_ready(_request: Request, error: Exception) -> Response:
    """The daemon or its store cannot take this now; asking again later makes sense."""
    if isinstance(error, TooLongError):
        # Its text is for whoever asked: it names accounts.
        _log.warning("a search was given up")
    elif isinstance(error, StoreError):
        _log.error("the store did not answer a request: %s", error)
    elif not isinstance(error, NotReadyError):
        raise error
    detail = str(error) or "guard cannot take this now"
    return problem_response(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


class Boundary:
    """The outermost layer: an error that nobody expected is logged here, and told as a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for it when it fails before anything was sent."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # boundary: a request's failure must not touch the daemon
            _log.exception("a request failed")
            if started or scope["type"] != "http":
                # Half an answer cannot be taken back: the connection is cut, which the client sees.
                raise
            response = problem_response(500, "guard failed at this; its log says more")
            await response(scope, receive, send)
