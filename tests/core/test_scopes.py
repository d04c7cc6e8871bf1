"""Scopes: which dialled numbers a named scope means, by the longest prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Scope
from guard.core.scopes import NANP_ABROAD, Scopes, e164_digits, width

CANADA = Scopes.of_country_code("1")
FRANCE = Scopes.of_country_code("33")
digits = st.text(alphabet="0123456789", max_size=18)


@pytest.mark.parametrize(
    ("number", "international", "premium"),
    [
        ("16135550100", False, False),
        ("12125550100", False, False),
        ("25377123456", True, False),
        ("12645550100", True, False),
        ("18765550100", True, False),
        ("19005550100", False, True),
        ("19765550100", False, True),
        ("1", False, False),
        ("2", True, False),
    ],
)
def test_scopes_as_seen_from_canada(number: str, *, international: bool, premium: bool) -> None:
    """Country code 1 is shared: Anguilla and Jamaica are abroad, 900 numbers are premium."""
    assert CANADA.covers(Scope.INTERNATIONAL, number) is international
    assert CANADA.covers(Scope.PREMIUM, number) is premium
    assert CANADA.covers(Scope.ALL, number)


def test_scopes_as_seen_from_elsewhere() -> None:
    """From France all of North America is abroad, France is not."""
    assert FRANCE.covers(Scope.INTERNATIONAL, "16135550100")
    assert not FRANCE.covers(Scope.INTERNATIONAL, "33123456789")
    assert FRANCE.covers(Scope.INTERNATIONAL, "34")


@given(digits)
def test_the_longest_prefix_decides(number: str) -> None:
    """As the contract's `scopes` message says it; an unknown number lies in every scope."""
    for scope in Scope:
        prefixes = CANADA.sets[scope]
        matching = max((prefix for prefix in prefixes if number.startswith(prefix)), key=len)
        assert CANADA.covers(scope, number) is (not number or prefixes[matching])


def test_every_scope_says_what_it_means_for_any_number() -> None:
    """Each set has an entry for the empty prefix, so a switch always finds an answer."""
    for scopes in (CANADA, FRANCE, Scopes({})):
        assert all("" in scopes.sets[scope] for scope in Scope)


def test_a_version_names_the_meaning() -> None:
    """The same sets have the same version, others another."""
    assert Scopes.of_country_code("1").version == CANADA.version
    assert FRANCE.version != CANADA.version


def test_all_is_wider_than_international_is_wider_than_premium() -> None:
    """Of several causes the widest scope is in effect."""
    assert sorted(Scope, key=width) == [Scope.PREMIUM, Scope.INTERNATIONAL, Scope.ALL]


@pytest.mark.parametrize(
    ("dialled", "expected"),
    [
        ("+25377123456", "25377123456"),
        ("0025377123456", "25377123456"),
        ("01125377123456", "25377123456"),
        ("6135550100", ""),
        ("911", ""),
        ("", ""),
        ("+", ""),
        ("+1 613", ""),
        ("+١٢٣", ""),
        ("sip:bob", ""),
    ],
)
def test_digits_of_a_number_dialled_internationally(dialled: str, expected: str) -> None:
    """By `+` or a prefix; nothing when it cannot be told from a local number."""
    assert e164_digits(dialled) == expected


@given(st.sampled_from(sorted(NANP_ABROAD)), st.integers(2_000_000, 9_999_999))
def test_the_area_codes_of_other_countries_are_abroad(area: str, subscriber: int) -> None:
    """They are where call-back frauds live."""
    assert CANADA.covers(Scope.INTERNATIONAL, f"1{area}{subscriber}")
