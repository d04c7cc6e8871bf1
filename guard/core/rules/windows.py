"""A window over event time: sixty buckets of sums and of distinct things, for one counter and one key.

The window reaches from the newest bucket, its *head*, sixty buckets back, so it is up to a sixtieth shorter than its
name says. The head moves with the newest event, or with time when nothing happens; it never moves back. A late event
lands in the bucket of its own time; one from before the window counts nowhere. Only buckets that hold something take
room: `cells` is one flat list of rows, in order of their buckets, each a bucket number and its sums.

Distinct things are counted exactly up to `EXACT` of them, then estimated: a thousand cells that each remember when
something last fell into them (linear counting; 3 % off at 1,000 things and 6 % at 4,000, at most `MOST`), and whoever
shows the figure says "about".
"""

from __future__ import annotations

from collections.abc import Container
from hashlib import blake2b
from math import log1p

from guard.core.rules.rows import CrowdRow, DistinctRow, TallyRow

BUCKETS = 60
EXACT = 64
CELLS = 1_024

_AGES = 64
"""A cell keeps its bucket modulo this, plus one; 0 is empty. More than `BUCKETS`, and what is older is wiped."""
_ESTIMATES = [round(-CELLS * log1p(-full / CELLS)) for full in range(CELLS)]
MOST = round(CELLS * log1p(CELLS - 1))
"""When no cell is empty there may be more, or any number more."""
_ESTIMATES.append(MOST)


def _cell(item: str) -> int:
    """The cell of a thing: the same in every process, unlike `hash`."""
    return int.from_bytes(blake2b(item.encode("utf-8", "surrogatepass"), digest_size=2).digest()) % CELLS


class Distinct:
    """How many different things there were within the window."""

    __slots__ = ("cells", "count", "seen")

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        """Newest bucket of each, as long as they are few."""
        self.cells = b""
        """Empty as long as they are few."""
        self.count = 0

    @property
    def estimated(self) -> bool:
        """Whether the count is an estimate."""
        return bool(self.cells)

    def add(self, item: str, bucket: int, head: int) -> None:
        """Note a thing in a bucket of the window that ends with `head`."""
        if self.cells:
            self._mark(item, bucket, head)
            self.count = _ESTIMATES[CELLS - self.cells.count(0)]
            return
        seen = self.seen
        if seen.get(item, bucket - 1) < bucket:
            seen[item] = bucket
        self.count = len(seen)
        if self.count > EXACT:
            self.cells = bytes(CELLS)
            for each, newest in seen.items():
                self._mark(each, newest, head)
            self.seen = {}
            self.count = _ESTIMATES[CELLS - self.cells.count(0)]

    def holds(self, item: str) -> bool:
        """Whether a thing is counted (for sure, or in all likelihood once they are many)."""
        return self.cells[_cell(item)] > 0 if self.cells else item in self.seen

    def holds_in(self, item: str, bucket: int) -> bool:
        """Whether it was noted last in that bucket, or one that looks the same."""
        return self.cells[_cell(item)] == bucket % _AGES + 1 if self.cells else self.seen.get(item) == bucket

    def advance(self, before: int, head: int) -> None:
        """The window now ends with `head`, and ended with `before`: what has fallen out of it counts no more."""
        if self.cells:
            for gone in range(max(before, head - BUCKETS) - BUCKETS + 1, head - BUCKETS + 1):
                self.cells = self.cells.replace(bytes((gone % _AGES + 1,)), b"\0")
            full = CELLS - self.cells.count(0)
            self.count = _ESTIMATES[full]
            if full == 0:
                self.cells = b""
        elif self.seen:
            self.seen = {item: newest for item, newest in self.seen.items() if newest > head - BUCKETS}
            self.count = len(self.seen)

    def _mark(self, item: str, bucket: int, head: int) -> None:
        cell = _cell(item)
        before = self.cells[cell]
        if before and (head - (before - 1)) % _AGES <= head - bucket:
            return
        self.cells = self.cells[:cell] + bytes((bucket % _AGES + 1,)) + self.cells[cell + 1 :]

    def row(self) -> DistinctRow:
        """What must survive of it."""
        return DistinctRow(tuple(self.seen.items()), self.cells)

    @classmethod
    def from_row(cls, row: DistinctRow) -> Distinct:
        """As `row()` wrote it."""
        distinct = cls()
        distinct.seen = dict(row.seen)
        distinct.cells = row.cells
        distinct.count = _ESTIMATES[CELLS - row.cells.count(0)] if row.cells else len(row.seen)
        return distinct


class Tally:
    """What one counter knows about one key: sums per bucket, their totals, distinct things, and marks that stand."""

    __slots__ = ("begins_ms", "cells", "due_ms", "ends_ms", "head", "marks", "row_at", "sets", "totals", "width_ms")

    def __init__(self, width_ms: int, head: int, columns: int, sets: int) -> None:
        self.width_ms = width_ms
        """Of a bucket."""
        self.head = head
        self.totals = [0] * columns
        self.cells: list[int] = []
        self.sets = tuple([Distinct() for _ in range(sets)]) if sets else ()
        self.marks: dict[str, int] = {}
        """By rule: how high it stands (`levels`)."""
        self.due_ms = 0
        """When marks that stand are looked at again; 0: none stands."""
        self.begins_ms = self.ends_ms = self.row_at = 0
        """The bucket that was located last, if it is the newest, and where its sums begin: most events fall there."""

    def locate(self, bucket: int) -> int:
        """Where the sums of a bucket begin; -1: it is older than the window."""
        cells, stride = self.cells, len(self.totals) + 1
        if bucket < self.head:
            return self._locate_late(bucket) if bucket > self.head - BUCKETS else -1
        if bucket > self.head:
            self.advance(bucket)
        last = len(cells) - stride
        if last < 0 or cells[last] != bucket:
            last += stride
            cells.append(bucket)
            cells.extend([0] * (stride - 1))
        self.begins_ms = bucket * self.width_ms
        self.ends_ms, self.row_at = self.begins_ms + self.width_ms, last + 1
        return last + 1

    def _locate_late(self, bucket: int) -> int:
        cells, stride = self.cells, len(self.totals) + 1
        at = len(cells)
        while at and cells[at - stride] > bucket:
            at -= stride
        if at and cells[at - stride] == bucket:
            return at - stride + 1
        cells[at:at] = [bucket] + [0] * (stride - 1)
        self.ends_ms = 0
        return at + 1

    def advance(self, head: int) -> None:
        """Time has come to this bucket: what has fallen out of the window counts no more."""
        before = self.head
        if head <= before:
            return
        self.head, self.ends_ms = head, 0
        cells, gone = self.cells, head - BUCKETS
        if cells and cells[0] <= gone:
            totals, at = self.totals, 0
            columns = len(totals)
            while at < len(cells) and cells[at] <= gone:
                for column in range(columns):
                    totals[column] -= cells[at + 1 + column]
                at += columns + 1
            del cells[:at]
        for each in self.sets:
            each.advance(before, head)

    def empty(self) -> None:
        """Begin anew, as if nothing had happened; marks stay."""
        self.cells.clear()
        self.ends_ms = 0
        self.totals = [0] * len(self.totals)
        self.sets = tuple(Distinct() for _ in self.sets)

    @property
    def next_edge_ms(self) -> int:
        """When its window moves on by itself."""
        return (self.head + 1) * self.width_ms

    def row(self, counter: str, key: str) -> TallyRow:
        """What must survive of it."""
        return TallyRow(
            counter=counter,
            key=key,
            head=self.head,
            cells=tuple(self.cells),
            sets=tuple(each.row() for each in self.sets),
            marks=tuple(self.marks.items()),
        )

    @classmethod
    def from_row(cls, row: TallyRow, width_ms: int, columns: int) -> Tally:
        """As `row()` wrote it, for a counter with such buckets and that many columns."""
        tally = cls(width_ms, row.head, columns, 0)
        tally.cells = list(row.cells)
        tally.totals = [sum(tally.cells[column :: columns + 1]) for column in range(1, columns + 1)]
        tally.sets = tuple(Distinct.from_row(each) for each in row.sets)
        tally.marks = dict(row.marks)
        return tally


class Crowd:
    """How many accounts called one number: a tally that belongs to none of them, and what they were told."""

    __slots__ = ("floor_ms", "owners", "since", "tally", "told")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.owners: dict[str, str] = {}
        """By rule: the account that the warning was about."""
        self.since: dict[str, int] = {}
        """By rule: since when it has stood where accounts are blocked."""
        self.floor_ms = 0
        """What others have heard of that never was lies before it, and so does no mark to come."""
        self.told: dict[str, int] = {}
        """By rule: until when others believe so, if they hear no more of it."""

    def keep(self, rules: Container[str]) -> None:
        """Let go of what stands by any other rule."""
        for rule in [each for each in self.tally.marks if each not in rules]:
            del self.tally.marks[rule]
            self.owners.pop(rule, None)
            self.since.pop(rule, None)

    def row(self, counter: str, key: str) -> CrowdRow:
        """What must survive of it."""
        return CrowdRow(self.tally.row(counter, key), tuple(self.owners.items()), tuple(self.since.items()))

    @classmethod
    def from_row(cls, row: CrowdRow, width_ms: int) -> Crowd:
        """As `row()` wrote it."""
        crowd = cls(Tally.from_row(row.tally, width_ms, 0))
        crowd.owners, crowd.since = dict(row.owners), dict(row.since)
        return crowd
