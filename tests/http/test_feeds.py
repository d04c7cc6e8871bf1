"""Decisions, quarantine and switches over HTTP."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from guard.ports.records import FROM_THE_END
from guard.shell.records import REMEMBERED, NumberedRecords
from tests.http.desk import QUARANTINED, SWITCH, PaperDesk, PaperStore, decision


async def test_decisions_come_in_pages(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.decided = [decision(number) for number in range(1, 6)]
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await api.get("/api/v1/decisions", params={"limit": "2", "after": after})).json()
        seen += [each["id"] for each in page["decisions"]]
        after = page["next"]
    assert seen == [each.id for each in store.decided]


async def test_decisions_can_be_followed_by_id(store: PaperStore, api: httpx.AsyncClient) -> None:
    """Whoever has come to the end keeps the last id; one shown lately is not searched for."""
    store.decided = [decision(number) for number in range(1, 4)]
    last = (await api.get("/api/v1/decisions")).json()["decisions"][-1]["id"]
    store.decided.append(decision(4))
    store.asked.clear()
    page = (await api.get("/api/v1/decisions", params={"after": last})).json()
    assert [each["id"] for each in page["decisions"]] == [decision(4).id]
    assert store.asked == [("decisions", 3)]


async def test_an_id_from_before_the_restart_is_searched_for(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.decided = [decision(number) for number in range(1, 2_500)]
    page = (await api.get("/api/v1/decisions", params={"after": decision(2_498).id})).json()
    assert [each["id"] for each in page["decisions"]] == [decision(2_499).id]


async def test_what_was_shown_is_remembered_within_bounds() -> None:
    store = PaperStore(decided=[decision(number) for number in range(1, REMEMBERED + 6)])
    records = NumberedRecords(store, lambda: REMEMBERED + 5)
    await records.decisions(account=None, after=FROM_THE_END, limit=REMEMBERED + 5)
    store.decided.clear()
    assert await records.behind(decision(5).id) is None
    assert await records.behind(decision(6).id) == "6"


async def test_decisions_of_one_account(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.decided = [decision(1, "A1"), decision(2, "A/2"), decision(3, "A1")]
    page = (await api.get("/api/v1/decisions", params={"account": "A/2"})).json()
    assert [each["account"] for each in page["decisions"]] == ["A/2"]


@pytest.mark.parametrize("after", ["-1", "1e3", "9" * 19, "01JD0000000000000000000000", "x"])
async def test_a_wrong_position_is_refused(after: str, api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/decisions", params={"after": after})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "after")


async def test_quarantine_comes_in_pages(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.held_back = [(3, QUARANTINED), (9, replace(QUARANTINED, rule="currency", currency="USD"))]
    first = (await api.get("/api/v1/quarantine", params={"limit": "1"})).json()
    assert (first["quarantine"][0]["rule"], first["next"]) == ("too_old", "3")
    second = (await api.get("/api/v1/quarantine", params={"limit": "1", "after": first["next"]})).json()
    assert (second["quarantine"][0]["rule"], second["next"]) == ("currency", None)


async def test_switches_are_shown(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.known_switches.append(replace(SWITCH, name="sw2", up=False))
    switches = (await api.get("/api/v1/switches")).json()["switches"]
    assert [(each["switch"], each["up"]) for each in switches] == [("sw1", True), ("sw2", False)]
