"""A backup: one moment of a store that a daemon may be writing, whole, in one plain file.

**One moment.** SQLite's own backup copies page by page. Left to itself it begins anew whenever somebody has written
meanwhile, and beside a busy guard it would never end. So all steps happen within one read transaction: what is
committed after its beginning is not in the copy. The daemon does not wait for it; only its log grows until the copy is
made, and is cut back afterwards.

**One file.** The copy has no log beside it and needs none (`journal_mode = DELETE`); guard gives it one when it opens
it. That also tells a restored file from a store in use: a log beside a file without one is another file's, and
`schema.claim` refuses the pair, because SQLite would write that log's pages into it.

**Whole or not at all.** The copy is written under a name of its own, synced, and then proved: SQLite looks through its
pages, the ledger is added up. Only then it gets the name that was asked for. What had that name before is there until
then, so a backup that fails costs none that exists.

**Room.** A backup on the store's own disk must not be what fills it: room is looked for before the first page.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from guard.adapters.sqlite import revival, schema
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.adapters.sqlite.ledger_check import check_ledger
from guard.ports import StoreError

STEP_PAGES = 4_096
"""16 MiB between two words of progress."""

BUSY_TIMEOUT_S = 5.0

_SIDE_FILES = ("-wal", "-shm", "-journal", ".lock")

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are copied."""


def _nobody_watches(_done: int, _total: int) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a backup has become."""

    size_bytes: int
    layout: int
    added_up: bool
    """Whether the ledger was added up; the ledger of an older layout is not."""


def back_up(store: Path, target: Path, *, min_free_bytes: int = 0, progress: Progress = _nobody_watches) -> Copied:
    """Make `target` a backup of the store, in the place of what was there; works beside a running daemon.

    `StoreError`, and no change to `target`, when the store cannot be read, the copy cannot be written or does not add
    up, or less than `min_free_bytes` would be left.
    """
    store, target = store.resolve(), target.resolve()
    if not store.is_file():
        raise StoreError(f"{store}: there is no such file")
    if target in (store, *(store.with_name(store.name + side) for side in _SIDE_FILES)):
        raise StoreError(f"{target}: is the store itself; name another file")
    with _beside(target) as part:
        try:
            layout = _copy(store, part, min_free_bytes, progress)
        except Unstorable as error:
            raise explain(error, store) from error
        added_up = layout == schema.newest_layout()
        _prove(part, store, ledger=added_up)
        size_bytes = part.stat().st_size
        part.replace(target)
        _sync_folder(target)
    return Copied(size_bytes=size_bytes, layout=layout, added_up=added_up)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """An empty file in the same folder, for guard's user alone; gone afterwards unless it was renamed."""
    part = target.with_name(f".{target.name}.part")
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, schema.PRIVATE)
    except OSError as error:
        raise StoreError(f"{part}: cannot be made ({error.strerror}); its folder must exist and be writable") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"{part}: another backup is writing it; wait for that one") from error
        os.ftruncate(handle, 0)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _copy(store: Path, part: Path, min_free_bytes: int, progress: Progress) -> int:
    """Copy one moment of the store, and sync the copy; the layout it has."""
    with (
        closing(
            sqlite3.connect(schema.reading(store), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        ) as origin,
        closing(sqlite3.connect(part, isolation_level=None)) as copy,
    ):
        origin.execute("BEGIN")
        layout = schema.layout_of(origin, store)
        if layout == 0:
            raise StoreError(f"{store}: is empty; there is nothing to back up")
        page_bytes = _pragma(origin, "page_size")
        _find_room(part.parent, page_bytes * _pragma(origin, "page_count"), min_free_bytes)
        # Synced once, at the end.
        copy.execute("PRAGMA synchronous = OFF")

        def copied(_: int, remaining: int, total: int) -> None:
            progress((total - remaining) * page_bytes, total * page_bytes)

        origin.backup(copy, pages=STEP_PAGES, progress=copied)
        revival.mark(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with part.open("rb") as written:
        os.fsync(written.fileno())
    return layout


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _find_room(folder: Path, size_bytes: int, min_free_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size_bytes + min_free_bytes:
        raise StoreError(
            f"{folder}: has room for {free_bytes:,} bytes; the copy takes {size_bytes:,} and {min_free_bytes:,} are to "
            "stay free ([store] min_free). Make room, or write to another disk"
        )


def _prove(part: Path, store: Path, *, ledger: bool) -> None:
    """Refuse a copy that is damaged or does not add up."""
    try:
        with closing(sqlite3.connect(schema.reading(part), uri=True)) as connection:
            damage: list[str] = [text for (text,) in connection.execute("PRAGMA quick_check") if text != "ok"]
    except Unstorable as error:
        raise explain(error, part) from error
    findings = damage or (check_ledger(part) if ledger else [])
    if findings:
        told = "\n".join(f"{store}: {finding}" for finding in findings)
        raise StoreError(
            f"{told}\n{store}: the copy was thrown away because of this; backups from before are as they were"
        )


def _sync_folder(path: Path) -> None:
    """Make a new name durable."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
