"""The daemon as the benchmarks run it: `guard run` as a process of its own, and what that process takes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processor import memory_mib, processor_s

READY_WITHIN_S = 120.0
LOG_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that is ready."""

    url: str
    pid: int
    ready_after_s: float

    def processor_s(self) -> float:
        """Seconds of the processor that it has used."""
        return processor_s(self.pid)

    def memory_mib(self) -> float:
        """What it holds in memory now."""
        return memory_mib(self.pid)

    def accepted(self) -> int:
        """Reports it has taken (accepted, duplicate or late), from its metrics."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        counts = re.findall(
            r'^guard_reports_total\{.*outcome="(?:accepted|duplicate|late)".*\} ([0-9.e+]+)$', text, re.MULTILINE
        )
        return int(sum(float(count) for count in counts))


@contextmanager
def running(directory: Path, port: int, more: str = "", *, store: str = "") -> Iterator[Daemon]:
    """`guard run` on a store (of its own in `directory`), with `more` in its configuration, from ready to its end."""
    config = directory / "guard.toml"
    config.write_text(
        f'[broker]\nurl = "mqtt://127.0.0.1:{port}"\n[store]\nurl = "{store or f"sqlite:{directory}/guard.db"}"\n'
        f'[http]\nlisten = "127.0.0.1:0"\n[accounts]\ndefault_limit = "1000.00"\n[switches.sw1]\n{more}'
    )
    log_path = directory / "guard.log"
    with log_path.open("wb") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "guard", "run", "--config", str(config)], stderr=log, stdout=log
        )
        try:
            url = _wait_ready(process, log_path)
            yield Daemon(url, process.pid, time.monotonic() - began)
        except BaseException as error:
            error.add_note(f"the end of guard's log:\n{log_path.read_text()[-LOG_CHARACTERS:]}")
            raise
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def daemon(directory: Path, port: int, more: str = "") -> Iterator[str]:
    """The same; only its address."""
    with running(directory, port, more) as it:
        yield it.url


def _wait_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+", log_path.read_text())
        if found:
            try:
                urllib.request.urlopen(f"{found[0]}/-/ready", timeout=2).close()
            except OSError:
                pass
            else:
                return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"guard did not become ready:\n{log_path.read_text()}")
