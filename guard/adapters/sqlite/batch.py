"""One batch as the writer takes it: an unchanging copy of `Changes`, and what of it is written at once.

The copy is shallow (rows and records are frozen) and is made on the caller's side, so the caller may do with its
lists what it likes while the writer is at work, and a batch can be compared with the next one when the fate of the
first is unknown (`keeper`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from guard.adapters.sqlite import kept, outbox, tables
from guard.adapters.sqlite.journal import Entry
from guard.core.decisions import (
    Audit,
    BillingEntry,
    Changes,
    Decision,
    KeptRow,
    LedgerLine,
    Notice,
    Quarantined,
    Remembered,
)
from guard.wire import stored


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored of `Changes`."""

    entry: Entry
    ledger: list[LedgerLine]
    remembered: list[Remembered]
    decisions: list[Decision]
    quarantine: list[Quarantined]
    billing: list[BillingEntry]
    audit: list[Audit]
    pending: list[tuple[str, str, int]]
    settled: list[tuple[str, str]]
    kept: list[KeptRow]
    forgotten: list[tuple[str, int, int]]
    notices: list[Notice]

    @classmethod
    def of(cls, changes: Changes) -> Batch:
        """Copy what is to be stored. In every pair of lists the one that adds wins over the one that removes."""
        return cls(
            entry=Entry(
                accounts=changes.accounts.copy(),
                calls=changes.calls.copy(),
                calls_over=changes.calls_over.copy(),
                switches=changes.switches.copy(),
                forgotten_before_ms=changes.forgotten_before_ms,
            ),
            ledger=changes.ledger.copy(),
            remembered=changes.remembered.copy(),
            decisions=changes.decisions.copy(),
            quarantine=changes.quarantine.copy(),
            billing=changes.billing.copy(),
            audit=changes.audit.copy(),
            pending=changes.pending.copy(),
            settled=changes.settled.copy(),
            kept=changes.kept.copy(),
            forgotten=changes.forgotten.copy(),
            notices=changes.notices.copy(),
        )

    def lowest_line(self) -> int | None:
        """The lowest number of its ledger lines."""
        return min((line.number for line in self.ledger), default=None)

    def append(self, connection: sqlite3.Connection) -> None:
        """Write everything but the journal entry, within the open transaction."""
        if self.ledger:
            tables.LEDGER.write(connection, [stored.ledger_values(line) for line in self.ledger])
        if self.remembered:
            tables.REMEMBERED.write(connection, [stored.remembered_values(past) for past in self.remembered])
        if self.decisions:
            tables.DECISIONS.write(connection, [stored.decision_values(decision) for decision in self.decisions])
        if self.quarantine:
            tables.QUARANTINE.write(connection, [stored.quarantined_values(held) for held in self.quarantine])
        if self.billing:
            tables.BILLING.write(connection, [stored.billing_values(entry) for entry in self.billing])
        if self.audit:
            tables.AUDIT.write(connection, [stored.audit_values(audit) for audit in self.audit])
        if self.settled:
            connection.executemany("DELETE FROM pending WHERE switch = ? AND account = ?", self.settled)
        if self.pending:
            tables.PENDING.write(connection, self.pending)
        if self.kept:
            kept.write(connection, self.kept)
        tables.FORGET.write(connection, self.forgotten)
        outbox.add_notices(connection, self.notices)
