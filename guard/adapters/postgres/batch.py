"""One batch of one partition as it goes to the database: rows, by table, in the order in which they are written.

Made when it is handed in, so the caller may do with its lists what it likes afterwards, and a batch can be compared
with the next one when the fate of the first is unknown (`committer`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from guard.adapters.postgres import tables
from guard.adapters.postgres.tables import Removal, Table
from guard.core.decisions import Changes
from guard.ports.cluster import Position
from guard.wire import stored
from guard.wire.kept import encoded
from guard.wire.stored import Values

_NUL, _SHOWN = "\0", "\N{SYMBOL FOR NULL}"

Rows = dict[Table | Removal, list[Values]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored of `Changes`. In every pair of tables the one that adds comes after the one that removes."""

    rows: Rows
    position: Position
    forgotten_before_ms: int

    @property
    def counts(self) -> int:
        """1, or 0 for one that may be made twice, or not, without a difference: it has nothing but a position."""
        return int(bool(self.rows))

    @classmethod
    def of(cls, part: int, changes: Changes, position: Position) -> Batch:
        """Rows of everything that is to be stored; `UnicodeError`, `OverflowError` for what has no blob."""
        made: Rows = {
            tables.ACCOUNTS: _of(part, map(stored.account_values, changes.accounts)),
            tables.CALLS_OVER: _of(part, changes.calls_over),
            tables.CALLS: _of(part, map(stored.call_values, changes.calls)),
            tables.SWITCHES: _of(part, map(stored.switch_values, changes.switches)),
            tables.LEDGER: _of(part, map(stored.ledger_values, changes.ledger)),
            tables.REMEMBERED: _of(part, map(stored.remembered_values, changes.remembered)),
            tables.DECISIONS: _of(part, map(stored.decision_values, changes.decisions)),
            tables.QUARANTINE: _of(part, map(stored.quarantined_values, changes.quarantine)),
            tables.BILLING: _of(part, map(stored.billing_values, changes.billing)),
            tables.AUDIT: _of(part, map(stored.audit_values, changes.audit)),
            tables.SETTLED: _of(part, changes.settled),
            tables.PENDING: _of(part, changes.pending),
            tables.KEPT_GONE: [(part, kind, key) for kind, key, row in changes.kept if row is None],
            tables.KEPT: [(part, kind, key, encoded(row)) for kind, key, row in changes.kept if row is not None],
            tables.FORGET: _of(part, changes.forgotten),
            tables.NOTICES: _of(part, map(stored.notice_values, changes.notices)),
        }
        rows = {table: listed for table, listed in made.items() if listed}
        return cls(rows, position, changes.forgotten_before_ms or 0)

    def cleaned(self) -> Batch:
        """The same without U+0000, which PostgreSQL's text cannot hold and a switch may say of a caller."""
        rows = {table: [tuple(map(clean, row)) for row in listed] for table, listed in self.rows.items()}
        return Batch(rows, self.position, self.forgotten_before_ms)


def together(batches: Iterable[Batch]) -> Iterator[tuple[Table | Removal, list[Values]]]:
    """The rows of several partitions' batches, by table, in the order in which they are to be written."""
    whole: Rows = {}
    for batch in batches:
        for table, rows in batch.rows.items():
            whole.setdefault(table, []).extend(rows)
    return ((table, whole[table]) for table in _ORDER if table in whole)


def _of(part: int, rows: Iterable[tuple[object, ...]]) -> list[Values]:
    return [(part, *row) for row in rows]


def clean(value: object) -> object:
    """The same text without what PostgreSQL cannot hold."""
    return value.replace(_NUL, _SHOWN) if isinstance(value, str) else value


_ORDER = (
    *(tables.ACCOUNTS, tables.CALLS_OVER, tables.CALLS, tables.SWITCHES, tables.LEDGER, tables.REMEMBERED),
    *(tables.DECISIONS, tables.QUARANTINE, tables.BILLING, tables.AUDIT, tables.SETTLED, tables.PENDING),
    *(tables.KEPT_GONE, tables.KEPT, tables.FORGET, tables.NOTICES),
)
