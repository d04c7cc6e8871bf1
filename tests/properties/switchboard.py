"""What surrounds the engine in the properties.

Switches that obey when a message reaches them, and calls that have a true course of which any moment may be reported
at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.core.decisions import Command, CommandAction, SnapshotEntry, SnapshotPart
from guard.core.money import Micros
from guard.core.records import Ack, Direction, Event, Report, Scope


@dataclass
class Script:
    """The true course of one call."""

    call: str
    account: str
    began_ms: int
    rate: int
    states_charge: bool
    states_rate: str
    """`always`, `answered` (only there) or `never`."""
    direction: Direction | None
    emergency: str
    """`no`, `flag` (in every report), `dialled` (only the `answered` report says so)."""
    ended_ms: int | None = None
    """How long it lasted, once it is over."""

    def at(self, event: Event, duration_ms: int) -> Report:
        """The report of one moment of it."""
        answered = event is Event.ANSWERED
        to = "911" if self.emergency == "dialled" else "+16135550100"
        said = self.states_rate == "always" or (answered and self.states_rate == "answered")
        return Report(
            self.call,
            event,
            self.account,
            self.began_ms + duration_ms,
            duration_ms,
            to if answered else None,
            Micros(self.rate * duration_ms // 60_000) if self.states_charge else None,
            self.rate if said else None,
            emergency=True if self.emergency == "flag" else None,
            direction=self.direction if answered else None,
        )


@dataclass
class Obedient:
    """A switch that does what it is told, as the contract says, once a message has reached it."""

    name: str
    inbox: list[Command | SnapshotPart] = field(default_factory=list)
    known: dict[str, tuple[int, Scope | None]] = field(default_factory=dict)
    """Highest seq seen for an account and what is blocked; None: nothing."""
    parts: dict[str, dict[int, SnapshotPart]] = field(default_factory=dict)

    @property
    def blocked(self) -> dict[str, tuple[int, Scope]]:
        """What it blocks now."""
        return {account: (seq, scope) for account, (seq, scope) in self.known.items() if scope is not None}

    def receive(self, now_ms: int) -> Ack:
        """Take the first message of the inbox and answer it."""
        message = self.inbox.pop(0)
        if isinstance(message, Command):
            seq, _ = self.known.get(message.account, (0, None))
            if message.seq >= seq:
                scope = message.scope if message.action is CommandAction.BLOCK else None
                self.known[message.account] = (message.seq, scope)
            return Ack(switch=self.name, id=message.id, ok=True, account=message.account, at_ms=now_ms)
        parts = self.parts.setdefault(message.id, {})
        parts[message.part] = message
        if len(parts) == message.of:
            self._put_in_place(tuple(entry for part in parts.values() for entry in part.blocked))
        return Ack(switch=self.name, id=message.id, ok=True, at_ms=now_ms, part=message.part)

    def _put_in_place(self, entries: tuple[SnapshotEntry, ...]) -> None:
        """The whole truth, except entries for which a higher `seq` is known."""
        truth: dict[str, tuple[int, Scope | None]] = {}
        for entry in entries:
            seq, scope = self.known.get(entry.account, (0, None))
            truth[entry.account] = (seq, scope) if seq > entry.seq else (entry.seq, entry.scope)
        self.known = truth

    def reboot(self) -> None:
        """It forgets everything."""
        self.inbox.clear()
        self.known.clear()
        self.parts.clear()
