"""The stores that the contract is run against."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from guard.adapters import postgres, sqlite
from guard.adapters.postgres import PostgresAddress, PostgresStore, open_postgres
from guard.adapters.sqlite import open_store
from guard.app.stores import DaemonStore
from guard.core.decisions import LedgerLine
from guard.ports import Store


class Opening(Protocol):
    """Opens the store of a test; called again after closing it opens the same store again."""

    def __call__(self) -> AbstractAsyncContextManager[DaemonStore]:
        """The store, until the end of the block."""
        ...

    async def check(self) -> list[str]:
        """What does not add up in it."""
        ...


class SqliteOpening:
    """A file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "guard.db"

    def __call__(self) -> AbstractAsyncContextManager[DaemonStore]:
        return open_store(self.path)

    async def check(self) -> list[str]:
        return sqlite.check_ledger(self.path)


class PostgresOpening:
    """A database of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self) -> AbstractAsyncContextManager[DaemonStore]:
        return claimed(self.url)

    async def check(self) -> list[str]:
        return await postgres.check_ledger(PostgresAddress(url=self.url))


@asynccontextmanager
async def claimed(url: str, owner: str = "test") -> AsyncIterator[PostgresStore]:
    """The store of a daemon of its own, taken over from whoever had it."""
    async with open_postgres(PostgresAddress(url=url, owner=owner)) as opened:
        (claim,) = await opened.leases.claim(owner, 1)
        yield opened.partition(claim)
        await opened.leases.release(owner, [claim])


async def whole_ledger(
    store: Store, account: str, *, from_ms: int | None = None, to_ms: int | None = None
) -> list[LedgerLine]:
    """All pages of a ledger."""
    return [line async for page in store.ledger(account, from_ms=from_ms, to_ms=to_ms) for line in page]
