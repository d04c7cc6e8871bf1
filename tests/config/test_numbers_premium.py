"""What a country has at premium rate, told by libphonenumber and not by a list of ours."""

from __future__ import annotations

import pytest

from guard.adapters.numbers import calling_code, premium_prefixes
from guard.core.scopes import Scopes
from guard.core.tariff import CallClass


@pytest.mark.parametrize(
    ("country", "digits", "kind"),
    [
        ("GB", "449093770335", CallClass.PREMIUM),
        ("GB", "447096859641", CallClass.PREMIUM),
        ("GB", "447911123456", CallClass.DOMESTIC),
        ("GB", "442071234567", CallClass.DOMESTIC),
        ("DE", "499001234567", CallClass.PREMIUM),
        ("DE", "4915112345678", CallClass.DOMESTIC),
        ("DE", "449093770335", CallClass.INTERNATIONAL),
        ("CA", "19005550100", CallClass.PREMIUM),
        ("CA", "14165550100", CallClass.DOMESTIC),
    ],
)
def test_numbers_at_home_are_of_the_class_that_the_numbering_plan_says(
    country: str, digits: str, kind: CallClass
) -> None:
    plan = Scopes.of_country_code(calling_code(country), premium_prefixes(country))
    assert plan.kind_of(digits) is kind


def test_a_country_without_numbers_has_none_at_premium_rate() -> None:
    assert premium_prefixes("XX") == ()
