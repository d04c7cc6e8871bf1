"""The one who writes: owns the connection, commits batches, keeps the checkpoint going. Lives on the writer's thread.

**A commit** is one transaction: the journal entry, what is only ever appended (ledger, decisions, memory, quarantine,
billing, audit), what waits for a switch, and a bite of the checkpoint. It is durable when COMMIT returns
(`synchronous = FULL`: the WAL is synced).

**A commit that fails** is rolled back and leaves memory as it was: the same batch may be committed again. When COMMIT
itself fails nobody can know whether the batch is in the file; the same holds for the caller who was cancelled while
waiting. Therefore batches are numbered, the number is in the file with the batch, and the last batch that nobody has
been told about is kept: the same batch again is recognised, and only written when its number is not there. A
different batch after a failed COMMIT that did reach the file is refused: memory and file have parted, and only a
restart brings them together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

import structlog

from guard.adapters.sqlite import restoring, revival, schema, upgrade
from guard.adapters.sqlite.batch import Batch
from guard.adapters.sqlite.checkpoint import Checkpoint
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.adapters.sqlite.generation import Place
from guard.adapters.sqlite.journal import JournalError, encode
from guard.core.restored import Restored
from guard.ports import StoreError

T = TypeVar("T")

_INSERT_ENTRY = "INSERT INTO journal VALUES (?, ?)"


@dataclass(slots=True)
class Attempt:
    """A batch handed in, until its caller has heard what became of it."""

    number: int
    batch: Batch
    places: list[Place]
    doubtful: bool = False
    """COMMIT itself failed."""
    heard: bool = False


class Keeper:
    """Everything that is done with the writer's connection."""

    def __init__(self, path: Path, busy_timeout_ms: int) -> None:
        """Open the file; `StoreError` when it is refused."""
        self._path = path
        self._attempt: Attempt | None = None
        self._log = structlog.get_logger("guard").bind()
        self._warned = ""
        schema.claim(path)
        with ExitStack() as stack:
            try:
                self._connection = schema.connect(path, busy_timeout_ms)
                stack.callback(self._connection.close)
                upgrade.keep_copy(self._connection, path, self._log)
                schema.prepare(self._connection, path)
                self._checkpoint = Checkpoint(self._connection)
                restoring.read_journal(self._connection, self._checkpoint)
                self._number = restoring.last_number(self._connection)
                self._last_line = restoring.last_line(self._connection)
                self._prove_writable()
                if revival.is_marked(self._connection):
                    self._revive()
            except JournalError as error:
                what_to_do = "stop guard, keep a copy, put the last good backup in its place"
                raise StoreError(f"{path}: {error}; {what_to_do}") from error
            except Unstorable as error:
                raise explain(error, path) from error
            stack.pop_all()

    def restore(self) -> Restored:
        """The whole state as of the last commit."""
        try:
            return restoring.restore(self._connection, self._checkpoint.generations())
        except Unstorable as error:
            raise explain(error, self._path) from error

    def published(self, number: int) -> None:
        """Decisions up to this number have reached the broker."""
        self._checkpoint.published(number)

    # -- committing

    def commit(self, batch: Batch) -> Attempt:
        """Make a batch durable; `StoreError` when that failed. The caller marks the attempt when it has heard."""
        known = self._known(batch)
        if known is not None:
            return known
        attempt = Attempt(self._number + 1, batch, self._places(batch))
        self._attempt = None
        try:
            blob = encode(batch.entry)
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_INSERT_ENTRY, (attempt.number, blob))
            batch.append(self._connection)
            self._checkpoint.ride(batch.entry.count() + len(attempt.places))
            # From here on the batch may be in the file, whatever SQLite says.
            attempt.doubtful = True
            self._attempt = attempt
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, Unstorable):
                raise explain(error, self._path) from error
            raise
        self._taken(attempt)
        return attempt

    def _known(self, batch: Batch) -> Attempt | None:
        """The attempt that has already made this very batch durable, if its caller never heard of it."""
        attempt = self._attempt
        if attempt is None or attempt.heard:
            return None
        if not attempt.doubtful:
            return attempt if attempt.batch == batch else None
        try:
            inside = restoring.last_number(self._connection) >= attempt.number
        except Unstorable as error:
            raise explain(error, self._path) from error
        if not inside:
            return None
        if attempt.batch != batch:
            raise StoreError(f"{self._path}: a batch whose commit failed has reached the file after all; restart guard")
        self._taken(attempt)
        return attempt

    def _places(self, batch: Batch) -> list[Place]:
        lowest = batch.lowest_line()
        if lowest is not None and lowest <= self._last_line:
            raise StoreError(
                f"{self._path}: ledger line {lowest} comes after line {self._last_line}; this is a fault in guard: "
                "report it, restart"
            )
        return [(line.account, line.at_ms, line.number) for line in batch.ledger]

    def _taken(self, attempt: Attempt) -> None:
        attempt.doubtful = False
        self._number = attempt.number
        self._last_line = max((self._last_line, *(number for _, _, number in attempt.places)))
        # Close what rode along before the next generation gets this batch.
        self._checkpoint.committed()
        batch = attempt.batch
        self._checkpoint.add(attempt.number, batch.entry, attempt.places, quarantined=bool(batch.quarantine))

    def _roll_back(self) -> None:
        # SQLite has often rolled back by itself, and then says so by failing here.
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._checkpoint.rolled_back()

    # -- beside the batches

    def write(self, work: Callable[[sqlite3.Connection], T], *, synced: bool) -> T:
        """Do something in a transaction of its own, which is repeated whole when it fails.

        One that is not `synced` costs the batches that wait for this thread no sync of the disk. It becomes durable
        with the next batch; the machine's (not the process's) death before that undoes it.
        """
        try:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, Unstorable):
                raise explain(error, self._path) from error
            raise
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")
        return result

    def empty_log(self) -> bool:
        """Move the whole write-ahead log to the file and cut it to nothing; False: somebody is reading from it.

        Without patience: batches wait for this thread.
        """
        patience_ms = self._connection.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            self._connection.execute("PRAGMA busy_timeout = 0")
            busy: int = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except Unstorable as error:
            raise explain(error, self._path) from error
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
        return not busy

    # -- what can wait

    def unsaved(self) -> bool:
        """Whether a checkpoint would find anything to do."""
        return self._checkpoint.unsaved()

    def save_some(self) -> bool:
        """One bite in a transaction of its own; False when it failed, which costs nothing but a longer journal."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._checkpoint.bite()
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001
            # boundary: nobody waits for this; the next commit that carries a bite raises it again
            self._roll_back()
            self._warn(str(error))
            return False
        self._checkpoint.committed()
        self._warned = ""
        return True

    def _warn(self, reason: str) -> None:
        """Say once what keeps the journal from being saved."""
        if reason != self._warned:
            self._warned = reason
            self._log.warning("store-checkpoint-failed", reason=reason, store=str(self._path))

    def close(self, hurry: Event) -> None:
        """Save what can be saved until `hurry` is set, then let go of the file. What is not saved is in the journal."""
        while not hurry.is_set() and self.unsaved():
            if not self.save_some():
                break
        self._connection.close()

    def _revive(self) -> None:
        """The file is a backup that was put back."""
        while self.unsaved():
            if not self.save_some():
                raise StoreError(f"{self._path}: is a backup, and could not be made a store again: {self._warned}")
        self.write(revival.count_on, synced=True)
        self._log.warning(
            "store-restored",
            store=str(self._path),
            effect="it is as of its backup; switches are given all of it",
            remedy="say again what came since: guard load, billing, and what operators did",
        )

    def _prove_writable(self) -> None:
        """Fail at the start, not at the first commit, when the file cannot be written."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("UPDATE meta SET value = value WHERE name = 'saved'")
        self._connection.execute("COMMIT")
