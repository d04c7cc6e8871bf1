"""What the rules know, as one blob a row: nobody asks the store for a part of it.

A row goes to its table in the transaction of its batch, past the journal. It is some KiB, an account's own at most a
few times a minute, and the engine decides how often: there is nothing to gain by collecting such rows.

A blob is a MessagePack array of the row's columns, read like a journal entry: one that was written before a column was
added at its end gets the default. **What cannot be read is left out**, and the log says how much: rules begin anew with
those accounts, as they do with new ones. Everything else in the store stops a start when it is damaged, because it is
money or what a switch was told; this is neither. A row of a kind that this version does not know is left where it is.

Rows are made one at a time, as they are taken up, and the blobs let go: as objects 100,000 accounts are 2.5 GB, as
blobs a tenth of that.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec
import structlog

from guard.adapters.sqlite.bulk import Bulk, selection
from guard.core.decisions import HeldRow, KeptRow
from guard.core.rows import ClockRow, ExpectationRow
from guard.core.rules.fuse import FuseRow
from guard.core.rules.rows import CrowdRow, SubjectRow
from guard.core.rules.usual import UsualRow
from guard.core.suspicion import SuspicionRow

_KEPT = Bulk("kept", KeptRow._fields, replace=True)
_SELECT = f'{selection("kept", KeptRow._fields)} ORDER BY kind, "key"'
_DELETE = 'DELETE FROM kept WHERE kind = ? AND "key" = ?'

_encode = msgspec.msgpack.Encoder().encode
_DECODERS: dict[str, Callable[[bytes], object]] = {
    "subject": msgspec.msgpack.Decoder(SubjectRow).decode,
    "crowds": msgspec.msgpack.Decoder(tuple[CrowdRow, ...]).decode,
    "fuse": msgspec.msgpack.Decoder(FuseRow).decode,
    "held": msgspec.msgpack.Decoder(tuple[HeldRow, ...]).decode,
    "suspicion": msgspec.msgpack.Decoder(SuspicionRow).decode,
    "clock": msgspec.msgpack.Decoder(ClockRow).decode,
    "expectation": msgspec.msgpack.Decoder(ExpectationRow).decode,
    "usual": msgspec.msgpack.Decoder(UsualRow).decode,
}


def write(connection: sqlite3.Connection, rows: Sequence[KeptRow]) -> None:
    """Write rows within the open transaction; one that is None is deleted. A key comes once.

    Rows of some KiB lie on pages of their own, which each new state sets free: they are overwritten at once, because
    they hold numbers, and where they are used again as part of something else nobody could do it later.
    """
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    connection.executemany(_DELETE, [(kind, key) for kind, key, row in rows if row is None])
    _KEPT.write(connection, [(kind, key, _encode(row)) for kind, key, row in rows if row is not None])
    connection.execute("PRAGMA secure_delete = FAST").fetchone()


def read(connection: sqlite3.Connection) -> Iterator[KeptRow]:
    """All rows, as they are now, those that can be read; to be gone through once, on any thread."""
    return _made(deque(connection.execute(_SELECT)))


def subjects(connection: sqlite3.Connection, after: str, limit: int) -> list[KeptRow]:
    """What rules know of some accounts, in the order of their ids; one that cannot be read is None."""
    question = f'{selection("kept", KeptRow._fields)} WHERE kind = \'subject\' AND "key" > ? ORDER BY "key" LIMIT ?'
    found: list[KeptRow] = []
    for kind, key, blob in connection.execute(question, (after, limit)):
        try:
            found.append(KeptRow(kind, key, _DECODERS[kind](blob)))
        except (msgspec.DecodeError, UnicodeError):
            found.append(KeptRow(kind, key, None))
    return found


def _made(blobs: deque[tuple[str, str, bytes]]) -> Iterator[KeptRow]:
    unreadable: dict[str, list[str]] = {}
    while blobs:
        kind, key, blob = blobs.popleft()
        decode = _DECODERS.get(kind)
        if decode is None:
            continue
        try:
            row = decode(blob)
        except (msgspec.DecodeError, UnicodeError) as error:
            unreadable.setdefault(kind, []).append(str(error))
        else:
            yield KeptRow(kind, key, row)
    for kind, reasons in unreadable.items():
        structlog.get_logger("guard").warning(
            "store-rules-state-lost", kind=kind, rows=len(reasons), reason=reasons[0], effect="rules begin anew there"
        )
