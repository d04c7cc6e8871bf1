"""Sending: what a partition's batch has for the switches.

Commands go to the broker by way of an ingest. A snapshot is only this partition's piece of one, so it goes to whoever
composes for that switch: the holder of its home partition (`guard.shell.cluster.composers`). The `scopes` message is
the same from every partition, so the switch's home alone sends it; a command that overtakes it is refused by the switch
and sent again.

Whoever no longer holds the partition says nothing: a process that was stopped for a while must not wake up and tell a
switch what was true before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guard.core.decisions import Command, Send
from guard.core.engine import Engine
from guard.core.partitions import partition_of
from guard.ports.cluster import Bus, Claim
from guard.wire.commands import encode_command, encode_scopes
from guard.wire.pieces import Piece, encode
from guard.wire.topics import Topics

PIECE = "piece.{home}"
"""The subject of pieces for the switches of one home partition."""
WANTED = "wanted"
"""The subject on which all workers hear which pieces are missing."""


class Sending:
    """Of one partition; see `guard.shell.loop.Sender`."""

    def __init__(self, *, engine: Engine, claim: Claim, bus: Bus, topics: Topics, holds: Callable[[], bool]) -> None:
        self._engine = engine
        self._claim = claim
        self._bus = bus
        self._topics = topics
        self._holds = holds
        self._scopes_sent: dict[str, str] = {}
        """By switch: the version that it was given."""
        self._all_told = (0, "")
        """So many switches have been looked at, and those at home here know that version of the scopes."""

    def begin_anew(self) -> None:
        """A broker that lost what it retained gets it again."""
        self._scopes_sent.clear()
        self._all_told = (0, "")

    def send(self, sends: Sequence[Send]) -> None:
        """Scopes to whom they are news, then commands and pieces."""
        if not self._holds():
            return
        self._send_scopes()
        for send in sends:
            if isinstance(send.message, Command):
                self._bus.publish(self._topics.commands(send.switch), encode_command(send.message))
            else:
                piece = Piece.of_part(send.switch, self._claim.part, self._claim.epoch, send.message)
                self._bus.send(PIECE.format(home=partition_of(send.switch)), encode(piece))

    def _send_scopes(self) -> None:
        scopes, topics, switches = self._engine.world.scopes, self._topics, self._engine.world.switches
        if self._all_told == (len(switches), scopes.version):
            return
        here = [switch for switch in switches if partition_of(switch) == self._claim.part]
        for switch in here:
            if self._scopes_sent.get(switch) != scopes.version:
                payload = encode_scopes(scopes.sets, scopes.version)
                if not self._bus.publish(topics.scopes(switch), payload, retain=True):
                    return
                self._scopes_sent[switch] = scopes.version
        self._all_told = len(switches), scopes.version
