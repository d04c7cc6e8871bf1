"""Before there is anything to show: health, why it is not ready, and then the real thing at the same address."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from guard.adapters.http.front import Front


def _asking(front: Front) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=front), base_url="http://127.0.0.1")


async def test_a_daemon_that_waits_is_well_and_not_ready() -> None:
    front = Front()
    async with _asking(front) as client:
        assert (await client.get("/-/healthy")).json() == {"status": "healthy"}
        answer = await client.get("/-/ready")
        assert (answer.status_code, answer.json()["detail"]) == (503, "restoring the state")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "retry-after" in answer.headers
        front.why = "standby: somebody else works"
        assert (await client.get("/-/ready")).json()["detail"] == "standby: somebody else works"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/metrics"), ("POST", "/-/reload"), ("POST", "/api/v1/accounts/A%2F1/block")],
)
async def test_it_shows_and_does_nothing_else(method: str, path: str) -> None:
    async with _asking(Front()) as client:
        assert (await client.request(method, path)).status_code == 503


async def test_what_is_put_behind_it_answers_from_then_on() -> None:
    front = Front()
    async with _asking(front) as client:
        front.app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
        assert (await client.get("/")).text == "here"


async def test_what_was_asked_is_answered_before_it_closes() -> None:
    front, asked, answer = Front(), asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await answer.wait()
        return PlainTextResponse("late")

    front.app = Starlette(routes=[Route("/", slow)])
    async with _asking(front) as client:
        asking = asyncio.create_task(client.get("/"))
        await asked.wait()
        closing = asyncio.create_task(front.close())
        await asyncio.sleep(0)
        assert (await client.get("/")).json()["detail"] == "stopping"
        assert not closing.done()
        answer.set()
        assert (await asking).text == "late"
        await closing
