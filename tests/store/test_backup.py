"""A backup is one moment of a store that is being written, in one plain file; it is proved before it replaces any."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sqlite3
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from guard.adapters.sqlite import Copied, back_up, backup, check_ledger, layout, open_store, revival, schema
from guard.core.decisions import Changes
from guard.ports import StoreError
from tests.store.released import FIRST
from tests.store.samples import COMMAND, Model, account, posting, state_of
from tests.store.stores import whole_ledger

FOLDER = Path(__file__).parent


async def _fill(path: Path, batches: int = 20) -> Model:
    model = Model()
    async with open_store(path) as store:
        for number in range(1, batches + 1):
            changes = posting(number, 5, 5 * number)
            changes.accounts += [account(f"B{number}-{nth}", name="x" * 200) for nth in range(20)]
            await store.commit(changes)
            model.apply(changes)
    return model


def without_mark(copy: sqlite3.Connection) -> list[str]:
    """All that is in a backup but what says that it is one."""
    return [text for text in copy.iterdump() if text != "INSERT INTO \"meta\" VALUES('backup',1);"]


def with_later_seqs(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a store as a backup of it is opened."""
    later = {name: row._replace(seq=row.seq + revival.SEQ_AHEAD) for name, row in state["accounts"].items()}
    pending = {place: seq + revival.SEQ_AHEAD for place, seq in state["pending"].items()}
    return {**state, "accounts": later, "pending": pending}


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """A store that nobody has open, in a folder of its own."""
    path = tmp_path / "live" / "guard.db"
    path.parent.mkdir()
    asyncio.run(_fill(path))
    return path


async def test_it_is_one_moment_of_a_store_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps of the copy somebody commits: nobody waits, and nothing of it is in the copy."""
    monkeypatch.setattr(backup, "STEP_PAGES", 4)
    path, target = tmp_path / "guard.db", tmp_path / "backup.db"
    model = await _fill(path)
    async with open_store(path) as store:
        # What is not in the tables yet, only in the journal, belongs to the copy as well.
        last = posting(21, 5, 105)
        await store.commit(last)
        model.apply(last)
        then, loop, told = deepcopy(model), asyncio.get_running_loop(), []

        def go_on(done: int, total: int) -> None:
            told.append((done, total))
            number = 21 + len(told)
            changes = posting(number, 5, 5 * number)
            asyncio.run_coroutine_threadsafe(store.commit(changes), loop).result(10)
            model.apply(changes)

        copied = await asyncio.to_thread(back_up, path, target, progress=go_on)
        assert len(told) > 10
        assert told[-1] == (copied.size_bytes, copied.size_bytes)
        assert state_of(await store.restore()) == model.state()
    assert check_ledger(target) == []
    async with open_store(target) as restored:
        assert state_of(await restored.restore()) == with_later_seqs(then.state()) != model.state()
        assert await whole_ledger(restored, "A1") == then.lines("A1")


def test_it_is_one_plain_file_for_guards_user_alone(store_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    copied = back_up(store_path, folder / "b.db")
    assert [entry.name for entry in folder.iterdir()] == ["b.db"]
    assert (folder / "b.db").stat().st_mode & 0o777 == 0o600
    assert copied == Copied(size_bytes=(folder / "b.db").stat().st_size, layout=len(layout.MIGRATIONS), added_up=True)


def test_a_store_whose_guard_was_killed_is_copied_whole(tmp_path: Path) -> None:
    """What is only in its log is in the copy."""
    path, crashed, target = tmp_path / "guard.db", tmp_path / "crashed.db", tmp_path / "b.db"

    async def crash() -> None:
        async with open_store(path) as store:
            await store.commit(posting(1, 5, 5))
            shutil.copyfile(path, crashed)
            shutil.copyfile(f"{path}-wal", f"{crashed}-wal")

    asyncio.run(crash())
    back_up(crashed, target)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (1,)


# -- what is refused costs nothing that is there


def _refused(store: Path, target: Path, min_free_bytes: int = 0) -> str:
    """What a backup is refused with. The one from before is as it was, and nothing else lies about."""
    before = {entry: entry.read_bytes() for entry in target.parent.iterdir()} if target.parent.is_dir() else {}
    with pytest.raises(StoreError) as refusal:
        back_up(store, target, min_free_bytes=min_free_bytes)
    if target.parent.is_dir():
        assert {entry: entry.read_bytes() for entry in target.parent.iterdir()} == before
    return str(refusal.value)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The name of a backup, with one from before in its place."""
    path = tmp_path / "backups" / "b.db"
    path.parent.mkdir()
    path.write_bytes(b"the one from before")
    return path


def test_a_copy_that_does_not_add_up_is_thrown_away(store_path: Path, target: Path) -> None:
    with closing(sqlite3.connect(store_path)) as connection, connection:
        connection.execute("UPDATE account SET owed_micros = owed_micros + 1 WHERE id = 'A1'")
    told = _refused(store_path, target)
    assert "account A1: owes" in told
    assert "thrown away" in told


def test_a_copy_with_damaged_pages_is_thrown_away(store_path: Path, target: Path) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit_account'").fetchone()[0]
    content = bytearray(store_path.read_bytes())
    start = (page - 1) * schema.PAGE_BYTES
    content[start : start + 64] = b"\xff" * 64
    store_path.write_bytes(content)
    assert "thrown away" in _refused(store_path, target)


def test_a_backup_does_not_fill_the_disk(store_path: Path, target: Path) -> None:
    assert "Make room, or write to another disk" in _refused(store_path, target, min_free_bytes=2**60)


@pytest.mark.parametrize("name", ["guard.db", "guard.db-wal", "guard.db-shm", "guard.db.lock"])
def test_the_store_itself_is_no_place_for_it(store_path: Path, name: str) -> None:
    assert "is the store itself" in _refused(store_path, store_path.with_name(name))


def test_there_must_be_a_store(tmp_path: Path, target: Path) -> None:
    nothing, empty, foreign = tmp_path / "nothing.db", tmp_path / "empty.db", tmp_path / "foreign.db"
    empty.touch()
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE account (id)")
    assert "there is no such file" in _refused(nothing, target)
    assert "is empty" in _refused(empty, target)
    assert "is another program's database" in _refused(foreign, target)


def test_a_newer_guards_store_is_refused(store_path: Path, target: Path) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "was written by a newer guard (layout 99" in _refused(store_path, target)


def test_a_folder_that_is_not_there_is_named(store_path: Path, tmp_path: Path) -> None:
    assert "its folder must exist" in _refused(store_path, tmp_path / "nowhere" / "b.db")


def test_two_backups_of_one_name_do_not_mix(store_path: Path, tmp_path: Path) -> None:
    """One that is being written is left alone; what a killed one left behind is not in the way."""
    target, part = tmp_path / "b.db", tmp_path / ".b.db.part"
    part.write_bytes(b"half a backup")
    with part.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another backup is writing it"):
            back_up(store_path, target)
    assert part.read_bytes() == b"half a backup"
    back_up(store_path, target)
    assert check_ledger(target) == []
    assert not part.exists()


def test_a_store_of_an_older_layout_is_copied_as_it_is(tmp_path: Path) -> None:
    """Before an update one wants a backup, perhaps with the new guard already in place."""
    path, target = tmp_path / "guard.db", tmp_path / "b.db"
    FIRST.write(path)
    copied = back_up(path, target)
    assert (copied.layout, copied.added_up) == (1, False)
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(target)) as copy:
        assert without_mark(copy) == [*old.iterdump()]


# -- putting it back


async def test_a_backup_put_in_the_place_of_a_store_is_that_store(store_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.db"
    back_up(store_path, target)
    async with open_store(store_path) as store:
        then = state_of(await store.restore())
        await store.commit(posting(21, 5, 105))
    shutil.copyfile(target, store_path)
    async with open_store(store_path) as store:
        assert state_of(await store.restore()) == with_later_seqs(then)
    async with open_store(store_path) as store:
        assert state_of(await store.restore()) == with_later_seqs(then), "once, not at every start"
        await store.commit(posting(21, 7, 107))
    assert check_ledger(store_path) == []


async def test_what_an_old_backup_commands_is_newer_than_all_that_switches_have_seen(tmp_path: Path) -> None:
    """Also of accounts that are only in the journal yet, and of those that never had a command when it was made."""
    path, target = tmp_path / "guard.db", tmp_path / "b.db"
    async with open_store(path) as store:
        saved = Changes(accounts=[account("A1", seq=7, command=COMMAND), account("A2")], pending=[("sw1", "A1", 7)])
        await store.commit(saved)
        await store.commit(Changes(accounts=[account("A1", seq=8, command=COMMAND)], pending=[("sw1", "A1", 8)]))
        back_up(path, target)
    async with open_store(target) as store:
        restored = await store.restore()
    ahead = revival.SEQ_AHEAD
    assert {row.id: row.seq for row in restored.accounts} == {"A1": 8 + ahead, "A2": ahead}
    assert restored.pending == [("sw1", "A1", 8 + ahead)]


async def test_a_backup_beside_the_log_of_a_killed_guard_is_refused(store_path: Path, tmp_path: Path) -> None:
    """SQLite would write the log's pages into it."""
    target = tmp_path / "b.db"
    back_up(store_path, target)
    log = store_path.with_name("guard.db-wal")
    async with open_store(store_path) as store:
        await store.commit(posting(21, 5, 105))
        left_behind = log.read_bytes()
    log.write_bytes(left_behind)
    shutil.copyfile(target, store_path)
    with pytest.raises(StoreError, match=r"guard\.db-wal: is the log of another file .* delete guard\.db-wal"):
        async with open_store(store_path):
            pytest.fail("opened")
    assert log.read_bytes() == left_behind
    log.unlink()
    async with open_store(store_path) as store:
        assert (await store.restore()).last_line == 20
