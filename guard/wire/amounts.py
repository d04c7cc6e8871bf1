"""Money on the hot path: charges and rates, which are never negative.

`guard.core.money.parse_money` is the rule; this is the same rule made fast for reports. An amount is split at its
point, and both halves are remembered (there are few whole amounts, and few fractions of up to four digits); a rate is
remembered whole, because a tariff has only so many.
"""

from __future__ import annotations

import re
from typing import Final

from guard.core.money import MICROS_PER_UNIT, Micros, MoneyError, parse_money
from guard.wire.memo import Memo

_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_FRACTION: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_FRACTION_DIGITS: Final = 6


def _whole_micros(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise MoneyError("not 1 to 9 digits before the point")
    return int(text) * MICROS_PER_UNIT


def _fraction_micros(text: str) -> int:
    if _FRACTION.fullmatch(text) is None:
        raise MoneyError("not 1 to 6 digits behind the point")
    return int(text.ljust(_FRACTION_DIGITS, "0"))


_wholes: Final = Memo(_whole_micros)
_fractions: Final = Memo(_fraction_micros, most=16_384)
"""Room for all of four digits."""


def charge_micros(text: str) -> Micros:
    """Micros of a decimal string without a sign; `MoneyError` for anything else."""
    whole, point, fraction = text.partition(".")
    micros = _wholes[whole]
    if point:
        micros += _fractions[fraction]
    return micros  # type: ignore[return-value]  # Micros(...) is a call: a tenth of the price of a report


rates: Final = Memo(charge_micros)
"""`rates[text]`: micros per minute of a decimal string without a sign; `MoneyError` for anything else."""


def unsigned_micros(text: str) -> Micros:
    """As `parse_money`, `MoneyError` also for what is less than zero (`-0.00` is not)."""
    micros = parse_money(text)
    if micros < 0:
        raise NegativeError("less than zero")
    return micros


class NegativeError(MoneyError):
    """Money, but less than zero where that has no meaning."""
