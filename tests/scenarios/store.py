"""A store as simple as one can be: dicts, filled from `Changes` alone, that give back what a restart needs.

What the engine does not hand over is lost at a restart here, as it would be in a database. `commit` also holds every
batch to what a database relies on: numbers grow, whole numbers fit into 64 bits, and what an account owes is the sum of
its ledger lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass

from guard.core.decisions import Audit, BillingEntry, Changes, Decision, KeptRow, LedgerLine, Quarantined, Remembered
from guard.core.restored import Restored
from guard.core.rows import AccountRow, CallRow, SwitchRow

_MOST_IN_A_COLUMN = 2**63 - 1


def _whole_numbers(value: object) -> Iterator[int]:
    """Every integer inside a row or a record."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, tuple):
        for member in value:
            yield from _whole_numbers(member)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _whole_numbers(getattr(value, field.name))


class DictStore:
    """Everything that was committed."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountRow] = {}
        self.calls: dict[tuple[str, str], CallRow] = {}
        self.switches: dict[str, SwitchRow] = {}
        self.remembered: dict[tuple[str, str], Remembered] = {}
        self.billing: dict[str, BillingEntry] = {}
        self.pending: dict[tuple[str, str], int] = {}
        self.ledger: list[LedgerLine] = []
        self.decisions: list[Decision] = []
        self.quarantine: list[Quarantined] = []
        self.audit: list[Audit] = []
        self.kept: dict[tuple[str, str], KeptRow] = {}
        self.forgotten_before_ms = 0
        self.owed: dict[str, int] = {}
        """Sum of each account's ledger lines."""

    def commit(self, changes: Changes) -> None:
        """Take a whole batch."""
        rows: Iterable[object] = (
            *changes.accounts,
            *changes.calls,
            *changes.switches,
            *changes.remembered,
            *changes.ledger,
            *changes.decisions,
            *changes.billing,
        )
        for row in rows:
            assert all(abs(number) <= _MOST_IN_A_COLUMN for number in _whole_numbers(row)), row
        self._append(changes)
        self.accounts.update((row.id, row) for row in changes.accounts)
        self.calls.update(((row.switch, row.call), row) for row in changes.calls)
        for key in changes.calls_over:
            self.calls.pop(key, None)
        self.switches.update((row.name, row) for row in changes.switches)
        self.remembered.update(((past.switch, past.call), past) for past in changes.remembered)
        self.billing.update((entry.id, entry) for entry in changes.billing)
        self.pending.update(((switch, account), seq) for switch, account, seq in changes.pending)
        for settled in changes.settled:
            self.pending.pop(settled, None)
        for kept in changes.kept:
            if kept.row is None:
                self.kept.pop((kept.kind, kept.key), None)
            else:
                self.kept[kept.kind, kept.key] = kept
        if changes.forgotten_before_ms is not None:
            assert changes.forgotten_before_ms > self.forgotten_before_ms, "the horizon never moves back"
            self.forgotten_before_ms = changes.forgotten_before_ms
            self.remembered = {
                key: past for key, past in self.remembered.items() if past.newest_at_ms >= self.forgotten_before_ms
            }
        for row in changes.accounts:
            assert row.owed_micros == self.owed.get(row.id, 0), f"{row.id}: owed is the sum of its ledger lines"

    def _append(self, changes: Changes) -> None:
        last_line = self.ledger[-1].number if self.ledger else 0
        for line in changes.ledger:
            assert line.number == last_line + 1, "ledger lines are numbered without a gap"
            last_line = line.number
            self.owed[line.account] = self.owed.get(line.account, 0) + line.amount_micros
        last_decision = self.decisions[-1].number if self.decisions else 0
        for decision in changes.decisions:
            assert decision.number == last_decision + 1, "decisions are numbered without a gap"
            last_decision = decision.number
        self.ledger += changes.ledger
        self.decisions += changes.decisions
        self.quarantine += changes.quarantine
        self.audit += changes.audit

    def restored(self) -> Restored:
        """The state of the last commit, for a new engine."""
        return Restored(
            accounts=list(self.accounts.values()),
            calls=list(self.calls.values()),
            switches=list(self.switches.values()),
            remembered=list(self.remembered.values()),
            billing=list(self.billing.values()),
            pending=[(switch, account, seq) for (switch, account), seq in self.pending.items()],
            kept=list(self.kept.values()),
            last_line=self.ledger[-1].number if self.ledger else 0,
            last_decision=self.decisions[-1].number if self.decisions else 0,
            forgotten_before_ms=self.forgotten_before_ms,
        )

    def posted_since(self, account: str, after_ms: int) -> int:
        """Sum of the account's ledger lines with an `at` later than `after_ms`."""
        return sum(line.amount_micros for line in self.ledger if line.account == account and line.at_ms > after_ms)
