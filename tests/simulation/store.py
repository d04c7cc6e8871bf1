"""guard's store on a real file, without threads: its writer and reader do their work when virtual time says so.

The writer takes jobs in order, each after a while; the real `Keeper` does them, with all of its SQL, on a real SQLite
file. What is committed is in the file; the death of the process undoes what is not. The disk can be told to be full, to
fail before or after a COMMIT took effect, or to be held by somebody else; and the process can be told to die between
any two statements.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest.mock import patch

from guard.adapters.sqlite import checkpoint, schema
from guard.adapters.sqlite.keeper import Keeper
from guard.adapters.sqlite.reader import Reader
from guard.adapters.sqlite.store import SqliteStore
from guard.adapters.sqlite.writer import Writer
from tests.simulation.steps import SteppedLoop

BUSY_MS = 0
IDLE_MS = 200
"""The writer's thread saves when it has had nothing to do for so long."""
MS_PER_S = 1_000

T = TypeVar("T")

_CHANGES = ("INSERT", "REPLACE", "UPDATE", "DELETE")


class Disk:
    """What the disk does at each statement. Lives as long as the file."""

    def __init__(self) -> None:
        self.trouble = ""
        """`full`, `failing`, `failing late` (COMMIT takes effect and says that it has not), `locked`; empty: none."""
        self.dies_in: int | None = None
        """The process dies before so many more statements of the writer."""
        self.died: Callable[[], None] = lambda: None

    def before(self, statement: str) -> None:
        """A statement of the writer is about to be done."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.dies_in = None
                self.died()
                raise _error(sqlite3.SQLITE_IOERR, "the process is dead")
        if self.trouble == "full" and statement.lstrip().startswith(_CHANGES):
            raise _error(sqlite3.SQLITE_FULL, "database or disk is full")
        if self.trouble == "failing" and statement == "COMMIT":
            raise _error(sqlite3.SQLITE_IOERR, "disk I/O error")
        if self.trouble == "locked" and statement == "BEGIN IMMEDIATE":
            raise _error(sqlite3.SQLITE_BUSY, "database is locked")

    def after(self, statement: str) -> None:
        """It has been done."""
        if self.trouble == "failing late" and statement == "COMMIT":
            raise _error(sqlite3.SQLITE_IOERR, "disk I/O error")


def _error(code: int, text: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class _Connection(sqlite3.Connection):
    """The writer's connection, on such a disk."""

    disk: Disk | None = None

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """As ever, if the disk does it."""
        if self.disk is None:
            return super().execute(statement, *values)
        self.disk.before(statement)
        cursor = super().execute(statement, *values)
        self.disk.after(statement)
        return cursor

    def executemany(self, statement: str, values: Iterable[Any]) -> sqlite3.Cursor:
        """As ever, if the disk does it."""
        if self.disk is not None:
            self.disk.before(statement)
        return super().executemany(statement, values)


class StepWriter:
    """What `Writer` is, on the stepped loop instead of a thread."""

    def __init__(
        self, path: Path, disk: Disk, loop: SteppedLoop, takes_ms: Callable[[], int], *, saves_when_idle: bool
    ) -> None:
        """Opens the file at once; `takes_ms` says how long the next job takes."""
        self._saves_when_idle = saves_when_idle
        self._loop = loop
        self._takes_ms = takes_ms
        self._jobs: deque[Callable[[], None]] = deque()
        self._busy = False
        self._saving = False
        connections: list[_Connection] = []

        def connect(file: Path, busy_timeout_ms: int) -> sqlite3.Connection:
            del busy_timeout_ms
            connection = sqlite3.connect(file, timeout=0, isolation_level=None, factory=_Connection)
            connections.append(connection)
            return connection

        with patch.object(schema, "connect", connect):
            self._keeper = Keeper(path, BUSY_MS)
        self._connection = connections[-1]
        self._connection.disk = disk
        self.dead = False

    def submit(self, work: Callable[[Keeper], T]) -> Future[T]:
        """Have something done, after everything submitted before."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work(self._keeper)
            except Exception as error:  # noqa: BLE001 -- whoever submitted it raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.append(job)
        self._next()
        return future

    def _next(self) -> None:
        if self._jobs and not self._busy:
            self._busy = True
            self._loop.call_later(self._takes_ms() / MS_PER_S, self._do)

    def _do(self) -> None:
        self._busy = False
        if self.dead:
            return
        self._jobs.popleft()()
        if self._jobs:
            self._next()
        elif self._saves_when_idle and not self._saving:
            self._saving = True
            self._loop.call_later(IDLE_MS / MS_PER_S, self._save)

    def _save(self) -> None:
        self._saving = False
        if not self.dead and not self._jobs and self._keeper.unsaved() and self._keeper.save_some():
            self._saving = True
            self._loop.call_soon(self._save)

    def die(self) -> None:
        """What is not committed has never been."""
        self.dead = True
        self._connection.disk = None
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._connection.close()


class _Reading:
    """What `aiosqlite.Connection` is to the reader."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._connection = sqlite3.connect(schema.reading(path), uri=True, isolation_level=None)
        self._disk = disk

    async def execute_fetchall(self, question: str, values: Mapping[str, object]) -> Iterable[Any]:
        """All rows of a question."""
        if self._disk.trouble in ("failing", "failing late"):
            raise _error(sqlite3.SQLITE_IOERR, "disk I/O error")
        return self._connection.execute(question, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class SteppedStore:
    """A store, open."""

    def __init__(
        self, path: Path, disk: Disk, loop: SteppedLoop, takes_ms: Callable[[], int], *, saves_when_idle: bool
    ) -> None:
        self._writer = StepWriter(path, disk, loop, takes_ms, saves_when_idle=saves_when_idle)
        self._reading = _Reading(path, disk)
        reader = Reader(cast("Any", self._reading), path)
        self.store = SqliteStore(cast("Writer", self._writer), reader)

    def die(self) -> None:
        """The process is gone."""
        self._writer.die()
        self._reading.close()


def generations_of(entries: int) -> Any:
    """Checkpoints come after so few batches, so that a short run has many; for a `with`."""
    return patch.object(checkpoint, "GENERATION_ENTRIES", entries)


def empty_store(path: Path) -> bytes:
    """A file that guard has made and nothing has happened to."""
    with patch.object(schema, "connect", lambda file, _patience: sqlite3.connect(file, isolation_level=None)):
        keeper = Keeper(path, BUSY_MS)
    keeper._connection.close()
    content = path.read_bytes()
    path.unlink()
    return content
