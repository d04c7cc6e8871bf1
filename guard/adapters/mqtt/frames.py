"""MQTT framing: a stream of bytes in, whole packets out; PUBLISH packets taken apart, PUBACK packets made.

paho-mqtt reads a packet with three system calls (one byte, one byte, the rest) and one turn of the event loop each,
which is most of the cost of a message. The connection therefore reads large chunks and cuts them here. Only PUBLISH
is understood here, as the one packet that comes tens of thousands of times a second; every other packet goes to paho
whole. Nothing here knows sockets, paho or asyncio.

The format (MQTT 3.1.1 and 5, sections 2 and 3.3): a header byte (type and flags), the remaining length in one to
four bytes of seven bits, least significant first, then the body. The body of a PUBLISH is the topic with a two-byte
length, a two-byte packet id if QoS > 0, in MQTT 5 properties with a variable length, and the payload. guard offers
no topic alias maximum, so that a topic is never empty.
"""

from __future__ import annotations

PUBLISH = 0x30
PUBACK = 0x40
PUBCOMP = 0x70

_TYPE = 0xF0
_QOS = 0x06
_QOS_SHIFT = 1
_EXACTLY_ONCE = 2
_MORE = 0x80
_SEVEN_BITS = 0x7F
_LENGTH_BYTES = 4
_SHORTEST = 2
"""Bytes of the shortest packet: header and a remaining length of 0."""


class FrameError(ValueError):
    """The peer does not speak MQTT as the standard says; the connection cannot go on."""


class FrameReader:
    """Cuts a byte stream into packets, whatever the pieces in which it arrives; linear in the bytes received."""

    __slots__ = ("_needed", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = _SHORTEST

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The packets that are complete with `data`: header byte and body; `FrameError` on a broken length."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                # A large packet arrives in many pieces; it is looked at again when all of it can be there.
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[tuple[int, bytes]] = []
        append = frames.append
        start = 0
        end = len(data)
        needed = _SHORTEST
        while end - start >= _SHORTEST:
            length = data[start + 1]
            body = start + 2
            if length & _MORE:
                length, body = _long_length(data, start)
                if body == 0:
                    needed = end - start + 1
                    break
            stop = body + length
            if stop > end:
                needed = stop - start
                break
            append((data[start], data[body:stop]))
            start = stop
        if start < end:
            self._rest += data[start:]
        self._needed = needed
        return frames


def _long_length(data: bytes, start: int) -> tuple[int, int]:
    """A remaining length of more than one byte and where the body begins (0: not all of it has arrived)."""
    length = 0
    for index in range(_LENGTH_BYTES):
        position = start + 1 + index
        if position >= len(data):
            return 0, 0
        byte = data[position]
        length |= (byte & _SEVEN_BITS) << (7 * index)
        if not byte & _MORE:
            return length, position + 1
    raise FrameError("a packet length of more than four bytes")


def is_publish(header: int) -> bool:
    """Whether a packet with this header byte is a PUBLISH."""
    return header & _TYPE == PUBLISH


class TopicNames:
    """Topics as text, each kept once: thousands of messages wait with the same few topics."""

    __slots__ = ("_names",)
    LIMIT = 4096
    """Four topics each of 1,000 switches, and some."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def text(self, topic: bytes) -> str:
        """The topic; what is not UTF-8 in it (brokers refuse such) is replaced."""
        name = self._names.get(topic)
        if name is None:
            if len(self._names) >= self.LIMIT:
                self._names.clear()
            name = self._names[topic] = topic.decode("utf-8", "replace")
        return name


def read_publish(header: int, body: bytes, *, properties: bool) -> tuple[bytes, bytes, bytes]:
    """Topic, acknowledgement packet and payload of a PUBLISH.

    The acknowledgement is the whole packet to send back (empty at QoS 0). With `properties` (MQTT 5) these are passed
    over. `FrameError` when the body is shorter than it says.
    """
    after_topic = 2 + int.from_bytes(body[:2])
    qos = (header & _QOS) >> _QOS_SHIFT
    payload = after_topic + 2 if qos else after_topic
    if after_topic == 2 or payload > len(body):  # noqa: PLR2004 - an empty topic
        raise FrameError("a PUBLISH shorter than its topic, or without one")
    acknowledgement = b""
    if qos:
        # guard subscribes at QoS 1; a QoS 2 delivery can only be left over from a foreign session of its name.
        kind = PUBCOMP if qos == _EXACTLY_ONCE else PUBACK
        acknowledgement = bytes((kind, 2)) + body[after_topic:payload]
    if properties:
        payload = _after_properties(body, payload)
    return body[2:after_topic], acknowledgement, body[payload:]


def _after_properties(body: bytes, start: int) -> int:
    """Where the payload begins behind MQTT 5 properties that begin at `start`."""
    if start < len(body) and body[start] == 0:  # the usual case: none
        return start + 1
    length, begin = _long_length(body, start - 1)
    if begin == 0 or begin + length > len(body):
        raise FrameError("a PUBLISH shorter than its properties")
    return begin + length
