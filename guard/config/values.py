"""Readers of single values: each takes what TOML gave and returns what guard uses.

A reader that cannot raises `RejectedError` with what was found and what is accepted; where it
stands in the file is the caller's knowledge. Money is written as a string, because a TOML number is
binary floating point to half of the tools that touch these files; a time span is written with its
unit, because "90" has been read as minutes before.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from typing import TypeVar

from guard.config.problems import RejectedError
from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros, MoneyError, parse_money
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

E = TypeVar("E", bound=Enum)

_UNITS_MS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)", re.ASCII)
_SIZES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]{1,6})(MB|GB|TB)|0", re.ASCII)
_MAX_DURATION_MS = 3_660 * DAY_MS
"""Ten years: longer is a slip of the pen, and it keeps every sum of times far from any limit."""

MAX_USER = 256

MOST_SHOWN = 60
"""Characters of a value that are repeated in a message."""

DURATION = 'a whole number with its unit (ms, s, m, h or d), such as "90s"'
MONEY = 'a decimal string that is not negative, such as "100.00"'
PART = 'a part from 0 to 1 such as "0.5", or a percentage such as "50%"'

_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabs and line ends: none of them is part of a path, a name or a title."""
_PREFIX_DIGITS = re.compile(r"[0-9]{1,8}", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?%", re.ASCII)
_MOST_PER_1000 = 100
_MILLIONTHS = 1_000_000
_MAX_COUNT = 1_000_000_000
_MOST_WRITTEN = 10**MOST_SHOWN


def kind(value: object) -> str:
    """What TOML calls this value, for a sentence that starts with "is"."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        ((int, Decimal), "a number"),
        (str, "a string"),
        (list, "an array"),
        (dict, "a table"),
        ((dt.date, dt.time), "a date or time"),
    )
    return next((name for of, name in kinds if isinstance(value, of)), "of a foreign type")


def text(value: object) -> str:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise RejectedError(f"is {kind(value)}", "a string")
    if not value.strip():
        raise RejectedError("is empty", "a string that is not empty")
    if _CONTROL.search(value):
        raise RejectedError("holds a control character", "text that can be seen")
    return value


def user(value: object) -> str:
    """Who guard is at a server of somebody's."""
    name = text(value)
    if len(name.encode()) > MAX_USER or not name.isprintable():
        raise RejectedError("cannot be a user's name", f"at most {MAX_USER} bytes without control characters")
    return name


def boolean(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise RejectedError(f"is {kind(value)}", "true or false (without quotes)")
    return value


def count(value: object) -> int:
    """A whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        found = f"is {shown(value)}" if isinstance(value, int | Decimal) else f"is {kind(value)}"
        raise RejectedError(found, "a whole number that is not negative")
    return value


def money(value: object) -> Micros:
    """An amount or rate: a decimal string that is not negative."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise RejectedError("is a number", f'{MONEY} (in quotes: "{shown(value)}")')
    if not isinstance(value, str):
        raise RejectedError(f"is {kind(value)}", MONEY)
    try:
        micros = parse_money(value)
    except MoneyError:
        raise RejectedError(f"{shown(value)} is not an amount of money", MONEY) from None
    if micros < 0:
        raise RejectedError(f"{shown(value)} is negative", MONEY)
    return micros


def duration_ms(value: object) -> int:
    """A time span with its unit, in milliseconds; more than nothing."""
    if not isinstance(value, str):
        hint = f' (in quotes and with a unit: "{shown(value)}s"?)' if type(value) is int else ""
        raise RejectedError(f"is {kind(value)}", DURATION + hint)
    match = _DURATION.fullmatch(value)
    if match is None:
        raise RejectedError(f"{shown(value)} is not a time span", DURATION)
    span = int(match.group(1)) * _UNITS_MS[match.group(2)]
    if not 0 < span <= _MAX_DURATION_MS:
        raise RejectedError(f"{shown(value)} is out of range", DURATION + ", more than 0, at most 3660d")
    return span


def duration_or_never_ms(value: object) -> int:
    """A time span, or "0" for never."""
    return 0 if value == "0" else duration_ms(value)


def size_bytes(value: object) -> int:
    """Room on a disk, in the units in which disks are sold; "0" is none."""
    accepted = 'a whole number with its unit (MB, GB or TB), such as "500MB", or "0"'
    if not isinstance(value, str):
        raise RejectedError(f"is {kind(value)}", accepted)
    match = _SIZE.fullmatch(value)
    if match is None:
        raise RejectedError(f"{shown(value)} is no size", accepted)
    return int(match[1]) * _SIZES[match[2]] if match[2] else 0


def per_1000(value: object) -> float:
    """So many of a thousand."""
    accepted = "a number above 0, at most 100, such as 2 or 0.5"
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise RejectedError(f"is {kind(value)}", accepted)
    if not Decimal(value).is_finite() or not 0 < value <= _MOST_PER_1000:
        raise RejectedError(f"is {shown(value)}", accepted)
    return float(value)


def part(value: object) -> int:
    """A part of one, in millionths."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        millionths = _part_of_number(value)
    elif isinstance(value, str):
        millionths = _part_of_text(value)
    else:
        raise RejectedError(f"is {kind(value)}", PART)
    if millionths is None or not 0 <= millionths <= _MILLIONTHS:
        raise RejectedError(f"{shown(value)} is not a part of one", PART)
    return millionths


def _part_of_number(value: int | Decimal) -> int | None:
    if not (Decimal(value).is_finite() and 0 <= value <= 1):
        return None
    scaled = Decimal(value) * _MILLIONTHS
    return int(scaled) if scaled == scaled.to_integral_value() else None


def _part_of_text(value: str) -> int | None:
    if percent := _PERCENT.fullmatch(value):
        whole, fraction = percent.groups()
        return int(whole) * 10_000 + int((fraction or "").ljust(4, "0"))
    try:
        return parse_money(value)
    except MoneyError:
        return None


def choice(of: type[E]) -> Callable[[object], E]:
    """A reader of one of the values of an enumeration."""

    def read(value: object) -> E:
        try:
            return of(value)
        except ValueError:
            accepted = " | ".join(str(member.value) for member in of)
            found = shown(value) + " is none of the choices"
            raise RejectedError(found, accepted) from None

    return read


def texts(value: object, accepted: str = "an array of strings") -> tuple[str, ...]:
    """An array of strings that are not empty."""
    if not isinstance(value, list):
        raise RejectedError(f"is {kind(value)}", accepted)
    wrong = next((item for item in value if not isinstance(item, str) or not item), None)
    if wrong is not None:
        found = "empty" if wrong == "" else kind(wrong)
        raise RejectedError(f"has an entry that is {found}", accepted)
    return tuple(value)


def emergency(value: object) -> EmergencyNumbers:
    """The exempt numbers; never none."""
    accepted = 'an array of at least one string of 1 to 15 digits, such as ["911", "112"]'
    try:
        return EmergencyNumbers(texts(value, accepted))
    except RejectedError:
        raise
    except ValueError as error:
        raise RejectedError(str(error), accepted) from None


def prefixes(value: object) -> tuple[str, ...]:
    """Dialled prefixes that stand for the plus of an international number."""
    accepted = 'an array of strings of digits, such as ["00", "011"]'
    found = texts(value, accepted)
    for item in found:
        if not _PREFIX_DIGITS.fullmatch(item):
            raise RejectedError(f'"{item}" is not 1 to 8 digits', accepted)
    return found


def country(value: object) -> str:
    """An ISO 3166 country code."""
    code = text(value)
    if not _COUNTRY.fullmatch(code):
        raise RejectedError(f'"{code}" is not a country code', 'two capital letters, such as "CA"')
    return code


def currency(value: object) -> str:
    """An ISO 4217 currency code."""
    code = text(value)
    if not _CURRENCY.fullmatch(code):
        accepted = 'three capital letters, such as "CAD"'
        raise RejectedError(f'"{code}" is not a currency code', accepted)
    return code


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one; empty: none is known. Of a long name its beginning is compared."""
    return next(iter(get_close_matches(name[:MOST_SHOWN], list(known), n=1, cutoff=0.0)), "")


def visible(text: str) -> str:
    """The beginning of a text; where it holds what cannot be seen, or could steer a terminal, that is written out."""
    begin = text[:MOST_SHOWN]
    return begin if begin.isprintable() else begin.encode("unicode_escape").decode()


def shown(value: object) -> str:
    """A value in an error message, quoted when it is text, cut when it is long."""
    if isinstance(value, str):
        return f'"{visible(value)}"'
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return f"this ({kind(value)})"
    if isinstance(value, int) and abs(value) >= _MOST_WRITTEN:
        # Python refuses to write out one of thousands of digits, and TOML has notations for that.
        return "a number beyond all bounds"
    return str(value)[:MOST_SHOWN]
