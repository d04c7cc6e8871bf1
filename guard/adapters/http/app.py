"""The application: its routes, and the layers in front of them (`guard.adapters.http` has the picture)."""

from __future__ import annotations

from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from guard.adapters.http import accounts, actions, feeds, page, rules, statements, status
from guard.adapters.http.gate import Gate, SecurityHeaders, is_loopback
from guard.adapters.http.paths import RawPath
from guard.adapters.http.problems import (
    ApiError,
    Boundary,
    on_api_error,
    on_http_exception,
    on_not_ready,
)
from guard.adapters.http.tokens import TokenFile
from guard.ports import Desk, NotReadyError, StoreError

ACCOUNT = "/api/v1/accounts/{id}"
HELD = "/api/v1/held"

ROUTES = (
    Route("/", page.overview),
    Route("/accounts/{id}", page.account),
    Route("/api/v1/accounts", accounts.accounts),
    Route(ACCOUNT, accounts.account),
    Route(f"{ACCOUNT}/ledger", accounts.ledger),
    Route(f"{ACCOUNT}/statement", statements.statement),
    Route(f"{ACCOUNT}/history", statements.history),
    Route(f"{ACCOUNT}/block", actions.block, methods=["POST"]),
    Route(f"{ACCOUNT}/release", actions.release, methods=["POST"]),
    Route(f"{ACCOUNT}/allow", actions.allow, methods=["POST"]),
    Route(f"{ACCOUNT}/limit", actions.limit, methods=["POST"]),
    Route("/api/v1/limits/review", statements.limit_review),
    Route(HELD, rules.held),
    Route(f"{HELD}/{{id}}/approve", actions.approve, methods=["POST"]),
    Route(f"{HELD}/{{id}}/reject", actions.reject, methods=["POST"]),
    Route("/api/v1/fuse/close", actions.close_fuse, methods=["POST"]),
    Route("/api/v1/rules", rules.rules),
    Route("/api/v1/decisions", feeds.decisions),
    Route("/api/v1/quarantine", feeds.quarantine),
    Route("/api/v1/switches", feeds.switches),
    Route("/api/v1/openapi.json", status.openapi),
    Route("/metrics", status.metrics),
    Route("/-/healthy", status.healthy),
    Route("/-/ready", status.ready),
)


class Address(Protocol):
    """Where the application will be served."""

    @property
    def host(self) -> str:
        """A name or address of this machine."""
        ...


def create_app(desk: Desk, *, tokens: TokenFile, listen: Address) -> Starlette:
    """The application that shows this desk to whom the tokens allow it.

    Where other machines can reach it, nobody gets in without a token, even while there is none.
    """
    if not is_loopback(listen.host):
        tokens.require()
    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(Boundary),
            Middleware(SecurityHeaders),
            Middleware(Gate, tokens=tokens),
            Middleware(RawPath),
        ],
        exception_handlers={
            ApiError: on_api_error,
            HTTPException: on_http_exception,
            NotReadyError: on_not_ready,
            StoreError: on_not_ready,
        },
    )
    # A trailing slash is part of the path: `/api/v1/accounts/` is the account with an empty id, which cannot be.
    app.router.redirect_slashes = False
    app.state.desk = desk
    app.state.positions = feeds.Positions()
    return app
