"""A commit that fails: nothing is half-written, the error says what to do, the same batch can be committed later."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from guard.adapters.sqlite import SqliteStore, check_ledger, checkpoint, open_store, schema
from guard.adapters.sqlite.keeper import Keeper
from guard.core.decisions import Changes
from guard.ports import StoreError
from tests.store.samples import Model, account, held, posting, state_of
from tests.store.stores import whole_ledger

HERE = Path(__file__).parents[2]


async def _agrees(store: SqliteStore, model: Model) -> None:
    assert state_of(await store.restore()) == model.state()
    assert await whole_ledger(store, "A1") == model.lines("A1")
    assert [kept for _, kept in await store.quarantined(after=0, limit=10_000)] == model.quarantine


# -- a full disk


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 3 MiB at `folder`; False where this user may not mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False, capture_output=True
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)


async def _fill_up(store: SqliteStore, model: Model) -> Changes:
    """Commit until the disk is full; the batch that did not fit."""
    for number in range(1, 2_000):
        changes = posting(number, 5, 5 * number)
        changes.accounts += [account(f"B{number}-{nth}", name="x" * 200) for nth in range(20)]
        told = await _commit(store, changes)
        if told:
            assert "the disk is full" in told
            return changes
        model.apply(changes)
    pytest.fail("the disk never filled up")


async def _commit(store: SqliteStore, changes: Changes) -> str:
    """What a commit is refused with; empty when it is taken."""
    try:
        await store.commit(changes)
    except StoreError as error:
        return str(error)
    return ""


async def _survives_a_full_disk(path: Path, make_room: Callable[[SqliteStore], Any]) -> None:
    model = Model()
    async with open_store(path) as store:
        refused = await _fill_up(store, model)
        with pytest.raises(StoreError, match="the disk is full"):
            await store.commit(refused)
        await _agrees(store, model)
        await asyncio.wrap_future(make_room(store))
        await store.commit(refused)
        model.apply(refused)
        await _agrees(store, model)
    async with open_store(path) as store:
        await _agrees(store, model)
    assert [finding for finding in check_ledger(path) if "A1" in finding] == []


async def test_a_full_disk_refuses_whole_batches_until_there_is_room(tmp_path: Path) -> None:
    """On a real file system, where this user can mount one; the next test needs none."""
    folder = tmp_path / "small"
    folder.mkdir()
    with _small_disk(folder) as mounted:
        if not mounted:
            return
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(1_500_000))

        def make_room(store: SqliteStore) -> Any:
            ballast.unlink()
            return store._writer.submit(lambda keeper: None)

        await _survives_a_full_disk(folder / "guard.db", make_room)


@pytest.fixture
def no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses to make the file larger than 400 pages, with the error of a full disk."""
    connect = schema.connect

    def limited(path: Path, busy_timeout_ms: int) -> sqlite3.Connection:
        connection = connect(path, busy_timeout_ms)
        connection.execute("PRAGMA max_page_count = 400")
        return connection

    monkeypatch.setattr(schema, "connect", limited)


@pytest.mark.usefixtures("no_growth")
async def test_a_file_that_may_not_grow_refuses_whole_batches(tmp_path: Path) -> None:
    await _survives_a_full_disk(tmp_path / "guard.db", _limit_pages(100_000))


@pytest.mark.usefixtures("no_growth")
async def test_a_checkpoint_that_finds_the_disk_full_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins again and again, with commits and without, and ends when there is room."""
    monkeypatch.setattr(checkpoint, "GENERATION_ROWS", 300)
    path, model = tmp_path / "guard.db", Model()
    async with open_store(path) as store:
        refused = await _fill_up(store, model)
        for _ in range(50):
            await asyncio.wrap_future(store._writer.submit(lambda keeper: keeper.save_some()))
        await _agrees(store, model)
        await asyncio.wrap_future(_limit_pages(100_000)(store))
        await store.commit(refused)
        model.apply(refused)
        await asyncio.wrap_future(store._writer.submit(_save_all))
        await _agrees(store, model)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (len(model.accounts),)


def _save_all(keeper: Keeper) -> None:
    while keeper.unsaved():
        assert keeper.save_some()


def _limit_pages(count: int) -> Callable[[SqliteStore], Any]:
    def lift(store: SqliteStore) -> Any:
        return store._writer.submit(
            lambda keeper: keeper._connection.execute(f"PRAGMA max_page_count = {count}").close()
        )

    return lift


# -- a lock that somebody else holds


async def test_a_foreign_write_lock_is_named_and_outlived(tmp_path: Path) -> None:
    path, model = tmp_path / "guard.db", Model()
    async with open_store(path, busy_timeout_ms=20) as store:
        changes = posting(1, 5, 5)
        with closing(sqlite3.connect(path, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="another process holds its write lock"):
                await store.commit(changes)
            assert await store.decisions(account=None, after=0, limit=1) == [], "readers go on"
        await _agrees(store, model)
        await store.commit(changes)
        model.apply(changes)
        await _agrees(store, model)


async def test_a_foreign_write_lock_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds its write lock"):
            async with open_store(path, busy_timeout_ms=20):
                pytest.fail("opened")


# -- COMMIT itself fails


class _Moody(sqlite3.Connection):
    """A connection whose next COMMIT reports an I/O error, having committed or not."""

    mood = ""

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        if statement == "COMMIT" and self.mood:
            mood, self.mood = self.mood, ""
            if mood == "committed":
                super().execute("COMMIT")
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *arguments)


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Callable[[SqliteStore, str], Any]:
    """Sets the mood of a store's writer."""

    def connect(path: Path, busy_timeout_ms: int) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=busy_timeout_ms / 1_000, isolation_level=None, factory=_Moody)

    monkeypatch.setattr(schema, "connect", connect)

    async def set_mood(store: SqliteStore, mood: str) -> None:
        await asyncio.wrap_future(store._writer.submit(lambda keeper: setattr(keeper._connection, "mood", mood)))

    return set_mood


@pytest.mark.parametrize("mood", ["committed", "rolled back"])
async def test_a_batch_in_doubt_is_counted_once(tmp_path: Path, moody: Callable[..., Any], mood: str) -> None:
    path, model = tmp_path / "guard.db", Model()
    async with open_store(path) as store:
        for number in range(1, 4):
            changes = posting(number, 5, 5 * number)
            # What has no key of its own would be there twice.
            changes.quarantine.append(held(number))
            await moody(store, mood if number == 2 else "")
            if number == 2:
                with pytest.raises(StoreError, match="disk I/O error"):
                    await store.commit(changes)
            await store.commit(changes)
            model.apply(changes)
            await _agrees(store, model)
    async with open_store(path) as store:
        await _agrees(store, model)


async def test_another_batch_after_one_in_doubt_is_refused_if_that_was_committed(
    tmp_path: Path, moody: Callable[..., Any]
) -> None:
    """The engine would believe that the first one never happened."""
    async with open_store(tmp_path / "guard.db") as store:
        await moody(store, "committed")
        with pytest.raises(StoreError, match="disk I/O error"):
            await store.commit(Changes(accounts=[account("A1", 1)]))
        with pytest.raises(StoreError, match="restart guard"):
            await store.commit(Changes(accounts=[account("A1", 2)]))


async def test_another_batch_after_one_that_was_rolled_back_is_taken(tmp_path: Path, moody: Callable[..., Any]) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        await moody(store, "rolled back")
        with pytest.raises(StoreError, match="disk I/O error"):
            await store.commit(Changes(accounts=[account("A1", 1)]))
        await store.commit(Changes(accounts=[account("A2", 2)]))
        assert (await store.restore()).accounts == [account("A2", 2)]


async def test_a_commit_that_was_cancelled_can_be_made_again(tmp_path: Path) -> None:
    """It may have become durable while nobody was waiting any more."""
    path, model = tmp_path / "guard.db", Model()
    async with open_store(path) as store:
        changes = posting(1, 5, 5)
        changes.quarantine.append(held(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(store.commit(changes))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await store.commit(changes)
        model.apply(changes)
        await _agrees(store, model)
        more = posting(2, 5, 10)
        await store.commit(more)
        model.apply(more)
        await _agrees(store, model)


# -- what the operator got wrong

_AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from guard.adapters.sqlite import open_store
from guard.ports import StoreError

async def main():
    try:
        async with open_store(Path(sys.argv[1])):
            print("opened")
    except StoreError as error:
        print(error)

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main())
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that any user can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _open_as_nobody(path: Path) -> str:
    """What a user who is not root (for whom modes mean nothing) is told."""
    command = [sys.executable, "-c", _AS_NOBODY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout.strip()


def test_a_file_that_cannot_be_written_is_refused_at_the_start(public_folder: Path) -> None:
    path = public_folder / "guard.db"
    asyncio.run(_commit_one(path))
    path.chmod(0o444)
    Path(f"{path}.lock").chmod(0o666)
    public_folder.chmod(0o777)
    told = _open_as_nobody(path)
    assert told.startswith(f"{path}: it cannot be written"), told


async def _commit_one(path: Path) -> None:
    async with open_store(path) as store:
        await store.commit(posting(1, 5, 5))


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(public_folder: Path) -> None:
    public_folder.chmod(0o555)
    told = _open_as_nobody(public_folder / "guard.db")
    assert "guard.db.lock: cannot be made (Permission denied)" in told, told


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="its folder must exist"):
        async with open_store(tmp_path / "nowhere" / "guard.db"):
            pytest.fail("opened")


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        async with open_store(tmp_path):
            pytest.fail("opened")


async def test_a_number_given_twice_is_a_fault_of_guard(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        await store.commit(posting(7, 5, 5))
        with pytest.raises(StoreError, match="ledger line 7 comes after line 7"):
            await store.commit(posting(7, 5, 10))
        with pytest.raises(StoreError, match="ledger line 6 comes after line 7"):
            await store.commit(posting(6, 5, 10))
        assert (await store.restore()).accounts == [account("A1", 5)]
