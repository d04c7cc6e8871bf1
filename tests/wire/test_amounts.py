"""Charges and rates on the hot path."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.money import MAX_MICROS, MoneyError, format_money, parse_money
from guard.wire.amounts import charge_micros, rates, unsigned_micros
from guard.wire.memo import MAX_ENTRIES, Memo
from tests.wire.strategies import ODD_TEXT

ANY_TEXT = st.one_of(st.text(), st.sampled_from(ODD_TEXT), st.from_regex(r"-?[0-9]{0,10}\.?[0-9]{0,7}"))


@given(ANY_TEXT)
def test_a_charge_is_what_money_without_a_sign_is(text: str) -> None:
    """The fast reading accepts nothing that `parse_money` refuses, and means the same; it knows no sign."""
    try:
        micros = charge_micros(text)
    except MoneyError:
        if not text.startswith("-"):
            with pytest.raises(MoneyError):
                parse_money(text)
    else:
        assert micros == parse_money(text) == rates[text]


@given(ANY_TEXT)
def test_unsigned_money_is_money_of_at_least_zero(text: str) -> None:
    """A minus is only possible before nothing but zeros."""
    try:
        micros = unsigned_micros(text)
    except MoneyError:
        with suppress(MoneyError):
            assert parse_money(text) < 0
    else:
        assert micros == parse_money(text) >= 0


@given(st.integers(0, MAX_MICROS))
def test_every_amount_is_read_back(micros: int) -> None:
    """What is written as money is read as the same micros."""
    assert charge_micros(format_money(micros)) == micros


def test_a_memo_is_bounded_and_remembers_no_failures() -> None:
    """A memo never holds more than its bound, and what raises is not kept."""
    calls: list[str] = []

    def length(text: str) -> int:
        calls.append(text)
        if not text:
            raise MoneyError("empty")
        return len(text)

    memo = Memo(length)
    assert memo["ab"] == memo["ab"] == 2
    assert calls == ["ab"]
    for _ in range(2):
        with pytest.raises(MoneyError):
            memo[""]
    assert calls == ["ab", "", ""]
    for number in range(MAX_ENTRIES + 10):
        assert memo[str(number)] == len(str(number))
        assert len(memo) <= MAX_ENTRIES
