"""The checkpoint: everything reaches its table, nothing grows without bound, and it may fail anywhere."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from guard.adapters.sqlite import bulk, checkpoint, open_store, restoring, schema, writer
from guard.adapters.sqlite.batch import Batch
from guard.adapters.sqlite.bulk import Bulk, BulkDelete, Sorting
from guard.adapters.sqlite.keeper import Keeper
from guard.core.decisions import Changes
from tests.store.crash_child import batch
from tests.store.samples import T0, Model, account, call, decision, held, over, posting, state_of

HURRIED = Event()
HURRIED.set()


@contextmanager
def _kept(path: Path) -> Iterator[Keeper]:
    """A keeper without its thread, closed without saving."""
    keeper = Keeper(path, 1_000)
    try:
        yield keeper
    finally:
        keeper.close(HURRIED)


def _commit(keeper: Keeper, model: Model, changes: Changes) -> None:
    keeper.commit(Batch.of(changes)).heard = True
    model.apply(changes)


def _count(keeper: Keeper, table: str) -> int:
    count: int = keeper._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 -- a name of ours
    return count


def _save_all(keeper: Keeper) -> int:
    """Bites until there is nothing more to do."""
    for bites in range(10_000):
        if not keeper.unsaved():
            return bites
        assert keeper.save_some()
    pytest.fail("saving does not end")


def test_everything_reaches_its_table_and_the_journal_is_emptied(tmp_path: Path) -> None:
    model = Model()
    with _kept(tmp_path / "guard.db") as keeper:
        for number in range(1, 200):
            _commit(keeper, model, batch(number))
        keeper.published(3)
        assert _count(keeper, "journal") == 199
        _save_all(keeper)
        assert _count(keeper, "journal") == 0
        assert _count(keeper, "account") == len(model.accounts)
        assert _count(keeper, "call") == len(model.calls)
        assert _count(keeper, "ledger_place") == len(model.ledger)
        assert _count(keeper, "remembered") == len(model.state()["remembered"])
        assert state_of(keeper.restore()) == model.state()
    with _kept(tmp_path / "guard.db") as keeper:
        assert not keeper.unsaved()
        assert state_of(keeper.restore()) == model.state()
        _commit(keeper, model, batch(200))
    with _kept(tmp_path / "guard.db") as keeper:
        assert state_of(keeper.restore()) == model.state(), "batch numbers must go on from an empty journal"


def test_what_is_not_saved_in_time_is_read_from_the_journal(tmp_path: Path) -> None:
    model = Model()
    with _kept(tmp_path / "guard.db") as keeper:
        for number in range(1, 100):
            _commit(keeper, model, batch(number))
            if number % 7 == 0:
                keeper.save_some()
    with _kept(tmp_path / "guard.db") as keeper:
        assert keeper.unsaved()
        assert state_of(keeper.restore()) == model.state()


def test_the_journal_is_bounded_while_commits_never_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most two generations, and what is about to be deleted."""
    monkeypatch.setattr(checkpoint, "GENERATION_ROWS", 2_000)
    model, most = Model(), 0
    with _kept(tmp_path / "guard.db") as keeper:
        for number in range(1, 61):
            first = number * 250
            rows = Changes(
                accounts=[account(f"A{(first + nth) % 9_999}", number) for nth in range(250)],
                calls=[call(f"c{(first + nth) % 9_999}", charge_micros=number) for nth in range(250)],
            )
            _commit(keeper, model, rows)
            most = max(most, _count(keeper, "journal") * 500)
        assert state_of(keeper.restore()) == model.state()
    assert 2_000 <= most <= 6_000


def test_many_small_batches_close_a_generation_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "GENERATION_ENTRIES", 50)
    model = Model()
    with _kept(tmp_path / "guard.db") as keeper:
        for number in range(300):
            _commit(keeper, model, Changes(accounts=[account("A1", number)]))
            assert _count(keeper, "journal") < 120
        assert state_of(keeper.restore()) == model.state()


class _Failing(sqlite3.Connection):
    """A connection whose COMMIT fails whenever it is told to."""

    fail = False

    def execute(self, statement: str, *arguments: object) -> sqlite3.Cursor:
        if statement == "COMMIT" and self.fail:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *arguments)  # type: ignore[arg-type]


def test_any_bite_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bite that is undone begins its phase anew: nothing is left out, and it comes to an end."""
    monkeypatch.setattr(
        schema, "connect", lambda path, _timeout: sqlite3.connect(path, isolation_level=None, factory=_Failing)
    )
    for name, value in {"PRUNED_ROWS": 5, "TRIMMED_ENTRIES": 5, "QUARANTINE_KEPT": 2}.items():
        monkeypatch.setattr(checkpoint, name, value)
    failing = 0
    while _saves_although_a_bite_fails(tmp_path / f"{failing}.db", failing):
        failing += 1
    assert failing > 15


def _saves_although_a_bite_fails(path: Path, failing: int) -> bool:
    """Whether there was a bite with that number to fail."""
    model = Model()
    with _kept(path) as keeper:
        for number in range(1, 41):
            _commit(keeper, model, batch(number))
        connection = keeper._connection
        assert isinstance(connection, _Failing)
        for _ in range(failing):
            keeper.unsaved() and keeper.save_some()
        any_left = keeper.unsaved()
        connection.fail = True
        keeper.save_some()
        connection.fail = False
        assert state_of(keeper.restore()) == model.state()
        _save_all(keeper)
        assert _count(keeper, "journal") == 0
        assert _count(keeper, "quarantine") == 2
        assert _count(keeper, "remembered") == len(model.state()["remembered"])
        assert _count(keeper, "ledger_place") == len(model.ledger)
        assert state_of(keeper.restore()) == model.state()
    return any_left


def test_a_checkpoint_that_fails_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _kept(tmp_path / "guard.db") as keeper, closing(sqlite3.connect(tmp_path / "guard.db")) as intruder:
        _commit(keeper, Model(), posting(1, 5, 5))
        keeper._connection.execute("PRAGMA busy_timeout = 1")
        intruder.execute("BEGIN IMMEDIATE")
        assert not keeper.save_some()
        assert not keeper.save_some()
        intruder.rollback()
        _save_all(keeper)
    assert capsys.readouterr().out.count("store-checkpoint-failed") == 1


def test_a_batch_is_a_copy() -> None:
    """The caller may go on with its lists while the writer is at work."""
    changes = batch(36)
    taken, unchanged = Batch.of(changes), Batch.of(batch(36))
    for entries in (getattr(changes, name) for name in Changes.__slots__):
        if isinstance(entries, list):
            entries.clear()
    assert taken == unchanged


# -- bounds


def test_the_quarantine_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PRUNED_ROWS", 3)
    monkeypatch.setattr(checkpoint, "QUARANTINE_KEPT", 10)
    with _kept(tmp_path / "guard.db") as keeper:
        for number in range(1, 26):
            _commit(keeper, Model(), Changes(quarantine=[held(number)]))
        _save_all(keeper)
        kept = keeper._connection.execute("SELECT number, call FROM quarantine ORDER BY number").fetchall()
        assert kept == [(number, f"call-{number}") for number in range(16, 26)]
        _commit(keeper, Model(), Changes(quarantine=[held(26)]))
        assert keeper._connection.execute("SELECT max(number) FROM quarantine").fetchone() == (26,)


def test_forgotten_calls_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PRUNED_ROWS", 3)
    with _kept(tmp_path / "guard.db") as keeper:
        _commit(keeper, Model(), Changes(remembered=[over(f"c{age}", newest_at_ms=T0 - age) for age in range(20)]))
        _commit(keeper, Model(), Changes(forgotten_before_ms=T0 - 4))
        _save_all(keeper)
        assert _count(keeper, "remembered") == 5


def test_of_many_unpublished_decisions_the_newest_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "UNPUBLISHED_KEPT", 3)
    taken = [decision(number) for number in range(1, 8)]
    with _kept(tmp_path / "guard.db") as keeper:
        _commit(keeper, Model(), Changes(decisions=taken))
        assert keeper.restore().unpublished == taken[4:]


# -- time


async def test_an_idle_store_saves_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "IDLE_S", 0.01)
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        for number in range(1, 50):
            await store.commit(batch(number))
        with closing(sqlite3.connect(path)) as connection:
            for _ in range(1_000):
                await asyncio.sleep(0.01)
                if connection.execute("SELECT count(*) FROM journal").fetchone() == (0,):
                    break
            else:
                pytest.fail("not saved within 10 s")


# -- many rows in few statements


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 31, 63, 127, 128, 129, 255, 300])
def test_rows_of_any_number_are_written_and_deleted(count: int) -> None:
    keys = [f"k{nth}" for nth in range(count)]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
        Bulk("pair", ("a", "b")).write(connection, [("x", key) for key in [*keys, "stays"]])
        Bulk("pair", ("a", "b"), replace=True).write(connection, [("y", key) for key in [*keys, *keys]])
        assert connection.execute("SELECT count(*) FROM pair").fetchone() == (2 * count + 1,)
        BulkDelete("pair", "a", "b").delete(connection, "x", [*keys, "never there"])
        left = sorted(connection.execute("SELECT a, b FROM pair"))
        assert left == sorted([("x", "stays"), *(("y", key) for key in keys)])


@pytest.mark.parametrize("count", [0, 1, 5, 6, 50])
def test_keys_come_out_in_order(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SLICE", 5)
    keys = [f"{nth * 37 % 101}" for nth in range(count)]
    sorting = Sorting(keys)
    assert len(list(sorting.prepare())) == -(-count // 5)
    assert list(sorting) == sorted(keys)
