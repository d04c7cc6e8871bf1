"""A file that version 2 wrote, which knew no webhooks, reads as if it were of today; nobody is told its history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from guard.adapters.sqlite import check_ledger, open_store
from guard.core.events import Position
from tests.store.kept_samples import crowds, fuse, held_blocks, subject
from tests.store.samples import BOOKS, CAUSE, COMMAND, RATED, Model, account, call, over, state_of
from tests.store.stores import whole_ledger
from tests.store.test_migrations import IN_JOURNAL, IN_TABLES

FOLDER = Path(__file__).parent
WRITTEN_BY_2 = FOLDER / "written-by-2.sql"

SAVED = replace(
    IN_TABLES,
    accounts=[account("A1", 349_999, command=COMMAND, causes=(CAUSE,), books=BOOKS), account("A2", 5, closed=True)],
    remembered=[over("call-1", rated=RATED)],
    kept=[subject("A1"), crowds(), fuse(5), held_blocks("h1")],
)
NOT_SAVED_YET = replace(
    IN_JOURNAL,
    accounts=[account("A1", 699_999, causes=(CAUSE,), books=BOOKS), account("A3", 9)],
    calls=[call("c3", charge_micros=9, stated_duration_ms=59_000, posted_billed_s=60)],
)


def _written_by_2(path: Path) -> Model:
    """Make the file of version 2; returns what is in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WRITTEN_BY_2.read_text())
    model = Model()
    model.apply(SAVED)
    model.apply(NOT_SAVED_YET)
    return model


def test_the_old_file_has_the_old_layout(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    _written_by_2(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        statements = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    second = (FOLDER / "schema-2.sql").read_text()
    assert all(f"{statement};" in second for (statement,) in statements)


async def test_everything_of_version_2_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    model = _written_by_2(path)
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()
        for name in ("A1", "A2", "A3"):
            assert await whole_ledger(store, name) == model.lines(name)
    assert check_ledger(path) == []


async def test_its_decisions_are_owed_to_no_webhook(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    _written_by_2(path)
    async with open_store(path) as store:
        assert await store.outbox.open(["ops"]) == {}
        position = await store.outbox.position("ops")
        assert position == Position(decision=2, notice=0)
        assert await store.outbox.after(position, 100) == ([], position)
