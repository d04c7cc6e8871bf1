"""Opening a file as a store: which files are refused, how the others are brought up to date and set up.

`application_id` says that a file is guard's, `user_version` which layout it has (`layout`,
`guard.ports.migrations`). A file of another program is refused before anything about it has been changed.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from guard.adapters.sqlite.layout import MIGRATIONS
from guard.ports import StoreError
from guard.ports.migrations import missing, refuse_older

APPLICATION_ID = 0x67756172
"""`guar` in ASCII."""

PRIVATE = 0o600
"""The store holds called numbers: nobody but guard's own user reads it unless the operator says so."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 20
_PLAIN = 1
"""What bytes 18 and 19 of the file say of one that has no write-ahead log, and never of a store in use."""

PAGE_BYTES = 4096
"""One page of the file and of the file system. A changed row costs a page in the WAL: bigger pages, more bytes."""

CACHE_KIB = 65_536
"""Page cache of the writer: holds the state tables of 200,000 accounts and 50,000 calls whole."""

WAL_PAGES = 1_000
"""4 MiB of WAL, then its pages move to the file: often and little (some 10 ms) instead of seldom and long."""

WAL_KEPT_BYTES = 64 * 1024 * 1024
"""A WAL that grew behind a slow reader is cut back to this."""

CACHED_STATEMENTS = 128
"""Six sizes of multi-row statements for each table, and the rest."""


def claim(path: Path) -> None:
    """Make the file if there is none, for guard's user alone (SQLite gives its other files the same mode).

    `StoreError` for a file that is none of SQLite's, however short: SQLite itself overwrites what is less than a page.
    And for a restored backup beside the log of the store that it replaces: SQLite would make one ruin of the two.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError:
        return  # SQLite will say the same, in the words of `failures`
    try:
        start = os.read(handle, _HEADER_BYTES)
    finally:
        os.close(handle)
    if start and not start.startswith(_MAGIC):
        raise StoreError(f"{path}: it is not an SQLite database; name another file as the store, or restore this one")
    log = path.with_name(path.name + "-wal")
    if _PLAIN in start[len(_MAGIC) + 2 :] and log.exists() and log.stat().st_size:
        raise StoreError(
            f"{log}: is the log of another file than this {path.name}, which is a backup put in its place; delete "
            f"{log.name} and {path.name}-shm (everything of the backup is in {path.name} itself)"
        )


def connect(path: Path, busy_timeout_ms: int) -> sqlite3.Connection:
    """The writer's connection. Transactions are begun and ended by name only (`isolation_level=None`)."""
    return sqlite3.connect(
        path, timeout=busy_timeout_ms / 1_000, isolation_level=None, cached_statements=CACHED_STATEMENTS
    )


def reading(path: Path) -> str:
    """The address of the file for a connection that can only read."""
    return f"{path.absolute().as_uri()}?mode=ro"


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make an empty file a store, bring an older store up to date, refuse what is neither.

    `StoreError` for another program's file, a newer guard's file, and a file system without WAL; `sqlite3.Error` for
    what SQLite itself refuses. A foreign file is left exactly as it was.
    """
    version = layout_of(connection, path)
    if version == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(f"{path}: its file system cannot hold a write-ahead log; put the store on a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    # Overwrite what is deleted where that costs no page of its own; Debian's default writes every dead page again.
    connection.execute("PRAGMA secure_delete = FAST")
    if missing(MIGRATIONS, version, str(path)):
        _migrate(connection, path, version)


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse for reading what is not a store in the present layout; changes nothing."""
    refuse_older(MIGRATIONS, layout_of(connection, path), str(path))


def newest_layout() -> int:
    """The layout that this guard writes."""
    return len(MIGRATIONS)


def layout_of(connection: sqlite3.Connection, path: Path) -> int:
    """The layout a file has; 0 for an empty one. `StoreError` for another program's file, and a newer guard's."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application_id or version or tables:
            raise StoreError(f"{path}: is another program's database; name another file as guard's store")
        return 0
    missing(MIGRATIONS, version, str(path))
    return version


def _migrate(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """In one transaction; the lock is SQLite's own, and `ownership` before it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in missing(MIGRATIONS, version, str(path)):
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
