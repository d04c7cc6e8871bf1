"""Who may ask: this machine alone while there are no tokens, whoever shows one when there are."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from guard.adapters.http.app import create_app
from guard.adapters.http.gate import is_loopback
from guard.adapters.http.tokens import Role, TokenFile, add_token, remove_token
from guard.config.sections import Listen
from guard.core.records import Block
from tests.http.desk import PaperDesk

A1001 = "/api/v1/accounts/A1001"
WHO = {"by": "ana", "reason": "called in"}
HOST = "127.0.0.1:8080"
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - nothing listens there in these tests
PAGES = ("/", "/accounts/A1001", "/nothing")
EVERYWHERE = (*PAGES, A1001, "/metrics", "/-/healthy", "/-/ready", "/api/v1/openapi.json")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- without tokens


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.0.0.1"])
async def test_this_machine_may_ask_by_any_of_its_names(host: str, api: httpx.AsyncClient) -> None:
    assert (await api.get(A1001, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "192.168.1.5:8080",
        "0.0.0.0:8080",
        "127.0.0.1:8080:1",
        "",
    ],
)
async def test_a_foreign_host_is_refused(host: str, api: httpx.AsyncClient) -> None:
    """A name that somebody else's DNS points to this machine."""
    for path in EVERYWHERE:
        answer = await api.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert "Host" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-anything",
        "X-Real-IP",
        "Via",
    ],
)
async def test_a_forwarded_request_is_refused(header: str, api: httpx.AsyncClient) -> None:
    """A proxy on this machine would open guard to the world."""
    for path in EVERYWHERE:
        answer = await api.get(path, headers={header: "127.0.0.1"})
        assert answer.status_code == 403
        assert header.lower() in answer.json()["detail"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8080", "http://localhost:8080", ""],
)
async def test_a_foreign_origin_is_refused(origin: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """A page of somebody else in a browser on this machine."""
    answer = await api.post(f"{A1001}/block", json=WHO, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "Origin" in answer.json()["detail"]
    assert desk.submitted == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_another_sites_page_fetches_is_refused(site: str, api: httpx.AsyncClient) -> None:
    """A picture or a script has no Origin; a link that somebody follows may lead here."""
    for mode in ("no-cors", "cors", "websocket", ""):
        answer = await api.get("/metrics", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})
        assert (answer.status_code, "Sec-Fetch-Site" in answer.text) == (403, True)
    assert (await api.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})).status_code == 200
    for own in ("none", "same-origin"):
        assert (await api.get("/metrics", headers={"Sec-Fetch-Site": own, "Sec-Fetch-Mode": "cors"})).status_code == 200


async def test_our_own_page_may_act(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{A1001}/block", json=WHO, headers={"Origin": f"http://{HOST}", "Host": HOST})
    assert (answer.status_code, len(desk.submitted)) == (200, 1)


async def test_two_hosts_are_no_host(app: Starlette) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"host", b"evil.example")],
    }
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


# -- with tokens


@pytest.fixture
def operate(tokens_path: Path) -> str:
    return add_token(tokens_path, "ana", Role.OPERATE)


@pytest.fixture
def read(tokens_path: Path) -> str:
    return add_token(tokens_path, "board", Role.READ)


async def test_with_tokens_nothing_is_shown_without_one(operate: str, api: httpx.AsyncClient) -> None:
    for path in (*PAGES, A1001, "/metrics", "/api/v1/openapi.json", "/-/reload"):
        for headers in ({}, bearer("guard_wrong"), bearer(operate + "x"), {"Authorization": f"Basic {operate}"}):
            answer = await api.get(path, headers=headers)
            if path in PAGES:
                assert answer.status_code == 303
                assert answer.headers["location"].startswith("/login?next=")
                continue
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="guard"'
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_probes_need_no_token_and_learn_nothing(
    path: str, operate: str, read: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    """A load balancer has none. Why it is not well, only who shows one is told; one that is wrong is told that."""
    assert (await api.get(path)).status_code == 200
    desk.unhealthy = desk.missing = "the broker at 10.0.0.7 does not answer"
    unknown = await api.get(path)
    assert unknown.status_code == 503
    assert "10.0.0.7" not in unknown.text
    assert "10.0.0.7" in (await api.get(path, headers=bearer(read))).json()["detail"]
    assert (await api.get(path, headers=bearer(operate + "x"))).status_code == 401
    assert (await api.post(path)).status_code == 405


async def test_reading_does_not_include_acting(
    operate: str, read: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    for token in (operate, read):
        assert (await api.get(A1001, headers=bearer(token))).status_code == 200
    answer = await api.post(f"{A1001}/block", json=WHO, headers=bearer(read))
    assert (answer.status_code, desk.submitted) == (403, [])
    assert "operate" in answer.json()["detail"]
    assert (await api.post(f"{A1001}/block", json=WHO, headers=bearer(operate))).status_code == 200


@pytest.mark.parametrize("body", [{"reason": "r"}, {"reason": "r", "by": "mallory"}, {"reason": "r", "by": 5}])
async def test_who_acts_is_the_name_of_the_token(
    body: dict[str, object], operate: str, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{A1001}/block", json=body, headers=bearer(operate))
    assert (answer.status_code, desk.submitted) == (200, [Block(account="A1001", by="ana", reason="r")])


async def test_with_a_token_a_proxy_and_any_host_will_do(operate: str, api: httpx.AsyncClient) -> None:
    headers = {**bearer(operate), "Host": "guard.example", "X-Forwarded-For": "10.0.0.1", "Via": "1.1 proxy"}
    assert (await api.get(A1001, headers=headers)).status_code == 200


async def test_the_scheme_is_written_in_any_case(operate: str, api: httpx.AsyncClient) -> None:
    for scheme in ("bearer", "BEARER  "):
        answer = await api.get(A1001, headers={"Authorization": f"{scheme} {operate}"})
        assert answer.status_code == 200


async def test_tokens_come_and_go_while_the_daemon_runs(api: httpx.AsyncClient, tokens_path: Path) -> None:
    """And once there has been one there is no way back to asking without."""
    assert (await api.get(A1001)).status_code == 200
    token = add_token(tokens_path, "ana", Role.OPERATE)
    assert (await api.get(A1001)).status_code == 401
    assert (await api.get(A1001, headers=bearer(token))).status_code == 200
    remove_token(tokens_path, "ana")
    for headers in ({}, bearer(token)):
        assert (await api.get(A1001, headers=headers)).status_code == 401
    tokens_path.unlink()  # noqa: ASYNC240 - a moment, in a test
    assert (await api.get(A1001)).status_code == 401


async def test_a_file_that_becomes_unreadable_changes_nothing(
    operate: str, api: httpx.AsyncClient, tokens_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await api.get(A1001, headers=bearer(operate))).status_code == 200
    tokens_path.write_text("[token")  # noqa: ASYNC240 - a moment, in a test
    assert (await api.get(A1001)).status_code == 401
    assert (await api.get(A1001, headers=bearer(operate))).status_code == 200
    assert "the tokens last read stay good" in caplog.text


@pytest.mark.parametrize("host", [EVERY_INTERFACE, "192.168.1.5", "guard.example", "::"])
async def test_beyond_this_machine_a_token_is_needed_even_if_there_is_none(
    host: str, desk: PaperDesk, tokens_path: Path
) -> None:
    app = create_app(desk, tokens=TokenFile(tokens_path), listen=Listen(host=host))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        assert (await client.get(A1001)).status_code == 401


def test_what_loopback_is() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, (EVERY_INTERFACE, "::", "10.0.0.1", "localhost.example", "")))


# -- always


async def test_browsers_are_told_what_they_must_not_do(api: httpx.AsyncClient) -> None:
    for path in (*EVERYWHERE, f"{A1001}/ledger"):
        headers = (await api.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == ("same-origin" if path in PAGES[:2] else "no-referrer")
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(headers.get_list("content-security-policy")) == 1
        assert "access-control-allow-origin" not in headers
