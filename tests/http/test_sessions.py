"""Entering the page with a token: who gets in, for how long, and who does not."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from guard.adapters.http.page.sessions import (
    COOKIE,
    FAILURES,
    FAILURES_WITHIN_S,
    IDLE_S,
    LASTS_S,
    MAX_ADDRESSES,
    MAX_SESSIONS,
    Sessions,
)
from guard.adapters.http.tokens import Role, Token, add_token, remove_token
from tests.http.desk import PaperDesk

HTML = {"Accept": "text/html"}


@pytest.fixture
def operate(tokens_path: Path) -> str:
    return add_token(tokens_path, "ana", Role.OPERATE)


@pytest.fixture
def read(tokens_path: Path) -> str:
    return add_token(tokens_path, "board", Role.READ)


async def enter(api: httpx.AsyncClient, token: str, back: str = "/") -> httpx.Response:
    return await api.post("/login", data={"token": token, "next": back})


async def csrf_of(api: httpx.AsyncClient, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await api.get(path)).text)
    assert found
    return found.group(1)


async def test_the_way_in_leads_to_what_was_asked_for(operate: str, api: httpx.AsyncClient) -> None:
    asked = await api.get("/accounts/A1001?done=block", headers=HTML)
    assert asked.status_code == 303
    form = await api.get(asked.headers["location"])
    assert form.status_code == 200
    back = re.search(r'name="next" value="([^"]+)"', form.text)
    assert back

    entered = await enter(api, operate, back.group(1))

    assert (entered.status_code, entered.headers["location"]) == (303, "/accounts/A1001?done=block")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    page = await api.get("/accounts/A1001")
    assert page.status_code == 200
    assert "ana" in page.text
    assert operate not in page.text


async def test_behind_tls_the_cookie_stays_there(operate: str, api: httpx.AsyncClient) -> None:
    answer = await api.post("/login", data={"token": operate}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
async def test_the_login_leads_to_no_other_site(back: str, operate: str, api: httpx.AsyncClient) -> None:
    assert (await enter(api, operate, back)).headers["location"] == "/"


async def test_who_acts_is_the_token_whatever_the_form_says(
    operate: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    await enter(api, operate)
    form = {"csrf": await csrf_of(api, "/accounts/A1001"), "by": "somebody else", "reason": "x"}

    assert (await api.post("/accounts/A1001/block", data=form)).status_code == 303
    assert [getattr(intent, "by", "") for intent in desk.submitted] == ["ana"]


async def test_reading_shows_no_buttons_and_presses_none(read: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    await enter(api, read)
    page = (await api.get("/accounts/A1001")).text
    assert "Block now" not in page
    form = {"csrf": await csrf_of(api, "/"), "reason": "x"}

    assert (await api.post("/accounts/A1001/block", data=form)).status_code == 403
    assert desk.submitted == []
    assert (await api.post("/logout", data=form)).status_code == 303
    assert (await api.get("/")).status_code == 303


async def test_a_session_is_no_key_to_the_api(operate: str, api: httpx.AsyncClient) -> None:
    """Browsers send cookies with what other sites make them ask; the API takes none."""
    await enter(api, operate)
    assert (await api.get("/api/v1/accounts")).status_code == 401
    assert (await api.post("/api/v1/accounts/A1001/block", json={"reason": "x"})).status_code == 401


async def test_a_token_that_is_taken_away_ends_its_sessions(
    operate: str, read: str, tokens_path: Path, api: httpx.AsyncClient
) -> None:
    await enter(api, operate)
    assert (await api.get("/")).status_code == 200
    remove_token(tokens_path, "ana")
    assert (await api.get("/")).status_code == 303


async def test_a_page_that_keeps_itself_up_to_date_is_sent_to_the_login(operate: str, api: httpx.AsyncClient) -> None:
    answer = await api.get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


async def test_guessing_is_slowed_down(operate: str, api: httpx.AsyncClient) -> None:
    for _ in range(FAILURES):
        assert (await enter(api, "guard_wrong")).status_code == 403
    slowed = await enter(api, operate)
    assert slowed.status_code == 429
    assert 0 < int(slowed.headers["retry-after"]) <= FAILURES_WITHIN_S + 1


async def test_another_sites_login_form_is_refused(operate: str, api: httpx.AsyncClient) -> None:
    answer = await api.post("/login", data={"token": operate}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert COOKIE not in api.cookies


# -- the sessions themselves

ANA = Token(name="ana", role=Role.OPERATE, hash="sha256:" + "0" * 64, created="")


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("passes_s", "lasts"), [(IDLE_S - 1, True), (IDLE_S + 1, False)])
def test_an_idle_session_ends(passes_s: float, *, lasts: bool) -> None:
    time = Time()
    sessions = Sessions(time)
    cookie = sessions.open(ANA)
    time.now_s += passes_s
    assert (sessions.find(cookie, {"ana": ANA}.get) is not None) is lasts


def test_a_session_ends_with_its_shift_however_busy_it_is() -> None:
    time = Time()
    sessions = Sessions(time)
    cookie = sessions.open(ANA)
    while time.now_s < LASTS_S:
        assert sessions.find(cookie, {"ana": ANA}.get) is not None
        time.now_s += IDLE_S / 2
    time.now_s += 1
    assert sessions.find(cookie, {"ana": ANA}.get) is None


def test_each_session_has_a_secret_of_its_own() -> None:
    sessions = Sessions()
    known = {"ana": ANA}.get
    secrets = {session.csrf for _ in range(3) if (session := sessions.find(sessions.open(ANA), known))}
    assert len(secrets | {sessions.local_csrf}) == 4


def test_sessions_and_addresses_are_bounded() -> None:
    time = Time()
    sessions = Sessions(time)
    first = sessions.open(ANA)
    for _ in range(MAX_SESSIONS):
        sessions.open(ANA)
    assert sessions.find(first, {"ana": ANA}.get) is None
    for number in range(MAX_ADDRESSES + 1):
        for _ in range(FAILURES):
            sessions.failed(f"10.0.{number // 256}.{number % 256}")
    assert sessions.wait_s("10.0.0.0") == 0.0
    assert sessions.wait_s("10.0.0.1") > 0.0
    time.now_s += FAILURES_WITHIN_S
    assert sessions.wait_s("10.0.0.1") == 0.0
