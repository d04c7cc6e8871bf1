"""The stores that the contract is run against. Another implementation is another entry in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from guard.adapters.sqlite import open_store
from guard.core.decisions import LedgerLine
from guard.ports import Store

Opening = Callable[[], AbstractAsyncContextManager[Store]]
"""Opens the store of a test; called again after closing it opens the same store again."""


def sqlite(folder: Path) -> Opening:
    """A file in a folder of its own."""
    return lambda: open_store(folder / "guard.db")


KINDS: dict[str, Callable[[Path], Opening]] = {"sqlite": sqlite}


async def whole_ledger(
    store: Store, account: str, *, from_ms: int | None = None, to_ms: int | None = None
) -> list[LedgerLine]:
    """All pages of a ledger."""
    return [line async for page in store.ledger(account, from_ms=from_ms, to_ms=to_ms) for line in page]
