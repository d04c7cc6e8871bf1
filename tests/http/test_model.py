"""The anomaly model over HTTP, for programs; the page of it is shown in `test_page`."""

from __future__ import annotations

import httpx

from guard.adapters.http.openapi import document
from tests.http.desk import MODEL, PaperDesk


async def test_a_model_that_is_off_is_told_as_that(api: httpx.AsyncClient) -> None:
    told = (await api.get("/api/v1/model")).json()
    assert (told["mode"], told["up"], told["trained"]) == ("off", False, None)


async def test_a_model_in_force_says_which_it_is(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.model_view = MODEL
    told = (await api.get("/api/v1/model")).json()
    assert told["mode"] == "shadow"
    assert told["drift"] == 0.31
    assert told["trained"] == {
        "name": "default",
        "digest": "d923c8c762e2d9a453afe48f18b3d51f",
        "first": "2026-09-01T00:00:03Z",
        "last": "2026-10-06T00:32:03Z",
        "accounts": 500,
        "mark": 3.25,
        "silence": "",
    }
    described = document(with_tokens=True)["components"]["schemas"]["Model"]["properties"]  # type: ignore[index]
    assert set(described["trained"]["anyOf"][0]["required"]) == set(told["trained"])
