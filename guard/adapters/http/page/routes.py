"""Where each page is: the one list of what a browser can ask for; programs have `/api/v1`."""

from __future__ import annotations

from starlette.routing import Route

from guard.adapters.http.page import acting, entering, looking, model, tending
from guard.adapters.http.page.render import asset

ACCOUNT = "/accounts/{id}"
POST = ["POST"]

ROUTES = (
    Route("/", looking.overview),
    Route("/accounts", looking.accounts),
    Route(ACCOUNT, looking.account),
    Route(f"{ACCOUNT}/statement", looking.statement),
    Route(f"{ACCOUNT}/history", tending.account_history),
    Route(f"{ACCOUNT}/block", acting.block, methods=POST),
    Route(f"{ACCOUNT}/release", acting.release, methods=POST),
    Route(f"{ACCOUNT}/allow", acting.allow, methods=POST),
    Route(f"{ACCOUNT}/limit", acting.limit, methods=POST),
    Route(f"{ACCOUNT}/forget", acting.forget, methods=POST),
    Route("/held", looking.held),
    Route("/held", acting.judge, methods=POST),
    Route("/fuse/close", acting.close_fuse, methods=POST),
    Route("/rules", looking.rules),
    Route("/model", model.model),
    Route("/decisions", looking.decisions),
    Route("/switches", looking.switches),
    Route("/history", tending.history),
    Route("/reload", tending.reload, methods=POST),
    Route("/webhooks", tending.webhooks),
    Route("/webhooks/{name}/resend", tending.resend, methods=POST),
    Route("/login", entering.login),
    Route("/login", entering.enter, methods=POST),
    Route("/logout", entering.leave, methods=POST),
    Route("/static/{digest}/{name}", asset),
)
