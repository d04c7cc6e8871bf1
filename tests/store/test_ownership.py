"""One guard at a time writes a store; whoever reads may do so at any time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guard.adapters.sqlite import check_ledger, open_store
from guard.ports import StoreError
from tests.store.samples import posting

HERE = Path(__file__).parents[2]


async def test_a_second_guard_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    link = tmp_path / "same.db"
    async with open_store(path) as store:
        link.symlink_to(path)
        for name in (path, link):
            with pytest.raises(StoreError, match=rf"another guard \(process {os.getpid()}\) is using this store"):
                async with open_store(name):
                    pytest.fail("opened twice")
        await store.commit(posting(1, 5, 5))
    async with open_store(link) as store:
        assert (await store.restore()).last_line == 1


async def test_another_process_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    code = (
        "import asyncio, sys; from pathlib import Path; from guard.adapters.sqlite import open_store\n"
        "async def main():\n    async with open_store(Path(sys.argv[1])): pass\nasyncio.run(main())"
    )
    command = [sys.executable, "-c", code, str(path)]
    async with open_store(path):
        refused = _run(command)
    assert refused.returncode != 0
    assert f"another guard (process {os.getpid()}) is using this store" in refused.stderr
    assert _run(command).returncode == 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)


async def test_reading_needs_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        for number in range(1, 4):
            await store.commit(posting(number, 5, 5 * number))
            assert check_ledger(path) == []
    assert check_ledger(path) == []
