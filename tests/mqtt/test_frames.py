"""Cutting bytes into packets: every way of cutting the stream gives the same packets; nonsense is a FrameError."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_publish
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from guard.adapters.mqtt.frames import FrameError, FrameReader, TopicNames, is_publish, read_publish

packets = st.lists(
    st.tuples(st.integers(0, 255), st.one_of(st.binary(max_size=300), st.integers(0, 40_000).map(bytes))),
    max_size=12,
)


def packed(header: int, body: bytes) -> bytes:
    length = len(body)
    digits = bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes((header,)) + bytes(digits) + body


@given(packets, st.lists(st.integers(0, 100_000), max_size=30))
def test_packets_do_not_depend_on_the_pieces_in_which_they_arrive(
    frames: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(packed(header, body) for header, body in frames)
    reader = FrameReader()
    found: list[tuple[int, bytes]] = []
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    for start, stop in itertools.pairwise(edges):
        found += reader.feed(stream[start:stop])
    assert found == frames


def test_a_byte_at_a_time() -> None:
    stream = packed(0x30, bytes(200)) + packed(0xD0, b"") + packed(0x30, bytes(20_000))
    reader = FrameReader()
    found = [frame for byte in stream for frame in reader.feed(bytes((byte,)))]
    assert found == [(0x30, bytes(200)), (0xD0, b""), (0x30, bytes(20_000))]


def test_a_packet_is_there_with_its_last_byte() -> None:
    stream = packed(0x30, bytes(1_000_000))
    reader = FrameReader()
    assert reader.feed(stream[:-1]) == []
    assert reader.feed(stream[-1:]) == [(0x30, bytes(1_000_000))]


def test_a_length_of_five_bytes_is_no_mqtt() -> None:
    with pytest.raises(FrameError, match="four bytes"):
        FrameReader().feed(b"\x30\xff\xff\xff\xff\x01")


@pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311])
@given(data=st.data())
def test_a_publish_is_read_as_paho_reads_it(version: MQTTProtocolVersion, data: st.DataObject) -> None:
    is_v5 = version is MQTTProtocolVersion.MQTTv5
    topic = data.draw(st.text(min_size=1, max_size=200)).encode()
    qos = data.draw(st.integers(0, 2))
    mid = struct.pack("!H", data.draw(st.integers(1, 65_535)))
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for value in data.draw(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80), max_size=5)):
        properties.UserProperty = ("key", value)
    body = struct.pack("!H", len(topic)) + topic
    if qos:
        body += mid
    if is_v5:
        body += properties.pack()  # type: ignore[no-untyped-call]
    body += data.draw(st.binary(max_size=300))
    header = 0x30 | qos << 1 | data.draw(st.sampled_from([0, 1, 8, 9]))

    theirs = decode_publish(header, body, version)
    ours = read_publish(header, body, properties=is_v5)
    assert is_publish(header)
    assert ours[0] == theirs.topic
    assert ours[2] == theirs.payload
    assert ours[1] == {0: b"", 1: b"\x40\x02" + mid, 2: b"\x70\x02" + mid}[qos]


@given(header=st.integers(0, 255), body=st.binary(max_size=60), v5=st.booleans())
def test_any_bytes_are_a_publish_or_a_frame_error(header: int, body: bytes, *, v5: bool) -> None:
    try:
        topic, acknowledgement, payload = read_publish(header, body, properties=v5)
    except FrameError:
        return
    assert topic
    assert len(acknowledgement) in (0, 4)
    assert len(topic) + len(payload) <= len(body) - 2


def test_a_topic_is_kept_once_and_their_number_is_bounded() -> None:
    names = TopicNames()
    assert names.text(b"guard/v1/sw1/calls") is names.text(b"guard/v1/sw1/calls")
    for number in range(2 * TopicNames.LIMIT):
        names.text(b"%d" % number)
    assert len(names._names) <= TopicNames.LIMIT
    assert names.text(b"\xff") == "\N{REPLACEMENT CHARACTER}"
