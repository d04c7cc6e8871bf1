"""What concerns guard itself and no account: its history, its files, its webhooks and their dead letters."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.adapters.http.accounts import known
from guard.adapters.http.inputs import cursor, paged, query_fields, words
from guard.adapters.http.page.acting import who_and_why
from guard.adapters.http.page.forms import Refusal, check_csrf, form_fields
from guard.adapters.http.page.looking import DONE, SHOWN_ACCOUNTS
from guard.adapters.http.page.render import render
from guard.adapters.http.paths import MAX_ID, account_id
from guard.adapters.http.problems import ApiError, no_such_dead_letter, no_such_webhook
from guard.adapters.http.reload import who
from guard.adapters.http.state import desk_of
from guard.adapters.http.webhooks import MAX_NAME, page_begins
from guard.core.views import AccountView
from guard.ports import Mistake, Reloaded, SetupRefusedError
from guard.ports.records import FROM_THE_END


async def history(request: Request) -> Response:
    """What was done that concerns no single account."""
    return await _history(request)


async def account_history(request: Request) -> Response:
    """All that was done to an account outside of decisions."""
    return await _history(request, await known(request, account_id(request)))


async def reload(request: Request) -> Response:
    """Read the files anew, and say what came of it."""
    check_csrf(request, await form_fields(request))
    try:
        reloaded = await desk_of(request).reload(who(request))
    except SetupRefusedError as refused:
        return await _history(request, mistakes=refused.mistakes, status=422)
    return await _history(request, reloaded=reloaded)


async def _history(
    request: Request,
    view: AccountView | None = None,
    *,
    reloaded: Reloaded | None = None,
    mistakes: tuple[Mistake, ...] = (),
    status: int = 200,
) -> Response:
    fields = query_fields(request)
    before = fields.read("after", cursor, FROM_THE_END)
    done = fields.read("done", words(MAX_ID), "")
    fields.finish()
    account = "" if view is None else view.account
    page = await paged("after", desk_of(request).records.last_audits(account, SHOWN_ACCOUNTS, before=before))
    context = {
        "view": view,
        "audits": page.items,
        "after": page.next or "",
        "reloaded": reloaded,
        "mistakes": mistakes,
        "done": DONE.get(done, ""),
    }
    return await render(request, "history.html", context, status=status)


async def webhooks(request: Request) -> Response:
    """How it stands with each target, and what has been given up."""
    return await _webhooks_page(request)


async def _webhooks_page(request: Request, refusal: Refusal | None = None) -> Response:
    fields = query_fields(request)
    after = fields.read("after", page_begins, ("", ""))
    done = fields.read("done", words(MAX_ID), "")
    fields.finish()
    office = desk_of(request).webhooks
    found = await office.deliveries(webhook=None, dead=True, after=after, limit=SHOWN_ACCOUNTS + 1)
    shown = found[:SHOWN_ACCOUNTS]
    following = f"{shown[-1].webhook}/{shown[-1].owed.event.id}" if len(found) > SHOWN_ACCOUNTS else ""
    context = {"dead": shown, "after": following, "done": DONE.get(done, ""), "refusal": refusal}
    return await render(request, "webhooks.html", context, status=200 if refusal is None else refusal.status)


async def resend(request: Request) -> Response:
    """Send dead letters of a webhook again: one, or the oldest 1,000."""
    form = await form_fields(request)
    check_csrf(request, form)
    fields, by, reason = who_and_why(request, form)
    event = fields.read("id", words(MAX_NAME), None)
    webhook = unquote(request.path_params["name"])
    try:
        fields.finish()
        resent = await desk_of(request).webhooks.resend(webhook, event, by=by, reason=reason)
        if resent == 0:
            raise no_such_dead_letter()
    except ApiError as error:
        return await _webhooks_page(request, Refusal(webhook, form, error))
    if resent is None:
        raise no_such_webhook()
    return RedirectResponse("/webhooks?done=resend", status_code=303)
