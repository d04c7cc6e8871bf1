"""Whether two entries of a plan lay claim to the same number.

A number has one place in a plan, so two quotas (or two discounts) must not meet. Two lists of prefixes meet where one
prefix begins another, two lists of classes where they share a class. Whether a class and a prefix meet only the tariff
can say: if some number below the prefix is of that class. A number that no prefix of the tariff matches is
international, as the contract rates it.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

from guard.core.plans import Reach
from guard.core.tariff import CallClass, Tariff

_AFTER_DIGITS = ":"
"""Sorts behind every digit: prefixes that begin with `p` lie between `p` and `p:`."""


class Overlaps:
    """Compares entries of plans under one tariff; `None`: it is not known, and what depends on it is not told."""

    def __init__(self, tariff: Tariff | None) -> None:
        self._tariff = tariff
        destinations = () if tariff is None else tariff.destinations()
        self._sorted = sorted((destination.prefix, destination.kind) for destination in destinations)
        self._prefixes = [prefix for prefix, _ in self._sorted]
        self._kinds_below = cache(self._find_kinds_below)

    def meet(self, one: Reach, other: Reach) -> bool:
        """Whether some number belongs to both."""
        kinds = one.kinds & other.kinds if one.kinds and other.kinds else one.kinds | other.kinds
        if one.kinds and other.kinds and not kinds:
            return False
        if not one.prefixes or not other.prefixes:
            prefixes = one.prefixes or other.prefixes
            return not prefixes or self._has(prefixes, kinds)
        return self._has(_shared(one.prefixes, other.prefixes), kinds)

    def _has(self, prefixes: tuple[str, ...], kinds: frozenset[CallClass]) -> bool:
        """Whether there are numbers of these classes below one of these prefixes."""
        if not kinds:
            return bool(prefixes)
        if self._tariff is None:
            return False
        return any(kinds & self._kinds_below(prefix) for prefix in prefixes)

    def _find_kinds_below(self, prefix: str) -> frozenset[CallClass]:
        """The classes of numbers that begin with a prefix: those of its own destination and of longer prefixes."""
        found = self._tariff.find(prefix) if self._tariff is not None else None
        begin = bisect_left(self._prefixes, prefix)
        end = bisect_left(self._prefixes, prefix + _AFTER_DIGITS)
        below = {kind for _, kind in self._sorted[begin:end]}
        return frozenset(below | {CallClass.INTERNATIONAL if found is None else found.kind})


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes of the numbers that begin with one of each."""
    return tuple(
        max(mine, theirs, key=len)
        for mine in one
        for theirs in other
        if mine.startswith(theirs) or theirs.startswith(mine)
    )
