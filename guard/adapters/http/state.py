"""What a route needs of the application: the desk, and what the application remembers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from guard.ports import Desk

if TYPE_CHECKING:
    from guard.adapters.http.tokens import TokenFile


def desk_of(request: Request) -> Desk:
    """The daemon that this application shows."""
    return cast("Desk", request.app.state.desk)


def tokens_of(request: Request) -> TokenFile:
    """Who may ask."""
    return cast("TokenFile", request.app.state.tokens)
