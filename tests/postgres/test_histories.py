"""Whatever happens in whatever order, a database gives back what a dict would; and who was replaced changes nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from guard.adapters.postgres import PostgresStore
from guard.core.decisions import Changes
from tests.postgres.refused import is_refused
from tests.postgres.server import PostgresServer, name_of
from tests.store.histories import Commit, Crash, Numbering, Reopen, Save, Step, compare, histories
from tests.store.samples import Model, posting
from tests.store.stores import claimed

pytestmark = pytest.mark.postgres


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=histories)
def test_a_database_gives_back_what_a_dict_would(server: PostgresServer, steps: list[Step]) -> None:
    asyncio.run(_live(server, server.emptied(), steps))


async def _live(server: PostgresServer, url: str, steps: list[Step]) -> None:
    model, numbering = Model(), Numbering()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(claimed(url, "0"))
        for number, step in enumerate(steps, 1):
            match step:
                case Commit(changes):
                    numbered = numbering.numbered(_without_nul(changes))
                    await store.commit(numbered)
                    model.apply(numbered)
                case Reopen():
                    await stack.aclose()
                    store = await stack.enter_async_context(claimed(url, str(number)))
                case Crash():
                    server.execute("UPDATE guard.lease SET lease_until = '-infinity'", name_of(url))
                    store = await _replaced(store, stack, url, str(number))
                case Save():
                    # Only a file has something that can be saved later.
                    continue
            await compare(store, model)


async def _replaced(old: PostgresStore, stack: AsyncExitStack, url: str, owner: str) -> PostgresStore:
    """The next one takes over while the last one still lives."""
    store = await stack.enter_async_context(claimed(url, owner))
    await is_refused(lambda: old.commit(posting(10**6, 1, 1)))
    return store


def _without_nul(changes: Changes) -> Changes:
    """PostgreSQL keeps another character in its place, which is another test's matter."""
    return replace(
        changes,
        accounts=[row._replace(name=row.name.replace("\0", "")) for row in changes.accounts],
        calls=[row._replace(to=row.to.replace("\0", "")) for row in changes.calls],
    )
