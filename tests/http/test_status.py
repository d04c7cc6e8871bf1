"""Health, readiness, metrics."""

from __future__ import annotations

import httpx
import pytest

from tests.http.desk import PaperDesk


async def test_health_and_readiness(api: httpx.AsyncClient) -> None:
    assert (await api.get("/-/healthy")).json() == {"status": "healthy"}
    assert (await api.get("/-/ready")).json() == {"status": "ready"}


@pytest.mark.parametrize(("path", "attribute"), [("/-/healthy", "unhealthy"), ("/-/ready", "missing")])
async def test_what_is_wrong_is_told(path: str, attribute: str, desk: PaperDesk, api: httpx.AsyncClient) -> None:
    setattr(desk, attribute, "not subscribed at the broker: calls")
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (503, "not subscribed at the broker: calls")


async def test_metrics_are_prometheus_text(api: httpx.AsyncClient) -> None:
    answer = await api.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text == "guard_build_info 1\n"
