"""Held blocks and rules over HTTP: listed, approved, rejected; each rule with its marks and hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from guard.adapters.http.tokens import Role, add_token
from guard.core.records import Approve, CloseFuse, IntentResult, Reject
from guard.core.rules.rule import Measure, RuleMode
from tests.http.desk import RULE, VIEW, PaperDesk, held_block

HELD = "/api/v1/held"
WHO = {"by": "ana", "reason": "spoke to them"}


async def test_a_held_block_says_whose_why_and_since_when(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.held_blocks, desk.open = [held_block(1)], True
    assert (await api.get(HELD)).json() == {
        "fuse_open": True,
        "held": [
            {
                "id": held_block(1).id,
                "account": "A1001",
                "name": "Acme Ltd",
                "reason": "rule",
                "rule": "same-number",
                "scope": "international",
                "since": "2026-11-22T03:12:45.121Z",
                "text": "12 calls in 15 minutes to +25261*** (Somalia) at 3.40 a minute; 10 is the mark.",
            }
        ],
        "next": None,
    }


async def test_held_blocks_come_in_pages_even_if_one_is_judged_between_them(
    desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.held_blocks = [held_block(number) for number in range(1, 6)]
    first = (await api.get(HELD, params={"limit": 2})).json()
    assert first["next"] == held_block(2).id
    desk.held_blocks.remove(held_block(2))
    second = (await api.get(HELD, params={"limit": 2, "after": first["next"]})).json()
    last = (await api.get(HELD, params={"limit": 2, "after": second["next"]})).json()
    ids = [held["id"] for page in (first, second, last) for held in page["held"]]
    assert ids == [held_block(number).id for number in range(1, 6)]
    assert last["next"] is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"after": "a\nb"}, {"rule": "same-number"}])
async def test_a_list_that_cannot_be_asked_for_is_422(query: dict[str, str], api: httpx.AsyncClient) -> None:
    assert (await api.get(HELD, params=query)).status_code == 422


@pytest.mark.parametrize(("verdict", "intent"), [("approve", Approve), ("reject", Reject)])
async def test_a_verdict_reaches_the_desk_and_is_answered_with_the_account(
    verdict: str, intent: type[Approve | Reject], desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.know(replace(VIEW, account="A7"))
    desk.held_blocks = [held_block(1), held_block(2, "A7")]
    held = held_block(2, "A7").id
    answer = await api.post(f"{HELD}/{held}/{verdict}", json=WHO)
    assert (answer.status_code, answer.json()["account"]) == (200, "A7")
    assert desk.submitted == [intent(account="A7", held=held, by="ana", reason="spoke to them")]


@pytest.mark.parametrize("held", ["01JD", "a%2Fb", "%00", held_block(1).id])
async def test_what_is_not_held_is_404(held: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{HELD}/{held}/approve", json=WHO)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "no block with this id is held" in answer.json()["detail"]
    assert desk.submitted == []


async def test_two_operators_at_once_the_second_is_told(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """It was held when the request came, and no longer when its turn did."""
    desk.held_blocks, desk.result = [held_block(1)], IntentResult.UNKNOWN_HELD
    answer = await api.post(f"{HELD}/{held_block(1).id}/reject", json=WHO)
    assert answer.status_code == 404
    assert "no block with this id is held" in answer.json()["detail"]


async def test_closing_the_fuse_reaches_the_desk_and_is_answered_with_where_it_stands(
    desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await api.post("/api/v1/fuse/close", json=WHO)
    assert (answer.status_code, answer.json()) == (200, {"fuse_open": False})
    assert desk.submitted == [CloseFuse(by="ana", reason="spoke to them")]


async def test_closing_the_fuse_takes_a_name_and_a_reason(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/fuse/close", json={"until": "2026-12-05T00:00:00Z"})
    assert answer.status_code == 422
    assert desk.submitted == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["by", "reason"]),
        ({**WHO, "reason": " "}, ["reason"]),
        ({**WHO, "until": "2026-12-05T00:00:00Z"}, ["until"]),
        ({**WHO, "scope": "all"}, ["scope"]),
    ],
)
async def test_a_verdict_has_a_name_and_a_reason_and_nothing_else(
    body: dict[str, object], fields: list[str], desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.held_blocks = [held_block(1)]
    answer = await api.post(f"{HELD}/{held_block(1).id}/approve", json=body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, fields)
    assert desk.submitted == []


async def test_with_tokens_a_verdict_is_in_the_name_of_the_token(
    desk: PaperDesk, api: httpx.AsyncClient, tokens_path: Path
) -> None:
    desk.held_blocks = [held_block(1)]
    path = f"{HELD}/{held_block(1).id}/reject"
    reader, operator = add_token(tokens_path, "eve", Role.READ), add_token(tokens_path, "bob", Role.OPERATE)
    refused = await api.post(path, json=WHO, headers={"Authorization": f"Bearer {reader}"})
    taken = await api.post(path, json=WHO, headers={"Authorization": f"Bearer {operator}"})
    assert (refused.status_code, taken.status_code) == (403, 200)
    assert [intent.by for intent in desk.submitted] == ["bob"]


async def test_rules_are_shown_as_they_are_written_with_their_hits(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    drift = replace(RULE, id="drift", measure=Measure.DRIFT, window_ms=None, warn=None, block=2_500_000)
    desk.known_rules = [RULE, replace(drift, mode=RuleMode.ENFORCE)]
    desk.hits = {("same-number", "shadow"): 3, ("same-number", "enforce"): 1, ("drift", "enforce"): 0}
    first, second = (await api.get("/api/v1/rules")).json()["rules"]
    assert first == {
        "id": "same-number",
        "title": "The same dear number again and again",
        "mode": "shadow",
        "measure": "calls",
        "window": "15m",
        "per": "number",
        "warn": "5",
        "block": "10",
        "scope": "international",
        "hits": {"enforce": 1, "shadow": 3},
    }
    assert (second["window"], second["warn"], second["block"]) == (None, None, "2.50")
    assert second["hits"] == {"enforce": 0, "shadow": 0}
