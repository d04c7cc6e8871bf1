"""Commands, snapshots and scopes as a switch reads them."""

from __future__ import annotations

import pytest

from guard.core.decisions import Command, CommandAction, Reason, SnapshotEntry, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Scope
from guard.wire.commands import encode_command, encode_message, encode_scopes, encode_snapshot_part
from tests.wire.samples import NOW_MS

BLOCK = Command(
    id="01JD",
    seq=7,
    action=CommandAction.BLOCK,
    account="A1001",
    scope=Scope.ALL,
    end_calls=True,
    emergency=EmergencyNumbers(),
    reason=Reason.CREDIT_LIMIT,
    at_ms=NOW_MS,
)
UNBLOCK = Command(
    id="01JE",
    seq=8,
    action=CommandAction.UNBLOCK,
    account='/ + # " < % é',
    scope=Scope.PREMIUM,
    end_calls=False,
    emergency=EmergencyNumbers(["15"]),
    reason=Reason.PAYMENT,
    at_ms=0,
    until_ms=NOW_MS,
)
PART = SnapshotPart(
    id="01JF",
    part=1,
    of=2,
    at_ms=NOW_MS,
    blocked=(SnapshotEntry(account="A1001", seq=7, scope=Scope.ALL, end_calls=True),),
    emergency=EmergencyNumbers(),
)


def test_a_block_is_written_as_the_contract_shows_it() -> None:
    """Name by name, in the contract's order, `until` null when there is none."""
    assert encode_command(BLOCK) == (
        b'{"id":"01JD","seq":7,"action":"block","account":"A1001","scope":"all","end_calls":true,'
        b'"except":["911","112","933","988"],"reason":"credit_limit","at":"2026-11-22T03:12:45.120Z","until":null}'
    )


def test_an_unblock_has_the_same_fields() -> None:
    """Any account is written, the emergency numbers are those configured, `until` is a time."""
    assert encode_command(UNBLOCK).decode() == (
        '{"id":"01JE","seq":8,"action":"unblock","account":"/ + # \\" < % é","scope":"premium","end_calls":false,'
        '"except":["15"],"reason":"payment","at":"1970-01-01T00:00:00.000Z","until":"2026-11-22T03:12:45.120Z"}'
    )


def test_a_snapshot_part_is_written_as_the_contract_shows_it() -> None:
    """The whole truth, or a part of it, with the emergency numbers."""
    assert encode_snapshot_part(PART) == (
        b'{"id":"01JF","action":"snapshot","part":1,"of":2,"at":"2026-11-22T03:12:45.120Z",'
        b'"blocked":[{"account":"A1001","seq":7,"scope":"all","end_calls":true}],"except":["911","112","933","988"]}'
    )


def test_a_message_is_written_by_its_kind() -> None:
    """What a `Send` carries is a command or a snapshot part."""
    assert encode_message(BLOCK) == encode_command(BLOCK)
    assert encode_message(PART) == encode_snapshot_part(PART)


def test_scopes_are_written_as_the_contract_shows_them() -> None:
    """Prefixes are sorted, so that the same meaning is the same message."""
    scopes = {
        Scope.PREMIUM: {"1900": True, "": False},
        Scope.INTERNATIONAL: {"1264": True, "": True, "1": False},
        Scope.ALL: {"": True},
    }
    assert encode_scopes(scopes, "v7") == (
        b'{"scopes":{"all":{"":true},"international":{"":true,"1":false,"1264":true},'
        b'"premium":{"":false,"1900":true}},"version":"v7"}'
    )


def test_scopes_leave_nothing_to_guess() -> None:
    """A scope that is missing, has no empty prefix, or names what is no prefix cannot be written."""
    whole = {scope: {"": True} for scope in Scope}
    for broken in (
        {Scope.ALL: {"": True}},
        {**whole, Scope.ALL: {"1": True}},
        {**whole, Scope.ALL: {"": True, "+1": True}},
        {**whole, Scope.ALL: {"": True, "1" * 16: True}},
        {**whole, Scope.ALL: {"": True, "١": True}},
    ):
        with pytest.raises(ValueError, match=r"scope|prefix"):
            encode_scopes(broken, "v")
