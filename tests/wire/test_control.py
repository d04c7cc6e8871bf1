"""Switch status and acknowledgements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Ack, Refusal, SwitchStatus
from guard.wire import rules
from guard.wire.control import decode_ack, decode_status
from tests.wire import strategies
from tests.wire.samples import ACK, MISSING, NOW_MS, STATUS, assert_says_nothing, changed, payload


def test_a_switch_is_up_or_down() -> None:
    """The two words of the contract; unknown fields are ignored."""
    assert decode_status(b'{"status":"up"}', "sw1") == SwitchStatus(switch="sw1", up=True)
    assert decode_status(b'{"status":"down","vendor":1}', "sw1") == SwitchStatus(switch="sw1", up=False)


@pytest.mark.parametrize(
    ("content", "key", "rule"),
    [
        (b"", "$", rules.PAYLOAD_NOT_JSON),
        (b"up", "$", rules.PAYLOAD_NOT_JSON),
        (b"\xff", "$", rules.PAYLOAD_NOT_UTF8),
        (b'"up"', "$", rules.NOT_AN_OBJECT),
        (b'[{"status":"up"}]', "$", rules.NOT_AN_OBJECT),
        (b"{}", "$.status", rules.REQUIRED),
        (b'{"status":"UP"}', "$.status", rules.NOT_A_STATUS),
        (b'{"status":true}', "$.status", rules.NOT_A_STATUS),
        (b'{"status":"up","status":"down"}', "$", rules.KEY_TWICE),
    ],
)
def test_anything_else_is_no_status(content: bytes, key: str, rule: str) -> None:
    """Junk is refused by name, arrays included."""
    assert decode_status(content, "sw1") == Refusal(key, rule)


def test_the_acknowledgement_of_the_contract_is_read_whole() -> None:
    """Every field arrives in the record."""
    assert decode_ack(payload({**ACK, "error": "no such account", "part": 2}), "sw1") == Ack(
        switch="sw1",
        id="01JD",
        ok=True,
        account="A1001",
        ended_calls=2,
        at_ms=NOW_MS,
        error="no such account",
        part=2,
    )


def test_an_acknowledgement_may_say_little() -> None:
    """id and ok are enough, ok may be 0 or 1, null counts as absent, and a long error is cut, not refused."""
    assert decode_ack(b'{"id":"c","ok":1}', "s") == Ack(switch="s", id="c", ok=True)
    assert decode_ack(b'{"id":"c","ok":0}', "s") == Ack(switch="s", id="c", ok=False)
    nothing = {name: None for name in ACK if name not in {"id", "ok"}}
    assert decode_ack(payload({**ACK, **nothing}), "s") == Ack(switch="s", id="01JD", ok=True)
    long = decode_ack(payload({**ACK, "error": "x" * 1000}), "s")
    assert isinstance(long, Ack)
    assert long.error == "x" * 256


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("id", MISSING, rules.REQUIRED),
        ("id", None, rules.REQUIRED),
        ("id", "", rules.IDENTIFIER_LENGTH),
        ("id", 7, rules.NOT_TEXT),
        ("ok", MISSING, rules.REQUIRED),
        ("ok", "true", rules.NOT_A_FLAG),
        ("ok", 2, rules.NOT_A_FLAG),
        ("account", 7, rules.NOT_TEXT),
        ("account", "x" * 257, rules.TEXT_TOO_LONG),
        ("ended_calls", -1, rules.NOT_A_COUNT),
        ("ended_calls", "2", rules.NOT_A_COUNT),
        ("at", "noon", rules.NOT_AN_INSTANT),
        ("error", 5, rules.NOT_TEXT),
        ("error", "\ud800", rules.NOT_UNICODE),
        ("part", 0.5, rules.NOT_A_COUNT),
    ],
)
def test_what_is_stated_must_be_right(name: str, value: object, rule: str) -> None:
    """A broken field is refused by name."""
    assert decode_ack(payload(changed(ACK, **{name: value})), "s") == Refusal(f"$.{name}", rule)


def test_acknowledgements_are_no_arrays() -> None:
    """One message is one acknowledgement."""
    assert decode_ack(payload([ACK]), "s") == Refusal("$", rules.NOT_AN_OBJECT)


CONTENTS = st.one_of(
    st.binary(max_size=200),
    strategies.json_values.map(strategies.written),
    strategies.acks.map(strategies.written),
    strategies.statuses.map(strategies.written),
    strategies.damaged(st.sampled_from([payload(ACK), payload(STATUS)])),
    st.sampled_from([b"[" * 200_000, b'{"id":' * 200_000, b"9" * 1_000_000, b" " * (1 << 21)]),
)


@given(CONTENTS)
def test_any_bytes(content: bytes) -> None:
    """Whatever arrives is a record or a named refusal."""
    for decoded in (decode_ack(content, "s"), decode_status(content, "s")):
        if isinstance(decoded, Refusal):
            assert_says_nothing(decoded)
