"""Names of MQTT topics under a prefix, and the client ids of guard's two sessions (contract 1).

A switch's name is one level of a topic: 1 to 64 characters, no control character, none of `/ + #`. A topic that does
not follow the contract parses to None; whoever subscribed to more than guard's own filters may pass it over.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

from guard.wire.fields import has_control_character

MAX_SWITCH_LENGTH: Final = 64
MAX_PREFIX_LENGTH: Final = 200


class Kind(Enum):
    """What a topic carries."""

    CALLS = "calls"
    STATUS = "status"
    ACKS = "acks"
    COMMANDS = "commands"
    SCOPES = "scopes"
    BILLING = "billing"
    DECISIONS = "decisions"


class Role(Enum):
    """Which of guard's two sessions a client is."""

    CALLS = "calls"
    CONTROL = "control"


_OF_A_SWITCH: Final = {kind.value: kind for kind in (Kind.CALLS, Kind.STATUS, Kind.ACKS, Kind.COMMANDS, Kind.SCOPES)}
_OF_ALL: Final = {kind.value: kind for kind in (Kind.BILLING, Kind.DECISIONS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic taken apart; `switch` is empty for the topics that belong to no switch."""

    switch: str
    kind: Kind


def is_switch_name(name: str) -> bool:
    """Whether a name can be a switch's."""
    return 1 <= len(name) <= MAX_SWITCH_LENGTH and not any(mark in name for mark in "/+#") and _is_clean(name)


def _is_clean(text: str) -> bool:
    """No control character, and nothing that UTF-8 cannot express."""
    if has_control_character(text):
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


class Topics:
    """All topics under one prefix."""

    __slots__ = ("billing", "calls_filter", "control_filters", "decisions", "prefix")

    def __init__(self, prefix: str) -> None:
        """Build the fixed names; `ValueError` for a prefix that cannot begin a topic."""
        levels = prefix.split("/")
        if not all(levels) or len(prefix) > MAX_PREFIX_LENGTH or prefix.startswith("$"):
            raise ValueError("a topic prefix has 1 to 200 characters, no empty level and no leading $")
        if any(mark in prefix for mark in "+#") or not _is_clean(prefix):
            raise ValueError("a topic prefix has no wildcards and no control characters")
        self.prefix = prefix
        self.billing = f"{prefix}/billing"
        self.decisions = f"{prefix}/decisions"
        self.calls_filter = f"{prefix}/+/calls"
        """What the calls session subscribes to."""
        self.control_filters = (f"{prefix}/+/status", f"{prefix}/+/acks", self.billing)
        """What the control session subscribes to."""

    def parse(self, topic: str) -> Topic | None:
        """The switch and the kind of a topic; None when it is none of the contract's under this prefix."""
        if not topic.startswith(f"{self.prefix}/"):
            return None
        head, _, tail = topic[len(self.prefix) + 1 :].rpartition("/")
        if not head:
            kind = _OF_ALL.get(tail)
            return None if kind is None else Topic(switch="", kind=kind)
        kind = _OF_A_SWITCH.get(tail)
        if kind is None or not is_switch_name(head):
            return None
        return Topic(switch=head, kind=kind)

    def commands(self, switch: str) -> str:
        """Where a switch listens for commands; `ValueError` for what cannot be a switch's name."""
        return self._of(switch, Kind.COMMANDS)

    def acks(self, switch: str) -> str:
        """Where a switch answers; `ValueError` for what cannot be a switch's name."""
        return self._of(switch, Kind.ACKS)

    def scopes(self, switch: str) -> str:
        """Where a switch finds what the named scopes mean; `ValueError` for what cannot be a switch's name."""
        return self._of(switch, Kind.SCOPES)

    def _of(self, switch: str, kind: Kind) -> str:
        if not is_switch_name(switch):
            raise ValueError("a switch name is one topic level of 1 to 64 characters without control characters")
        return f"{self.prefix}/{switch}/{kind.value}"


def client_id(prefix: str, role: Role) -> str:
    """The stable client id of one session: the same for the same prefix, so that the broker keeps its queue.

    At most 23 letters and digits, which every broker must accept (MQTT 3.1.1, 3.1.3.1). Two daemons with one prefix
    on one broker therefore push each other out, visibly, instead of both counting every call.
    """
    return f"guard{role.value}{hashlib.sha256(prefix.encode()).hexdigest()[:10]}"


def ingest_client_id(prefix: str, name: str) -> str:
    """The stable client id of the session by which the ingest of that name shares the reports; as long as others."""
    return f"guardingest{hashlib.sha256(f'{prefix} {name}'.encode()).hexdigest()[:12]}"
