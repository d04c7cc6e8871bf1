"""Is what was synced on the disk when the kernel gives the file system up? A question to the kernel, not to guard.

    python -m tests.faults.synced [--runs 100] [--rest]

As root. A process writes and syncs numbers one after the other; the file system is aborted beneath it, checked and
mounted again, and what it was told of is looked for. With `--rest` no sync is under way at the moment of the abort.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.disks import failing_disk

BLOCK = 4_096
FEWEST_S, MOST_S = 0.1, 0.3


def write(path: Path) -> None:
    """A number after the other, each printed when it is synced; until the disk refuses."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    number = 0
    try:
        while True:
            os.pwrite(file, b"%08d" % number * (BLOCK // 8), number * BLOCK)
            os.fdatasync(file)
            print(number, flush=True)  # noqa: T201 -- what it is for
            number += 1
    except OSError:
        return


def lost(folder: Path, *, rest: bool) -> list[int]:
    """One run: the numbers that were promised and are not there."""
    with failing_disk(folder / "disk") as disk:
        path = disk.folder / "numbers"
        command = [sys.executable, "-m", "tests.faults.synced", "--write", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            time.sleep(random.uniform(FEWEST_S, MOST_S))
            if rest:
                writer.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
            disk.abort()
            writer.send_signal(signal.SIGCONT)
            said, _ = writer.communicate(timeout=20)
        disk.repair()
        stored = path.read_bytes() if path.exists() else b""
    return [n for n in map(int, said.split()) if stored[n * BLOCK : n * BLOCK + 8] != b"%08d" % n]


def main() -> None:
    """Runs, and in how many of them something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rest", action="store_true")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write is not None:
        write(asked.write)
        return
    struck = 0
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            gone = lost(Path(folder), rest=asked.rest)
            struck += bool(gone)
    print(f"{platform.system()} {platform.release()}: something synced was lost in {struck} of {asked.runs} runs")  # noqa: T201 -- what it is for


if __name__ == "__main__":
    main()
