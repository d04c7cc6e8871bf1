"""Operators' intents on their way through the log of a partition, and the answers on their way back over the bus.

An intent is a message of an entry, under a topic that no MQTT client can publish to: MessagePack, a version in front,
an id of its own (the same when it is said again), who waits for the answer, when it was asked for, and what is wished,
with its kind. Between guard's own processes, of versions that may differ while they are being replaced one by one:
members may be added to a wish (with a default). A wish that cannot be read is answered as such where its sender is
known, and never carried out in part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from guard.core.records import (
    Allow,
    Approve,
    Block,
    CloseFuse,
    Forget,
    Intent,
    IntentResult,
    Note,
    Reject,
    Release,
    SetLimit,
)
from guard.core.rules.past import Past
from guard.wire.log import INTERNAL

TOPIC: Final = f"{INTERNAL}intents"
"""Filters of MQTT do not match what begins with a `$`, and no prefix does."""
VERSION: Final = 1

Wish = Intent | tuple[Past, ...]
"""What somebody wants: an operator's intent, or that history is learned."""

_LEARN: Final = "learn"
_KINDS: Final[dict[str, type[Intent]]] = {
    "block": Block,
    "release": Release,
    "allow": Allow,
    "limit": SetLimit,
    "approve": Approve,
    "reject": Reject,
    "forget": Forget,
    "close-fuse": CloseFuse,
    "note": Note,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_DECODERS: Final[dict[str, Callable[[bytes], Wish]]] = {
    _LEARN: msgspec.msgpack.Decoder(tuple[Past, ...]).decode,
    **{name: msgspec.msgpack.Decoder(kind).decode for name, kind in _KINDS.items()},
}


class _Message(msgspec.Struct):
    v: int
    id: str
    node: str
    at_ms: int
    kind: str
    wish: msgspec.Raw


class Asked(NamedTuple):
    """An intent as it came through the log."""

    id: str
    node: str
    """Who waits for the answer."""
    at_ms: int
    """When it was asked for, by that node's clock."""
    wish: Wish | None
    """None: it is of another version of guard."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an intent."""

    id: str
    result: str = ""
    """A value of `IntentResult`; empty: it was not carried out, and `why` says why."""
    days: tuple[int, ...] = ()
    """Of each past that was to be learned: how many days were news."""
    why: str = ""

    def outcome(self) -> IntentResult | None:
        """What became of it; None: it was not carried out, or the answer is of another version."""
        try:
            return IntentResult(self.result)
        except ValueError:
            return None


_ENCODER: Final = msgspec.msgpack.Encoder()
_MESSAGE: Final = msgspec.msgpack.Decoder(_Message)
_ANSWER: Final = msgspec.msgpack.Decoder(Answer)


def encode_asked(*, id_: str, node: str, at_ms: int, wish: Wish) -> bytes:
    """The message that asks for it."""
    kind = _LEARN if isinstance(wish, tuple) else _NAMES[type(wish)]
    packed = msgspec.Raw(_ENCODER.encode(wish))
    return _ENCODER.encode(_Message(v=VERSION, id=id_, node=node, at_ms=at_ms, kind=kind, wish=packed))


def decode_asked(payload: bytes) -> Asked | None:
    """What is asked for; None when not even who asks can be read."""
    try:
        message = _MESSAGE.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        return None
    wish: Wish | None = None
    if message.v == VERSION and message.kind in _DECODERS:
        try:
            wish = _DECODERS[message.kind](message.wish)
        except (msgspec.DecodeError, UnicodeError):
            wish = None
    return Asked(message.id, message.node, message.at_ms, wish)


def encode_answer(answer: Answer) -> bytes:
    """The message that says what became of it."""
    return _ENCODER.encode(answer)


def decode_answer(payload: bytes) -> Answer | None:
    """What became of it; None when that cannot be read."""
    try:
        return _ANSWER.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        return None
