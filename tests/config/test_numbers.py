"""Numbers as dialled: what they are in E.164, as the contract says and whatever is dialled."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.adapters.numbers import MAX_DIALLED, calling_code, country_of, e164_reader
from guard.core.scopes import e164_digits

CANADA = e164_reader("CA", ("00", "011"))


@pytest.mark.parametrize(
    ("dialled", "digits"),
    [
        ("+25377123456", "25377123456"),
        ("0025377123456", "25377123456"),
        ("01125377123456", "25377123456"),
        ("6475550100", "16475550100"),
        ("16475550100", "16475550100"),
        ("+1 (647) 555-0100", "16475550100"),
        ("(647) 555-0100", "16475550100"),
        ("011 44 20 7946 0123", "442079460123"),
        ("011.44.20.7946.0123", "442079460123"),
        ("+44\N{NO-BREAK SPACE}20\N{NO-BREAK SPACE}7946\N{NO-BREAK SPACE}0123", "442079460123"),
        ("1-900-555-0100", "19005550100"),
        ("647-555-0100 ext. 12", "16475550100"),
    ],
)
def test_numbers_dialled_in_canada(dialled: str, digits: str) -> None:
    assert CANADA(dialled) == digits


@pytest.mark.parametrize(
    ("country", "prefixes", "dialled", "digits"),
    [
        ("DE", ("00",), "030 901820", "4930901820"),
        ("DE", ("00",), "4930901820", "4930901820"),
        ("IT", ("00",), "06 698 12345", "390669812345"),
        ("FR", ("00",), "01 99 00 12 34", "33199001234"),
        ("FR", (), "0044 20 7946 0123", "442079460123"),
        ("CA", ("8", "810"), "810442079460123", "442079460123"),
    ],
)
def test_numbers_dialled_elsewhere(country: str, prefixes: tuple[str, ...], dialled: str, digits: str) -> None:
    """As libphonenumber reads them there; of several prefixes that match the longest is taken off."""
    assert e164_reader(country, prefixes)(dialled) == digits


@pytest.mark.parametrize(
    "dialled", ["", "+", "011", "1", "sip:bob", "anonymous", "+ext", "#", "9" * 41, "+" + "1" * 400_000]
)
def test_what_is_no_number_is_nothing(dialled: str) -> None:
    assert CANADA(dialled) == ""


def test_an_unknown_country_reads_international_numbers_only() -> None:
    read = e164_reader("XX", ("00",))
    assert (read("0044207946"), read("6475550100")) == ("44207946", "")


@given(st.text() | st.text(alphabet="+0123456789 ()-;=x#*tel:", max_size=MAX_DIALLED))
def test_whatever_is_dialled_is_digits_or_nothing(dialled: str) -> None:
    digits = CANADA(dialled)
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert digits == CANADA(dialled)


@given(st.sampled_from(["+", "00", "011"]), st.text("0123456789", min_size=1, max_size=15))
def test_the_core_reads_international_numbers_the_same_way(prefix: str, digits: str) -> None:
    """Its default reader knows no libphonenumber, and needs none where the country is dialled."""
    assert CANADA(prefix + digits) == e164_digits(prefix + digits) == digits


def test_countries_have_calling_codes() -> None:
    assert [calling_code(country) for country in ("CA", "US", "DE", "XX")] == ["1", "1", "49", ""]


@pytest.mark.parametrize(
    ("digits", "country"),
    [
        ("16475550100", "CA"),
        ("18765551234", "JM"),
        ("25377123456", "DJ"),
        ("442071234567", "GB"),
        ("77012345678", "KZ"),
        ("870123456", "+870"),
        ("88351091329191", "+883"),
        ("0123", ""),
        ("2", ""),
    ],
)
def test_the_country_of_a_number(digits: str, country: str) -> None:
    """Area codes decide where countries share a code; satellite networks stand for themselves; nonsense has none."""
    assert country_of(digits) == country


@pytest.mark.parametrize("rest", ["2345678", "5550100", "6060123", "0000000", "9999999"])
def test_in_north_america_countries_are_those_of_libphonenumber(rest: str) -> None:
    """For every area code there could be, although it is not asked."""
    for area in range(200, 1000):
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area}{rest}"))
        assert country_of(f"1{area}{rest}") == (phonenumbers.region_code_for_number(number) or "US"), area
