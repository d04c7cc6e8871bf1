"""uvicorn on a real port, as a guest in somebody else's loop."""

from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from guard.adapters.http import server as module
from guard.adapters.http.server import AddressError, Listening, serve
from tests.http.desk import PaperStore, line

A1001 = "/api/v1/accounts/A1001"


async def test_a_free_port_is_found_and_told(app: Starlette) -> None:
    async with serve(app, "127.0.0.1", 0) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        assert listening.port > 0
        answer = await client.get(A1001)
        assert (answer.status_code, answer.json()["account"]) == (200, "A1001")
        assert "server" not in answer.headers
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", listening.port)


async def test_ipv6_is_served_too(app: Starlette) -> None:
    try:
        serving = serve(app, "::1", 0)
        async with serving as listening, httpx.AsyncClient(base_url=listening.url) as client:
            assert (await client.get("/-/healthy")).status_code == 200
    except AddressError as error:
        assert "no such address" in str(error)  # noqa: PT017 - a machine without IPv6


async def test_a_path_arrives_as_it_was_sent(app: Starlette) -> None:
    """A slash in an id stays one segment; dots are not steps."""
    async with serve(app, "127.0.0.1", 0) as listening:
        for path, status in ((A1001, 200), ("/api/v1/accounts/A%2F1001", 404), ("/api/v1/accounts/x/../A1001", 404)):
            reader, writer = await asyncio.open_connection("127.0.0.1", listening.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_forwarded_request_is_seen_as_one(app: Starlette) -> None:
    """uvicorn would otherwise believe the header and take it away."""
    async with serve(app, "127.0.0.1", 0) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        assert (await client.get(A1001, headers={"X-Forwarded-For": "10.0.0.1"})).status_code == 403


async def test_a_port_that_is_taken_is_an_error_with_a_name(app: Starlette) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=f"http.listen: 127.0.0.1:{port}: the port is taken"):
            async with serve(app, "127.0.0.1", port):
                pytest.fail("it must not serve")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_of_somebody_else_is_an_error_with_a_name(host: str, app: Starlette) -> None:
    with pytest.raises(AddressError, match=r"http\.listen: .*(address|host)"):
        async with serve(app, host, 0):
            pytest.fail("it must not serve")


async def test_signals_stay_with_the_daemon(app: Starlette) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve(app, "127.0.0.1", 0) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        await client.get("/-/healthy")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_the_ledger_is_streamed_whole(store: PaperStore, app: Starlette) -> None:
    store.lines = [line(number) for number in range(1, 5_001)]
    store.chunk = 500
    async with serve(app, "127.0.0.1", 0) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        ledger = (await client.get(f"{A1001}/ledger")).json()
        assert (len(ledger["lines"]), ledger["sum"]) == (5_000, "1750.00")
        sheet = await client.get(f"{A1001}/ledger", headers={"Accept": "text/csv"})
        assert sheet.text.count("\r\n") == 5_001


async def test_a_store_that_fails_midway_breaks_the_stream(store: PaperStore, app: Starlette) -> None:
    store.lines = [line(number) for number in range(1, 100)]
    store.fails_after_chunks = 3
    async with serve(app, "127.0.0.1", 0) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{A1001}/ledger")


async def test_whoever_goes_away_frees_the_store(store: PaperStore, app: Starlette) -> None:
    store.lines = [line(number) for number in range(1, 200_000)]
    store.chunk = 100
    async with serve(app, "127.0.0.1", 0) as listening:
        async with (
            httpx.AsyncClient(base_url=listening.url) as client,
            client.stream("GET", f"{A1001}/ledger") as answer,
        ):
            assert answer.status_code == 200
        async with asyncio.timeout(10):
            while not store.chunks_closed:  # noqa: ASYNC110 - what is waited for knows no event
                await asyncio.sleep(0.01)


async def test_stopping_lets_requests_finish() -> None:
    arrived, may_finish = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        arrived.set()
        await may_finish.wait()
        return PlainTextResponse("done")

    async with httpx.AsyncClient() as client:
        async with serve(Starlette(routes=[Route("/", slow)]), "127.0.0.1", 0) as listening:
            asking = asyncio.create_task(client.get(listening.url))
            await arrived.wait()
            asyncio.get_running_loop().call_later(0.1, may_finish.set)
        assert (await asking).text == "done"


async def test_stopping_has_a_time_limit() -> None:
    """Whoever is not answered by then is cut off."""
    arrived = asyncio.Event()

    async def never(_request: Request) -> Response:
        arrived.set()
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    async with asyncio.timeout(10), httpx.AsyncClient() as client:
        async with serve(Starlette(routes=[Route("/", never)]), "127.0.0.1", 0, stop_within_s=1) as listening:
            asking = asyncio.create_task(client.get(listening.url, timeout=None))
            await arrived.wait()
        answers = await asyncio.gather(asking, return_exceptions=True)
    assert isinstance(answers[0], httpx.HTTPError) or answers[0].status_code == 500  # type: ignore[union-attr]


async def test_an_idle_connection_does_not_delay_the_end(app: Starlette) -> None:
    async with asyncio.timeout(4), httpx.AsyncClient() as client, serve(app, "127.0.0.1", 0) as listening:
        await client.get(f"{listening.url}/-/healthy")


async def test_a_server_that_fails_takes_the_block_with_it(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_self: object) -> None:
        raise RuntimeError("the loop of the server is gone")

    monkeypatch.setattr(uvicorn.Server, "main_loop", fail)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(5), serve(app, "127.0.0.1", 0):
            await asyncio.Event().wait()
    assert caught.group_contains(RuntimeError, match="the loop of the server is gone")


async def test_an_error_of_the_block_is_the_blocks_own(app: Starlette) -> None:
    """It comes out as it went in, not wrapped because a server ran beside it."""
    with pytest.raises(LookupError, match="mine"):
        async with serve(app, "127.0.0.1", 0):
            raise LookupError("mine")


async def test_connections_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)

    async def hold(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("here")(scope, receive, send)

    async with serve(hold, "127.0.0.1", 0) as listening:
        idle = [await asyncio.open_connection("127.0.0.1", listening.port) for _ in range(2)]
        async with httpx.AsyncClient(base_url=listening.url) as client:
            assert (await client.get("/")).status_code == 503
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()


def test_an_address_is_written_as_a_browser_wants_it() -> None:
    assert Listening(host="::1", port=80).url == "http://[::1]:80"
    assert Listening(host="localhost", port=80).url == "http://localhost:80"
