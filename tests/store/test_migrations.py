"""A file that an earlier guard wrote is brought up to date whole, at once, and reads as if it were of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from guard.adapters.sqlite import check_ledger, layout, open_store, schema, upgrade
from guard.core.decisions import Changes
from guard.ports import StoreError
from tests.store.kept_samples import crowds, fuse, held_blocks, subject
from tests.store.released import FIRST
from tests.store.samples import BOOKS, RATED, Model, account, call, line, over, posting, state_of
from tests.store.stores import whole_ledger
from tests.store.test_backup import without_mark


async def test_an_upgraded_store_takes_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    model = FIRST.write(path)
    news = Changes(
        accounts=[account("A1", 699_999 + 300_000, books=BOOKS)],
        calls=[call("c3", stated_duration_ms=59_000)],
        ledger=[
            line(6, amount_micros=300_000, gross_micros=400_000, billed_s=60, covered_s=12, kind_of_call="premium")
        ],
        remembered=[over("call-6", 300_000, rated=RATED)],
        kept=[subject("A1"), crowds(), fuse(5), held_blocks("h1")],
    )
    model.apply(news)
    async with open_store(path) as store:
        await store.commit(news)
        assert state_of(await store.restore()) == model.state()
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()
        assert await whole_ledger(store, "A1") == model.lines("A1")
    assert check_ledger(path) == []


async def test_an_upgrade_costs_the_same_however_long_the_ledger_is(tmp_path: Path) -> None:
    """It writes a few pages, not the rows."""
    sizes = []
    for lines in (0, 30_000):
        path = tmp_path / f"{lines}.db"
        FIRST.write(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "WITH RECURSIVE n(i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n LIMIT ?) INSERT INTO ledger "
                "SELECT i, 'A9', i, 'call', 0, 'CAD', 'sw1', 'c' || i, '', '', 0, 0, '', '', '' FROM n",
                (lines,),
            )
        with closing(schema.connect(path, 1_000)) as connection:
            schema.prepare(connection, path)
            sizes.append(path.with_name(f"{path.name}-wal").stat().st_size)
    assert sizes[0] == sizes[1]
    assert sizes[1] < 40 * schema.PAGE_BYTES


# -- migrations as such


async def test_a_migration_brings_an_older_file_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, model = tmp_path / "guard.db", Model()
    changes = posting(1, 5, 5)
    model.apply(changes)
    async with open_store(path) as store:
        await store.commit(changes)
    step = ("ALTER TABLE switch ADD COLUMN note TEXT NOT NULL DEFAULT 'none'", "CREATE TABLE more (number INTEGER)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*layout.MIGRATIONS, step))
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(layout.MIGRATIONS) + 1,)
        assert connection.execute("SELECT count(*) FROM more").fetchone() == (0,)
        assert connection.execute("SELECT note FROM switch").fetchall() == []


async def test_a_migration_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "guard.db"
    model = FIRST.write(path)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*layout.MIGRATIONS, ("CREATE TABLE more (number)", "NONSENSE")))
        with pytest.raises(StoreError, match="NONSENSE"):
            async with open_store(path):
                pytest.fail("opened")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
        assert "books" not in {values[1] for values in connection.execute("PRAGMA table_info(account)")}
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()


# -- what is kept for the way back


def _kept_copy(path: Path) -> Path:
    return path.with_name("guard.db.layout-1")


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


async def test_the_file_from_before_an_upgrade_is_kept_beside_it(tmp_path: Path) -> None:
    """An older guard does not read the new layout: whoever has to go back needs the old file."""
    path, old = tmp_path / "guard.db", tmp_path / "old.db"
    FIRST.write(path)
    FIRST.write(old)
    with structlog.testing.capture_logs() as said:
        async with open_store(path) as store:
            await store.commit(posting(6, 5, 5, "A9"))
    copy = _kept_copy(path)
    with closing(sqlite3.connect(old)) as before, closing(sqlite3.connect(copy)) as kept:
        assert without_mark(kept) == [*before.iterdump()]
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)
    assert [(line["event"], line["layout"], line["to"], line["copy"]) for line in said] == [
        ("store-upgrade", 1, len(layout.MIGRATIONS), str(copy))
    ]
    async with open_store(path):
        pass
    assert _names(tmp_path) == {"guard.db", "guard.db.layout-1", "guard.db.lock", "old.db"}


async def test_a_file_too_large_to_be_copied_at_a_start_is_upgraded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "guard.db"
    model = FIRST.write(path)
    monkeypatch.setattr(upgrade, "MOST_BYTES", 1_000)
    with structlog.testing.capture_logs() as said:
        async with open_store(path) as store:
            assert state_of(await store.restore()) == model.state()
    assert not _kept_copy(path).exists()
    assert [line["log_level"] for line in said] == ["warning"]
    assert "more than 1,000 are not copied at a start" in said[0]["reason"]


async def test_a_copy_that_cannot_be_made_stops_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    FIRST.write(path)
    _kept_copy(path).mkdir()
    with structlog.testing.capture_logs() as said:
        async with open_store(path):
            pass
    assert [line["log_level"] for line in said] == ["warning"]
