"""Numbers as dialled, brought to E.164 digits the way the contract says (8): by libphonenumber, after the plain cases.

A `+` or one of the operator's international prefixes is taken off, the longest first, if digits are left. Everything
else is read as libphonenumber reads it from the operator's country, with or without the country code. Punctuation does
not matter. What cannot be read is `""`: the call is then rated as to a number that no prefix matches.

What is dialled comes from outside, so it may be anything; it is never an error, and text that is longer than any number
with its punctuation is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import phonenumbers

MAX_DIALLED = 40
"""Fifteen digits, a prefix, and punctuation between all of them."""

_LONGEST = 15
_NO_COUNTRY = "001"
"""What libphonenumber calls networks of no country."""

_PUNCTUATION = dict.fromkeys(map(ord, " \t-.()/\N{NO-BREAK SPACE}"))


def calling_code(country: str) -> str:
    """The E.164 country code of an ISO 3166 country, such as `"1"` for CA; empty when there is no such country."""
    code = phonenumbers.country_code_for_region(country)
    return str(code) if code else ""


def country_of(digits: str) -> str:
    """The ISO 3166 country of a number in E.164 digits; empty when none or several have it (satellite networks)."""
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions is None:
            continue
        if len(regions) == 1:
            return _country(regions[0])
        try:
            number = phonenumbers.parse(f"+{digits[:_LONGEST]}", None)
        except phonenumbers.NumberParseException:
            return ""
        # Area codes that several countries share the country code of decide; an unassigned one belongs to the first.
        return _country(phonenumbers.region_code_for_number(number) or regions[0])
    return ""


def _country(region: str) -> str:
    return "" if region == _NO_COUNTRY else region


def e164_reader(country: str, international_prefixes: Iterable[str]) -> Callable[[str], str]:
    """A function from a number as dialled in that country to its E.164 digits."""
    prefixes = ("+", *sorted(international_prefixes, key=len, reverse=True))

    def read(dialled: str) -> str:
        if len(dialled) > MAX_DIALLED:
            return ""
        plain = dialled.translate(_PUNCTUATION)
        for prefix in prefixes:
            rest = plain.removeprefix(prefix)
            if rest != plain and rest.isascii() and rest.isdigit():
                return rest
        return _parsed(dialled, country)

    return read


def _parsed(dialled: str, country: str) -> str:
    try:
        number = phonenumbers.parse(dialled, country)
    except phonenumbers.NumberParseException:
        return ""
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"
