"""The file's layout, its versions, and which files are refused.

`application_id` says that a file is guard's, `user_version` which layout it has. `MIGRATIONS` is the whole history:
entry n brings a file from version n to n + 1, version 0 being an empty file, so a new file and an old one come to the
present layout by the same statements, in one transaction. An entry that has been released is never edited; the tests
hold the layout against a dump (`tests/store/schema-1.sql`), so it cannot change silently.

Columns of `account`, `call` and `switch` are the fields of `guard.core.rows`, by name and order. A column is only ever
added, at the end, with a default in both places: journal entries written before have shorter rows and are read with
the default.

Two kinds of table. *Hot* ones get a row a call or more (`journal`, `ledger`, `remembered`): their keys only increase
and what index they have is either in step with that (`remembered_age`) or filled lazily in sorted order
(`ledger_place`). The others are small or slow and have the index that their queries want.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from guard.ports import StoreError

APPLICATION_ID = 0x67756172
"""`guar` in ASCII."""

PRIVATE = 0o600
"""The store holds called numbers: nobody but guard's own user reads it unless the operator says so."""

_MAGIC = b"SQLite format 3\0"

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

Migration = tuple[str, ...]

_VERSION_1: Migration = (
    """CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID""",
    "INSERT INTO meta VALUES ('saved', 0), ('placed', 0), ('forgotten_before_ms', 0), ('published', 0)",
    """CREATE TABLE journal (
  number INTEGER PRIMARY KEY,
  rows BLOB NOT NULL
)""",
    """CREATE TABLE account (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  opened TEXT NOT NULL,
  "plan" TEXT NOT NULL,
  tariff TEXT NOT NULL,
  provisional INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  owed_micros INTEGER NOT NULL,
  pending_micros INTEGER NOT NULL,
  trusted_micros INTEGER NOT NULL,
  limit_micros INTEGER,
  limit_source TEXT NOT NULL,
  cycles_micros INTEGER,
  floor_micros INTEGER,
  cap_micros INTEGER,
  until_limit_micros INTEGER,
  until_ms INTEGER,
  level INTEGER NOT NULL,
  spoken INTEGER NOT NULL,
  allow_until_ms INTEGER,
  seq INTEGER NOT NULL,
  decisions INTEGER NOT NULL,
  lifted_at_ms INTEGER NOT NULL,
  command TEXT,
  causes TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE call (
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  event INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  newest_at_ms INTEGER NOT NULL,
  answered_at_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  charge_micros INTEGER NOT NULL,
  stated_charge_micros INTEGER NOT NULL,
  rate_micros INTEGER NOT NULL,
  rate_known INTEGER NOT NULL,
  posted_micros INTEGER NOT NULL,
  "to" TEXT NOT NULL,
  caller TEXT NOT NULL,
  direction TEXT NOT NULL,
  emergency INTEGER NOT NULL,
  source TEXT NOT NULL,
  silent_carry_scaled INTEGER NOT NULL,
  defies INTEGER NOT NULL,
  PRIMARY KEY (switch, call)
) WITHOUT ROWID""",
    """CREATE TABLE switch (
  name TEXT PRIMARY KEY NOT NULL,
  up INTEGER NOT NULL,
  first_heard_ms INTEGER NOT NULL,
  last_heard_ms INTEGER NOT NULL,
  skew_ms INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE ledger (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  amount_micros INTEGER NOT NULL,
  currency TEXT NOT NULL,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  "to" TEXT NOT NULL,
  direction TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  emergency INTEGER NOT NULL,
  ref TEXT NOT NULL,
  method TEXT NOT NULL,
  text TEXT NOT NULL
)""",
    """CREATE TABLE ledger_place (
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (account, at_ms, number)
) WITHOUT ROWID""",
    """CREATE TABLE decisions (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  account TEXT NOT NULL,
  action TEXT NOT NULL,
  scope TEXT NOT NULL,
  mode TEXT NOT NULL,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  "key" TEXT NOT NULL,
  mark TEXT NOT NULL,
  exposure_micros INTEGER NOT NULL,
  limit_micros INTEGER,
  currency TEXT NOT NULL,
  evidence TEXT NOT NULL,
  text TEXT NOT NULL,
  "by" TEXT NOT NULL
)""",
    "CREATE INDEX decisions_account ON decisions (account, number)",
    """CREATE TABLE remembered (
  number INTEGER PRIMARY KEY,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  newest_at_ms INTEGER NOT NULL,
  event INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  charge_micros INTEGER NOT NULL,
  posted_micros INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  emergency INTEGER NOT NULL,
  direction TEXT NOT NULL
)""",
    "CREATE INDEX remembered_age ON remembered (newest_at_ms)",
    """CREATE TABLE quarantine (
  number INTEGER PRIMARY KEY,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  rule TEXT NOT NULL,
  event TEXT NOT NULL,
  charge_micros INTEGER,
  currency TEXT NOT NULL
)""",
    """CREATE TABLE billing (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  type TEXT NOT NULL,
  amount_micros INTEGER,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  payload TEXT NOT NULL
)""",
    """CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL
)""",
    "CREATE INDEX audit_account ON audit (account, number)",
    """CREATE TABLE pending (
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (switch, account)
) WITHOUT ROWID""",
)

MIGRATIONS: tuple[Migration, ...] = (_VERSION_1,)
"""Entry n makes version n + 1 of version n."""


def claim(path: Path) -> None:
    """Make the file if there is none, for guard's user alone (SQLite gives its other files the same mode).

    `StoreError` for a file that is none of SQLite's, however short: SQLite itself overwrites what is less than a page.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError:
        return  # SQLite will say the same, in the words of `failures`
    try:
        start = os.read(handle, len(_MAGIC))
    finally:
        os.close(handle)
    if start and start != _MAGIC:
        raise StoreError(f"{path}: it is not an SQLite database; name another file as the store, or restore this one")


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
    version = _version(connection, path)
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
    if version < len(MIGRATIONS):
        _migrate(connection, version)


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse for reading what is not a store in the present layout; changes nothing."""
    version = _version(connection, path)
    if version < len(MIGRATIONS):
        raise StoreError(
            f"{path}: is empty or was written by an older guard (layout {version}); start guard on it once"
        )


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The layout a file has; 0 for an empty one."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application_id or version or tables:
            raise StoreError(f"{path}: is another program's database; name another file as guard's store")
        return 0
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path}: was written by a newer guard (layout {version}, this one knows {len(MIGRATIONS)}); "
            "run that version, or restore a backup from before it"
        )
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """All missing steps in one transaction: a crash leaves the old layout, whole."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version:]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
