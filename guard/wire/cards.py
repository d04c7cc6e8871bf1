"""Finding what may be a card number in a payment, so that it is refused before anybody logs it (contract 1).

A card number is 13 to 19 digits whose Luhn sum is divisible by ten. People write it in groups, so blanks and dashes
between digits are passed over: groups of digits are joined, whole groups only, and every joint run of 13 to 19 digits
is tested. (An expiry date behind the number does not hide it; a longer plain number, in which some window passes the
test by chance, is no card.) The search goes into nested values, names of members and numbers.

The time is linear in the size of the payment: Luhn sums come from running sums, and from each group on at most seven
lengths are tested.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

from guard.wire.document import RepeatedKeys

MIN_DIGITS: Final = 13
MAX_DIGITS: Final = 19
_LENGTHS: Final = MAX_DIGITS - MIN_DIGITS + 1

_RUN: Final = re.compile(r"\d(?:[\s\u2010-\u2015\u2212-]*\d){12,}")
"""At least 13 decimal digits with nothing but blanks and dashes between them."""
_GROUP: Final = re.compile(r"\d+")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Sum of the digits of twice a digit."""


def may_hold_card_number(value: object) -> bool:
    """Whether a JSON value, however nested, holds what may be a card number."""
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _text_may_hold(item):
                return True
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, RepeatedKeys):
            waiting.extend(part for member in item for part in member)
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, int | float) and _number_may_be(item):
            return True
    return False


def _number_may_be(number: float) -> bool:
    size = abs(number)
    # The bounds also keep out inf and nan, of which there is no integer.
    return 10 ** (MIN_DIGITS - 1) <= size < 10**MAX_DIGITS and size % 1 == 0 and _text_may_hold(str(int(size)))


def _text_may_hold(text: str) -> bool:
    return any(_groups_may_be(_GROUP.findall(run.group())) for run in _RUN.finditer(text))


def _groups_may_be(groups: list[str]) -> bool:
    """Whether some neighbouring groups of digits, joined, pass the test."""
    digits = [int(digit) for group in groups for digit in group]
    sums = (_running_sums(digits, doubled_parity=0), _running_sums(digits, doubled_parity=1))
    ends = list(accumulate(map(len, groups)))
    first_end = 0
    for start in (0, *ends):
        while first_end < len(ends) and ends[first_end] < start + MIN_DIGITS:
            first_end += 1
        for place in range(first_end, min(first_end + _LENGTHS, len(ends))):
            end = ends[place]
            if end > start + MAX_DIGITS:
                break
            # Counted from the right every second digit is doubled: those whose place has the parity of the end.
            sums_here = sums[end % 2]
            if (sums_here[end] - sums_here[start]) % 10 == 0:
                return True
    return False


def _running_sums(digits: list[int], *, doubled_parity: int) -> list[int]:
    """Sums of the digits before each place, those at places of one parity doubled as Luhn does."""
    values = (_DOUBLED[digit] if place % 2 == doubled_parity else digit for place, digit in enumerate(digits))
    return list(accumulate(values, initial=0))
