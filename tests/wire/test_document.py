"""Payloads taken apart with care."""

from __future__ import annotations

import pytest

from guard.wire import rules
from guard.wire.document import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, as_members, elements, parse
from guard.wire.rules import RuleError


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (b"", rules.PAYLOAD_NOT_JSON),
        (b" ", rules.PAYLOAD_NOT_JSON),
        (b"{", rules.PAYLOAD_NOT_JSON),
        (b"{} {}", rules.PAYLOAD_NOT_JSON),
        (b"{'a':1}", rules.PAYLOAD_NOT_JSON),
        (b'{"a":01}', rules.PAYLOAD_NOT_JSON),
        (b'{"a":1,}', rules.PAYLOAD_NOT_JSON),
        (b'{"a":"\n"}', rules.PAYLOAD_NOT_JSON),
        (b'{"a":NaN}', rules.PAYLOAD_NOT_JSON),
        (b'{"a":[Infinity]}', rules.PAYLOAD_NOT_JSON),
        (b'{"a":-Infinity}', rules.PAYLOAD_NOT_JSON),
        (b"\xef\xbb\xbf{}", rules.PAYLOAD_NOT_JSON),
        (b'{"a":"\xff"}', rules.PAYLOAD_NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', rules.PAYLOAD_NOT_UTF8),
        (b'{"a":"\xc0\x80"}', rules.PAYLOAD_NOT_UTF8),
        (b"\xff\xfe{\x00}\x00", rules.PAYLOAD_NOT_UTF8),
        (b"[" * 100_000, rules.PAYLOAD_TOO_DEEP),
        (b"[" * 100_000 + b"]" * 100_000, rules.PAYLOAD_TOO_DEEP),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, rules.PAYLOAD_TOO_DEEP),
        (b"1", rules.PAYLOAD_NOT_OBJECTS),
        (b"null", rules.PAYLOAD_NOT_OBJECTS),
        (b'"text"', rules.PAYLOAD_NOT_OBJECTS),
        (b"true", rules.PAYLOAD_NOT_OBJECTS),
        (b"[" + b"{}," * MAX_ELEMENTS + b"{}]", rules.PAYLOAD_TOO_MANY),
        (b'"' + b"x" * (MAX_PAYLOAD_BYTES - 1) + b'"', rules.PAYLOAD_TOO_LONG),
    ],
)
def test_a_payload_that_holds_no_elements_is_refused_whole(payload: bytes, rule: str) -> None:
    """Each way of being no payload has its own rule."""
    with pytest.raises(RuleError) as caught:
        elements(payload)
    assert (caught.value.rule, caught.value.key) == (rule, "")


def test_the_bounds_themselves_are_allowed() -> None:
    """1 MiB and 1,000 elements are still taken."""
    assert len(elements(b"[" + b"{}," * (MAX_ELEMENTS - 1) + b"{}]")) == MAX_ELEMENTS
    assert parse(b'"' + b"x" * (MAX_PAYLOAD_BYTES - 2) + b'"') == "x" * (MAX_PAYLOAD_BYTES - 2)


def test_elements_are_named_by_their_place() -> None:
    """An object alone is `$`, the elements of an array are `$[0]`, `$[1]` and so on; an empty array has none."""
    assert elements(b' {"a":1} ') == [("$", {"a": 1})]
    assert elements(b'[{"a":1},2,[]]') == [("$[0]", {"a": 1}), ("$[1]", 2), ("$[2]", [])]
    assert elements(b"[]") == []


def test_an_object_with_a_repeated_key_is_ambiguous() -> None:
    """A key that occurs twice, however it is escaped, is refused where the object is read."""
    for payload in (b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}'):
        [(_, value)] = elements(payload)
        with pytest.raises(RuleError) as caught:
            as_members(value)
        assert caught.value.rule == rules.KEY_TWICE


def test_a_huge_integer_costs_nothing_and_keeps_its_sign() -> None:
    """A number of a million digits is not computed; it is out of every range."""
    digits = b"9" * 1_000_000
    assert parse(b"[" + digits + b"]") == [10**20]
    assert parse(b"[-" + digits + b"]") == [-(10**20)]
    assert parse(b"[18446744073709551615]") == [2**64 - 1]
