"""What switches say about themselves: up or down, and whether a command was obeyed.

These messages are never arrays: each stands for itself and there are few. An acknowledgement is worth more than its
details, so what the contract calls optional may be absent or null, and an error text of any length is taken, cut to
256 characters. On-call and the page are shown that text, so a number that the switch put into it is masked.
"""

from __future__ import annotations

from typing import Final

from guard.core.privacy import without_numbers
from guard.core.records import Ack, Refusal, SwitchStatus
from guard.wire import document, fields, rules
from guard.wire.fields import may, need
from guard.wire.rules import RuleError

_read_status: Final = fields.one_of({"up": True, "down": False}, rules.NOT_A_STATUS)


def decode_status(payload: bytes, switch: str) -> SwitchStatus | Refusal:
    """`{"status":"up"}` or `{"status":"down"}` of a switch; anything else is a refusal, never an error."""
    try:
        members = document.as_members(document.parse(payload))
        return SwitchStatus(switch=switch, up=need(members, "status", _read_status))
    except RuleError as error:
        return Refusal(f"${error.key}", error.rule)


def decode_ack(payload: bytes, switch: str) -> Ack | Refusal:
    """A switch's answer to one command or one part of a snapshot; anything else is a refusal, never an error."""
    try:
        members = document.as_members(document.parse(payload))
        return Ack(
            switch=switch,
            id=need(members, "id", fields.identifier),
            ok=need(members, "ok", fields.flag),
            account=may(members, "account", fields.text) or "",
            ended_calls=may(members, "ended_calls", fields.count) or 0,
            at_ms=may(members, "at", fields.instant),
            error=without_numbers(may(members, "error", fields.clipped_text) or ""),
            part=may(members, "part", fields.count),
        )
    except RuleError as error:
        return Refusal(f"${error.key}", error.rule)
