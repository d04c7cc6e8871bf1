"""The file's layout changes only by a migration, and a file that is not ours is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from guard.adapters.sqlite import layout, open_store, schema
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.ports import StoreError
from tests.store.samples import Model, posting, state_of

FOLDER = Path(__file__).parent
VERSIONS = range(1, len(layout.MIGRATIONS) + 1)


def dump(path: Path) -> str:
    """What makes a layout: the marks in the header, every table and index, and what is in them from the start."""
    with closing(sqlite3.connect(path)) as connection:
        marks = [f"PRAGMA {name} = {_pragma(connection, name)};" for name in ("application_id", "user_version")]
        rest = [text for text in connection.iterdump() if "TRANSACTION" not in text and text != "COMMIT;"]
    return "\n".join([*marks, *rest]) + "\n"


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _modes(folder: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o777 for entry in folder.iterdir()}


async def _refused(path: Path) -> str:
    with pytest.raises(StoreError) as refusal:
        async with open_store(path, busy_timeout_ms=20):
            pytest.fail("opened")
    return str(refusal.value)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_layout_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    path = tmp_path / "guard.db"
    monkeypatch.setattr(schema, "MIGRATIONS", layout.MIGRATIONS[:version])
    with closing(schema.connect(path, 1_000)) as connection:
        schema.prepare(connection, path)
    assert dump(path) == (FOLDER / f"schema-{version}.sql").read_text(), (
        f"the layout is not that of schema-{version}.sql. Released layouts never change: put the released statements "
        "back and add a migration to guard/adapters/sqlite/layout.py, with a dump schema-<version>.sql beside this test"
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_file_of_any_layout_is_opened_and_gets_the_present_one(tmp_path: Path, version: int) -> None:
    path = tmp_path / "guard.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FOLDER / f"schema-{version}.sql").read_text())
    async with open_store(path) as store:
        assert state_of(await store.restore()) == Model().state()
        assert dump(path) == (FOLDER / f"schema-{VERSIONS[-1]}.sql").read_text()
        await store.commit(posting(1, 5, 5))


@pytest.mark.parametrize(("table", "row"), [("account", AccountRow), ("call", CallRow), ("switch", SwitchRow)])
async def test_columns_are_the_fields_of_rows(tmp_path: Path, table: str, row: type[AccountRow | CallRow]) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        columns = tuple(values[1] for values in connection.execute(f"PRAGMA table_info({table})"))
    assert columns == row._fields, "add a migration for the new columns: guard/adapters/sqlite/layout.py"


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        modes = store._writer.submit(
            lambda keeper: [_pragma(keeper._connection, name) for name in ("journal_mode", "synchronous")]
        ).result()
    assert modes == ["wal", 2]


async def test_only_guards_user_can_read_the_store(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(posting(1, 5, 5))
        modes = _modes(tmp_path)
    assert set(modes) == {"guard.db", "guard.db-wal", "guard.db-shm", "guard.db.lock"}
    assert set(modes.values()) == {0o600}, modes


# -- refusals


async def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(layout.MIGRATIONS) + 1}")
    newest = len(layout.MIGRATIONS)
    assert f"was written by a newer guard (layout {newest + 1}, this one knows {newest})" in await _refused(path)


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE account (id)", "PRAGMA application_id = 5", "PRAGMA user_version = 1"]
)
async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "guard.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
    before = path.read_bytes()
    assert "is another program's database" in await _refused(path)
    assert path.read_bytes() == before
    assert set(_modes(tmp_path)) == {"guard.db", "guard.db.lock"}


@pytest.mark.parametrize("content", [b"x", b"PK\3\4" * 2_000, bytes(8_192)])
async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "guard.db"
    path.write_bytes(content)
    assert "is not an SQLite database" in await _refused(path)
    assert path.read_bytes() == content


async def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(posting(1, 5, 5))
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // schema.PAGE_BYTES):
        start = page * schema.PAGE_BYTES
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert "it is damaged" in await _refused(path)


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    path.touch()
    async with open_store(path) as store:
        assert state_of(await store.restore()) == Model().state()
