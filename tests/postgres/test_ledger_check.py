"""`guard check --ledger` on PostgreSQL says what it says of a file."""

from __future__ import annotations

import pytest

from guard.adapters.postgres import PostgresAddress, check_ledger
from guard.core.decisions import Changes, LineKind
from guard.ports import StoreError
from tests.postgres.server import PostgresServer, name_of
from tests.store.samples import account, line, over
from tests.store.stores import PostgresOpening
from tests.store.test_ledger_check import SPOILED, post_in_another_currency, post_ten_calls

pytestmark = pytest.mark.postgres

TABLES = ("account", "ledger", "remembered")
"""That are spoiled."""
MENDED = "TRUNCATE guard.{table}; INSERT INTO guard.{table} TABLE sound_{table}"


async def test_what_does_not_add_up_is_said_in_the_same_words(server: PostgresServer) -> None:
    """All that a file's auditor finds, but for the directory of lines, which there is only in a file."""
    opening = PostgresOpening(server.database())
    async with opening() as store:
        await post_ten_calls(store)
    assert await opening.check() == []
    name = name_of(opening.url)
    server.execute(";".join(f"CREATE TABLE sound_{table} AS TABLE guard.{table}" for table in TABLES), name)
    for statement, findings in SPOILED:
        if "ledger_place" in statement:
            continue
        server.execute(f"SET search_path = guard; {statement}", name)
        found = await opening.check()
        server.execute(";".join(MENDED.format(table=table) for table in TABLES), name)
        if findings:
            assert found == [finding for finding in findings if "directory" not in finding], statement
        assert found, statement


async def test_calls_that_came_back_and_names_used_twice_add_up(server: PostgresServer) -> None:
    opening = PostgresOpening(server.database())
    async with opening() as store:
        await store.commit(
            Changes(
                accounts=[account("A1", 17)],
                ledger=[
                    line(1, amount_micros=7, call="c1"),
                    line(2, amount_micros=4, call="c1", kind=LineKind.LOST),
                    line(3, amount_micros=6, call="c1", kind=LineKind.CORRECTION),
                ],
                remembered=[over("c1", 4, lost=True), over("c1", 10)],
            )
        )
    assert await opening.check() == []


async def test_an_account_that_turned_out_to_be_in_another_currency_adds_up_in_each(server: PostgresServer) -> None:
    opening = PostgresOpening(server.database())
    async with opening() as store:
        await post_in_another_currency(store)
    assert await opening.check() == []


async def test_findings_are_bounded(server: PostgresServer) -> None:
    opening = PostgresOpening(server.database())
    async with opening() as store:
        await store.commit(Changes(accounts=[account(f"A{nth}", 1) for nth in range(500)]))
    found = await opening.check()
    assert len(found) == 101
    assert found[-1] == "there is more: only the first 100 findings are told"


async def test_what_cannot_be_checked_is_an_error(server: PostgresServer) -> None:
    with pytest.raises(StoreError, match="is not a store of guard's"):
        await check_ledger(PostgresAddress(url=server.database()))
    with pytest.raises(StoreError, match="there is no such database"):
        await check_ledger(PostgresAddress(url=server.url("nowhere")))
