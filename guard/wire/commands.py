"""What guard tells the switches: commands, snapshots, and what the named scopes mean (contract 1).

The bytes are a function of the record alone, so a command that is sent again is the same message again. A member
whose value is not known is written as null, never left out: a switch's parser needs no case for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from guard.core.decisions import Command, SnapshotPart
from guard.core.records import Scope
from guard.wire.instants import format_instant, format_optional_instant

MAX_PREFIX_DIGITS: Final = 15
"""An E.164 number has no more."""


def encode_command(command: Command) -> bytes:
    """The JSON of a block or unblock."""
    return msgspec.json.encode(
        {
            "id": command.id,
            "seq": command.seq,
            "action": command.action.value,
            "account": command.account,
            "scope": command.scope.value,
            "end_calls": command.end_calls,
            "except": list(command.emergency),
            "reason": command.reason.value,
            "at": format_instant(command.at_ms),
            "until": format_optional_instant(command.until_ms),
        }
    )


def encode_snapshot_part(part: SnapshotPart) -> bytes:
    """The JSON of one part of a snapshot."""
    return msgspec.json.encode(
        {
            "id": part.id,
            "action": "snapshot",
            "part": part.part,
            "of": part.of,
            "at": format_instant(part.at_ms),
            "blocked": [
                {
                    "account": entry.account,
                    "seq": entry.seq,
                    "scope": entry.scope.value,
                    "end_calls": entry.end_calls,
                }
                for entry in part.blocked
            ],
            "except": list(part.emergency),
        }
    )


def encode_message(message: Command | SnapshotPart) -> bytes:
    """The JSON of whatever a `Send` carries."""
    if isinstance(message, Command):
        return encode_command(message)
    return encode_snapshot_part(message)


def encode_scopes(scopes: Mapping[Scope, Mapping[str, bool]], version: str) -> bytes:
    """The JSON that says by longest E.164 prefix which numbers a scope means; prefixes are sorted.

    Each scope must state the empty prefix, which decides for every number that no other prefix matches, and all
    scopes must be there; `ValueError` otherwise: a switch must never have to guess.
    """
    if set(scopes) != set(Scope):
        raise ValueError("every scope must be stated")
    for prefixes in scopes.values():
        if "" not in prefixes:
            raise ValueError("every scope must state the empty prefix")
        if not all(_is_prefix(prefix) for prefix in prefixes):
            raise ValueError("a prefix has at most 15 digits and nothing else")
    return msgspec.json.encode(
        {
            "scopes": {scope.value: dict(sorted(scopes[scope].items())) for scope in Scope},
            "version": version,
        }
    )


def _is_prefix(prefix: str) -> bool:
    return prefix == "" or (prefix.isascii() and prefix.isdigit() and len(prefix) <= MAX_PREFIX_DIGITS)
