"""An account with very many calls: its ledger streams and is added up in bounded memory, and holds nobody up."""

from __future__ import annotations

import asyncio
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from guard.adapters.sqlite import open_store, sums
from guard.core.decisions import Changes, LedgerLine
from tests.store.samples import T0, decision, line

LINES = 200_000
TAIL = 5_000
"""So many of them are not in the directory yet."""

MOST_BYTES = 3 * 1024 * 1024
"""All of them at once would take more than twenty times as much."""

_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT :lines) INSERT INTO ledger
SELECT i, 'A1', :start + i, 'call', 300000, 'CAD', 'sw1', 'call-' || i, '+25377123456', 'outgoing', 60000, 0,
  '', '', '', 400000, 60, 12, 'premium', 'Djibouti mobile' FROM n"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of that account, filled in one statement because a million commits are not what this is about."""
    file = tmp_path_factory.mktemp("long") / "guard.db"
    asyncio.run(_make(file))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(_FILL, {"lines": LINES, "start": T0})
        connection.execute(
            "INSERT INTO ledger_place SELECT account, at_ms, number FROM ledger WHERE number <= ?", [LINES - TAIL]
        )
        connection.execute("UPDATE meta SET value = ? WHERE name = 'placed'", [LINES - TAIL])
        connection.execute("COMMIT")
    return file


async def _make(file: Path) -> None:
    async with open_store(file) as store:
        await store.commit(Changes(decisions=[decision(1)]))


def _nth(number: int) -> LedgerLine:
    return line(
        number,
        amount_micros=300_000,
        gross_micros=400_000,
        billed_s=60,
        covered_s=12,
        kind_of_call="premium",
        destination="Djibouti mobile",
    )


async def test_a_long_ledger_never_comes_to_lie_in_memory(path: Path) -> None:
    number = 0
    async with open_store(path) as store:
        tracemalloc.start()
        try:
            async for page in store.ledger("A1", from_ms=None, to_ms=None):
                assert page[0] == _nth(number + 1)
                number += len(page)
                assert page[-1] == _nth(number)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert number == LINES
    assert most < MOST_BYTES


async def test_a_long_ledger_is_added_up_in_little_memory(path: Path) -> None:
    async with open_store(path) as store:
        tracemalloc.start()
        try:
            (total,) = await store.ledger_sums("A1", from_ms=None, to_ms=None)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (total.lines, total.amount_micros, total.gross_micros) == (LINES, 300_000 * LINES, 400_000 * LINES)
    assert (total.duration_ms, total.billed_s, total.covered_s) == (60_000 * LINES, 60 * LINES, 12 * LINES)
    assert most < MOST_BYTES


async def test_others_get_their_answers_while_a_long_ledger_is_added_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "PORTION_LINES", 1_000)
    answered = 0
    async with open_store(path) as store:
        adding_up = asyncio.create_task(store.ledger_sums("A1", from_ms=None, to_ms=None))
        while not adding_up.done():
            assert await store.last_decisions("A1", 1) == [decision(1)]
            answered += 1
        assert (await adding_up)[0].lines == LINES
    assert answered > LINES // 1_000
