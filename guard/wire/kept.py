"""What the rules know, as one blob a row: nobody asks a store for a part of it.

A blob is a MessagePack array of the row's columns, read like a journal entry: one that was written before a column was
added at its end gets the default. **What cannot be read is left out**, and the log says how much: rules begin anew with
those accounts, as they do with new ones. Everything else in a store stops a start when it is damaged, because it is
money or what a switch was told; this is neither. A row of a kind that this version does not know is left where it is.

Rows are made one at a time, as they are taken up, and the blobs let go: as objects 100,000 accounts are 2.5 GB, as
blobs a tenth of that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from guard.core.decisions import HeldRow, KeptRow
from guard.core.fuses import HomeRow, ShareRow
from guard.core.rows import CarriedRow, ClockRow, ExpectationRow, ToldRow
from guard.core.rules.fuse import FuseRow
from guard.core.rules.rows import CrowdRow, StandingRow, SubjectRow
from guard.core.rules.usual import UsualRow
from guard.core.spokesman import MattersRow, SpokenRow
from guard.core.suspicion import SuspicionRow

Blob = tuple[str, str, bytes]
"""(kind, key, the row)."""

_DECODERS: dict[str, Callable[[bytes], object]] = {
    "subject": msgspec.msgpack.Decoder(SubjectRow).decode,
    "crowds": msgspec.msgpack.Decoder(tuple[CrowdRow, ...]).decode,
    "crowd": msgspec.msgpack.Decoder(CrowdRow).decode,
    "standing": msgspec.msgpack.Decoder(StandingRow).decode,
    "fuse": msgspec.msgpack.Decoder(FuseRow).decode,
    "fuse_share": msgspec.msgpack.Decoder(ShareRow).decode,
    "fuse_home": msgspec.msgpack.Decoder(HomeRow).decode,
    "held": msgspec.msgpack.Decoder(tuple[HeldRow, ...]).decode,
    "suspicion": msgspec.msgpack.Decoder(SuspicionRow).decode,
    "carried": msgspec.msgpack.Decoder(CarriedRow).decode,
    "clock": msgspec.msgpack.Decoder(ClockRow).decode,
    "expectation": msgspec.msgpack.Decoder(ExpectationRow).decode,
    "told": msgspec.msgpack.Decoder(ToldRow).decode,
    "spoken": msgspec.msgpack.Decoder(SpokenRow).decode,
    "matters": msgspec.msgpack.Decoder(MattersRow).decode,
    "usual": msgspec.msgpack.Decoder(UsualRow).decode,
}

encoded = msgspec.msgpack.Encoder().encode
"""The blob of a row; `OverflowError` for an integer beyond 64 bits, `UnicodeError` for text that is none."""


def decoded(blob: Blob) -> KeptRow:
    """The row; its `row` is None when it cannot be read. `KeyError` for a kind that is not known."""
    kind, key, packed = blob
    try:
        return KeptRow(kind, key, _DECODERS[kind](packed))
    except (msgspec.DecodeError, UnicodeError):
        return KeptRow(kind, key, None)


def made(blobs: Iterable[Blob], lost: Callable[[str, int, str], None]) -> Iterator[KeptRow]:
    """The rows that can be read, to be gone through once; `lost` is told of each kind how many cannot, and why."""
    waiting = deque(blobs)
    del blobs  # A list would hold on to what is let go one by one.
    unreadable: dict[str, list[str]] = {}
    while waiting:
        kind, key, blob = waiting.popleft()
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
        lost(kind, len(reasons), reasons[0])
