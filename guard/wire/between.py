"""Words between the engines of partitions (`guard.core.neighbours`), as they go through the log.

A message of an entry, under a topic that no MQTT client can publish to: MessagePack, a version in front, who speaks,
then the words, each with its kind. Between guard's own processes, of versions that may differ while they are being
replaced one by one: members may be added to a word (with a default) and what is not known of one is ignored. A word of
a kind that is not known, or that cannot be read, is passed over and counted; it takes no other with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from guard.core.neighbours import (
    CallsBrought,
    CrowdClears,
    CrowdFalls,
    CrowdStands,
    CrowdWarns,
    FuseSaid,
    FuseStands,
    Matter,
    Sighting,
    SwitchSilent,
    Word,
)
from guard.wire.log import INTERNAL

TOPIC: Final = f"{INTERNAL}between"
"""Filters of MQTT do not match what begins with a `$`, and no prefix does."""
VERSION: Final = 1
MOST_BYTES: Final = 1 << 18
"""Of words in one message: entries stay well below what NATS takes."""

_KINDS: Final[dict[str, type[Word]]] = {
    "sighting": Sighting,
    "crowd-warns": CrowdWarns,
    "crowd-clears": CrowdClears,
    "crowd-stands": CrowdStands,
    "crowd-falls": CrowdFalls,
    "fuse-said": FuseSaid,
    "fuse-stands": FuseStands,
    "switch-silent": SwitchSilent,
    "calls-brought": CallsBrought,
    "matter": Matter,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_DECODERS: Final[dict[str, Callable[[bytes], Word]]] = {
    name: msgspec.msgpack.Decoder(kind).decode for name, kind in _KINDS.items()
}
_ENCODER: Final = msgspec.msgpack.Encoder()


class _Message(msgspec.Struct):
    v: int
    sender: int
    words: list[tuple[str, msgspec.Raw]]


_MESSAGE: Final = msgspec.msgpack.Decoder(_Message)


class Heard(NamedTuple):
    """What a message holds."""

    sender: int
    """The partition that speaks."""
    words: list[Word]
    passed_over: int
    """So many words are of another version."""


def encode_word(word: Word) -> bytes:
    """One word with its kind, to be put into a message."""
    return _ENCODER.encode((_NAMES[type(word)], word))


def encode_messages(sender: int, words: Iterable[bytes]) -> list[bytes]:
    """Words to one partition, as few messages as they fit into, in their order."""
    messages: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for word in words:
        if waiting and size + len(word) > MOST_BYTES:
            messages.append(_encoded(sender, waiting))
            waiting, size = [], 0
        waiting.append(word)
        size += len(word)
    if waiting:
        messages.append(_encoded(sender, waiting))
    return messages


def _encoded(sender: int, words: Sequence[bytes]) -> bytes:
    return _ENCODER.encode({"v": VERSION, "sender": sender, "words": [msgspec.Raw(word) for word in words]})


def decode_message(payload: bytes) -> Heard:
    """What a message holds; one that cannot be read counts as one word passed over."""
    try:
        message = _MESSAGE.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        return Heard(-1, [], 1)
    if message.v != VERSION:
        return Heard(message.sender, [], len(message.words))
    words: list[Word] = []
    for kind, raw in message.words:
        try:
            words.append(_DECODERS[kind](raw))
        except (KeyError, msgspec.DecodeError, UnicodeError):
            continue
    return Heard(message.sender, words, len(message.words) - len(words))
