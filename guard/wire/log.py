"""Entries of a cluster's log, and what goes over its bus: MessagePack, a version in front, MQTT messages inside.

An **entry** is what one ingest has for one partition: when it received the oldest of it, messages as (topic, payload)
in the very form in which switches and billing send them, so that whoever reads the log needs no other wire than the
daemon's, and the names of switches that it has **heard** reports of (whichever accounts they were about: a partition
whose accounts are quiet must not take the switch for silent).

What guard says to itself by way of the log (partitions to each other, an operator's intents) stands in entries too, as
messages whose topic begins with `INTERNAL`. No message of a broker can: no prefix of topics begins with `$`, and an
ingest takes nothing that is not under its prefix, whatever a broker hands over.

An entry that cannot be read is an error and never passed over: nobody but guard writes there, so it is of a newer
guard, or somebody has put something into guard's log; either is for an operator to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

VERSION: Final = 1
INTERNAL: Final = "$guard/"
"""How a topic begins that no broker's message can have."""


class LogEntryError(Exception):
    """An entry of the log, or a message of the bus, cannot be read; the text says why."""


class LogEntry(NamedTuple):
    """What an entry holds."""

    at_ms: int
    messages: list[tuple[str, bytes]]
    heard: list[str]


class Published(NamedTuple):
    """Something that is to be published at the broker."""

    topic: str
    payload: bytes
    retain: bool


class _Entry(msgspec.Struct, omit_defaults=True):
    v: int
    at_ms: int
    messages: list[tuple[str, bytes]] = []
    heard: list[str] = []


class _Published(msgspec.Struct, omit_defaults=True):
    v: int
    topic: str
    payload: bytes
    retain: bool = False


class _Versioned(msgspec.Struct):
    v: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_ENTRY: Final = msgspec.msgpack.Decoder(_Entry)
_PUBLISHED: Final = msgspec.msgpack.Decoder(_Published)
_VERSIONED: Final = msgspec.msgpack.Decoder(_Versioned)


def encode_entry(at_ms: int, messages: Sequence[tuple[str, bytes]], heard: Sequence[str] = ()) -> bytes:
    """An entry for one partition."""
    return _ENCODER.encode(_Entry(v=VERSION, at_ms=at_ms, messages=list(messages), heard=list(heard)))


def decode_entry(data: bytes) -> LogEntry:
    """What an entry holds; `LogEntryError` when that cannot be known."""
    _check_version(data)
    try:
        entry = _ENTRY.decode(data)
    except msgspec.MsgspecError:
        raise LogEntryError("is no entry of guard's log") from None
    return LogEntry(entry.at_ms, entry.messages, entry.heard)


def encode_published(topic: str, payload: bytes, *, retain: bool) -> bytes:
    """What an ingest is to publish at the broker."""
    return _ENCODER.encode(_Published(v=VERSION, topic=topic, payload=payload, retain=retain))


def decode_published(data: bytes) -> Published:
    """What is to be published; `LogEntryError` when that cannot be known."""
    _check_version(data)
    try:
        told = _PUBLISHED.decode(data)
    except msgspec.MsgspecError:
        raise LogEntryError("is no message of guard's bus") from None
    return Published(told.topic, told.payload, told.retain)


def _check_version(data: bytes) -> None:
    try:
        version = _VERSIONED.decode(data).v
    except msgspec.MsgspecError:
        raise LogEntryError("is not of guard") from None
    if version != VERSION:
        raise LogEntryError(
            f"is of version {version}, and this guard reads version {VERSION}: bring all to one release"
        )
