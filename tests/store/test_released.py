"""A file that any released version wrote reads as if it were of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from guard.adapters.sqlite import check_ledger, open_store
from guard.core.events import Position
from tests.store.released import ALL, FIRST, NOTICE, SECOND, THIRD, Released
from tests.store.samples import state_of
from tests.store.stores import whole_ledger

each = pytest.mark.parametrize("released", ALL, ids=lambda released: f"version-{released.version}")


@each
def test_the_old_file_has_the_old_layout(tmp_path: Path, released: Released) -> None:
    path = tmp_path / "guard.db"
    released.write(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (released.version,)
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        statements = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    assert all(f"{statement};" in released.schema for (statement,) in statements)


@each
async def test_everything_is_restored_with_the_defaults(tmp_path: Path, released: Released) -> None:
    """Rows of tables and the shorter rows of its journal alike."""
    path = tmp_path / "guard.db"
    model = released.write(path)
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()
        for name in ("A1", "A2", "A3"):
            assert await whole_ledger(store, name) == model.lines(name)
            assert await store.ledger_sums(name, from_ms=None, to_ms=None) == model.sums(name)
    assert check_ledger(path) == []


async def test_what_is_only_asked_for_is_there_as_well(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    model = FIRST.write(path)
    async with open_store(path) as store:
        assert await store.decisions(account=None, after=0, limit=9) == model.decisions
        assert await store.billing_entries("A1", kinds=["payment"], limit=9) == FIRST.saved.billing
        assert await store.last_audits("A1", 9) == FIRST.saved.audit


async def test_decisions_from_before_there_were_webhooks_are_owed_to_none(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    SECOND.write(path)
    async with open_store(path) as store:
        assert await store.outbox.open(["ops"]) == {}
        position = await store.outbox.position("ops")
        assert position == Position(decision=2, notice=0)
        assert await store.outbox.after(position, 100) == ([], position)


async def test_its_webhooks_are_owed_what_they_were_owed(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    THIRD.write(path)
    async with open_store(path) as store:
        assert await store.outbox.open(["ops"]) == {}
        position = await store.outbox.position("ops")
        assert position == Position(decision=2, notice=0)
        events, _ = await store.outbox.after(position, 100)
        assert [event.told for event in events] == [NOTICE]
