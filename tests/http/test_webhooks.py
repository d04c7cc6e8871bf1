"""Webhooks over HTTP: how it stands with each, what it is owed, dead letters sent again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from guard.adapters.http.tokens import Role, add_token
from tests.http.desk import NOW_MS, PaperDesk, decision, delivery, webhook

WEBHOOKS = "/api/v1/webhooks"
WHO = {"by": "ana", "reason": "their certificate is renewed"}


async def test_each_webhook_says_how_it_stands(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook(pending=2, dead=1, failing_since_ms=NOW_MS, error="answered 500")]
    assert (await api.get(WEBHOOKS)).json() == {
        "webhooks": [
            {
                "webhook": "ops",
                "kind": "generic",
                "events": ["block", "warn"],
                "pending": 2,
                "dead": 1,
                "delivered_at": "2026-11-22T03:12:45.120Z",
                "failing_since": "2026-11-22T03:12:45.120Z",
                "error": "answered 500",
            }
        ]
    }


async def test_a_dead_letter_says_what_it_is_and_what_went_wrong(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.owed = [delivery(1), delivery(2, dead=False)]
    assert (await api.get(f"{WEBHOOKS}/deliveries")).json() == {
        "deliveries": [
            {
                "webhook": "ops",
                "id": decision(1).id,
                "type": "warn",
                "at": "2026-11-22T03:12:45.121Z",
                "account": "A1001",
                "switch": "",
                "text": "Warning: half of the limit is used.",
                "state": "dead",
                "since": "2026-11-22T03:12:45.120Z",
                "attempts": 33,
                "tried_at": "2026-11-22T03:12:45.121Z",
                "due_at": None,
                "error": "answered 500",
            }
        ],
        "next": None,
    }
    [pending] = (await api.get(f"{WEBHOOKS}/deliveries", params={"state": "pending"})).json()["deliveries"]
    assert (pending["id"], pending["state"]) == (decision(2).id, "pending")
    assert pending["due_at"] == "2026-11-22T03:12:45.122Z"


async def test_deliveries_come_in_pages(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.owed = [delivery(number, name) for name in ("chat", "ops") for number in range(1, 4)]
    seen, after = [], None
    while True:
        page = (
            await api.get(f"{WEBHOOKS}/deliveries", params={"limit": 2} | ({"after": after} if after else {}))
        ).json()
        seen += [(each["webhook"], each["id"]) for each in page["deliveries"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [(each.webhook, each.owed.event.id) for each in desk.webhooks.owed]
    only = await api.get(f"{WEBHOOKS}/deliveries", params={"webhook": "chat"})
    assert {each["webhook"] for each in only.json()["deliveries"]} == {"chat"}


@pytest.mark.parametrize("query", [{"state": "gone"}, {"after": "ops"}, {"limit": "0"}, {"of": "ops"}])
async def test_what_cannot_be_asked_for_is_422(query: dict[str, str], api: httpx.AsyncClient) -> None:
    assert (await api.get(f"{WEBHOOKS}/deliveries", params=query)).status_code == 422


async def test_dead_letters_are_sent_again_one_or_all(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook()]
    desk.webhooks.owed = [delivery(1), delivery(2)]
    answer = await api.post(f"{WEBHOOKS}/ops/resend", json=WHO)
    assert answer.json() == {"webhook": "ops", "resent": 2}
    one = decision(2).id
    assert (await api.post(f"{WEBHOOKS}/ops/resend", json={**WHO, "id": one})).json()["resent"] == 1
    assert desk.webhooks.resent == [("ops", None, "ana", WHO["reason"]), ("ops", one, "ana", WHO["reason"])]


async def test_what_is_not_there_is_404(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook()]
    assert (await api.post(f"{WEBHOOKS}/chat/resend", json=WHO)).status_code == 404
    assert (await api.post(f"{WEBHOOKS}/ops/resend", json={**WHO, "id": "01JD"})).status_code == 404


async def test_it_takes_a_name_and_a_reason(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.webhooks.known = [webhook()]
    assert (await api.post(f"{WEBHOOKS}/ops/resend", json={"by": "ana"})).status_code == 422
    assert desk.webhooks.resent == []


async def test_whoever_may_only_look_may_not_resend(desk: PaperDesk, api: httpx.AsyncClient, tokens_path: Path) -> None:
    desk.webhooks.known = [webhook()]
    read, operate = (
        {"Authorization": f"Bearer {add_token(tokens_path, role.value, role)}"} for role in (Role.READ, Role.OPERATE)
    )
    assert (await api.get(WEBHOOKS, headers=read)).status_code == 200
    assert (await api.post(f"{WEBHOOKS}/ops/resend", json=WHO, headers=read)).status_code == 403
    assert (await api.post(f"{WEBHOOKS}/ops/resend", json=WHO, headers=operate)).status_code == 200
    assert desk.webhooks.resent == [("ops", None, "operate", WHO["reason"])]
