"""guard dies at any moment: what was committed is there, whole, and nothing else but the batch in the making."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import pytest

from guard.adapters.sqlite import open_store, schema
from guard.ports import StoreError
from tests.store.crash_child import LINES, batch
from tests.store.samples import Model, posting, state_of
from tests.store.stores import whole_ledger

KILLS = 10
HERE = Path(__file__).parents[2]


def _run_and_kill(path: Path, alive_s: float) -> int:
    """Let a child commit, kill it that long after its first commit; the last batch that it reported."""
    command = [sys.executable, "-m", "tests.store.crash_child", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE, env={**os.environ}) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        assert first, f"the child ended with {child.wait()}"
        time.sleep(alive_s)
        child.kill()
        lines = [first, *child.stdout]
    # The kill may have torn the last line: a number without its end says nothing.
    return max(int(text) for text in lines if text.endswith(b"\n"))


async def test_a_killed_guard_has_lost_nothing_that_it_reported(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    chance = random.Random(20_261)
    model, applied = Model(), 0
    for _ in range(KILLS):
        reported = _run_and_kill(path, chance.uniform(0, 0.08))
        async with open_store(path) as store:
            restored = await store.restore()
            found = restored.last_line // LINES
            assert found in (reported, reported + 1), "lost or invented a batch"
            for number in range(applied + 1, found + 1):
                model.apply(batch(number))
            applied = found
            assert state_of(restored) == model.state()
            for account in ("A0", "A7", "A39"):
                assert await whole_ledger(store, account) == model.lines(account)
    assert applied > KILLS


async def test_a_log_torn_anywhere_gives_the_state_of_some_commit(tmp_path: Path) -> None:
    """A power cut leaves any part of the unsynced end of the log: whole batches come back, in order, never a part."""
    path, model = tmp_path / "guard.db", Model()
    states = [deepcopy(model.state())]
    async with open_store(path) as store:
        for number in range(1, 13):
            changes = posting(number, 5, 5 * number, f"A{number % 3}")
            await store.commit(changes)
            model.apply(changes)
            states.append(deepcopy(model.state()))
        base, log = path.read_bytes(), path.with_name("guard.db-wal").read_bytes()
    chance = random.Random(7)
    found = set()
    for nth in range(24):
        torn = tmp_path / f"torn{nth}.db"
        torn.write_bytes(base)
        end = chance.randrange(len(log))
        # Cut off, or cut off and followed by what the disk had there before.
        rest = bytes(len(log) - end) if nth % 2 else b""
        torn.with_name(torn.name + "-wal").write_bytes(log[:end] + rest)
        async with open_store(torn) as store:
            state = state_of(await store.restore())
        assert state in states
        found.add(states.index(state))
    assert len(found) > 3


async def test_a_damaged_journal_entry_stops_the_start(tmp_path: Path) -> None:
    """Silently going back to an older balance would be worse than not starting."""
    path, saved = tmp_path / "guard.db", tmp_path / "crashed.db"
    async with open_store(path) as store:
        for number in range(1, 4):
            await store.commit(posting(number, 5, 5 * number))
        shutil.copyfile(path, saved)
        shutil.copyfile(f"{path}-wal", f"{saved}-wal")
    connection = schema.connect(saved, 1_000)
    blob = bytearray(connection.execute("SELECT rows FROM journal WHERE number = 2").fetchone()[0])
    for damaged, what in (
        (blob[:-3], "torn"),
        (bytes([*blob[:40], blob[40] ^ 4, *blob[41:]]), "a flipped bit"),
        (b"", ""),
    ):
        connection.execute("UPDATE journal SET rows = ? WHERE number = 2", (bytes(damaged),))
        with pytest.raises(StoreError, match="journal entry 2 is damaged"):
            async with open_store(saved):
                pytest.fail(f"started on a journal entry that is {what}")
    connection.execute("UPDATE journal SET rows = ? WHERE number = 2", (bytes(blob),))
    connection.close()
    async with open_store(saved) as store:
        assert (await store.restore()).last_line == 3
