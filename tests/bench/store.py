"""The stores alone: what a commit costs by its size, and what it comes to in reports a second; a file and PostgreSQL.

A batch of n reports writes what the daemon writes of it: the rows of its calls and of their accounts (700 accounts for
1,000 reports), a ledger line and a remembered call for each fiftieth. Everything is synced, on the disk of the
temporary folder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from guard.core.decisions import Changes
from tests.postgres.server import PostgresServer, ServerError
from tests.store.samples import account, call, line, over
from tests.store.stores import Opening, PostgresOpening, SqliteOpening

SIZES = (1, 50, 500, 5_000)
SECONDS = 2.0
CALLS = 10_000
ACCOUNTS = 7_000
ENDED_IN = 50


def batch_of(first: int, size: int) -> Changes:
    """Reports number `first` to `first + size`, as changes."""
    numbers = range(first, first + size)
    ended = [number // ENDED_IN for number in numbers if number % ENDED_IN == 0]
    return Changes(
        accounts=[account(f"A{number:05d}", number) for number in {number % ACCOUNTS for number in numbers}],
        calls=[call(f"c{number % CALLS:05d}", charge_micros=number) for number in numbers],
        ledger=[line(number + 1, f"A{number % ACCOUNTS:05d}", 1) for number in ended],
        remembered=[over(f"o{number}", 1) for number in ended],
    )


async def _commits(opening: Opening, size: int) -> tuple[float, float]:
    """Milliseconds a commit, and reports a second."""
    async with opening() as store:
        count, spent, number = 0, 0.0, 0
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            changes = batch_of(number, size)
            number += size
            began = time.monotonic()
            await store.commit(changes)
            spent += time.monotonic() - began
            count += 1
    return spent / count * 1_000, count * size / spent


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """By size of the batch."""
    figures: dict[str, float] = {}
    for size in SIZES:
        commit_ms, per_s = asyncio.run(_commits(SqliteOpening(_made(directory / str(size))), size))
        show(f"store, {size:,} reports a commit: {commit_ms:.2f} ms, {per_s:,.0f} reports/s")
        figures |= {f"store_ms_{size}_a_commit": commit_ms, f"store_per_s_{size}_a_commit": per_s}
    try:
        with PostgresServer(fsync=True) as server:
            for size in SIZES:
                commit_ms, per_s = asyncio.run(_commits(PostgresOpening(server.database()), size))
                show(f"store in PostgreSQL, {size:,} reports a commit: {commit_ms:.2f} ms, {per_s:,.0f} reports/s")
                figures |= {f"postgres_ms_{size}_a_commit": commit_ms, f"postgres_per_s_{size}_a_commit": per_s}
    except ServerError as error:
        show(f"store in PostgreSQL: not measured ({error})")
    return figures
