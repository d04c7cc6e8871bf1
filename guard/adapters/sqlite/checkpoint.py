"""The checkpoint: brings tables and directory up to date behind the journal, a bite at a time.

When enough has been journalled (or nothing else is to be done), the present generation is closed and a new one begun.
The closed one is written, sorted, in bites: a bite rides along in the transaction of each following commit, in
proportion to the size of that commit, so it costs no sync of its own, nobody waits for the whole, and the journal
cannot grow faster than it is worked off. While the writer is idle, bites have transactions of their own.

Why it is safe at any moment: a row in a table may be older or newer than the journal's beginning, but whatever changed
since the generation was opened is still in the journal, and reading the journal overwrites. Only when all of the
generation is in the tables does `saved` in `meta` move to its last batch: from then on the tables speak for it. What
follows is *tidying*: entries up to there are dead and deleted, memory and quarantine are cut to their bounds. A bite
that is rolled back (with the commit that carried it) begins its phase anew, which is harmless because every step is an
overwrite or a deletion of what is dead.

The bounds: a bite is worth more than the commit that carries it, so the closed generation is in the tables before the
open one is full. The journal holds two generations at most, and dead entries that are about to go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter

from guard.adapters.sqlite import tables
from guard.adapters.sqlite.bulk import SIZES, Bulk, BulkDelete, Sorting, Values
from guard.adapters.sqlite.generation import Generation, Place
from guard.adapters.sqlite.journal import Entry
from guard.wire import stored

GENERATION_ROWS = 100_000
"""Rows after which a generation is closed: some 50 MB of memory, 10 MB of journal, 0.3 s of a restart."""

GENERATION_ENTRIES = 2_000
"""Batches after which it is closed however small they are: trickling traffic must not keep a journal for hours."""

BITE_ROWS = 256
"""Least number of rows moved with a commit: 2 to 4 ms."""

BITE_PERCENT = 150
"""Rows moved for 100 journalled: with sorting and tidying a generation is worked off before another one is full."""

TRIMMED_ENTRIES = 32
"""Dead journal entries deleted at a time."""

PRUNED_ROWS = 256
"""Rows of memory or quarantine deleted at a time."""

QUARANTINE_KEPT = 100_000
"""Reports held back that are kept; a switch with a wrong clock must not fill the disk."""

_DROPPED_CALLS = BulkDelete("call", "switch", "call")

_TRIM = (
    "DELETE FROM journal WHERE number IN (SELECT number FROM journal "
    "WHERE number <= (SELECT value FROM meta WHERE name = 'saved') ORDER BY number LIMIT ?)"
)
_FORGET = (
    "DELETE FROM remembered WHERE number IN (SELECT number FROM remembered INDEXED BY remembered_age "
    "WHERE newest_at_ms < (SELECT value FROM meta WHERE name = 'forgotten_before_ms') LIMIT ?)"
)
_PRUNE_QUARANTINE = (
    "DELETE FROM quarantine WHERE number IN (SELECT number FROM quarantine "
    "WHERE number <= (SELECT max(number) FROM quarantine) - ? ORDER BY number LIMIT ?)"
)


class Checkpoint:
    """Knows what is unsaved and saves it. Lives on the writer's thread, within the writer's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._open = Generation()
        self._saving: Generation | None = None
        self._tidying: Generation | None = None
        self._steps: Iterator[int] = iter(())
        self._exhausted = False
        self._published = self._published_saved = self._meta("published")

    # -- what is unsaved

    def add(self, number: int, entry: Entry, places: Sequence[Place], *, quarantined: bool) -> None:
        """A batch has been committed."""
        self._open.add(number, entry, places)
        if quarantined:
            self._open.quarantined = True

    def place(self, places: Sequence[Place]) -> None:
        """Ledger lines found at the start that are not in the directory."""
        self._open.place(places)

    def published(self, number: int) -> None:
        """Decisions up to this number have reached the broker; saved with the next generation."""
        self._published = max(self._published, number)

    def generations(self) -> tuple[Generation, ...]:
        """What overlays the tables, older first."""
        return (self._open,) if self._saving is None else (self._saving, self._open)

    # -- saving it

    def unsaved(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self._saving is not None
            or self._tidying is not None
            or self._open.rows
            or self._open.entries
            or self._published != self._published_saved
        )

    def ride(self, rows: int) -> None:
        """Do a bite within a commit of so many rows, if it is time."""
        idle = self._saving is None and self._tidying is None
        if idle and self._open.rows < GENERATION_ROWS and self._open.entries < GENERATION_ENTRIES:
            return
        self.bite(max(BITE_ROWS, rows * BITE_PERCENT // 100))

    def bite(self, rows: int = BITE_ROWS) -> None:
        """Do steps of about so many rows, within the open transaction. Then `committed` or `rolled_back` is due."""
        if self._saving is None and self._tidying is None:
            self._saving, self._open = self._open, Generation()
            self._steps = self._save(self._saving)
        while rows > 0:
            step = next(self._steps, None)
            if step is None:
                self._exhausted = True
                return
            rows -= step

    def committed(self) -> None:
        """The transaction with the last bite is durable."""
        if not self._exhausted:
            return
        self._exhausted = False
        saved, self._saving = self._saving, None
        self._tidying = saved
        if saved is not None:
            self._steps = self._tidy(saved)

    def rolled_back(self) -> None:
        """The transaction with the last bite is undone: begin its phase anew."""
        self._exhausted = False
        if self._saving is not None:
            self._steps = self._save(self._saving)
        elif self._tidying is not None:
            self._steps = self._tidy(self._tidying)

    # -- the two phases, in steps; each step yields about how many rows it was worth

    def _save(self, closed: Generation) -> Iterator[int]:
        accounts = Sorting(list(closed.accounts))
        yield from accounts.prepare()
        yield from self._write(tables.ACCOUNTS, (stored.account_values(closed.accounts[key]) for key in accounts))
        live = Sorting([key for key, row in closed.calls.items() if row is not None])
        yield from live.prepare()
        rows = (closed.calls[key] for key in live)
        yield from self._write(tables.CALLS, (stored.call_values(row) for row in rows if row is not None))
        over = Sorting([key for key, row in closed.calls.items() if row is None])
        yield from over.prepare()
        yield from self._drop_calls(over)
        yield from self._write(tables.SWITCHES, map(stored.switch_values, closed.switches.values()))
        places = Sorting(closed.places)
        yield from places.prepare()
        yield from self._write(tables.PLACES, places)
        self._mark(closed)
        yield 1

    def _tidy(self, closed: Generation) -> Iterator[int]:
        yield from self._delete(_TRIM, TRIMMED_ENTRIES)
        if closed.forgotten_before_ms:
            yield from self._delete(_FORGET, PRUNED_ROWS)
        if closed.quarantined:
            yield from self._delete(_PRUNE_QUARANTINE, QUARANTINE_KEPT, PRUNED_ROWS)
        # Let go of the rows a few at a time: freeing them all at once would hold the interpreter's lock for 20 ms.
        for rows in (closed.accounts, closed.calls):
            while rows:
                for _ in range(min(PRUNED_ROWS, len(rows))):
                    rows.popitem()
                yield BITE_ROWS // 8

    def _write(self, bulk: Bulk, rows: Iterator[Values]) -> Iterator[int]:
        while bite := list(islice(rows, SIZES[0])):
            bulk.write(self._connection, bite)
            yield len(bite)

    def _drop_calls(self, keys: Iterator[tuple[str, str]]) -> Iterator[int]:
        """Most were never in the table: they began and ended within one generation."""
        while bite := list(islice(keys, SIZES[0])):
            for switch, group in groupby(bite, key=itemgetter(0)):
                _DROPPED_CALLS.delete(self._connection, switch, [call for _, call in group])
            yield len(bite)

    def _mark(self, closed: Generation) -> None:
        """From here on the tables speak for the generation."""
        self._raise("saved", closed.number)
        self._raise("placed", closed.last_line)
        self._raise("forgotten_before_ms", closed.forgotten_before_ms)
        self._raise("published", self._published)
        self._published_saved = self._published

    def _delete(self, statement: str, *values: int) -> Iterator[int]:
        """Delete a portion at each step; the last of the values is its size."""
        deleted = values[-1]
        while deleted == values[-1]:
            deleted = self._connection.execute(statement, values).rowcount
            yield BITE_ROWS

    def _meta(self, name: str) -> int:
        value: int = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
        return value

    def _raise(self, name: str, value: int) -> None:
        self._connection.execute("UPDATE meta SET value = ? WHERE name = ? AND value < ?", (value, name, value))
