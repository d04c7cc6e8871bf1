"""`guard worker` as a process of its own: started, killed, frozen, told to stop, asked how it does."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PATIENCE_S = 120.0
_POLL_S = 0.05
_LOG = logging.getLogger(__name__)


def wait_until(reached: Callable[[], bool], what: str, within_s: float = _PATIENCE_S) -> float:
    """Look until it is so; how many seconds it took, which is noted (`--log-cli-level=INFO`)."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < within_s, f"not within {within_s} s: {what}"
        time.sleep(_POLL_S)
    took_s = time.monotonic() - began
    _LOG.info("%.1f s: %s", took_s, what)
    return took_s


class WorkerProcess:
    """One worker; its log is a file, from which the address of its HTTP side is read."""

    def __init__(self, folder: Path, name: str, config: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / f"{name}.log"
        self.config = folder / f"{name}.toml"
        self.config.write_text(config)
        self._frozen_s = 0.0
        self.reached: Callable[[], AbstractContextManager[None]] = nullcontext
        """How to get to where it can be asked."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "guard", "worker", "--config", str(self.config)], stdout=log, stderr=log
            )

    def __enter__(self) -> Self:
        """Started already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind, and show the log of a test that failed."""
        self.thaw()
        self.kill()
        if error is not None:
            error.add_note(f"the end of {self.name}'s log:\n{self.log.read_text()[-3_000:]}")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, whatever it does."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._frozen_s = time.monotonic()
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    @property
    def frozen_for_s(self) -> float:
        """Since it was frozen last."""
        return time.monotonic() - self._frozen_s

    def reload(self) -> None:
        """SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.end()
        return self.wait_ended()

    def end(self) -> None:
        """SIGTERM, not waited for."""
        self._process.send_signal(signal.SIGTERM)

    def wait_ended(self) -> int:
        """Its exit status."""
        return self._process.wait(_PATIENCE_S)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it has logged of that."""
        lines = self.log.read_text(errors="replace").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in events if event["event"] == name]

    def wait_ready(self) -> float:
        """Wait until it has its first partitions."""
        return wait_until(lambda: self.alive and bool(self.events("ready")), f"{self.name} is ready")

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer of its HTTP side."""
        url = f"{self.events('listening')[-1]['url']}{path}"
        try:
            with self.reached(), urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """The value of a line of its metrics."""
        text = self.get("/metrics")[1]
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    def held(self) -> int:
        """Partitions that it says it decides for."""
        return int(self.metric("guard_worker_partitions"))
