"""Emergency numbers: a set that cannot be empty, and the one test of what was dialled.

A command takes an `EmergencyNumbers` and nothing else, and an `EmergencyNumbers` without members cannot be made:
a block that forgets its exemption cannot be expressed. The test looks at the number as dialled, before any
normalisation, with or without a leading plus (contract 1): libphonenumber would turn 911 into +1911.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

DEFAULT_NUMBERS = ("911", "112", "933", "988")
"""911 and 112: emergency; 933: its test line; 988: suicide crisis line (FCC, CRTC)."""

MOST_DIGITS = 15
"""Of an E.164 number."""


class EmergencyNumbers(tuple[str, ...]):
    """The exempt numbers, sorted as configured; at least one, digits only."""

    __slots__ = ()

    def __new__(cls, numbers: Iterable[str] = DEFAULT_NUMBERS) -> Self:
        """Make the set; `ValueError` for an empty one or for what is no number."""
        members = tuple(dict.fromkeys(numbers))
        if not members:
            raise ValueError("the list of emergency numbers must not be empty")
        for number in members:
            if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
                raise ValueError("an emergency number has 1 to 15 digits and nothing else")
        return super().__new__(cls, members)

    def as_dialled(self) -> frozenset[str]:
        """Each number with and without a leading plus: what a dialled number is compared with."""
        return frozenset(self) | frozenset("+" + number for number in self)


def carries_numbers(numbers: object) -> bool:
    """Whether these are emergency numbers, and not merely something that looks like them."""
    return isinstance(numbers, EmergencyNumbers) and len(numbers) > 0
