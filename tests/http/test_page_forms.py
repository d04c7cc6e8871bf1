"""The buttons of the page: each is the API's intent, refused with what was typed, and pressed by nobody else."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from guard.core.money import Micros
from guard.core.records import Allow, Approve, Block, CloseFuse, Forget, IntentResult, Reject, Release, Scope, SetLimit
from guard.core.views import AccountState
from tests.http.desk import BLOCKED, VIEW, PaperDesk, held_block

PAGE = "/accounts/A1001"
NOON_IN_TORONTO_MS = 1_795_366_800_000
"""2026-11-22T12:00 where the account is."""


async def secret(api: httpx.AsyncClient, path: str = PAGE) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await api.get(path)).text)
    assert found
    return found.group(1)


async def press(api: httpx.AsyncClient, path: str, **fields: str | list[str]) -> httpx.Response:
    form = {"csrf": await secret(api), "by": "ana", "reason": "called him", **fields}
    return await api.post(path, data=form)


@pytest.mark.parametrize(
    ("button", "fields", "intent"),
    [
        ("block", {"scope": "premium"}, Block(account="A1001", by="ana", reason="called him", scope=Scope.PREMIUM)),
        ("release", {}, Release(account="A1001", by="ana", reason="called him", until_ms=None)),
        (
            "allow",
            {"until": "2026-11-22T12:00"},
            Allow(account="A1001", by="ana", reason="called him", until_ms=NOON_IN_TORONTO_MS),
        ),
        (
            "limit",
            {"kind": "amount", "limit": "800.00"},
            SetLimit(account="A1001", by="ana", reason="called him", limit_micros=Micros(800_000_000)),
        ),
        ("limit", {"kind": "none"}, SetLimit(account="A1001", by="ana", reason="called him", limit_micros=None)),
        (
            "limit",
            {"kind": "suggested"},
            SetLimit(account="A1001", by="ana", reason="called him", limit_micros=None, suggested=True),
        ),
    ],
)
async def test_a_button_is_an_intent_and_leads_back(
    button: str, fields: dict[str, str], intent: object, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await press(api, f"{PAGE}/{button}", **fields)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done={button}")
    assert desk.submitted == [intent]
    assert 'role="status"' in (await api.get(answer.headers["location"])).text


async def test_a_form_that_cannot_be_taken_comes_back_as_it_was_typed(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await press(api, f"{PAGE}/limit", kind="amount", limit="8,00", reason="he <promised>")

    assert answer.status_code == 422
    assert desk.submitted == []
    assert 'value="8,00"' in answer.text
    assert 'value="he &lt;promised&gt;"' in answer.text
    assert re.search(r'role="alert"><p>limit ', answer.text)


@pytest.mark.parametrize("missing", ["by", "reason"])
async def test_who_and_why_are_asked_for(missing: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await press(api, f"{PAGE}/block", **{missing: " "})

    assert answer.status_code == 422
    assert f"<p>{missing} is required.</p>" in answer.text
    assert desk.submitted == []


async def test_an_allowance_needs_its_end(api: httpx.AsyncClient) -> None:
    assert "<p>until is required.</p>" in (await press(api, f"{PAGE}/allow")).text


async def test_what_the_engine_refuses_is_said_beside_the_form(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(BLOCKED)
    desk.result = IntentResult.AT_LIMIT
    answer = await press(api, "/accounts/A1002/release")

    assert answer.status_code == 409
    assert "still at its credit limit" in answer.text
    assert '<details class="act" open>' in answer.text


@pytest.mark.parametrize("path", [f"{PAGE}/block", f"{PAGE}/release", "/held", "/fuse/close"])
@pytest.mark.parametrize("shown", [None, "", "something else", "é"])
async def test_a_form_of_another_page_is_refused(
    path: str, shown: str | None, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    form = {"by": "ana", "reason": "x"} | ({} if shown is None else {"csrf": shown})
    answer = await api.post(path, data=form)

    assert answer.status_code == 403
    assert desk.submitted == []


async def test_another_sites_form_is_refused_although_it_knows_the_secret(
    desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    form = {"csrf": await secret(api), "by": "ana", "reason": "x"}
    answer = await api.post(f"{PAGE}/block", data=form, headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403
    assert desk.submitted == []


@pytest.mark.parametrize("body", [b"\xff=1", b"&&&", b"a" * 70_000, b"&".join(b"a%d=1" % i for i in range(50))])
async def test_a_body_that_is_no_form_is_refused(body: bytes, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.post(f"{PAGE}/block", content=body, headers=headers)

    assert answer.status_code in {400, 403, 413}
    assert desk.submitted == []


@pytest.mark.parametrize(("verdict", "kind"), [("approve", Approve), ("reject", Reject)])
async def test_held_blocks_are_judged_together(
    verdict: str, kind: type[Approve | Reject], desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    """Those that are picked, with one name and one reason."""
    first, second, third = held_block(1), held_block(2), held_block(3)
    desk.held_blocks, desk.open = [first, second, third], True
    answer = await press(api, "/held", verdict=verdict, pick=[first.id, third.id])

    assert (answer.status_code, answer.headers["location"]) == (303, f"/held?done={verdict}")
    assert desk.submitted == [
        kind(account=each.account, held=each.id, by="ana", reason="called him") for each in (first, third)
    ]


async def test_all_that_are_shown_can_be_picked_at_once(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.held_blocks, desk.open = [held_block(n) for n in range(110)], True
    page = (await api.get("/held?all=1")).text
    assert page.count(" checked>") == 100
    assert "The first 100 of 110." in page
    assert " checked>" not in (await api.get("/held")).text
    picked = [each.id for each in desk.held_blocks[:100]]
    assert (await press(api, "/held", verdict="approve", pick=picked)).status_code == 303
    assert len(desk.submitted) == 100


async def test_the_fuse_is_closed_by_hand(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.open = True
    assert (await press(api, "/fuse/close")).status_code == 303
    assert desk.submitted == [CloseFuse(by="ana", reason="called him")]


async def test_a_verdict_without_a_reason_comes_back_with_what_was_picked(
    desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    held, other = held_block(1), held_block(2)
    desk.held_blocks, desk.open = [held, other], True
    answer = await press(api, "/held", verdict="reject", by="ana <b>", reason="", pick=[held.id])

    assert (answer.status_code, desk.submitted) == (422, [])
    assert answer.text.count("<p>reason is required.</p>") == 1
    assert answer.text.count('value="ana &lt;b&gt;"') == 1
    assert re.findall(r'value="([^"]+)" aria-label="[^"]+" checked', answer.text) == [held.id]


async def test_a_verdict_needs_something_that_it_is_about(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.held_blocks = [held_block(1)]
    answer = await press(api, "/held", verdict="reject")
    assert (answer.status_code, desk.submitted) == (422, [])
    assert "<p>pick at least one.</p>" in answer.text


async def test_a_verdict_on_what_somebody_else_has_judged_is_404(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    assert (await press(api, "/held", verdict="reject", pick=[held_block(1).id])).status_code == 404
    desk.held_blocks, desk.result = [held_block(1)], IntentResult.UNKNOWN_HELD
    assert (await press(api, "/held", verdict="reject", pick=[held_block(1).id])).status_code == 404


async def test_the_fuse_is_not_closed_without_a_reason(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.open = True
    answer = await press(api, "/fuse/close", reason="")
    assert (answer.status_code, desk.submitted) == (422, [])
    assert "<p>reason is required.</p>" in answer.text


async def test_a_closed_account_is_forgotten_by_a_button(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    assert "Forget for good" not in (await api.get(PAGE)).text, "nobody is forgotten who is a customer"
    desk.know(replace(VIEW, state=AccountState.CLOSED))
    assert "Forget for good" in (await api.get(PAGE)).text
    answer = await press(api, f"{PAGE}/forget", confirm="A1001")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=forget")
    assert desk.submitted == [Forget(account="A1001", by="ana", reason="called him")]


@pytest.mark.parametrize("written", ["", "a1001", "A1002"])
async def test_nobody_is_forgotten_by_mistake(written: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """The id must be written once more."""
    desk.know(replace(VIEW, state=AccountState.CLOSED))
    answer = await press(api, f"{PAGE}/forget", confirm=written)
    assert (answer.status_code, desk.submitted) == (422, [])
    assert 'role="alert"><p>confirm ' in answer.text


async def test_an_error_is_a_page_for_a_browser_and_a_problem_for_a_program(api: httpx.AsyncClient) -> None:
    browser = await api.get("/accounts/nobody", headers={"Accept": "text/html,*/*;q=0.8"})
    program = await api.get("/accounts/nobody")

    assert browser.status_code == program.status_code == 404
    assert "no such account" in browser.text
    assert browser.headers["content-type"].startswith("text/html")
    assert program.headers["content-type"] == "application/problem+json"
