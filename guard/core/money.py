r"""Exact money: whole micro-units of an account's currency, and nothing else.

An amount is an `int` counting millionths (`Micros`), so sums are exact in any order. Text comes in and goes out as
the contract's decimal string, ASCII `-?[0-9]{1,9}(\.[0-9]{1,6})?`. What does not fit the format does not fit the
bound either: a sum outside it is refused by the caller (`fits`), never wrapped and never rounded. Rates are micros
per minute; a value that grows at a rate is kept in *scaled* micros, micros x `MS_PER_MINUTE`, so that carrying a call
forward by a millisecond is exact integer arithmetic. The only divisions are here and carry their direction in the name.
"""

from __future__ import annotations

import re
from typing import NewType

Micros = NewType("Micros", int)
"""Millionths of one unit of currency."""

MICROS_PER_UNIT = 1_000_000
MS_PER_MINUTE = 60_000
"""Scale between a rate in micros per minute and time in milliseconds."""

MAX_MICROS = 1_000_000_000 * MICROS_PER_UNIT - 1
"""Largest amount the contract's format can write: 999,999,999.999999."""

ZERO = Micros(0)

_MONEY = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{1,6}))?", re.ASCII)
_DIGITS = 6


class MoneyError(ValueError):
    """Text that is not money by the contract; the message never repeats the text."""


def parse_money(text: str) -> Micros:
    """Micros of a decimal string such as `"512.10"`; `MoneyError` when the contract's format does not match."""
    match = _MONEY.fullmatch(text)
    if match is None:
        raise MoneyError("not a decimal string of at most 9 digits, a point and 6 digits")
    sign, whole, fraction = match.groups()
    micros = int(whole) * MICROS_PER_UNIT
    if fraction:
        micros += int(fraction.ljust(_DIGITS, "0"))
    return Micros(-micros if sign else micros)


def format_money(micros: int) -> str:
    """The decimal string of an amount: at least two decimals, at most six, no superfluous zeros beyond two."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    digits = f"{fraction:06d}"
    return f"{sign}{whole}.{digits[:2]}{digits[2:].rstrip('0')}"


def format_cents(micros: int) -> str:
    """An amount for a sentence: two decimals, rounded half away from zero. For reading only, never for comparing."""
    cents = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 and cents else ''}{cents // 100}.{cents % 100:02d}"


def fits(micros: int) -> bool:
    """Whether an amount stays inside what the contract's format can write."""
    return -MAX_MICROS <= micros <= MAX_MICROS


def floor_from_scaled(scaled: int) -> Micros:
    """Whole micros in a scaled value, rounded down: what has certainly been reached."""
    return Micros(scaled // MS_PER_MINUTE)


def growth_floor(rate_micros_per_minute: int, span_ms: int) -> Micros:
    """What a rate has added after `span_ms`, rounded down: what has certainly accrued."""
    return Micros(rate_micros_per_minute * span_ms // MS_PER_MINUTE)


def clamp_for_show(micros: int) -> Micros:
    """An amount pressed into what the contract's format can write: a carried estimate has no such bound."""
    return Micros(max(-MAX_MICROS, min(MAX_MICROS, micros)))


def price_half_up(rate_micros_per_minute: int, billed_s: int) -> Micros:
    """Price of whole billed seconds at a rate per minute, rounded half up to one micro (contract 8)."""
    return Micros((rate_micros_per_minute * billed_s * 2 + 60) // 120)


def implied_rate_half_up(charge_micros: int, span_ms: int) -> int:
    """Rate per minute, in micros, at which `charge_micros` accrue within `span_ms`; `span_ms` must be positive."""
    return (charge_micros * MS_PER_MINUTE * 2 + span_ms) // (2 * span_ms)
