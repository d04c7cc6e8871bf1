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

_PUNCTUATION = dict.fromkeys(map(ord, " \t-.()/\N{NO-BREAK SPACE}"))


def calling_code(country: str) -> str:
    """The E.164 country code of an ISO 3166 country, such as `"1"` for CA; empty when there is no such country."""
    code = phonenumbers.country_code_for_region(country)
    return str(code) if code else ""


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
