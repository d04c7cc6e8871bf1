"""Who sees whole numbers: the role `operate`, and whoever works on this machine where no token is needed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from guard.adapters.http.tokens import Role, add_token
from guard.core.records import Forget, IntentResult
from tests.http.desk import VIEW, PaperDesk, PaperStore, line

CALLED, CALLER = "+25377123456", "+16475550100"
ACCOUNT = f"/api/v1/accounts/{VIEW.account}"


@pytest.fixture
def show(tokens_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The header of a token with the role that the test names; none when it names none."""
    role: Role | None = request.param
    return {} if role is None else {"Authorization": f"Bearer {add_token(tokens_path, 'bob', role)}"}


@pytest.mark.parametrize("show", [Role.OPERATE, None], indirect=True)
async def test_an_operator_sees_whole_numbers(show: dict[str, str], api: httpx.AsyncClient, store: PaperStore) -> None:
    store.lines = [line(1)]
    (call,) = (await api.get(ACCOUNT, headers=show)).json()["live_calls"]
    assert (call["to"], call["from"]) == (CALLED, CALLER)
    assert CALLED in (await api.get(f"/accounts/{VIEW.account}", headers=show)).text.replace("&#43;", "+")
    assert (await api.get(f"{ACCOUNT}/ledger", headers=show)).json()["lines"][0]["to"] == CALLED


@pytest.mark.parametrize("show", [Role.READ], indirect=True)
async def test_a_reader_sees_how_they_begin(show: dict[str, str], api: httpx.AsyncClient, store: PaperStore) -> None:
    """On the account, on its page, and in its ledger as JSON and as CSV; the money is the same."""
    store.lines = [line(1)]
    whole = (await api.get(ACCOUNT, headers=show)).json()
    (call,) = whole["live_calls"]
    assert (call["to"], call["from"]) == ("+25377***", "+16475***")
    assert call["value"] == "2.135"
    page = (await api.get(f"/accounts/{VIEW.account}", headers=show)).text
    assert "25377***" in page
    assert CALLED[1:] not in page
    ledger = (await api.get(f"{ACCOUNT}/ledger", headers=show)).json()
    assert (ledger["lines"][0]["to"], ledger["sum"]) == ("+25377***", ledger["lines"][0]["amount"])
    sheet = (await api.get(f"{ACCOUNT}/ledger", headers={**show, "Accept": "text/csv"})).text
    assert "'+25377***" in sheet
    assert CALLED[1:] not in sheet


async def test_an_account_is_forgotten_with_a_name_and_a_reason(api: httpx.AsyncClient, desk: PaperDesk) -> None:
    answer = await api.post(f"{ACCOUNT}/forget", json={"by": "ana", "reason": "asked for it"})
    assert (answer.status_code, answer.json()["account"]) == (200, VIEW.account)
    assert desk.submitted == [Forget(account=VIEW.account, by="ana", reason="asked for it")]
    refused = await api.post(f"{ACCOUNT}/forget", json={"by": "ana"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")


@pytest.mark.parametrize(
    ("result", "said"),
    [(IntentResult.NOT_CLOSED, "the account is not closed"), (IntentResult.CALLS_UP, "the account has calls up")],
)
async def test_one_that_is_not_closed_or_has_calls_is_a_conflict(
    api: httpx.AsyncClient, desk: PaperDesk, result: IntentResult, said: str
) -> None:
    desk.result = result
    answer = await api.post(f"{ACCOUNT}/forget", json={"by": "ana", "reason": "x"})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(said)


@pytest.mark.parametrize("show", [Role.READ], indirect=True)
async def test_a_reader_forgets_nobody(show: dict[str, str], api: httpx.AsyncClient, desk: PaperDesk) -> None:
    answer = await api.post(f"{ACCOUNT}/forget", json={"reason": "x"}, headers=show)
    assert (answer.status_code, desk.submitted) == (403, [])
