"""A store that is to be moved into another one, as whoever moves it sees it: tables, row by row, unchanging."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

Row = Sequence[object]


class Origin(Protocol):
    """A daemon's store, brought up to date and held so that no guard works on it; `StoreError` when it fails."""

    shown: str
    """Where it is, as it may be shown."""

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        ...

    def rows(self, table: str, columns: Sequence[str], order: Sequence[str]) -> AsyncIterator[Row]:
        """These columns of all rows, in that order (of bytes, for text)."""
        ...

    async def marks(self) -> dict[str, int]:
        """How far it has come, by name: `forgotten_before_ms`, `published` and the two of deleting details."""
        ...

    def sums(self) -> AsyncIterator[tuple[str, int, int]]:
        """Of each account that has ledger lines, in order: the account, their sum in micros, their number."""
        ...
