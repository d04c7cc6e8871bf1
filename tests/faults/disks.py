"""A disk of its own for a store, which only root may mount: a small tmpfs, or one whose kernel can give it up."""

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


class FailingDisk:
    """An ext4 on a file: a real one, with a journal, that the kernel turns read-only when it must not trust it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._image = folder.with_suffix(".img")

    def make(self) -> None:
        """Mount it for the first time."""
        self.folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(32 * 1024 * 1024)
        _run("mkfs.ext4", "-q", str(self._image))
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def abort(self) -> None:
        """What the kernel does after an error of the device: read-only at once, whoever has files open for writing."""
        _run("mount", "-o", "remount,abort", str(self.folder))

    def repair(self) -> None:
        """What an operator does then, with nobody on it: take it away, check it, mount it again."""
        _run("umount", str(self.folder))
        _run("e2fsck", "-p", "-f", str(self._image), fine=(0, 1))
        self._mount()


def _run(*command: str, fine: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode not in fine:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Mount one; where this user may not, the test says so (and in CI that is a failure)."""
    disk = FailingDisk(folder)
    try:
        disk.make()
    except OSError as error:
        pytest.skip(f"only root can mount the disk that this fault needs, by a loop device: {error}")
    try:
        yield disk
    finally:
        _run("umount", "-l", str(folder))


@contextmanager
def unwritable(*files: Path) -> Iterator[None]:
    """Nobody writes these files any more, whoever has them open: only root, on a file system that knows the mark."""
    try:
        _run("chattr", "+i", *map(str, files))
    except OSError as error:
        pytest.skip(f"only root can make files immutable, on ext4 and its like: {error}")
    try:
        yield
    finally:
        _run("chattr", "-i", *map(str, files))


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
