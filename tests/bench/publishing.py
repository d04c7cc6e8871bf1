"""The publisher as the benchmarks use it: `blaster` in a process of its own, laid out and waiting for the go."""

from __future__ import annotations

import subprocess
import sys
import time

WITHIN_S = 120.0
PREFIX = "guard/v1"


class Blaster:
    """The publisher in its own process."""

    def __init__(self, port: int, reports: int, batch: int, *, accounts: int, start: int = 0, rate: float = 0) -> None:
        command = [sys.executable, "-m", "tests.bench.blaster", "--port", str(port)]
        command += ["--topic", f"{PREFIX}/sw1/calls", "--reports", str(reports), "--batch", str(batch)]
        command += ["--accounts", str(accounts), "--start", str(start), "--rate", str(rate)]
        preparing_s = 1.0 + reports / 150_000
        if rate:
            command += ["--begin", str(time.time() + preparing_s)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # Laying out takes a while; the first line it reads is the go.
        time.sleep(preparing_s)

    def go(self) -> None:
        """Begin to publish."""
        if self._process.stdin is not None:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """Publish no more."""
        self._process.kill()
        self._process.communicate()

    def finish(self) -> None:
        """Wait until everything has been accepted by the broker."""
        self._process.communicate(timeout=WITHIN_S)
