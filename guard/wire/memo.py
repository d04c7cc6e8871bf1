"""A bounded memo of a pure function of text, for the hot path of the report decoder.

A hit costs one dictionary look-up (35 ns; `functools.lru_cache` around a method that calls another costs three times
that). When the memo is full it is emptied: there is no order of use to keep, and what is in use is back within
milliseconds. What the function refuses by an exception is not remembered, so a stream of junk cannot push out
what is worth keeping.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_ENTRIES = 4_096
"""At about 150 bytes an entry, 600 KiB a memo."""


class Memo(dict[str, int]):
    """`memo[text]` is `function(text)`, computed at most once while it is remembered."""

    __slots__ = ("_function", "_most")

    def __init__(self, function: Callable[[str], int], most: int = MAX_ENTRIES) -> None:
        """Remember at most so many results of `function`, which must be pure."""
        super().__init__()
        self._function = function
        self._most = most

    def __missing__(self, text: str) -> int:
        """Compute, remember and return; whatever the function raises passes through."""
        value = self._function(text)
        if len(self) >= self._most:
            self.clear()
        self[text] = value
        return value
