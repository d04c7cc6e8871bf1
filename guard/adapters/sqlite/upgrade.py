"""Before a file of an older layout is migrated: a copy of it is kept, because an older guard does not read the new one.

A migration itself is one transaction and loses nothing. The copy is for whoever has to go back to the guard that wrote
the file. It lies beside the store, named after its layout, until somebody deletes it. The start must not take minutes
for it, nor fill the disk: of a large store, or where there is little room, none is made, and the log says so.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import structlog

from guard.adapters.sqlite import schema
from guard.adapters.sqlite.backup import back_up
from guard.ports import StoreError

MOST_BYTES = 2 * 1024**3
"""Copied in some 10 s; the unit gives a start two minutes."""


def keep_copy(connection: sqlite3.Connection, path: Path, log: structlog.typing.FilteringBoundLogger) -> None:
    """Copy the file if it is to be migrated; `connection` has it open and has not changed it."""
    layout, newest = schema.layout_of(connection, path), schema.newest_layout()
    if not 0 < layout < newest:
        return
    copy = path.with_name(f"{path.name}.layout-{layout}")
    hindrance = _make(path, copy)
    if hindrance:
        log.warning(
            "store-upgrade",
            layout=layout,
            to=newest,
            reason=hindrance,
            effect="no copy of the old file was kept, and an older guard does not read the new layout",
        )
    else:
        log.info("store-upgrade", layout=layout, to=newest, copy=str(copy), remedy="delete the copy when all is well")


def _make(path: Path, copy: Path) -> str:
    """Make the copy; why there is none."""
    size_bytes = path.stat().st_size
    if size_bytes > MOST_BYTES:
        return f"{path}: has {size_bytes:,} bytes; more than {MOST_BYTES:,} are not copied at a start"
    try:
        back_up(path, copy, min_free_bytes=size_bytes)
    except (StoreError, OSError) as error:
        return str(error)
    return ""
