"""Every error is a problem document (RFC 9457), and none tells what is inside."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from guard.core.views import AccountView
from guard.ports.archive import TooLongError
from tests.http.conftest import LOCAL
from tests.http.desk import PaperDesk, PaperStore, line

A1001 = "/api/v1/accounts/A1001"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1", 404),
        ("GET", f"{A1001}/nothing", 404),
        ("GET", "/api/v1/accounts/nobody", 404),
        ("GET", f"{A1001}/block", 405),
        ("POST", A1001, 405),
        ("DELETE", "/api/v1/accounts", 405),
        ("PUT", "/metrics", 405),
        ("GET", "/api/v1/accounts?limit=x", 422),
    ],
)
async def test_errors_are_problems(method: str, path: str, status: int, api: httpx.AsyncClient) -> None:
    answer = await api.request(method, path)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert (answer.status_code, problem["status"], problem["type"]) == (status, status, "about:blank")


async def test_405_says_what_is_possible(api: httpx.AsyncClient) -> None:
    assert (await api.get(f"{A1001}/block")).headers["allow"] == "POST"


async def test_what_nobody_expected_is_logged_and_told_as_a_bare_500(
    desk: PaperDesk, api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    desk.explodes = True
    for path in (A1001, "/accounts/A1001"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (500, "guard failed at this; its log says more")
        assert "4111" not in answer.text
    assert [record.message for record in caplog.records] == ["a request failed"] * 2


async def test_a_search_that_was_given_up_names_accounts_to_whoever_asked_and_not_to_the_log(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def given_up(_desk: PaperDesk, **_asked: object) -> list[AccountView]:
        raise TooLongError("it took longer than 5 s; ids that begin like this: A1001")

    monkeypatch.setattr(PaperDesk, "accounts", given_up)
    answer = await api.get("/api/v1/accounts?q=A10")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "it took longer than 5 s; ids that begin like this: A1001"
    assert [record.message for record in caplog.records] == ["a search was given up"]


async def test_half_an_answer_is_cut_off(store: PaperStore, app: Starlette, caplog: pytest.LogCaptureFixture) -> None:
    """A ledger whose store fails midway ends without its end, so that nobody takes it for whole."""
    store.lines = [line(number) for number in range(1, 10)]
    store.fails_after_chunks = 2
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as client:
        with pytest.raises(RuntimeError):
            await client.get(f"{A1001}/ledger")
    assert "a request failed" in caplog.text
    assert store.chunks_closed == 1
