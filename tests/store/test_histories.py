"""Whatever happens in whatever order, a store gives back what a dict would."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings

from guard.adapters.sqlite import SqliteStore, check_ledger, checkpoint, open_store, sums, writer
from guard.adapters.sqlite.keeper import Keeper
from guard.core.restored import Restored
from tests.store.histories import Commit, Crash, Numbering, Reopen, Save, Step, compare, histories
from tests.store.samples import Model, state_of

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
        self._numbering = Numbering()

    async def live(self, steps: list[Step]) -> None:
        async with AsyncExitStack() as stack:
            store = await self._open(stack)
            for step in steps:
                match step:
                    case Commit(changes):
                        numbered = self._numbering.numbered(changes)
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
                await compare(store, self._model)
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
