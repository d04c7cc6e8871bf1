"""The application: its routes, and the layers in front of them (`guard.adapters.http` has the picture)."""

from __future__ import annotations

from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from guard.adapters.http import accounts, actions, feeds, learning, model, reload, rules, statements, status, webhooks
from guard.adapters.http.gate import Gate, SecurityHeaders, is_loopback
from guard.adapters.http.page import routes as page
from guard.adapters.http.page.errors import as_page
from guard.adapters.http.page.render import prepare
from guard.adapters.http.page.sessions import Sessions
from guard.adapters.http.paths import RawPath
from guard.adapters.http.pieces import Pieces
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
WEBHOOKS = "/api/v1/webhooks"

ROUTES = (
    *page.ROUTES,
    Route("/api/v1/accounts", accounts.accounts),
    Route(ACCOUNT, accounts.account),
    Route(f"{ACCOUNT}/ledger", accounts.ledger),
    Route(f"{ACCOUNT}/statement", statements.statement),
    Route(f"{ACCOUNT}/history", statements.history),
    Route(f"{ACCOUNT}/block", actions.block, methods=["POST"]),
    Route(f"{ACCOUNT}/release", actions.release, methods=["POST"]),
    Route(f"{ACCOUNT}/allow", actions.allow, methods=["POST"]),
    Route(f"{ACCOUNT}/limit", actions.limit, methods=["POST"]),
    Route(f"{ACCOUNT}/forget", actions.forget, methods=["POST"]),
    Route(f"{ACCOUNT}/profile", learning.profile),
    Route("/api/v1/profiles", learning.learn, methods=["POST"]),
    Route("/api/v1/history", statements.whole_history),
    Route("/api/v1/limits/review", statements.limit_review),
    Route(HELD, rules.held),
    Route(f"{HELD}/{{id}}/approve", actions.approve, methods=["POST"]),
    Route(f"{HELD}/{{id}}/reject", actions.reject, methods=["POST"]),
    Route("/api/v1/fuse/close", actions.close_fuse, methods=["POST"]),
    Route("/api/v1/rules", rules.rules),
    Route("/api/v1/model", model.model),
    Route("/api/v1/decisions", feeds.decisions),
    Route("/api/v1/quarantine", feeds.quarantine),
    Route("/api/v1/switches", feeds.switches),
    Route(WEBHOOKS, webhooks.webhooks),
    Route(f"{WEBHOOKS}/deliveries", webhooks.deliveries),
    Route(f"{WEBHOOKS}/{{name}}/resend", webhooks.resend, methods=["POST"]),
    Route("/api/v1/openapi.json", status.openapi),
    Route("/metrics", status.metrics),
    Route("/-/healthy", status.healthy),
    Route("/-/ready", status.ready),
    Route("/-/reload", reload.reload, methods=["POST"]),
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
    prepare()
    sessions = Sessions()
    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(Pieces, give_way=desk.give_way),
            Middleware(Boundary),
            Middleware(SecurityHeaders),
            Middleware(Gate, tokens=tokens, sessions=sessions),
            Middleware(RawPath),
        ],
        exception_handlers={
            ApiError: as_page(on_api_error),
            HTTPException: as_page(on_http_exception),
            NotReadyError: as_page(on_not_ready),
            StoreError: as_page(on_not_ready),
        },
    )
    # A trailing slash is part of the path: `/api/v1/accounts/` is the account with an empty id, which cannot be.
    app.router.redirect_slashes = False
    app.state.desk = desk
    app.state.sessions = sessions
    app.state.tokens = tokens
    return app
