"""Numbers as dialled, brought to E.164 digits the way the contract says (8): by libphonenumber, after the plain cases.

A `+` or one of the operator's international prefixes is taken off, the longest first, if digits are left. Everything
else is read as libphonenumber reads it from the operator's country, with or without the country code. Punctuation does
not matter. What cannot be read is `""`: the call is then rated as to a number that no prefix matches.

What is dialled comes from outside, so it may be anything; it is never an error, and text that is longer than any number
with its punctuation is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

MAX_DIALLED = 40
"""Fifteen digits, a prefix, and punctuation between all of them."""

_LONGEST = 15
_NANP = "1"
_PREMIUM_DIGITS = 4
"""So many national digits are enough to tell what costs extra."""
_FILLINGS = ("0123456789", "1111111111", "2020202020", "3737373737", "5555555555", "8888888888", "9876543210")
"""Ways to complete a prefix to a whole number."""
_NO_COUNTRY = "001"
"""What libphonenumber calls networks of no country."""

_NANP_NUMBER = re.compile(r"1[2-9][0-9]{9}", re.ASCII)
"""A number of the North American plan, whole."""
_NANP_NATIONAL = 10

_PUNCTUATION = dict.fromkeys(map(ord, " \t-.()/\N{NO-BREAK SPACE}"))


def calling_code(country: str) -> str:
    """The E.164 country code of an ISO 3166 country, such as `"1"` for CA; empty when there is no such country."""
    code = phonenumbers.country_code_for_region(country)
    return str(code) if code else ""


@cache
def premium_prefixes(country: str) -> tuple[str, ...]:
    """What a country has at premium rate, as E.164 prefixes: services and personal numbers, whoever answers them.

    libphonenumber knows patterns and not prefixes, so prefixes are tried with some numbers each. None for the North
    American plan, where the same codes hold in all its countries (`guard.core.scopes`).
    """
    code = calling_code(country)
    plan = PhoneMetadata.metadata_for_region(country) if code != _NANP else None
    if plan is None:
        return ()
    dear = _patterns(plan.premium_rate, plan.personal_number)
    plain = _patterns(plan.fixed_line, plan.mobile, plan.toll_free, plan.shared_cost, plan.voip, plan.uan)
    found: list[str] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        if _some(prefix, dear) and prefix and not _some(prefix, plain):
            found.append(code + prefix)
        elif len(prefix) < _PREMIUM_DIGITS:
            waiting += [f"{prefix}{digit}" for digit in range(10)]
    return tuple(sorted(found))


_Pattern = tuple[re.Pattern[str], tuple[int, ...]]


def _patterns(*kinds: PhoneNumberDesc | None) -> list[_Pattern]:
    return [(re.compile(pattern), lengths) for pattern, lengths in _stated(*kinds)]


def _stated(*kinds: PhoneNumberDesc | None) -> list[tuple[str, tuple[int, ...]]]:
    stated = [(each.national_number_pattern, each.possible_length) for each in kinds if each is not None]
    return [(pattern, lengths) for pattern, lengths in stated if pattern]


def _some(prefix: str, patterns: Iterable[_Pattern]) -> bool:
    """Whether any number that begins so fits one of them."""
    return any(
        pattern.fullmatch((prefix + 2 * filling)[:length])
        for pattern, lengths in patterns
        for length in lengths
        for filling in _FILLINGS
        if length > len(prefix)
    )


def country_of(digits: str) -> str:
    """The ISO 3166 country of a number in E.164 digits; empty when it cannot be told.

    A network of no country (satellites, and others that calls are lured to) stands for itself, by its calling code
    (`+870`): an account that calls one of them does not know the others.
    """
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions is None:
            continue
        if len(regions) == 1:
            return f"+{digits[:length]}" if regions[0] == _NO_COUNTRY else regions[0]
        if _NANP_NUMBER.fullmatch(digits):
            found = _nanp_countries().match(digits, 1)
            return (found and found.lastgroup) or regions[0]
        try:
            number = phonenumbers.parse(f"+{digits[:_LONGEST]}", None)
        except phonenumbers.NumberParseException:
            return ""
        # Area codes that several countries share the country code of decide; an unassigned one belongs to the first.
        return phonenumbers.region_code_for_number(number) or regions[0]
    return ""


@cache
def _nanp_countries() -> re.Pattern[str]:
    """The country of ten national digits of the North American plan: the name of the group that matches.

    libphonenumber tries the countries of the plan one after another, by area codes or all their patterns, which takes
    20 microseconds a number: more than guard needs for a report. One alternative each, in its order, takes one.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(_NANP)]
    return re.compile("|".join(f"(?P<{region}>{_nanp_pattern(region)})" for region in regions), re.ASCII)


def _nanp_pattern(region: str) -> str:
    plan = PhoneMetadata.metadata_for_region(region)
    if plan is None:
        return "(?!)"
    if plan.leading_digits:
        return f"(?:{plan.leading_digits})"
    services = (plan.premium_rate, plan.toll_free, plan.shared_cost, plan.personal_number, plan.uan, plan.voicemail)
    kinds = _stated(plan.fixed_line, plan.mobile, plan.voip, plan.pager, *services)
    whole = "|".join(pattern for pattern, lengths in kinds if not lengths or _NANP_NATIONAL in lengths)
    return f"(?:{whole})$"


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
