"""Connections for restoring: one serves many partitions, and whoever fails takes those that are kept along."""

from __future__ import annotations

import asyncio

import pytest

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.spares import Spares
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.postgres

LIMIT_S = 30.0
PID = "SELECT pg_backend_pid()"


@pytest.fixture
def spares(server: PostgresServer) -> Spares:
    return Spares(PostgresAddress(url=server.database()), LIMIT_S)


async def test_a_session_serves_one_after_the_other_and_two_at_once_have_one_each(spares: Spares) -> None:
    async with spares.lent() as first:
        one = await first.fetchval(PID)
    async with spares.lent() as again, spares.lent() as beside:
        assert await again.fetchval(PID) == one
        assert await beside.fetchval(PID) != one
    spares.close()
    assert first.is_closed()
    assert beside.is_closed()


async def test_who_fails_takes_those_that_are_kept_along(spares: Spares) -> None:
    async with spares.lent() as first, spares.lent() as second:
        pass
    with pytest.raises(RuntimeError, match="an older state"):
        async with spares.lent():
            raise RuntimeError("another server has answered, with an older state")
    assert first.is_closed()
    assert second.is_closed()


async def test_one_that_the_server_has_ended_is_not_lent(spares: Spares, server: PostgresServer) -> None:
    async with spares.lent() as first:
        one = await first.fetchval(PID)
        ended = asyncio.Event()
        first.add_termination_listener(lambda _: ended.set())
    await asyncio.to_thread(server.execute, f"SELECT pg_terminate_backend({one})")
    async with asyncio.timeout(LIMIT_S):
        await ended.wait()
    async with spares.lent() as second:
        assert await second.fetchval(PID) != one
    spares.close()
