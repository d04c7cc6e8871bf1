"""What has been journalled and is not in the state tables yet, held in memory in its newest form.

A *generation* collects batches until it is worth moving them to the tables (`checkpoint`). Of a row that changed a
hundred times it holds the last state, in the order in which a table wants it when it is sorted; that, and touching a
page once instead of a hundred times, is what the journal is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guard.adapters.sqlite.journal import Entry
from guard.core.rows import AccountRow, CallRow, SwitchRow

Place = tuple[str, int, int]
"""(account, at_ms, number) of a ledger line: its key in `ledger_place`."""


@dataclass(slots=True)
class Generation:
    """Unsaved state, newest form."""

    accounts: dict[str, AccountRow] = field(default_factory=dict)
    calls: dict[tuple[str, str], CallRow | None] = field(default_factory=dict)
    """By (switch, call); None: over."""
    switches: dict[str, SwitchRow] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    forgotten_before_ms: int = 0
    quarantined: bool = False
    """Whether the quarantine has grown."""
    number: int = 0
    """Of the last batch in it."""
    last_line: int = 0
    """Highest ledger number in it."""
    rows: int = 0
    """Rows journalled for it, and ledger lines."""
    entries: int = 0
    """Batches in it."""

    def add(self, number: int, entry: Entry, places: Sequence[Place]) -> None:
        """Take a batch: over before live, so that a call that came back within it is live."""
        for account in entry.accounts:
            self.accounts[account.id] = account
        for key in entry.calls_over:
            self.calls[key] = None
        for call in entry.calls:
            self.calls[call.switch, call.call] = call
        for switch in entry.switches:
            self.switches[switch.name] = switch
        if entry.forgotten_before_ms is not None:
            self.forgotten_before_ms = max(self.forgotten_before_ms, entry.forgotten_before_ms)
        self.place(places)
        self.number = number
        self.rows += entry.count()
        self.entries += 1

    def place(self, places: Sequence[Place]) -> None:
        """Take ledger lines that are not in the directory yet."""
        if places:
            self.places.extend(places)
            self.last_line = max(self.last_line, *(number for _, _, number in places))
            self.rows += len(places)
