"""One daemon per file: an exclusive lock on `<file>.lock`, held as long as the store is open.

SQLite alone would let two daemons take turns, each with its own idea of every account in memory. The lock is the
kernel's (flock), so it ends with the process however that ends, and a lock file left behind means nothing. The file
is never removed: a name that comes and goes is a race. Readers need no lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.adapters.sqlite.schema import PRIVATE
from guard.ports import StoreError

_PID_DIGITS = 32


def real(path: Path) -> Path:
    """The file itself, so that two names of one file have one lock."""
    return path.resolve()


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold the lock on a store; `StoreError` when another process (or this one) holds it already."""
    lock = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise StoreError(
            f"{lock}: cannot be made ({error.strerror}); its folder must exist and be writable for guard's user"
        ) from error
    try:
        _lock(handle, path)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(handle, _PID_DIGITS, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreError(
            f"{path}: another guard (process {owner}) is using this store; stop it, or give this one a store of its own"
        ) from error
    except OSError as error:
        raise StoreError(f"{path}: its file system cannot lock ({error.strerror}); use a local disk") from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
