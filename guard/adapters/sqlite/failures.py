"""What SQLite says, in words an operator can act on: which file, what is wrong, what to do.

Every error that leaves this adapter is a `StoreError` made here. Nothing here decides whether to try again: a full
disk and a corrupt file look the same to the caller, who keeps what it has not been able to commit.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from guard.ports import StoreError

_PRIMARY = 0xFF
"""The low byte of an extended result code is the primary one."""

_WORDS = {
    sqlite3.SQLITE_PERM: "access is denied; let guard's user read and write the file and its folder",
    sqlite3.SQLITE_BUSY: "another process holds its write lock; end that process, only guard may write here",
    sqlite3.SQLITE_LOCKED: "another connection holds a lock on it; end whatever else has it open",
    sqlite3.SQLITE_READONLY: "it cannot be written; let guard's user write the file and its folder",
    sqlite3.SQLITE_IOERR: "the disk reported an error; look at the system's log, then replace or remount the disk",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop guard, keep a copy, put the last good backup in its place",
    sqlite3.SQLITE_FULL: "the disk is full; free space on its file system",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; its folder must exist and guard's user must be able to write there",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database; name another file as the store, or restore this one",
    sqlite3.SQLITE_CONSTRAINT: "a row that should be new is there already; a fault in guard: report it, restart",
}

Unstorable = (sqlite3.Error, OverflowError, UnicodeError)
"""What SQLite, its driver or the journal's codec raise when they cannot take something."""


def explain(error: Exception, path: Path) -> StoreError:
    """The `StoreError` for an error of SQLite, of the driver, or of a value that fits neither."""
    code = getattr(error, "sqlite_errorcode", 0)
    words = _WORDS.get(code & _PRIMARY)
    if words is not None:
        return StoreError(f"{path}: {words} ({error})")
    if isinstance(error, OverflowError | UnicodeError):
        return StoreError(f"{path}: a value does not fit the store; this is a fault in guard: report it ({error})")
    return StoreError(f"{path}: the store failed: {error}")
