"""Words between partitions: what goes in comes out, and what is of another release takes nothing with it."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import msgspec
import pytest

from guard.core.neighbours import CrowdStands, Sighting, Word
from guard.wire.between import MOST_BYTES, TOPIC, VERSION, decode_message, encode_messages, encode_word
from guard.wire.topics import Topics

SIGHTING = Sighting(counter="c", key="252612345678", account="Acme / Ltd é", at_ms=2**41)


def one_of(kind: type[Any]) -> Word:
    """One with a value in every member."""
    values = {"int": 7, "str": "text", "bool": True, "tuple[str, ...]": ("A1", "A2"), "int | None": None}
    values["tuple[tuple[str, int], ...]"] = (("rule", 5),)
    word: Word = kind(**{field.name: values[str(field.type)] for field in dataclasses.fields(kind)})
    return word


@pytest.mark.parametrize("kind", get_args(Word), ids=lambda kind: kind.__name__)
def test_every_kind_of_word_arrives_as_it_was_said(kind: type[Any]) -> None:
    word = one_of(kind)
    (payload,) = encode_messages(200, [encode_word(word)])
    assert decode_message(payload) == (200, [word], 0)


def test_words_keep_their_order_over_several_messages_none_of_which_is_large() -> None:
    words = [
        CrowdStands(
            rule="r",
            counter="c",
            key=f"{number}",
            since_ms=1,
            at_ms=1,
            until_ms=2,
            value=5,
            estimated=False,
            accounts=many,
        )
        for number, many in enumerate([("a" * 128,) * 64] * 100)
    ]
    messages = encode_messages(3, map(encode_word, words))
    assert len(messages) > 1
    assert all(len(message) < MOST_BYTES + 20_000 for message in messages)
    assert [word for message in messages for word in decode_message(message).words] == words


def test_nothing_to_say_is_no_message() -> None:
    assert encode_messages(3, []) == []


def test_a_kind_that_is_not_known_is_passed_over_and_counted() -> None:
    known = msgspec.Raw(encode_word(SIGHTING))
    payload = msgspec.msgpack.encode(
        {"v": VERSION, "sender": 3, "words": [["of-tomorrow", {"a": 1}], known, ["sighting", {"key": 5}]]}
    )
    assert decode_message(payload) == (3, [SIGHTING], 2)


def test_a_member_that_is_not_known_is_ignored() -> None:
    later = dataclasses.asdict(SIGHTING) | {"added": "later"}
    payload = msgspec.msgpack.encode({"v": VERSION, "sender": 3, "words": [["sighting", later]], "more": 1})
    assert decode_message(payload) == (3, [SIGHTING], 0)


def test_what_is_of_another_version_or_none_of_ours_is_counted() -> None:
    words = [msgspec.Raw(encode_word(SIGHTING))] * 2
    assert decode_message(msgspec.msgpack.encode({"v": VERSION + 1, "sender": 3, "words": words})) == (3, [], 2)
    assert decode_message(b"{}") == (-1, [], 1)
    assert decode_message(b"") == (-1, [], 1)


def test_no_prefix_and_no_filter_of_mqtt_reaches_the_topic() -> None:
    with pytest.raises(ValueError, match="prefix"):
        Topics(TOPIC.rpartition("/")[0])
    assert Topics("guard/v1").parse(TOPIC) is None
