"""The operator's hand: what reaches the desk, what is refused, and what each outcome is answered with."""

from __future__ import annotations

import json

import httpx
import pytest

from guard.core.records import Allow, Block, IntentResult, Release, Scope
from tests.http.desk import NOW_MS, PaperDesk, PaperStore

A1001 = "/api/v1/accounts/A1001"
WHO = {"by": "ana", "reason": "called in"}
UNTIL = "2026-11-22T03:12:45.120Z"


async def test_a_block_reaches_the_desk_and_is_answered_with_the_account(
    desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{A1001}/block", json=WHO)
    assert (answer.status_code, answer.json()["account"]) == (200, "A1001")
    assert desk.submitted == [Block(account="A1001", by="ana", reason="called in")]


async def test_a_block_may_have_a_scope_and_an_end(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    await api.post(f"{A1001}/block", json={**WHO, "scope": "premium", "until": UNTIL})
    expected = Block(account="A1001", by="ana", reason="called in", scope=Scope.PREMIUM, until_ms=NOW_MS)
    assert desk.submitted == [expected]


async def test_a_release_may_have_an_end(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    await api.post(f"{A1001}/release", json=WHO)
    await api.post(f"{A1001}/release", json={**WHO, "until": 1_795_317_165.12, "scope": "all"})
    assert desk.submitted == [
        Release(account="A1001", by="ana", reason="called in"),
        Release(account="A1001", by="ana", reason="called in", until_ms=NOW_MS),
    ]


@pytest.mark.parametrize("until", [UNTIL, "2026-11-21T22:12:45.120-05:00", 1_795_317_165.12, "1795317165.120"])
async def test_allow_takes_any_time_of_the_contract(until: object, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{A1001}/allow", json={**WHO, "until": until})
    assert answer.status_code == 200, answer.text
    assert desk.submitted == [Allow(account="A1001", by="ana", reason="called in", until_ms=NOW_MS)]


@pytest.mark.parametrize(
    ("action", "body", "fields"),
    [
        ("block", {}, ["by", "reason"]),
        ("block", {"by": None, "reason": " "}, ["by", "reason"]),
        ("block", {"by": 7, "reason": ["x"]}, ["by", "reason"]),
        ("block", {"by": "a" * 129, "reason": "r" * 257}, ["by", "reason"]),
        ("block", {"by": "a\nb", "reason": "a\u0000b"}, ["by", "reason"]),
        ("block", {**WHO, "reason": "\ud800"}, ["reason"]),
        ("block", {**WHO, "scope": "moon"}, ["scope"]),
        ("block", {**WHO, "scope": ["all"]}, ["scope"]),
        ("block", {**WHO, "until": "tomorrow"}, ["until"]),
        ("block", {**WHO, "until": "2026-11-22T03:12:45"}, ["until"]),
        ("block", {**WHO, "until": True}, ["until"]),
        ("block", {**WHO, "until": {}}, ["until"]),
        ("block", {**WHO, "until": -1}, ["until"]),
        ("block", {**WHO, "until": 10**30}, ["until"]),
        ("block", {**WHO, "untill": UNTIL}, ["untill"]),
        ("release", {**WHO, "scope": "premium"}, ["scope"]),
        ("allow", WHO, ["until"]),
        ("allow", {**WHO, "until": None}, ["until"]),
        ("allow", {}, ["by", "reason", "until"]),
    ],
)
async def test_wrong_fields_are_named_all_at_once(
    action: str, body: dict[str, object], fields: list[str], desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    # In ASCII, because half of a surrogate pair can be written in JSON and nowhere else.
    answer = await api.post(f"{A1001}/{action}", content=json.dumps(body))
    problem = answer.json()
    assert (answer.status_code, [error["field"] for error in problem["errors"]]) == (422, fields)
    assert all(problem["detail"].count(field) for field in fields)
    assert desk.submitted == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is not JSON"),
        (b"by=ana", "the body is not JSON"),
        (b"[]", "must be an object"),
        (b'"text"', "must be an object"),
        (b'{"by":"ana","by":"bob"}', "a key occurs twice in the object"),
        (b"\xff", "the body is not UTF-8"),
        (b"[" * 60_000, "the body is nested too deeply"),
        (b'{"by":NaN}', "the body is not JSON"),
    ],
)
async def test_a_body_that_is_no_object_is_400(body: bytes, detail: str, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{A1001}/block", content=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(
    ("result", "status", "said"),
    [
        (IntentResult.UNKNOWN_ACCOUNT, 404, "no such account"),
        (IntentResult.AT_LIMIT, 409, "credit limit"),
        (IntentResult.CLOSED, 409, "closed"),
        (IntentResult.UNTIL_PAST, 422, "until: must lie in the future"),
    ],
)
async def test_each_outcome_has_its_answer(
    result: IntentResult, status: int, said: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.result = result
    answer = await api.post(f"{A1001}/release", json=WHO)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


async def test_every_outcome_is_answered(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    for result in IntentResult:
        desk.result = result
        answer = await api.post(f"{A1001}/release", json=WHO)
        assert answer.status_code in {200, 404, 409, 422}


async def test_a_daemon_that_cannot_take_it_is_503(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.not_ready = "the store did not confirm in time"
    answer = await api.post(f"{A1001}/block", json=WHO)
    assert (answer.status_code, answer.json()["detail"]) == (503, "the store did not confirm in time")
    assert answer.headers["retry-after"] == "1"


async def test_a_body_has_a_limit(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """Whether it says how long it is or not."""

    async def endless() -> object:
        for _ in range(65):
            yield b" " * 1024

    too_long = b'{"by":"ana","reason":"' + b"x" * 65_536 + b'"}'
    for content in (too_long, endless()):
        answer = await api.post(f"{A1001}/block", content=content)  # type: ignore[arg-type]
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
    assert desk.submitted == []


async def test_an_action_needs_no_decisions_in_the_store(store: PaperStore, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{A1001}/block", json=WHO)
    assert answer.json()["decisions"] == []
    assert store.asked == [("last_decisions", "A1001")]
