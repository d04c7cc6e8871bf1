"""When to try again, and with which version of MQTT.

The pause doubles from try to try up to a limit and is drawn from its upper half, so that many clients of a broker that
comes back do not all come at once. A connection that stood for a while begins anew with the short pause; one that is
torn down at once (two processes with one client id throw each other out) does not.

MQTT 5 is tried first, because only there guard can tell the broker how many unacknowledged messages it takes. A broker
may refuse it in words, or just close the connection, which can mean many things: the first is remembered until a
connection fails, the second is believed only as long as MQTT 5 has never worked.
"""

from __future__ import annotations

import random

from aiomqtt import ProtocolVersion

from guard.adapters.mqtt.connection import ConnectionFailedError
from guard.adapters.mqtt.options import Protocol

SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
STABLE_AFTER_S = 10.0
"""A connection that stood this long was a good one."""

_FIXED = {"5": ProtocolVersion.V5, "3.1.1": ProtocolVersion.V311}
_NAMES = {version: name for name, version in _FIXED.items()}


def version_name(version: ProtocolVersion) -> str:
    """How a version is written in the configuration and the log."""
    return _NAMES[version]


class Pauses:
    """The pauses between tries, in seconds."""

    def __init__(self) -> None:
        self._longest_s = SHORTEST_PAUSE_S

    def after(self, stood_s: float) -> float:
        """The pause after a connection that stood for `stood_s` (0: it did not come about)."""
        if stood_s >= STABLE_AFTER_S:
            self._longest_s = SHORTEST_PAUSE_S
        pause_s = self._longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreading, not secrecy
        self._longest_s = min(LONGEST_PAUSE_S, 2 * self._longest_s)
        return pause_s


class Versions:
    """Which version of MQTT to use next, learnt from what the broker did."""

    def __init__(self, protocol: Protocol) -> None:
        self._fixed = protocol != "auto"
        self._next = ProtocolVersion.V5 if protocol == "auto" else _FIXED[protocol]
        self._v5_worked = False
        self._v5_refused = False

    def next(self) -> ProtocolVersion:
        """The version for the next try."""
        return self._next

    def accepted(self, version: ProtocolVersion) -> None:
        """The broker accepted this version."""
        if self._fixed:
            return
        if version is ProtocolVersion.V5:
            self._v5_worked = True
        elif not self._v5_refused:
            self._next = ProtocolVersion.V5

    def failed(self, version: ProtocolVersion, error: ConnectionFailedError) -> bool:
        """The connection did not come about; True when another version is worth trying at once."""
        if self._fixed:
            return False
        if version is ProtocolVersion.V5:
            self._v5_refused = error.version_refused
            if error.version_refused or (error.unanswered and not self._v5_worked):
                self._next = ProtocolVersion.V311
                return True
        self._next = ProtocolVersion.V5
        return False
