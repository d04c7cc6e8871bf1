"""Entries of the log: what goes in comes out, and what is not guard's, or of a guard to come, is refused by name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.wire.log import LogEntryError, decode_entry, decode_published, encode_entry, encode_published

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.integers(0, 10**14), st.lists(st.tuples(TEXT, st.binary())), st.lists(TEXT))
def test_an_entry_comes_out_as_it_went_in(at_ms: int, messages: list[tuple[str, bytes]], heard: list[str]) -> None:
    assert decode_entry(encode_entry(at_ms, messages, heard)) == (at_ms, messages, heard)


@given(TEXT, st.binary(), st.booleans())
def test_so_does_what_is_to_be_published(topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
    assert decode_published(encode_published(topic, payload, retain=retain)) == (topic, payload, retain)


@pytest.mark.parametrize("data", [b"", b"junk", msgspec.msgpack.encode({"v": 1}), msgspec.msgpack.encode([1, 2])])
def test_what_is_not_guards_is_refused(data: bytes) -> None:
    with pytest.raises(LogEntryError, match="is n"):
        decode_entry(data)
    with pytest.raises(LogEntryError, match="is n"):
        decode_published(data)


def test_an_entry_of_a_guard_to_come_is_not_passed_over() -> None:
    newer = msgspec.msgpack.encode({"v": 2, "at_ms": 1, "messages": "of another form"})
    with pytest.raises(LogEntryError, match="version 2, and this guard reads version 1"):
        decode_entry(newer)
