"""Moments: when the watch has to look at something again though nothing is said of it.

A heap beside the watch and not within it: whoever sets moments needs nothing else of the watch.
"""

from __future__ import annotations

from heapq import heappush


class Moments:
    """Of all accounts; what has been overtaken meanwhile is nothing."""

    __slots__ = ("heap",)

    def __init__(self) -> None:
        self.heap: list[tuple[int, str, str, str]] = []
        """(when, account, counter, key), the next first."""

    def at(self, due_ms: int, account: str, name: str, key: str) -> None:
        """Set one."""
        heappush(self.heap, (due_ms, account, name, key))
