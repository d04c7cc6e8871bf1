"""Programs as children of a test: started in the foreground, watched, ended by their handle.

`wait_for` is the only way in which the real-switch tests wait: a condition, a limit, and a name for what is
awaited. Nothing sleeps in order to be right.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 10.0
TAIL_BYTES: Final = 3_000

Found = TypeVar("Found")

# Starting somewhere else in every process, so that two runs at the same time seldom try the same ones.
_port_numbers: Iterator[int] = iter(range(20_000 + os.getpid() % 1_500 * 4, 32_000, 4))


class LabError(AssertionError):
    """Something in the lab did not happen; the text says what, with the logs of who should have done it."""


def wait_for(what: str, condition: Callable[[], Found | None], *, seconds: float) -> Found:
    """What the condition returns, once that is true."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > limit:
            raise LabError(f"waited {seconds} s for {what}")
        time.sleep(POLL_SECONDS)


def find_program(name: str) -> str | None:
    """The path of a program; Debian keeps daemons outside an ordinary user's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def program(name: str) -> str:
    """The path of a program that must be there."""
    path = find_program(name)
    if path is None:
        raise LabError(f"{name} is not installed")
    return path


def free_port() -> int:
    """The first of four ports of 127.0.0.1 that are free for UDP and TCP, never the same one twice.

    Below the range from which the kernel serves those who do not ask; four, because SIPp takes the port
    after next for video.
    """
    for first in _port_numbers:
        if all(_is_free(first + offset) for offset in range(4)):
            return first
    raise LabError("no free ports left")


def _is_free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
    ):
        try:
            datagram.bind(("127.0.0.1", port))
            stream.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Child:
    """One running program; its output goes to a log file, its process group is its own."""

    def __init__(self, name: str, command: Sequence[str], directory: Path) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status of a program that has ended."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask the program to end; after STOP_SECONDS end its whole process group."""
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program and its children at once, without a chance to save anything."""
        if self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def tail(self) -> str:
        """The end of the log, under the program's name."""
        end = self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
        state = "running" if self.running else f"ended with {self.status}"
        return f"--- {self.name} ({state}), end of its log:\n{end}"
