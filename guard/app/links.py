"""The links: guard's two sessions with the broker, and whether both are there.

Calls and control are sessions of their own, so that acks, payments and `status up` never wait behind a backlog of
calls. guard sees only while both are subscribed; until they are for the first time, it is not ready.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.adapters.metrics import SessionFigures
from guard.adapters.mqtt import (
    CALLS_RECEIVE_MAXIMUM,
    CONTROL_RECEIVE_MAXIMUM,
    BrokerAddress,
    Session,
    SessionOptions,
)
from guard.ports import Clock
from guard.wire.topics import Role, Topics, client_id


def _nobody() -> None:
    """Before somebody wants to be told."""


class Links:
    """Both sessions."""

    def __init__(self, address: BrokerAddress, topics: Topics, clock: Clock) -> None:
        self._address = address
        self._prefix = topics.prefix
        self._clock = clock
        self._connected: set[Role] = set()
        self._was_ready = False
        self.calls = self._session(Role.CALLS, (topics.calls_filter,), CALLS_RECEIVE_MAXIMUM)
        self.control = self._session(Role.CONTROL, topics.control_filters, CONTROL_RECEIVE_MAXIMUM)
        self.on_all: Callable[[], None] = _nobody
        """Both are subscribed, perhaps again."""
        self.on_cut: Callable[[], None] = _nobody
        """One of them is gone."""
        self.on_subscribed: Callable[[], None] = _nobody
        """Both are subscribed for the first time."""

    def _session(self, role: Role, topics: tuple[str, ...], receive_maximum: int) -> Session:
        options = SessionOptions(
            address=self._address,
            client_id=client_id(self._prefix, role),
            topics=topics,
            receive_maximum=receive_maximum,
        )
        session = Session(options, self._clock.now_ms)

        def connected(_known: bool) -> None:  # noqa: FBT001 -- the session's signature
            self._connected.add(role)
            if len(self._connected) == len(Role):
                self.on_all()
                if not self._was_ready:
                    self._was_ready = True
                    self.on_subscribed()

        session.on_connected = connected

        def disconnected(_reason: str) -> None:
            self._connected.discard(role)
            self.on_cut()

        session.on_disconnected = disconnected
        return session

    def missing(self) -> str:
        """Which of them is not there, in words; empty: both are."""
        absent = [role.value for role in Role if role not in self._connected]
        return f"not subscribed at the broker: {' and '.join(absent)}" if absent else ""

    def read_off(self, figures: SessionFigures) -> None:
        """How they stand, for the metrics."""
        for role, session in ((Role.CALLS, self.calls), (Role.CONTROL, self.control)):
            figures.read(
                role.value,
                connected=role in self._connected,
                unacknowledged=max(session.waiting, session.unacknowledged),
                connections=session.counters.connections,
                unsent=session.counters.refused,
            )
