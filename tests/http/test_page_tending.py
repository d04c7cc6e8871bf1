"""What concerns guard itself: its history, its files read anew, its webhooks and their dead letters."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from guard.core.decisions import Action, Audit, Mode, Reason
from guard.ports import Mistake, Reloaded, SetupRefusedError
from tests.http.desk import MODEL, NOW_MS, PaperDesk, PaperStore, decision, delivery, webhook
from tests.http.test_page_forms import secret


async def test_the_history_of_no_account_in_particular(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.audits = [
        Audit("", NOW_MS, "ana", "close_fuse", "it was <us>", number=102),
        *(Audit("", NOW_MS, "SIGHUP", "reload", f"tariff {number}", number=number) for number in range(101, 0, -1)),
    ]
    page = (await api.get("/history")).text
    assert "<strong>close fuse</strong> by ana: it was &lt;us&gt;" in page
    assert 'href="/history?after=3"' in page
    assert "tariff 2<" not in page
    older = (await api.get("/history?after=3")).text
    assert "tariff 2<" in older
    assert "Older ones" not in older


async def test_the_whole_history_of_an_account(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.audits = [Audit("A1001", NOW_MS, "ana", "limit", f"no {n}", number=n) for n in range(11, 0, -1)]
    page = (await api.get("/accounts/A1001")).text
    assert 'href="/accounts/A1001/history"' in page
    assert "no 1<" not in page
    assert "no 1<" in (await api.get("/accounts/A1001/history")).text
    assert (await api.get("/accounts/nobody/history")).status_code == 404


async def test_the_files_are_read_anew_by_a_button(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.reloaded = Reloaded(changes=("rules changed: same-number",), needs_restart=("http.listen",), remarks=())
    answer = await api.post("/reload", data={"csrf": await secret(api, "/history")})
    assert answer.status_code == 200
    assert "rules changed: same-number" in answer.text
    assert "needs a restart: http.listen" in answer.text
    assert desk.reloads == ["this machine"]


async def test_files_with_mistakes_change_nothing_and_each_is_named(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.reloaded = SetupRefusedError([Mistake(place="rules/abroad.toml:12", text="block: must be above warn")])
    answer = await api.post("/reload", data={"csrf": await secret(api, "/history")})
    assert answer.status_code == 422
    assert "rules/abroad.toml:12: block: must be above warn" in answer.text


async def test_nobody_elses_page_reloads_or_resends(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook(dead=1)]
    assert (await api.post("/reload", data={"csrf": "guessed"})).status_code == 403
    assert (await api.post("/webhooks/ops/resend", data={"csrf": "guessed"})).status_code == 403
    assert (desk.reloads, desk.webhooks.resent) == ([], [])


async def test_without_webhooks_there_is_no_tab(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    assert 'href="/webhooks"' not in (await api.get("/")).text
    desk.webhooks.known = [webhook()]
    assert 'href="/webhooks"' in (await api.get("/")).text


async def test_dead_letters_say_why_and_are_sent_again(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook(dead=2, failing_since_ms=NOW_MS - 60_000, error="answered 500")]
    desk.webhooks.owed = [delivery(1), delivery(2)]
    page = (await api.get("/webhooks")).text
    assert "answered 500; tried 33 times" in page
    assert "1 min ago</time>: answered 500" in page
    assert '<span class="count">2</span>' in page
    first = delivery(1).owed.event.id
    form = {"csrf": await secret(api, "/webhooks"), "by": "ana", "reason": "mended", "id": first}
    answer = await api.post("/webhooks/ops/resend", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/webhooks?done=resend")
    assert desk.webhooks.resent == [("ops", first, "ana", "mended")]
    await api.post("/webhooks/ops/resend", data=form | {"id": ""})
    assert desk.webhooks.resent[1] == ("ops", None, "ana", "mended")


@pytest.mark.parametrize(("name", "event"), [("nobody", ""), ("ops", "01NOTDEAD")])
async def test_what_is_not_dead_is_not_sent_again(
    name: str, event: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.webhooks.known = [webhook(dead=1)]
    desk.webhooks.owed = [delivery(1)]
    form = {"csrf": await secret(api, "/webhooks"), "by": "ana", "reason": "mended", "id": event}
    assert (await api.post(f"/webhooks/{name}/resend", data=form)).status_code == 404


async def test_what_was_typed_for_a_resend_is_not_lost(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook(dead=2), webhook("pager", dead=1)]
    desk.webhooks.owed = [delivery(1), delivery(2), delivery(3, "pager")]
    chosen = delivery(2).owed.event.id
    form = {"csrf": await secret(api, "/webhooks"), "by": "", "reason": "it was mended", "id": chosen}
    answer = await api.post("/webhooks/ops/resend", data=form)

    assert (answer.status_code, desk.webhooks.resent) == (422, [])
    assert answer.text.count("<p>by is required.</p>") == 1
    assert answer.text.count('value="it was mended"') == 1
    assert f'<option value="{chosen}" selected>' in answer.text


async def test_the_model_is_shown_with_its_figures_and_what_it_found(
    desk: PaperDesk, store: PaperStore, api: httpx.AsyncClient
) -> None:
    desk.model_view = MODEL
    found = replace(decision(1), reason=Reason.ANOMALY, mode=Mode.SHADOW, text="Spent 41.20 in the last hour.")
    store.decided = [found, decision(2)]
    page = (await api.get("/model")).text
    assert "in mode shadow: what it finds is only recorded" in page
    assert "0.31 is its drift: traffic has changed much" in page
    assert "default, d923c8c762e2" in page
    assert "2026-09-01 to 2026-10-06, 500 accounts" in page
    assert "Spent 41.20 in the last hour." in page
    assert "half of the limit" not in page, "what limits decide is no finding"


async def test_a_model_that_was_refused_says_why(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.model_view = replace(MODEL, up=False, trained=None, wrong="models/x/manifest.json: format 1; train it anew")
    page = (await api.get("/model")).text
    assert "is wanted (shadow) and does not run" in page
    assert "Why it does not run: models/x/manifest.json: format 1; train it anew" in page
    desk.model_view = replace(MODEL, wrong="models/x/card.md: is not the file")
    assert "the one before goes on: models/x/card.md" in (await api.get("/model")).text


async def test_of_a_model_that_is_off_only_that_is_said(api: httpx.AsyncClient) -> None:
    page = (await api.get("/model")).text
    assert "The anomaly model is off." in page
    assert "Held to" not in page


async def test_what_the_model_says_of_an_account_stands_on_its_page_until_it_has_cleared(
    store: PaperStore, api: httpx.AsyncClient
) -> None:
    found = replace(decision(1), reason=Reason.ANOMALY, mode=Mode.SHADOW, text="Spent 41.20 in the last hour.")
    store.decided = [found, decision(2)]
    assert "The anomaly model finds it unusual since" in (await api.get("/accounts/A1001")).text
    store.decided.append(replace(decision(3), reason=Reason.ANOMALY, action=Action.CLEARED))
    assert "The anomaly model finds it unusual" not in (await api.get("/accounts/A1001")).text
