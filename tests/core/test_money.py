"""Money: exact, in the contract's format, with a named direction wherever something is rounded."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.money import (
    MAX_MICROS,
    MICROS_PER_UNIT,
    MS_PER_MINUTE,
    MoneyError,
    clamp_for_show,
    fits,
    floor_from_scaled,
    format_cents,
    format_money,
    growth_floor,
    implied_rate_half_up,
    parse_money,
    price_half_up,
)

CONTRACT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
"""The format as the contract states it."""

amounts = st.integers(-MAX_MICROS, MAX_MICROS)
rates = st.integers(0, MAX_MICROS)
spans_ms = st.integers(0, 40 * 86_400_000)


def half_up(exact: Fraction) -> int:
    """The nearest whole number, the greater one of two."""
    return (exact + Fraction(1, 2)).__floor__()


@given(amounts)
def test_what_is_written_is_read_back(micros: int) -> None:
    """Text and amount are the same thing."""
    assert parse_money(format_money(micros)) == micros


@given(amounts)
def test_what_is_written_has_the_contracts_format(micros: int) -> None:
    """Every amount that guard can hold is written as the contract says, with at least two decimals."""
    text = format_money(micros)
    assert CONTRACT.fullmatch(text)
    assert len(text.partition(".")[2]) >= 2


@given(st.from_regex(CONTRACT, fullmatch=True))
def test_whatever_the_contract_allows_is_read_exactly(text: str) -> None:
    """Nothing is rounded on the way in."""
    assert Fraction(parse_money(text), MICROS_PER_UNIT) == Fraction(text)


@given(st.text(alphabet="0123456789.-+e_ ,\n\t٣०", max_size=14))
def test_nothing_else_is_read(text: str) -> None:
    """What the contract does not allow is refused, and every refusal reads the same: it repeats nothing."""
    if CONTRACT.fullmatch(text):
        parse_money(text)
        return
    with pytest.raises(MoneyError) as refused:
        parse_money(text)
    with pytest.raises(MoneyError) as other:
        parse_money("")
    assert str(refused.value) == str(other.value)


@pytest.mark.parametrize(
    "text",
    ["", ".5", "5.", "+5", "1e3", "1_000", "0x10", " 1", "1 ", "1\n", "--1", "1,00", "٣.00", "1000000000", "1.0000001"],
)
def test_some_things_that_are_no_money(text: str) -> None:
    """Each looks like a number to somebody."""
    with pytest.raises(MoneyError):
        parse_money(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (-1, "-0.000001"),
        (512_100_000, "512.10"),
        (350_000, "0.35"),
        (1_234_560, "1.23456"),
        (MAX_MICROS, "999999999.999999"),
        (-MAX_MICROS, "-999999999.999999"),
    ],
)
def test_amounts_as_they_are_shown(micros: int, text: str) -> None:
    """Two decimals, and as many more as are needed."""
    assert format_money(micros) == text


@pytest.mark.parametrize(
    ("text", "micros"), [("-0", 0), ("-0.00", 0), ("0012.5", 12_500_000), ("7", 7_000_000), ("2.10", 2_100_000)]
)
def test_amounts_as_they_may_be_written(text: str, micros: int) -> None:
    """Zeros in front and a sign before nothing are allowed."""
    assert parse_money(text) == micros


@given(amounts)
def test_cents_are_the_nearest(micros: int) -> None:
    """A sentence shows the nearest cent, half a cent away from zero, and never a negative nothing."""
    text = format_cents(micros)
    assert re.fullmatch(r"-?[0-9]+\.[0-9]{2}", text)
    assert text != "-0.00"
    assert abs(Fraction(text) - Fraction(micros, MICROS_PER_UNIT)) <= Fraction(1, 200)
    assert format_cents(-micros).lstrip("-") == text.lstrip("-")


@given(st.integers(-2 * MAX_MICROS, 2 * MAX_MICROS))
def test_what_fits_can_be_written_and_nothing_else(micros: int) -> None:
    """The bound is the format's."""
    assert fits(micros) == bool(CONTRACT.fullmatch(format_money(micros)))
    assert fits(clamp_for_show(micros))
    assert not fits(micros) or clamp_for_show(micros) == micros


@given(rates, st.integers(0, 4_000_000))
def test_a_price_is_rounded_half_up(rate: int, billed_s: int) -> None:
    """Rate x billed seconds / 60, half up to a micro."""
    assert price_half_up(rate, billed_s) == half_up(Fraction(rate * billed_s, 60))


@given(rates, spans_ms)
def test_growth_is_rounded_down(rate: int, span_ms: int) -> None:
    """What has certainly accrued."""
    assert growth_floor(rate, span_ms) == Fraction(rate * span_ms, MS_PER_MINUTE).__floor__()


@given(st.integers(-(10**24), 10**24))
def test_scaled_values_are_rounded_down(scaled: int) -> None:
    """Below zero, too: -0.5 micros have not reached 0."""
    assert floor_from_scaled(scaled) == Fraction(scaled, MS_PER_MINUTE).__floor__()


@given(rates, st.integers(1, 86_400_000))
def test_an_implied_rate_is_rounded_half_up(charge: int, span_ms: int) -> None:
    """The rate at which the charge accrues within the span."""
    assert implied_rate_half_up(charge, span_ms) == half_up(Fraction(charge * MS_PER_MINUTE, span_ms))
