"""Accounts over HTTP: any id there can be, lists in pages, and the ledger as a stream."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.core.records import Block
from guard.core.views import AccountState
from tests.http.desk import BLOCKED, NOW_MS, VIEW, PaperDesk, PaperStore, decision, line

ODD_IDS = (
    "a/b",
    "/",
    "//",
    "a/ledger",
    "block",
    "100%",
    "%2F",
    "%252F",
    "+1 647 555",
    'say "hi"',
    "<script>",
    "a#b?c&d=e",
    "münchen-東京-🦀",
    "a;b:c@d,e",
    "...",
    "\\",
    "'; drop table accounts; --",
    "x" * 128,
    "🦀" * 128,
)


@pytest.mark.parametrize("account", ODD_IDS)
async def test_an_id_may_hold_any_character(account: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(replace(VIEW, account=account))
    path = f"/api/v1/accounts/{quote(account, safe='')}"
    assert (await api.get(path)).json()["account"] == account
    assert (await api.get(f"{path}/ledger")).json()["account"] == account
    acted = await api.post(f"{path}/block", json={"by": "ana", "reason": "test"})
    assert acted.status_code == 200
    assert desk.submitted[-1:] == [Block(account=account, by="ana", reason="test")]
    page = await api.get(f"/accounts/{quote(account, safe='')}")
    assert page.status_code == 200


@given(account=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_id_of_the_contract_finds_its_account(
    account: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    desk.know(replace(VIEW, account=account))
    # A client resolves dots as steps in a tree, so whoever asks for such an id encodes them.
    encoded = quote(account, safe="").replace(".", "%2E")
    assert (await api.get(f"/api/v1/accounts/{encoded}")).json()["account"] == account


@pytest.mark.parametrize("segment", ["nobody", "%FF", "%00", "a%0Ab", "x" * 129, "%C2%85", "%ED%A0%80"])
async def test_what_is_no_account_is_404(segment: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"/api/v1/accounts/{segment}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "no such account")


async def test_an_empty_id_is_no_path(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/accounts/")).status_code == 404


async def test_an_account_says_what_the_contract_names(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(BLOCKED)
    account = (await api.get("/api/v1/accounts/A1002")).json()
    named = "account name currency state provisional limit limit_source exposure balance live_calls block"
    assert set(named.split()) | {"allow_until", "decisions"} <= account.keys()
    assert {"owed", "invoiced", "unbilled", "in_flight", "pending_payments"} <= account["balance"].keys()
    assert {"scope", "since", "confirmed", "effective", "text", "causes"} <= account["block"].keys()
    assert {"reason", "rule", "scope", "since", "text"} <= account["block"]["causes"][0].keys()
    assert account["exposure"] == "512.10"


async def test_an_account_shows_its_newest_decisions(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.decided = [decision(number) for number in range(1, 31)]
    shown = (await api.get("/api/v1/accounts/A1001")).json()["decisions"]
    assert [each["id"] for each in shown] == [decision(number).id for number in range(30, 10, -1)]


async def test_lists_come_in_pages(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """`next` begins the following page and is null on the last one, also when that one is full."""
    desk.know(*(replace(VIEW, account=f"B{number}") for number in range(5)))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await api.get("/api/v1/accounts", params={"limit": "2", "after": after})).json()
        seen += [each["account"] for each in page["accounts"]]
        after = page["next"]
    assert seen == ["A1001", "B0", "B1", "B2", "B3", "B4"]


async def test_lists_are_filtered(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(BLOCKED, replace(VIEW, account="C1", name="Bolt & Co", state=AccountState.WARNED))

    async def ids(**query: str) -> list[str]:
        page = (await api.get("/api/v1/accounts", params=query)).json()
        return [each["account"] for each in page["accounts"]]

    assert await ids(state="blocked") == ["A1002"]
    assert await ids(q="Bolt & Co") == ["C1"]
    assert await ids(q="A100", state="active") == ["A1001"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=angry", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=" + "x" * 129, "after"),
        ("stat=blocked", "stat"),
    ],
)
async def test_a_wrong_query_names_the_parameter(query: str, field: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"/api/v1/accounts?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


# -- the ledger


async def test_the_ledger_is_json_unless_asked_otherwise(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.lines = [line(1), line(2, -100_000), line(3, 0)]
    answer = await api.get("/api/v1/accounts/A1001/ledger")
    ledger = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"
    assert (ledger["account"], ledger["currency"], ledger["sum"]) == ("A1001", "CAD", "0.25")
    assert [each["amount"] for each in ledger["lines"]] == ["0.35", "-0.10", "0.00"]


async def test_an_empty_ledger_is_whole_json(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/accounts/A1001/ledger")).json()["lines"] == []


async def test_the_ledger_as_csv_cannot_be_a_formula(store: PaperStore, api: httpx.AsyncClient) -> None:
    """A called number was chosen by whoever called it."""
    store.lines = [line(1, to='=HYPERLINK("http://evil")'), line(2, -100_000, to="@SUM(A1)"), line(3, to="+1647")]
    answer = await api.get("/api/v1/accounts/A1001/ledger", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["to"] for row in rows] == ['\'=HYPERLINK("http://evil")', "'@SUM(A1)", "'+1647"]
    assert [row["amount"] for row in rows] == ["0.35", "-0.10", "0.35"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("text/*", "text/csv"),
        ("*/*", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=much", "application/json"),
        ("image/png", "application/json"),
        ("", "application/json"),
    ],
)
async def test_the_form_is_negotiated(accept: str, kind: str, api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/accounts/A1001/ledger", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("begin", "begin_ms"),
    [
        ("2026-11-22T03:12:45.120Z", NOW_MS),
        ("2026-11-21T22:12:45.120-05:00", NOW_MS),
        ("2026-11-22T08:12:45.120+05:00", NOW_MS),
        ("1795317165", NOW_MS - 120),
        ("2026-11-22-05:00", 1_795_323_600_000),
        ("2026-11-22", 1_795_323_600_000),
    ],
)
async def test_a_time_may_be_a_date_where_the_account_is(
    begin: str, begin_ms: int, store: PaperStore, api: httpx.AsyncClient
) -> None:
    """Also with the plus of an offset written as it is, which arrives as a space."""
    for written in (begin, quote(begin)):
        answer = await api.get(f"/api/v1/accounts/A1001/ledger?from={written}")
        assert answer.status_code == 200, answer.text
        assert store.asked[-1] == ("ledger", ("A1001", begin_ms, None))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-02-30", "from"),
        ("from=0001-01-01", "from"),
        ("to=2026-11-22T03:12:45", "to"),
        ("from=2026-11-22&to=2026-11-21", "to"),
        ("form=2026-11-22", "form"),
    ],
)
async def test_a_wrong_time_names_the_parameter(query: str, field: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"/api/v1/accounts/A1001/ledger?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_the_ledger_of_nobody_is_404(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/accounts/nobody/ledger")).status_code == 404


async def test_a_store_that_does_not_answer_is_503(store: PaperStore, api: httpx.AsyncClient) -> None:
    """Before the first byte: a ledger that ends early must never look whole."""
    store.failure = "the disk is gone"
    for path in ("ledger", ""):
        answer = await api.get(f"/api/v1/accounts/A1001/{path}".rstrip("/"))
        assert (answer.status_code, answer.json()["detail"]) == (503, "the disk is gone")
        assert answer.headers["retry-after"] == "1"


async def test_a_head_of_the_ledger_reads_nothing(store: PaperStore, api: httpx.AsyncClient) -> None:
    answer = await api.head("/api/v1/accounts/A1001/ledger")
    assert (answer.status_code, store.asked) == (200, [])
