"""One fuse for all partitions: each lets blocks through by itself, and its home counts them all.

    a rule asks --> `FuseShare` (each partition) -- FuseSaid --> `FuseHome` (the partition of `fuse`)
                          ^------------------------ FuseStands ------'

**A block does not wait for another partition** as long as the fuse is not known to be open and fewer than `AHEAD`
blocks of this partition are on their way to the home. The home counts what all have let through, against the bound and
the active accounts of all (`guard.core.rules.fuse`). When it is more, it tells everyone that the fuse is open, and
they hold from then on.

**What is not let through at once is left to the home:** it waits as held, and the home's word, a few milliseconds
later, lets it pass or leaves it held. So it is with the blocks above `AHEAD`, and with all that a reload asks for:
nobody has just called, and a rule that is wrong must not block in all partitions before any of them has heard of the
others. When the home has no owner, that word comes when it has one again; an operator need not wait for it.

**How much too many.** The bound, and what was let through while the home's "open" was on its way: at most `AHEAD` for
each partition, in practice what rules ask for within a few milliseconds. What the home grants is within the bound.

**Words may come twice, late, or from a batch that was never stored.** All that is said is counted since ever, so a
word that is repeated says nothing new, and one that was lost is made good by the next. A partition that waits says it
again every `AGAIN_MS`; a word of an earlier standing is not heeded. Whoever has heard of a standing that the home knows
nothing of gets a later one. Both ends are kept, and whoever is restored goes on from there: what was said to it
meanwhile lies in its log.

**Active accounts** of a partition are said when they have changed by an eighth, so the bound of 0.2 % is that of the
daemon to within that. That blocks are still asked for while the fuse is open is said every `HELD_EVERY_MS` at most: it
closes a whole window after the last of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from guard.core.neighbours import FuseSaid, FuseStands
from guard.core.partitions import partition_of
from guard.core.rules.fuse import Fuse, FuseRow

HOME: Final = partition_of("fuse")
AHEAD: Final = 4
"""Blocks that a partition lets through before the home has heard of them. Twenty that fall on 256 partitions by chance
put five into one of them four times in a million; an account that breaks several rules at once counts once for each."""
AGAIN_MS: Final = 10_000
HELD_EVERY_MS: Final = 15_000
MOST_WISHES: Final = 64
"""Blocks of one partition that wait for the home's word; further ones are held as if the fuse were open."""


class ShareRow(NamedTuple):
    """What must survive of a partition's share."""

    passed: int
    heard: int
    wished: int
    judged: int
    granted: int
    held: int
    number: int
    open_since_ms: int | None
    wishes: tuple[str, ...]
    asked_ms: int = 0


class FuseShare:
    """Of one partition."""

    __slots__ = (
        "_asked_ms",
        "_granted",
        "_heard",
        "_held",
        "_judged",
        "_number",
        "_passed",
        "_said",
        "_said_active",
        "_said_ms",
        "_wished",
        "_wishes",
        "changed",
        "open_since_ms",
    )

    def __init__(self) -> None:
        self._passed = self._heard = 0
        """Let through since ever, and what the home has heard of."""
        self._wished = self._judged = self._granted = 0
        """Left to the home since ever, what it has judged, and what of it may pass."""
        self._wishes: list[str] = []
        """Held blocks that it has not judged, the oldest first."""
        self._held = 0
        self._number = 0
        self.open_since_ms: int | None = None
        self._asked_ms = 0
        """When a block was last asked for."""
        self._said = (0, 0, 0)
        """Passed, wished, held as said last."""
        self._said_active = 0
        self._said_ms = 0
        self.changed = False
        """It is not what is stored."""

    def admit(self, now_ms: int, *, urgent: bool = True) -> bool:
        """A rule or the model wants to block: True to let it. `urgent`: not even the home's word is waited for."""
        self._asked_ms = max(self._asked_ms, now_ms)
        if not urgent:
            return False
        if self.open_since_ms is not None or self._passed - self._heard >= AHEAD:
            return False
        self._passed += 1
        self.changed = True
        return True

    def hold(self, held_id: str) -> None:
        """That block was not let through."""
        self.changed = True
        if self.open_since_ms is not None or len(self._wishes) >= MOST_WISHES:
            self._held += 1
        elif held_id not in self._wishes:
            self._wished += 1
            self._wishes.append(held_id)

    def is_asked(self, held_id: str) -> bool:
        """Whether the home has yet to judge that block."""
        return held_id in self._wishes

    def hear(self, word: FuseStands) -> list[str]:
        """The home has spoken; which held blocks may pass."""
        self.changed = True
        if word.number >= self._number:
            self._number, self.open_since_ms = word.number, word.open_since_ms
        # A batch that was never stored may have said more than there is.
        self._heard = max(self._heard, min(word.passed, self._passed))
        fresh = max(0, min(word.judged, self._wished) - self._judged)
        granted = max(0, min(word.granted - self._granted, fresh))
        self._judged += fresh
        self._granted += granted
        judged, self._wishes = self._wishes[:fresh], self._wishes[fresh:]
        return judged[:granted]

    @property
    def waits(self) -> bool:
        """For the home's word."""
        return self._heard < self._passed or self._judged < self._wished

    @property
    def next_due_ms(self) -> int | None:
        """When it has something to say again; None: not by itself."""
        return self._said_ms + AGAIN_MS if self.waits else None

    def say(self, active: int, now_ms: int) -> FuseSaid | None:
        """What the home should hear now."""
        if not self._is_news(active, now_ms):
            return None
        self._said, self._said_active, self._said_ms = (self._passed, self._wished, self._held), active, now_ms
        return FuseSaid(
            passed=self._passed,
            wished=self._wished,
            held=self._held,
            active=active,
            waits=self.waits,
            standing=self._number,
            at_ms=self._asked_ms,
        )

    def _is_news(self, active: int, now_ms: int) -> bool:
        passed, wished, held = self._said
        since_ms = now_ms - self._said_ms
        return (
            passed != self._passed
            or wished != self._wished
            or (held != self._held and since_ms >= HELD_EVERY_MS)
            or (since_ms >= AGAIN_MS and self.waits)
            or abs(active - self._said_active) * 8 > self._said_active + 64
        )

    def row(self) -> ShareRow:
        """What must survive of it."""
        return ShareRow(
            self._passed,
            self._heard,
            self._wished,
            self._judged,
            self._granted,
            self._held,
            self._number,
            self.open_since_ms,
            tuple(self._wishes),
            self._asked_ms,
        )

    def restore(self, row: ShareRow) -> None:
        """Go on from there; what was said is said again if it still waits."""
        self._passed, self._heard, self._wished, self._judged, self._granted, self._held = row[:6]
        self._number, self.open_since_ms, self._wishes = row.number, row.open_since_ms, list(row.wishes)
        # The first two were said before they were stored; of the third that is not known.
        self._said, self._asked_ms = (row.passed, row.wished, 0), row.asked_ms


@dataclass(slots=True)
class _Part:
    """What the home has heard from a partition."""

    passed: int = 0
    judged: int = 0
    granted: int = 0
    held: int = 0
    active: int = 0


class HomeRow(NamedTuple):
    """What must survive of the home."""

    fuse: FuseRow
    number: int
    parts: tuple[tuple[int, int, int, int, int, int], ...]
    """Partition, passed, judged, granted, held, active."""


class FuseHome:
    """Counts for all; `fuse` is the one that opens."""

    __slots__ = ("_number", "_parts", "fuse")

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self._parts: dict[int, _Part] = {}
        self._number = 0

    @property
    def active(self) -> int:
        """Active accounts of all partitions that have said how many they have."""
        return sum(part.active for part in self._parts.values())

    def hear(self, sender: int, word: FuseSaid, now_ms: int) -> bool:
        """A partition has spoken; whether it is to be answered."""
        part = self._parts.setdefault(sender, _Part())
        part.active = word.active
        at_ms, active = min(word.at_ms, now_ms), self.active
        for _ in range(word.passed - part.passed):
            self.fuse.admit(at_ms, active)
        part.passed = max(part.passed, word.passed)
        for _ in range(word.wished - part.judged):
            part.judged += 1
            part.granted += self.fuse.admit(at_ms, active)
        if word.held > part.held:
            part.held = word.held
            self.fuse.heed(at_ms)
        if word.standing > self._number:
            # It was said by a batch that was never stored, or after the day to which the store was put back.
            self._number = word.standing + 1
        return word.waits or word.standing < self._number

    def stepped(self) -> None:
        """The fuse has opened or closed: that is another standing."""
        self._number += 1

    def stands(self, sender: int) -> FuseStands:
        """What that partition is to know."""
        part = self._parts.get(sender) or _Part()
        return FuseStands(
            number=self._number,
            open_since_ms=self.fuse.open_since_ms,
            passed=part.passed,
            judged=part.judged,
            granted=part.granted,
        )

    def row(self) -> HomeRow:
        """What must survive of it."""
        return HomeRow(self.fuse.row(), self._number, tuple(self._rows()))

    def _rows(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        for number, part in self._parts.items():
            yield number, part.passed, part.judged, part.granted, part.held, part.active

    def restore(self, row: HomeRow) -> None:
        """Go on from there."""
        self.fuse.restore(row.fuse)
        self._number = row.number
        for number, passed, judged, granted, held, active in row.parts:
            self._parts[number] = _Part(passed, judged, granted, held, active)
