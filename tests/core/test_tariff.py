"""The tariff: the longest prefix decides, and a price is exact up to its one rounding."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.money import MAX_MICROS
from guard.core.tariff import CallClass, Destination, Tariff, unknown_destination

MICRO = Decimal("0.000001")
rates = st.integers(0, MAX_MICROS)
digits = st.text("0123456789", max_size=18)


def destination(prefix: str = "44", kind: CallClass = CallClass.INTERNATIONAL, **terms: int) -> Destination:
    """A row; what is not said is nothing, and by the second."""
    return Destination(prefix=prefix, name="", kind=kind, **{"rate_micros": 0, **terms})


@given(st.sets(st.text("012", min_size=1, max_size=4)), st.text("0123", max_size=6))
def test_the_longest_prefix_decides(prefixes: set[str], number: str) -> None:
    """Whatever the order of the rows; none where none matches."""
    tariff = Tariff(map(destination, prefixes))
    matching = [prefix for prefix in prefixes if number.startswith(prefix)]
    found = tariff.find(number)
    assert (found.prefix if found else "") == max(matching, key=len, default="")


def test_a_tariff_knows_its_rows() -> None:
    rows = [destination("44"), destination("1"), destination("447")]
    tariff = Tariff(rows)
    assert (len(tariff), list(tariff.destinations())) == (3, rows)
    assert len(Tariff()) == 0
    assert Tariff().find("44") is None


@pytest.mark.parametrize(
    ("duration_ms", "minimum_s", "increment_s", "billed_s"),
    [
        (0, 0, 1, 0),
        (1, 0, 1, 1),
        (1_000, 0, 1, 1),
        (1_001, 0, 1, 2),
        (0, 30, 1, 30),
        (30_000, 30, 6, 30),
        (30_001, 30, 6, 36),
        (61_000, 0, 60, 120),
        (0, 0, 60, 0),
        (0, 1, 60, 60),
        (5_000, 7, 6, 12),
    ],
)
def test_seconds_are_billed_as_started(duration_ms: int, minimum_s: int, increment_s: int, billed_s: int) -> None:
    """Up to the second, at least the minimum, up to the increment: in this order."""
    assert destination(minimum_s=minimum_s, increment_s=increment_s).billed_s(duration_ms) == billed_s


@pytest.mark.parametrize(
    ("rate", "connect", "duration_ms", "price"),
    [
        (600_000, 0, 60_000, 600_000),
        (600_000, 50_000, 1, 60_000),
        (1, 0, 29_000, 0),
        (1, 0, 30_000, 1),
        (100_000, 0, 1_000, 1_667),
        (0, 70_000, 3_600_000, 70_000),
        (600_000, 50_000, 0, 50_000),
    ],
)
def test_prices_by_hand(rate: int, connect: int, duration_ms: int, price: int) -> None:
    row = destination(rate_micros=rate, connect_micros=connect)
    assert row.price_micros(duration_ms, row.rate_micros) == price


@given(rates, rates, st.integers(0, 3_600), st.integers(1, 3_600), st.integers(0, 10**9))
def test_a_price_is_what_the_contract_says(
    rate: int, connect: int, minimum_s: int, increment_s: int, duration_ms: int
) -> None:
    """In decimals: connect + rate x billed_s / 60, rounded half up to 0.000001."""
    row = destination(rate_micros=rate, connect_micros=connect, minimum_s=minimum_s, increment_s=increment_s)
    seconds = max((Decimal(duration_ms) / 1_000).to_integral_value(ROUND_CEILING), Decimal(minimum_s))
    billed = (seconds / increment_s).to_integral_value(ROUND_CEILING) * increment_s
    exact = Decimal(connect) * MICRO + Decimal(rate) * MICRO * billed / 60
    assert Decimal(row.price_micros(duration_ms, rate)) * MICRO == exact.quantize(MICRO, ROUND_HALF_UP)


@given(rates, st.integers(0, 10**9))
def test_calls_within_the_own_network_are_free(rate: int, duration_ms: int) -> None:
    """Whatever the row says."""
    row = destination(kind=CallClass.ONNET, rate_micros=rate, connect_micros=rate, minimum_s=60)
    assert row.free
    assert row.price_micros(duration_ms, rate) == 0


def test_a_number_that_nobody_knows_is_international() -> None:
    row = unknown_destination(1_000_000)
    assert (row.kind, row.price_micros(60_000, row.rate_micros)) == (CallClass.INTERNATIONAL, 1_000_000)
