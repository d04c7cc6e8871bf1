"""Cursors say exactly what they were made of, and nothing else is one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decisions import NEWEST
from guard.wire.cursors import decode_place, decode_vector, encode_place, encode_vector

NUMBERS = st.integers(0, NEWEST)
LONGEST = 2_048
"""Characters that the HTTP side takes."""
DECISION_ID = re.compile(r"[0-9A-Za-z]{26}")


@given(st.lists(NUMBERS, min_size=1, max_size=300))
def test_a_vector_is_the_same_when_it_has_been_text(numbers: list[int]) -> None:
    text = encode_vector(numbers)
    assert decode_vector(text, len(numbers)) == numbers
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    with pytest.raises(ValueError, match=re.escape(text)):
        decode_vector(text, len(numbers) + 1)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_a_place_is_the_same_when_it_has_been_text(numbers: list[int]) -> None:
    text = encode_place(numbers)
    assert decode_place(text, len(numbers)) == numbers
    assert re.fullmatch(r"[a-z0-9-]+", text)


def test_none_looks_like_a_decision_and_all_are_short_enough() -> None:
    young, old = encode_vector([0] * 256), encode_vector([10**12] * 256)
    assert len(young) > 26
    assert len(old) <= LONGEST
    assert not DECISION_ID.fullmatch(encode_place([1_795_000_000_000, 255, 1]))


@pytest.mark.parametrize("decode", [decode_vector, decode_place])
@given(text=st.text(max_size=400) | st.from_regex(r"at(-[0-9]{1,25}){3}", fullmatch=True))
def test_what_is_none_is_refused_in_one_way(decode: Callable[[str, int], list[int]], text: str) -> None:
    try:
        numbers = decode(text, 3)
    except ValueError:
        return
    assert len(numbers) == 3
    assert all(0 <= number <= NEWEST for number in numbers)
