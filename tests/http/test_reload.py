"""`POST /-/reload`, and what guard is taught and tells of the past of accounts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from guard.adapters.http.schemas_setup import SETUP_SCHEMAS
from guard.core.decisions import Audit
from guard.core.rules.profile import COUNTRY, PREFIX
from guard.core.rules.rows import DayRow
from guard.ports import Mistake, NotReadyError, Reloaded, SetupRefusedError
from tests.http.desk import BLOCKED, NOW_MS, PaperDesk, PaperStore
from tests.http.profiles import known_profile

DAY = {
    "day": "2026-10-02",
    "spend": {"9": "1.20", "23": "0.000001"},
    "countries": ["GB"],
    "prefixes": ["44"],
    "top_rate": "0.35",
    "peak_calls": 3,
}
PAST: dict[str, Any] = {
    "account": "A/1",
    "timezone": "America/Toronto",
    "from": "2026-10-01",
    "until": "2026-10-15",
    "left_out": ["2026-10-09"],
    "days": [DAY],
}


async def test_a_reload_needs_no_body_and_tells_what_it_came_to(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.reloaded = Reloaded(changes=("rules new: night",), needs_restart=("http.listen",), remarks=("odd",))
    answer = await api.post("/-/reload")
    assert (answer.status_code, answer.json()) == (
        200,
        {"changes": ["rules new: night"], "needs_restart": ["http.listen"], "remarks": ["odd"]},
    )
    assert desk.reloads == ["this machine"]


async def test_mistakes_are_told_each_with_its_place(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    mistakes = [Mistake(place="rules/own.toml:3", text="window: wrong"), Mistake(place="tariff.csv", text="is empty")]
    desk.reloaded = SetupRefusedError(mistakes)
    answer = await api.post("/-/reload")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "rules/own.toml:3", "detail": "window: wrong"},
        {"field": "tariff.csv", "detail": "is empty"},
    ]
    assert answer.json()["detail"] == (
        "nothing has changed, because of 2 mistakes in the files:\n"
        "rules/own.toml:3: window: wrong\n"
        "tariff.csv: is empty"
    )


async def test_a_daemon_that_cannot_now_says_so(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.reloaded = NotReadyError("too many requests are waiting")
    assert (await api.post("/-/reload")).status_code == 503
    assert (await api.get("/-/reload")).status_code == 405


async def test_history_is_taken_as_it_is_told(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/profiles", json={"profiles": [PAST]})
    assert answer.json() == {"learned": [{"account": "A/1", "days": 14, "known_days": 0}]}
    (past,) = desk.pasts
    assert (past.account, past.timezone, past.until_day - past.from_day) == ("A/1", "America/Toronto", 14)
    assert past.left_out == {past.from_day + 8}
    assert past.days == (
        DayRow(past.from_day + 1, ((9, 1_200_000), (23, 1)), ((COUNTRY, "GB"), (PREFIX, "44")), 350_000, 3),
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account": ""}, "profiles[0].account"),
        ({"timezone": "Mars/Olympus"}, "profiles[0].timezone"),
        ({"until": "2026-09-30"}, "profiles[0].until"),
        ({"days": [DAY | {"spend": {"24": "1"}}]}, "profiles[0].days[0].spend"),
        ({"days": [DAY | {"spend": {"2": 1}}]}, "profiles[0].days[0].spend"),
        ({"days": [DAY | {"day": "2026-10-15"}]}, "profiles[0].days"),
        ({"days": [DAY, DAY]}, "profiles[0].days"),
        ({"days": None}, "profiles[0].days"),
        ({"days": [DAY | {"countries": "GB"}]}, "profiles[0].days[0].countries"),
        ({"left_out": ["yesterday"]}, "profiles[0].left_out[0]"),
    ],
)
async def test_what_is_wrong_in_it_is_named(
    desk: PaperDesk, api: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    answer = await api.post("/api/v1/profiles", json={"profiles": [PAST | change]})
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])
    assert desk.pasts == []


async def test_too_many_and_unknown_fields_are_refused(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    empty = PAST | {"days": []}
    assert (await api.post("/api/v1/profiles", json={"profiles": [empty] * 51})).status_code == 422
    assert (await api.post("/api/v1/profiles", json={"profiles": [], "more": 1})).status_code == 422
    assert desk.pasts == []


async def test_a_profile_is_shown_as_described(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(BLOCKED)
    assert (await api.get(f"/api/v1/accounts/{BLOCKED.account}/profile")).status_code == 404
    desk.profiles[BLOCKED.account] = known_profile()
    shown = (await api.get(f"/api/v1/accounts/{BLOCKED.account}/profile")).json()
    described: Any = SETUP_SCHEMAS["Profile"]
    assert set(shown) == set(described["required"])
    assert (shown["known_days"], shown["mature"]) == (21, True)
    assert shown["history"] == [{"from": "2026-05-12", "until": "2026-06-01"}]
    # Mondays at nine: 0.50 each time.
    assert [index for index, spend in enumerate(shown["usual_spend"]) if spend != "0.00"] == [9]
    assert shown["usual_spend"][9] == "0.50"
    # 0.20 a minute, faded for six days.
    assert (shown["countries"], shown["prefixes"], shown["top_rate"]) == (["GB"], ["44"], "0.165313")


async def test_doings_that_concern_no_account_are_told(store: PaperStore, api: httpx.AsyncClient) -> None:
    store.audits = [Audit("", NOW_MS, "SIGHUP", "reload", "rules new: night")]
    told = (await api.get("/api/v1/history")).json()
    assert [(each["by"], each["what"], each["reason"]) for each in told["history"]] == [
        ("SIGHUP", "reload", "rules new: night")
    ]
