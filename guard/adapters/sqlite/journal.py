"""The redo journal: what a batch left of each account, call and switch that it touched, as one blob.

*Physical*, not logical: an entry holds rows as they are after the batch, not what led to them, so reading the journal
back is overwriting, in order, and reading an entry twice changes nothing. One blob a batch is one statement a batch
(`bulk` says why that matters), written in the order of arrival at the end of a table: no page is touched twice.

An entry is a CRC-32 of the rest (4 bytes, big-endian) and a MessagePack array. SQLite's WAL has checksums of its own,
its tables have none: a flipped bit in an entry must stop a restart, not change what somebody owes.
"""

from __future__ import annotations

import zlib

import msgspec

from guard.core.rows import AccountRow, CallRow, SwitchRow

_CHECKSUM_BYTES = 4


class JournalError(Exception):
    """An entry that is not what was written."""


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What one batch left. Fields are only ever added, at the end, with a default."""

    accounts: list[AccountRow]
    calls: list[CallRow]
    calls_over: list[tuple[str, str]]
    switches: list[SwitchRow]
    forgotten_before_ms: int | None = None

    def count(self) -> int:
        """Rows in it."""
        return len(self.accounts) + len(self.calls) + len(self.calls_over) + len(self.switches)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """The blob of an entry; `OverflowError` for an integer beyond 64 bits, `UnicodeError` for text that is none."""
    packed = _encoder.encode(entry)
    return zlib.crc32(packed).to_bytes(_CHECKSUM_BYTES, "big") + packed


def decode(blob: bytes) -> Entry:
    """The entry of a blob; `JournalError` when it is torn or altered."""
    checksum, packed = blob[:_CHECKSUM_BYTES], blob[_CHECKSUM_BYTES:]
    if zlib.crc32(packed).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise JournalError("its checksum does not match")
    try:
        return _decoder.decode(packed)
    except msgspec.DecodeError as error:
        raise JournalError(f"its rows do not read: {error}") from error
