"""The composer: one snapshot for a switch, out of the pieces of all engines that decide for its accounts.

    pieces --all there--> sent --acknowledged--> every engine whose piece was in it is told so, by its piece's id
       ^                   |
       '--- wanted --------'  what is missing is asked for; what is not acknowledged is made anew

A snapshot takes the place of everything that a switch knows, so a part of the truth must never be sent alone, and
neither an old one: an account that was blocked since would be let go. A **piece is spent** once the switch has
acknowledged a snapshot with it. From then on its engine does not note any more which commands were given since (see
`guard.core.delivery`), so the next snapshot needs another piece of it. Hence one new piece has all others asked for
theirs, unless they come by themselves, as they do when a switch comes up.

**Everything is kept in memory and may be lost.** An engine makes its piece anew until it is acknowledged; so whoever
composes after this one gets it, and asks for the others. What the predecessor has sent may reach the switch late, and
put an older truth in place: an acknowledgement of a snapshot that is not known here is therefore a reason to make one.
So is one of a snapshot of our own after that of a later one: they went different ways, and the older arrived last.

**Nobody composes for what is no longer his.** A piece says under which epoch its partition was held; one of an older
epoch than was seen is passed over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from guard.core.decisions import SnapshotEntry, SnapshotPart
from guard.core.delivery import FIRST_REMAKE_MS, LAST_RESEND_MS, PART_ENTRIES
from guard.core.emergency import EmergencyNumbers
from guard.core.identity import derived_id
from guard.core.records import Ack

ASK_AFTER_MS = 500
"""Pieces that come by themselves come within milliseconds of each other."""
ASK_EVERY_MS = 1_000
REST_AFTER_MS = 60_000
"""Nobody answers, or a part is missing for good: the next piece begins anew. Engines make theirs each 15 s."""
COMPOSED = "S"
"""Ids of snapshots begin with it: no piece's, and no command's, does."""
OWN_REMEMBERED = 64
"""Snapshots made since the last that is in place, and that one: late acknowledgements of them are no surprise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A piece that the switch has put in place."""

    part: int
    id: str
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done now."""

    sends: tuple[SnapshotPart, ...] = ()
    """To the switch."""
    wanted: tuple[int, ...] = ()
    """Partitions to be asked for a piece."""


NOTHING = Step()


@dataclass(slots=True)
class _Piece:
    id: str
    of: int
    at_ms: int
    epoch: int
    parts: dict[int, SnapshotPart] = field(default_factory=dict)

    @property
    def entries(self) -> list[SnapshotEntry]:
        return [entry for number in sorted(self.parts) for entry in self.parts[number].blocked]


@dataclass(slots=True)
class _Sent:
    id: str
    of: int
    pieces: dict[int, _Piece]
    due_ms: int
    remake_ms: int
    acked_parts: set[int] = field(default_factory=set)
    acked_unnamed: int = 0


class Composer:
    """Of one switch."""

    __slots__ = (
        "_arriving",
        "_ask_due_ms",
        "_count",
        "_own",
        "_partitions",
        "_pieces",
        "_sent",
        "_since_ms",
        "_switch",
    )

    def __init__(self, switch: str, partitions: int) -> None:
        self._switch = switch
        self._partitions = partitions
        self._arriving: dict[int, _Piece] = {}
        """By partition: the newest piece of each, of which parts may be missing, and which may be spent."""
        self._pieces: dict[int, _Piece] = {}
        """By partition: the newest that is whole and not spent."""
        self._since_ms: int | None = None
        """When this snapshot was begun; None: none is wanted."""
        self._ask_due_ms = 0
        self._sent: _Sent | None = None
        self._own: deque[str] = deque(maxlen=OWN_REMEMBERED)
        self._count = 0

    @property
    def at_rest(self) -> bool:
        """The switch knows all that is known here."""
        return self._since_ms is None

    def take(self, partition: int, epoch: int, part: SnapshotPart, now_ms: int) -> None:
        """Take a part of a piece."""
        piece = self._arriving.get(partition)
        if piece is None or piece.id != part.id or piece.epoch != epoch:
            if piece is not None and (epoch, part.at_ms) < (piece.epoch, piece.at_ms):
                return
            piece = self._arriving[partition] = _Piece(id=part.id, of=part.of, at_ms=part.at_ms, epoch=epoch)
        piece.parts[part.part] = part
        if len(piece.parts) == piece.of:
            self._pieces[partition] = piece
            self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        if self._since_ms is None:
            self._since_ms = now_ms
            self._ask_due_ms = now_ms + ASK_AFTER_MS

    def advance(self, now_ms: int) -> Step:
        """What is to be done by now."""
        if self._since_ms is None:
            return NOTHING
        if now_ms - self._since_ms >= REST_AFTER_MS:
            self._since_ms = self._sent = None
            self._pieces = {}
            return NOTHING
        missing = tuple(part for part in range(self._partitions) if part not in self._pieces)
        if missing:
            if now_ms < self._ask_due_ms:
                return NOTHING
            self._ask_due_ms = now_ms + ASK_EVERY_MS
            return Step(wanted=missing)
        if self._sent is not None and now_ms < self._sent.due_ms:
            return NOTHING
        return Step(sends=self._compose(now_ms))

    def _compose(self, now_ms: int) -> tuple[SnapshotPart, ...]:
        pieces = dict(sorted(self._pieces.items()))
        entries = [entry for piece in pieces.values() for entry in piece.entries]
        numbers = [number for piece in pieces.values() for part in piece.parts.values() for number in part.emergency]
        parts = [entries[i : i + PART_ENTRIES] for i in range(0, len(entries), PART_ENTRIES)] or [[]]
        self._count += 1
        snapshot_id = COMPOSED + derived_id(now_ms, "composed", self._switch, self._count)
        remake_ms = FIRST_REMAKE_MS if self._sent is None else self._sent.remake_ms
        self._sent = _Sent(
            id=snapshot_id,
            of=len(parts),
            pieces=pieces,
            due_ms=now_ms + remake_ms,
            remake_ms=min(LAST_RESEND_MS, remake_ms * 2),
        )
        self._own.append(snapshot_id)
        return tuple(
            SnapshotPart(
                id=snapshot_id,
                part=number,
                of=len(parts),
                at_ms=now_ms,
                blocked=tuple(part),
                emergency=EmergencyNumbers(numbers),
            )
            for number, part in enumerate(parts, 1)
        )

    def acknowledge(self, ack: Ack, now_ms: int) -> list[Answered]:
        """Take a switch's answer; when it is the last one to a snapshot, the pieces that are in place."""
        sent = self._sent
        if sent is None or ack.id != sent.id:
            if ack.id.startswith(COMPOSED) and ack.id not in self._own:
                self._begin(now_ms)
            return []
        if not ack.ok:
            return []
        if ack.part is None:
            sent.acked_unnamed += 1
        elif 1 <= ack.part <= sent.of:
            sent.acked_parts.add(ack.part)
        if len(sent.acked_parts) + sent.acked_unnamed < sent.of:
            return []
        self._sent = self._since_ms = None
        self._own = deque([sent.id], OWN_REMEMBERED)
        answered = [self._spend(partition, piece) for partition, piece in sent.pieces.items()]
        if self._pieces:
            self._begin(now_ms)
        return answered

    def _spend(self, partition: int, piece: _Piece) -> Answered:
        """It is in place, and so is a newer one that says the same."""
        newest = self._pieces[partition]
        if newest is piece or newest.entries == piece.entries:
            del self._pieces[partition]
            piece = newest
        return Answered(part=partition, id=piece.id, of=piece.of)
