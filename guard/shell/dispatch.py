"""The dispatch: what a durable batch has for the switches is published, with what its words mean before it.

A command names a scope; a switch knows what that is from the retained `scopes` message. So each switch gets the scopes
in force once in a session, and again when they have changed, before the commands that may need them. What cannot be
sent now is dropped: desired state is sent again (`guard.core.delivery`), and scopes are tried with the next batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from guard.core.decisions import Send
from guard.core.engine import Engine
from guard.ports import Publisher
from guard.wire.commands import encode_message, encode_scopes
from guard.wire.topics import Topics


class Dispatch:
    """Sends to switches."""

    def __init__(self, *, engine: Engine, publisher: Publisher, topics: Topics) -> None:
        self._engine = engine
        self._publisher = publisher
        self._topics = topics
        self._scopes_sent: dict[str, str] = {}
        """By switch: the version that it was given."""

    def begin_anew(self) -> None:
        """Another session: a broker that lost what it retained gets it again."""
        self._scopes_sent.clear()

    def send(self, sends: Sequence[Send]) -> None:
        """Scopes to whom they are news, then commands and snapshots."""
        self._send_scopes()
        publish, topics = self._publisher.publish, self._topics
        for send in sends:
            publish(topics.commands(send.switch), encode_message(send.message))

    def _send_scopes(self) -> None:
        scopes, topics = self._engine.world.scopes, self._topics
        for switch in self._engine.world.switches:
            if self._scopes_sent.get(switch) == scopes.version:
                continue
            payload = encode_scopes(scopes.sets, scopes.version)
            if self._publisher.publish(topics.scopes(switch), payload, retain=True):
                self._scopes_sent[switch] = scopes.version
