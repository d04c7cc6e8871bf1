"""`guard backup`: a copy of the store that is whole, proved and dated, while the daemon goes on.

The copy is made from the file, not by the daemon: it works whether the daemon runs, hangs or has been stopped. What it
is and why it is never half of one is told in `guard.adapters.sqlite.backup`.

A backup in a folder is named after the time at which it was begun, in UTC, so that names sort by age. `--keep N` then
deletes older ones by that kind of name and nothing else, and only once the new one is there.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from guard.adapters.sqlite import Copied, back_up
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError, say
from guard.ports import StoreError

_NAMED = re.compile(r"guard-\d{8}T\d{6}Z\.db")
"""What a backup in a folder is called."""


def backup(file: Path, config_path: Path | None, *, force: bool, keep: int | None) -> None:
    """Make it, say what it is, delete what is too old."""
    config = configuration(config_path)
    if config.store.database:
        raise CommandError("store.url: the store is a database, which has tools of its own for that: pg_dump", WRONG)
    folder = file if file.is_dir() else None
    if keep is not None and folder is None:
        raise CommandError(f"{file}: --keep goes with a folder that is there, which this is not", WRONG)
    began = datetime.now(UTC)
    target = file if folder is None else folder / f"guard-{began:%Y%m%dT%H%M%SZ}.db"
    if not target.parent.is_dir():
        raise CommandError(f"{target.parent}: there is no such folder", WRONG)
    if target.exists() and not force:
        raise CommandError(f"{target}: is there already; name another file, or replace it with --force", WRONG)
    store = config.store.path
    # Of another disk than the store's not a byte has to stay free.
    copied = _copy(store, target, config.store.min_free_bytes if _same_disk(store, target) else 0)
    proved = "its ledger adds up" if copied.added_up else f"its pages are sound (layout {copied.layout}, not added up)"
    sys.stdout.write(f"{target}: {copied.size_bytes:,} bytes as of {began:%Y-%m-%dT%H:%M:%SZ}; {proved}\n")
    if folder is not None and keep is not None:
        _delete_old(folder, keep)


def _same_disk(store: Path, target: Path) -> bool:
    try:
        return store.stat().st_dev == target.absolute().parent.stat().st_dev
    except OSError:
        return False  # whichever is missing, `back_up` says so


def _copy(store: Path, target: Path, min_free_bytes: int) -> Copied:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("copying", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            if done == total:
                progress.update(task, description="adding up")

        try:
            return back_up(store, target, min_free_bytes=min_free_bytes, progress=tell)
        except StoreError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename or target}: {error.strerror}") from error


def _delete_old(folder: Path, keep: int) -> None:
    """Delete the oldest by their names; one that cannot be deleted is told, and is no failure of the backup."""
    backups = sorted(path for path in folder.iterdir() if _NAMED.fullmatch(path.name))
    for old in backups[:-keep]:
        try:
            old.unlink()
        except OSError as error:
            say(f"{old}: cannot be deleted ({error.strerror})")
        else:
            say(f"{old}: deleted, as it is older than the newest {keep}")
