"""The block list of a switch: commands and snapshots in, who is blocked out. Pure.

The rules are the contract's. A command states an account's whole desired state; one with an older
`seq` than the last is ignored, so a late block cannot undo an unblock; the same one again changes
nothing. A snapshot is the whole truth: it takes the place of everything, once all its parts are
there, except where the switch knows a higher `seq`. A command that arrives between the parts of a
snapshot is newer than the snapshot (one topic keeps its order) and stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.core.decisions import Command, CommandAction, SnapshotEntry, SnapshotPart
from guard.core.emergency import EmergencyNumbers


@dataclass(slots=True)
class _Arriving:
    """A snapshot of which some parts are still missing."""

    id: str
    of: int
    at_ms: int
    parts: dict[int, SnapshotPart] = field(default_factory=dict)
    commanded: set[str] = field(default_factory=set)
    """Accounts that a command has changed since the first part."""


class BlockList:
    """Which accounts are blocked, and how far each account's `seq` has come."""

    def __init__(self, emergency: EmergencyNumbers) -> None:
        """Begin with nobody blocked and the switch's own emergency numbers."""
        self._emergency = emergency.as_dialled()
        self._blocked: dict[str, SnapshotEntry] = {}
        self._seqs: dict[str, int] = {}
        self._arriving: _Arriving | None = None
        self.complete = False
        """Whether a whole snapshot has been put in place since the start."""

    def entry(self, account: str) -> SnapshotEntry | None:
        """The block of an account, if it has one."""
        return self._blocked.get(account)

    def accounts(self) -> list[str]:
        """All blocked accounts."""
        return list(self._blocked)

    def is_emergency(self, dialled: str) -> bool:
        """Whether this number is exempt: by the switch's own list or by any that guard has sent."""
        return dialled in self._emergency

    def apply(self, command: Command) -> bool:
        """Take a command; False when it is older than what is known."""
        if command.seq < self._seqs.get(command.account, -1):
            return False
        self._emergency |= command.emergency.as_dialled()
        self._seqs[command.account] = command.seq
        if self._arriving is not None:
            self._arriving.commanded.add(command.account)
        if command.action is CommandAction.UNBLOCK:
            self._blocked.pop(command.account, None)
            return True
        self._blocked[command.account] = SnapshotEntry(
            account=command.account,
            seq=command.seq,
            scope=command.scope,
            end_calls=command.end_calls,
        )
        return True

    def apply_part(self, part: SnapshotPart) -> bool:
        """Take one part of a snapshot; True when it was the last one missing and is now in place."""
        arriving = self._arriving
        if arriving is not None and arriving.id != part.id and part.at_ms < arriving.at_ms:
            return False
        if arriving is None or arriving.id != part.id:
            arriving = self._arriving = _Arriving(id=part.id, of=part.of, at_ms=part.at_ms)
        arriving.parts[part.part] = part
        self._emergency |= part.emergency.as_dialled()
        if len(arriving.parts) < arriving.of:
            return False
        self._put_in_place(arriving)
        return True

    def _put_in_place(self, arriving: _Arriving) -> None:
        """Replace what was by the snapshot, except what is newer than it."""
        listed = {entry.account: entry for part in arriving.parts.values() for entry in part.blocked}
        kept = {
            account: entry
            for account, entry in self._blocked.items()
            if account in arriving.commanded or (account in listed and self._seqs[account] > listed[account].seq)
        }
        taken = {
            account: entry
            for account, entry in listed.items()
            if account not in arriving.commanded and self._seqs.get(account, -1) <= entry.seq
        }
        self._blocked = kept | taken
        self._seqs |= {account: entry.seq for account, entry in taken.items()}
        self._arriving = None
        self.complete = True
