"""Whatever happens in whatever order, a store gives back what a dict would."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from guard.adapters.sqlite import SqliteStore, check_ledger, checkpoint, open_store, sums, writer
from guard.adapters.sqlite.keeper import Keeper
from guard.core.decisions import Changes
from guard.core.restored import Restored
from tests.store.histories import ACCOUNTS, Commit, Crash, Reopen, Save, Step, histories
from tests.store.samples import T0, Model, state_of
from tests.store.stores import whole_ledger

FILES = ("guard.db", "guard.db-wal")


@pytest.fixture(autouse=True, scope="module")
def small_generations() -> object:
    """Everything that takes thousands of rows happens after a few, and nothing by the passing of time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "GENERATION_ROWS", 12)
        patch.setattr(checkpoint, "GENERATION_ENTRIES", 5)
        patch.setattr(checkpoint, "BITE_ROWS", 1)
        patch.setattr(checkpoint, "BITE_PERCENT", 20)
        patch.setattr(checkpoint, "PRUNED_ROWS", 2)
        patch.setattr(checkpoint, "TRIMMED_ENTRIES", 2)
        patch.setattr(writer, "IDLE_S", 3_600)
        patch.setattr(sums, "PORTION_LINES", 3)
        yield None


@settings(max_examples=150)
@given(steps=histories)
def test_a_store_gives_back_what_a_dict_would(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_History(Path(folder)).live(steps))


class _History:
    """A store and its model, side by side."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "0"
        self._folder.mkdir()
        self._lives = 0
        self._model = Model()
        self._line = self._decision = 0

    async def live(self, steps: list[Step]) -> None:
        async with AsyncExitStack() as stack:
            store = await self._open(stack)
            for step in steps:
                match step:
                    case Commit(changes):
                        numbered = self._number(changes)
                        await store.commit(numbered)
                        self._model.apply(numbered)
                    case Save(bites):
                        await self._save(store, bites)
                    case Reopen():
                        await stack.aclose()
                        store = await self._open(stack)
                    case Crash():
                        # What a new process would find; the old one is let go of only afterwards.
                        self._copy()
                        await stack.aclose()
                        store = await self._open(stack)
                await self._compare(store)
        assert state_of(await self._restored()) == self._model.state()
        findings = check_ledger(self._folder / "guard.db")
        assert not [finding for finding in findings if "directory" in finding or "missing" in finding], findings

    async def _open(self, stack: AsyncExitStack) -> SqliteStore:
        return await stack.enter_async_context(open_store(self._folder / "guard.db"))

    async def _restored(self) -> Restored:
        async with open_store(self._folder / "guard.db") as store:
            return await store.restore()

    async def _save(self, store: SqliteStore, bites: int) -> None:
        for _ in range(bites):
            await asyncio.wrap_future(store._writer.submit(lambda keeper: keeper.unsaved() and keeper.save_some()))

    async def _compare(self, store: SqliteStore) -> None:
        assert state_of(await store.restore()) == self._model.state()
        for account in ACCOUNTS:
            expected = self._model.lines(account)
            assert await whole_ledger(store, account) == expected
            total = sum(entry.amount_micros for entry in expected)
            assert await store.posted_since(account, 0) == total
            assert await store.ledger_sums(account, from_ms=None, to_ms=None) == self._model.sums(account)
            span = (T0 + 1, T0 + 4)
            read = await store.ledger_sums(account, from_ms=span[0], to_ms=span[1])
            assert read == self._model.sums(account, *span)
        assert [kept for _, kept in await store.quarantined(after=0, limit=1_000)] == self._model.quarantine
        assert await store.decisions(account=None, after=0, limit=1_000) == self._model.decisions

    def _number(self, changes: Changes) -> Changes:
        lines = [replace(entry, number=self._line + nth) for nth, entry in enumerate(changes.ledger, start=1)]
        taken = [replace(entry, number=self._decision + nth) for nth, entry in enumerate(changes.decisions, start=1)]
        self._line += len(lines)
        self._decision += len(taken)
        return replace(changes, ledger=lines, decisions=taken)

    def _copy(self) -> None:
        self._lives += 1
        copied = self._root / str(self._lives)
        copied.mkdir()
        for name in FILES:
            if (self._folder / name).exists():
                shutil.copyfile(self._folder / name, copied / name)
        self._folder = copied


def test_the_keeper_is_what_the_histories_drive() -> None:
    """`_save` above uses two of its methods; were they renamed, no checkpoint would be tested."""
    assert callable(Keeper.unsaved)
    assert callable(Keeper.save_some)
