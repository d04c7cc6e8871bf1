"""A small disk of its own for a store: a tmpfs, which only root may mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system of some MiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("wb", buffering=0) as ballast:
            chunk = bytes(65_536)
            try:
                while ballast.write(chunk) == len(chunk):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        """Give it back."""
        self._ballast.unlink()

    def remount(self, how: str) -> None:
        """`ro` or `rw`; nobody may have a file open for writing."""
        subprocess.run(["mount", "-o", f"remount,{how}", self.folder], check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount one; where this user may not, the test says so (and in CI that is a failure)."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"only root can mount the small disk that this fault needs: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
