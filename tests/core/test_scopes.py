"""Scopes: which dialled numbers a named scope means, by the longest prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Scope
from guard.core.scopes import NANP_ABROAD, Scopes, e164_digits, width
from guard.core.tariff import CallClass, Destination

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


# -- made from a tariff


def scopes_of(country_code: str, **kinds: CallClass) -> Scopes:
    """Scopes of a tariff of `p44=CallClass.INTERNATIONAL`."""
    return Scopes.of_tariff(
        country_code,
        [Destination(prefix=prefix[1:], name="", kind=kind, rate_micros=0) for prefix, kind in kinds.items()],
    )


def test_the_contracts_example() -> None:
    """900 numbers are premium and not international; Anguilla is abroad although it shares country code 1."""
    scopes = scopes_of(
        "1", p1=CallClass.DOMESTIC, p1264=CallClass.INTERNATIONAL, p1900=CallClass.PREMIUM, p44=CallClass.INTERNATIONAL
    )
    international = scopes.sets[Scope.INTERNATIONAL]
    assert {prefix: international.get(prefix) for prefix in ("", "1", "1264", "1900", "44")} == {
        "": True,
        "1": False,
        "1264": True,
        "1900": None,
        "44": None,
    }
    assert scopes.sets[Scope.PREMIUM] == {"": False, "1900": True, "1976": True}


@pytest.mark.parametrize(
    ("number", "international", "premium"),
    [
        ("16135550100", False, False),
        ("18005550100", False, False),
        ("19005550100", False, True),
        ("18765550100", True, False),
        ("18769005550", True, True),
        ("17875550100", True, False),
        ("447012345678", True, True),
        ("447912345678", True, False),
        ("8816555010", True, True),
        ("4930901820", False, False),
        ("99", True, False),
    ],
)
def test_classes_refine_what_the_country_says(number: str, *, international: bool, premium: bool) -> None:
    """Premium numbers are international where they are abroad; a subsidiary in Berlin may be on-net."""
    scopes = scopes_of(
        "1",
        p1=CallClass.DOMESTIC,
        p1787=CallClass.INTERNATIONAL,
        p1876900=CallClass.PREMIUM,
        p44=CallClass.INTERNATIONAL,
        p4470=CallClass.PREMIUM,
        p881=CallClass.PREMIUM,
        p4930=CallClass.ONNET,
    )
    assert scopes.covers(Scope.INTERNATIONAL, number) is international
    assert scopes.covers(Scope.PREMIUM, number) is premium


def test_a_tariff_may_know_better_than_the_numbering_plan() -> None:
    scopes = scopes_of("1", p1264=CallClass.DOMESTIC, p1976=CallClass.DOMESTIC)
    assert not scopes.covers(Scope.INTERNATIONAL, "12645550100")
    assert not scopes.covers(Scope.PREMIUM, "19765550100")


def test_without_rows_the_country_decides() -> None:
    assert scopes_of("1").version == CANADA.version
    assert scopes_of("33").sets == FRANCE.sets


@given(
    st.dictionaries(st.text("123", min_size=1, max_size=4), st.sampled_from(CallClass), max_size=30),
    st.text("0123", max_size=6),
)
def test_what_is_left_out_changes_nothing(kinds: dict[str, CallClass], number: str) -> None:
    """The longest row that matches says what a number is; and no entry says what a shorter one says already."""
    scopes = scopes_of("1", **{f"p{prefix}": kind for prefix, kind in kinds.items()})
    row = max((prefix for prefix in kinds if number.startswith(prefix)), key=len, default="")
    if row:
        assert scopes.covers(Scope.PREMIUM, number) is (kinds[row] is CallClass.PREMIUM)
    for scope in (Scope.INTERNATIONAL, Scope.PREMIUM):
        prefixes = scopes.sets[scope]
        for prefix, value in prefixes.items():
            shorter = max(
                (each for each in prefixes if prefix.startswith(each) and each != prefix), key=len, default=None
            )
            assert shorter is None or prefixes[shorter] is not value


def test_a_large_tariff_makes_a_small_message_with_one_name() -> None:
    """The order of its rows does not matter."""
    rows = {f"p44{number}": CallClass.INTERNATIONAL for number in range(10_000)}
    scopes = scopes_of("1", **rows)
    assert len(scopes.sets[Scope.INTERNATIONAL]) == len(CANADA.sets[Scope.INTERNATIONAL])
    assert scopes.version == scopes_of("1", **dict(reversed(rows.items()))).version == CANADA.version
