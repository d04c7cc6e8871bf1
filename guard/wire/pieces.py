"""What workers say to each other about snapshots: a piece of one, and that some are wanted.

Between guard's own processes, of versions that may differ while they are being replaced one by one: members may be
added and what is not known is ignored. What cannot be read is None: whoever sent it says it again, in its own time.
"""

from __future__ import annotations

import msgspec

from guard.core.decisions import SnapshotEntry, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Scope
from guard.wire.instants import format_optional_instant


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a partition's piece of a snapshot."""

    switch: str
    partition: int
    epoch: int
    """Under which the partition is held."""
    id: str
    part: int
    of: int
    at_ms: int
    blocked: list[tuple[str, int, str, bool]]
    """Account, seq, scope, whether calls are to be ended."""
    emergency: list[str]

    @classmethod
    def of_part(cls, switch: str, partition: int, epoch: int, part: SnapshotPart) -> Piece:
        """As it is sent."""
        return cls(
            switch=switch,
            partition=partition,
            epoch=epoch,
            id=part.id,
            part=part.part,
            of=part.of,
            at_ms=part.at_ms,
            blocked=[(entry.account, entry.seq, entry.scope.value, entry.end_calls) for entry in part.blocked],
            emergency=list(part.emergency),
        )

    def to_part(self) -> SnapshotPart:
        """As the engine has made it; `ValueError` for a scope or a number that there cannot be."""
        return SnapshotPart(
            id=self.id,
            part=self.part,
            of=self.of,
            at_ms=self.at_ms,
            blocked=tuple(
                SnapshotEntry(account=account, seq=seq, scope=Scope(scope), end_calls=end_calls)
                for account, seq, scope, end_calls in self.blocked
            ),
            emergency=EmergencyNumbers(self.emergency),
        )


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever holds one of these partitions is asked for its piece for a switch."""

    switch: str
    partitions: list[int]


def encode_answer(piece: str, part: int, at_ms: int | None) -> bytes:
    """That a part of a piece is in place, as a switch would have said it: so it goes into the log."""
    return msgspec.json.encode({"id": piece, "ok": True, "part": part, "at": format_optional_instant(at_ms)})


_pieces = msgspec.msgpack.Decoder(Piece)
_wanted = msgspec.msgpack.Decoder(Wanted)
encode = msgspec.msgpack.Encoder().encode


def decode_piece(payload: bytes) -> tuple[Piece, SnapshotPart] | None:
    """A piece and what is in it."""
    try:
        piece = _pieces.decode(payload)
        return piece, piece.to_part()
    except (msgspec.DecodeError, ValueError):
        return None


def decode_wanted(payload: bytes) -> Wanted | None:
    """Who is asked for what."""
    try:
        return _wanted.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        return None
