"""Where histories and stores of these tests lie."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # noqa: S108 -- where there is one: what a disk does with a commit is other tests' business


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a file system that keeps nothing, if there is one: a commit for every report costs seconds less."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)
