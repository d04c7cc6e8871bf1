"""What may be a card number."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.wire.cards import MAX_DIGITS, MIN_DIGITS, may_hold_card_number
from guard.wire.document import parse
from tests.wire import strategies

VISA = "4111111111111111"
AMEX = "378282246310005"
NUMBERS = (VISA, AMEX, "5555555555554444", "4222222222222", "6011000990139424", "6304000000000000000")


def luhn(digits: str) -> bool:
    """The test as ISO/IEC 7812 describes it, digit by digit from the right."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "form", ["{}", " {} ", "card {}, expires 12/27", "x{}y", "#{}.", "{}\n", "{} 12 27", "no 5 {}"]
)
def test_numbers_in_text_are_found(number: str, form: str) -> None:
    """A number is found wherever it stands in a text, also beside other groups of digits."""
    assert may_hold_card_number(form.format(number))


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111  -  1111\t1111\n1111",
        "4111\u20111111\u00a01111\u22121111",
        "0 4111 1111 1111 1111 9",
        "４１１１１１１１１１１１１１１１",
    ],
)
def test_blanks_and_dashes_are_passed_over(text: str) -> None:
    """People write numbers in groups; any blank and any dash counts, and so do the digits of any script."""
    assert may_hold_card_number(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "4111111111111112",
        "411111111111",
        "4111.1111.1111.1111",
        "4111,1111,1111,1111",
        "1" * 20,
        "1" * 400,
        "2026-11-22T03:12:45.120Z",
        "+16475550100",
        4111111111111112,
        4111111111111111.5,
        411111111111,
        10**19,
        1e300,
        float("inf"),
        {"a": ["4111", "1111", "1111", "1111"]},
    ],
)
def test_other_values_are_none(value: object) -> None:
    """Too short, too long, a wrong check digit, or digits in different values: no card number."""
    assert not may_hold_card_number(value)


@pytest.mark.parametrize(
    "value",
    [
        4111111111111111,
        -4111111111111111,
        4111111111111111.0,
        [VISA],
        {"a": {"b": [None, {"c": VISA}]}},
        {VISA: 1},
        {"a": {"4111 1111 1111 1111": None}},
        parse(b'{"a":{"b":"4111111111111111","b":"x"}}'),
        parse(b'{"a":{"4111111111111111":1,"4111111111111111":1}}'),
    ],
)
def test_numbers_keys_and_nested_values_are_searched(value: object) -> None:
    """Nothing is too deep, and no key and no repeated key hides anything."""
    assert may_hold_card_number(value)


@given(st.text(alphabet="0123456789", max_size=25))
def test_one_group_is_judged_by_luhn_and_length(digits: str) -> None:
    """A group on its own is a card number exactly if it has 13 to 19 digits and passes the Luhn test."""
    assert may_hold_card_number(digits) == (MIN_DIGITS <= len(digits) <= MAX_DIGITS and luhn(digits))


@given(st.lists(st.text(alphabet="0123456789", min_size=1, max_size=20), max_size=8))
def test_groups_are_joined_whole(groups: list[str]) -> None:
    """Groups are judged as any row of neighbours would be, joined."""
    joined = ["".join(groups[start:end]) for start in range(len(groups)) for end in range(start + 1, len(groups) + 1)]
    expected = any(MIN_DIGITS <= len(digits) <= MAX_DIGITS and luhn(digits) for digits in joined)
    assert may_hold_card_number(" ".join(groups)) == expected


@given(strategies.json_values)
def test_any_value_is_searched(value: object) -> None:
    """No JSON value is an error, and a number beside it is always found."""
    may_hold_card_number(value)
    assert may_hold_card_number([value, {"a": VISA}])


@pytest.mark.parametrize(
    "text", ["1" * 2**20, "1 " * 2**19, ("1 " * 12 + "x") * 40_000, "1" + "-" * 2**20, "12 " * 2**18]
)
def test_time_is_bounded(text: str) -> None:
    """The longest text takes about a second at worst; a quadratic search would take hours."""
    started = time.process_time()
    may_hold_card_number({"a": text})
    assert time.process_time() - started < 20
