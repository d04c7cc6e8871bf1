"""One MQTT message taken apart by partition, for the log of a cluster: what was said is never changed, only sorted.

* Reports and billing messages go to the partition of their account, each element as the bytes that were sent.
* What cannot be told whom it concerns (an element without a usable account, a payload that is broken as a whole) goes
  to the home of the switch, the partition of its name, and is refused and counted there, once.
* `status` concerns every partition; an acknowledgement its account's, one of a part of a snapshot the switch's home;
  one that names neither account nor part could be about any command, so every partition gets it.

Whether an element breaks a rule is for the reader of the log to judge, in the words of `guard.wire`; here only the
account is looked up. But what is broken as a whole is told apart here, by the same judge (`guard.wire.document`), for
otherwise its pieces could pass. In its place the shortest payload that breaks the same rule goes into the log: nobody
needs a mebibyte of junk in three copies. For the same reason and a graver one, a payment that may hold a card number
leaves only a stand-in with a number that is nobody's: a log is a place where such a number must not be.

**Joining.** Reports of one topic may be put together again into one array (`Part.joins`), which makes the reader's work
half as dear. An element that nests deeply does not join: the depth that one can read may be too much for another, and
it would take its neighbours with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import BillingOutcome, Refusal
from guard.wire import rules
from guard.wire.billing import decode_billing
from guard.wire.control import decode_ack, decode_status
from guard.wire.document import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, RepeatedKeys, slices
from guard.wire.memo import Memo
from guard.wire.rules import RuleError
from guard.wire.topics import Kind, Topic

EVERY: Final = tuple(range(PARTITIONS))
DEEP: Final = 100
"""Brackets in a payload beyond those of its elements, from which on nothing of it joins. A report has none."""

CARD_STAND_IN: Final = b'{"type":"payment","method":"4111111111111111"}'
"""Refused as what it stands for is; the number is the one that everybody tests with."""

_STAND_INS: Final = {
    rules.PAYLOAD_TOO_LONG: b" " * (MAX_PAYLOAD_BYTES + 1),
    rules.PAYLOAD_NOT_UTF8: b"\xff",
    rules.PAYLOAD_NOT_JSON: b"?",
    rules.PAYLOAD_TOO_DEEP: b"[" * 100_000,
    rules.PAYLOAD_NOT_OBJECTS: b"0",
    rules.PAYLOAD_TOO_MANY: b"[" + b"0," * MAX_ELEMENTS + b"0]",
}


class Part(NamedTuple):
    """What a message has for one partition."""

    partition: int
    payload: bytes
    joins: bool = False
    """It is one element, and may be put into an array with others of its topic."""


class _Keyed(msgspec.Struct, gc=False):
    account: str


_PARTITION: Final = Memo(partition_of, 1 << 17)
"""Of the accounts whose calls are up: 20 MiB, and a third of the price of splitting a report."""
_KEYED: Final = msgspec.json.Decoder(_Keyed | list[_Keyed])
_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])


def split(topic: Topic, payload: bytes) -> list[Part]:
    """The parts of a message of one of guard's own subscriptions; nothing of any other topic, nor of an empty array."""
    match topic.kind:
        case Kind.CALLS:
            return _split_reports(payload, topic.switch)
        case Kind.BILLING:
            return _split_billing(payload)
        case Kind.ACKS:
            return _split_ack(payload, topic.switch)
        case Kind.STATUS:
            broken = isinstance(decode_status(payload, topic.switch), Refusal)
            concerned = (partition_of(topic.switch),) if broken else EVERY
            return [Part(partition, payload) for partition in concerned]
        case _:
            return []


def _split_reports(payload: bytes, switch: str) -> list[Part]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        return _broken(rules.PAYLOAD_TOO_LONG, switch)
    try:
        if not payload.isascii():
            payload.decode()
        keyed = _KEYED.decode(payload)
        if not isinstance(keyed, list):
            return [Part(_PARTITION[keyed.account], payload, _is_flat(payload, 1))]
        joins = _is_flat(payload, len(keyed))
        if len(keyed) <= MAX_ELEMENTS:
            pieces = zip(keyed, _RAW.decode(payload), strict=True)
            return [Part(_PARTITION[each.account], bytes(raw), joins) for each, raw in pieces]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    return _split_carefully(payload, switch)


def _is_flat(payload: bytes, elements: int) -> bool:
    return payload.count(b"{") + payload.count(b"[") <= elements + DEEP


def _split_carefully(payload: bytes, switch: str) -> list[Part]:
    try:
        return [Part(_partition(element, switch), _alone(element, piece)) for element, piece in slices(payload)]
    except RuleError as error:
        return _broken(error.rule, switch)


def _split_billing(payload: bytes) -> list[Part]:
    parts: list[Part] = []
    try:
        for element, piece in slices(payload):
            refused = decode_billing(piece).refusals
            card = any(each.outcome is BillingOutcome.REFUSED for each in refused)
            parts.append(Part(_partition(element, ""), CARD_STAND_IN if card else _alone(element, piece)))
    except RuleError as error:
        return _broken(error.rule, "")
    return parts


def _split_ack(payload: bytes, switch: str) -> list[Part]:
    ack = decode_ack(payload, switch)
    if isinstance(ack, Refusal) or (ack.part is not None and not ack.account):
        return [Part(partition_of(switch), payload)]
    concerned = (partition_of(ack.account),) if ack.account else EVERY
    return [Part(partition, payload) for partition in concerned]


def _broken(rule: str, switch: str) -> list[Part]:
    return [Part(partition_of(switch), _STAND_INS[rule])]


def _alone(element: object, piece: bytes) -> bytes:
    """An element as a payload: what is no object stays in an array, or an array in an array would pass for one."""
    return piece if isinstance(element, dict | RepeatedKeys) else b"[%b]" % piece


def _partition(element: object, switch: str) -> int:
    """Of the account that an element names; the switch's home when it names none that could be one."""
    members = dict(element) if isinstance(element, dict | RepeatedKeys) else {}
    account = members.get("account")
    try:
        return partition_of(account if isinstance(account, str) else switch)
    except UnicodeEncodeError:
        return partition_of(switch)
