"""A file that version 3 wrote, with webhooks and what is to be forgotten, is whatever a later guard makes of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from guard.adapters.sqlite import check_ledger, open_store
from guard.core.decisions import Notice, NoticeKind
from guard.core.events import Position
from tests.store.samples import T0, Model, account, state_of, switch
from tests.store.stores import whole_ledger
from tests.store.test_migration_from_2 import NOT_SAVED_YET as OF_2_NOT_SAVED_YET
from tests.store.test_migration_from_2 import SAVED as OF_2_SAVED

FOLDER = Path(__file__).parent
WRITTEN_BY_3 = FOLDER / "written-by-3.sql"

SILENT = switch("sw2", up=False)._replace(last_seen_ms=T0 + 1, down_at_ms=T0 + 2, silence="unusual", told_at_ms=T0 + 3)
SAVED = replace(OF_2_SAVED, switches=[switch("sw1"), SILENT], forgotten=[("A2", T0, 3)])
NOTICE = Notice(kind=NoticeKind.BLIND, at_ms=T0 + 1, switch="sw2", text="Switch sw2 is silent.")
NOT_SAVED_YET = replace(
    OF_2_NOT_SAVED_YET,
    accounts=[*OF_2_NOT_SAVED_YET.accounts, account("A4", forgotten=True)],
    notices=[NOTICE],
)


def _written_by_3(path: Path) -> Model:
    """Make the file of version 3; returns what is in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WRITTEN_BY_3.read_text())
    model = Model()
    model.apply(SAVED)
    model.apply(NOT_SAVED_YET)
    return model


def test_the_old_file_has_the_old_layout(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    _written_by_3(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        statements = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    third = (FOLDER / "schema-3.sql").read_text()
    assert all(f"{statement};" in third for (statement,) in statements)


async def test_everything_of_version_3_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    model = _written_by_3(path)
    async with open_store(path) as store:
        assert state_of(await store.restore()) == model.state()
        for name in ("A1", "A2", "A3"):
            assert await whole_ledger(store, name) == model.lines(name)
    assert check_ledger(path) == []


async def test_its_webhooks_are_owed_what_they_were_owed(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    _written_by_3(path)
    async with open_store(path) as store:
        assert await store.outbox.open(["ops"]) == {}
        position = await store.outbox.position("ops")
        assert position == Position(decision=2, notice=0)
        events, _ = await store.outbox.after(position, 100)
        assert [event.told for event in events] == [NOTICE]
