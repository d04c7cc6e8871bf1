"""Sentences say where a call goes as a clerk would: by the tariff's name, else by the country's."""

from __future__ import annotations

import phonenumbers
import pytest

from guard.adapters.countries import country_name
from guard.adapters.numbers import country_of, e164_reader
from guard.core.rating import Rating
from guard.core.tariff import CallClass, Destination, Tariff

SOMTEL = Destination(prefix="25265", name="Somtel", kind=CallClass.PREMIUM, rate_micros=1)


def rating(*destinations: Destination) -> Rating:
    return Rating(
        unknown_rate_micros=1,
        tariff=Tariff(destinations) if destinations else None,
        normalise=e164_reader("CA", ("00", "011")),
        country_of=country_of,
        name_of=country_name,
    )


def test_every_country_that_a_number_can_be_of_has_a_name() -> None:
    assert {region for region in phonenumbers.SUPPORTED_REGIONS if country_name(region) == region} == set()


@pytest.mark.parametrize(
    ("dialled", "name"),
    [
        ("011252901234567", "Somalia"),
        ("+16475550100", "Canada"),
        ("+18765550100", "Jamaica"),
        ("+870776000000", "+870"),
    ],
)
def test_without_a_tariff_a_place_has_its_countrys_name(dialled: str, name: str) -> None:
    assert rating().place(dialled).name == name


def test_the_tariffs_own_name_comes_first() -> None:
    prices = rating(SOMTEL)
    assert prices.place("+252651234567").name == "Somtel"
    assert prices.place("+252901234567").name == "Somalia"
    nameless = Destination(prefix="252", name="", kind=CallClass.PREMIUM, rate_micros=1)
    assert rating(nameless).place("+2529").name == "Somalia"
