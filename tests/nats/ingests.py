"""`guard ingest` as a process of its own: started, killed, told to stop, asked how it does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 30.0
_POLL_S = 0.02


class IngestProcess:
    """One ingest; its log is a file, from which the address of its HTTP side is read."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        broker: str,
        servers: tuple[str, ...],
        replicas: int = 1,
        log: str = "",
        shared: bool = True,
    ) -> None:
        """`log`: more lines of `[log]`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / f"{name}.log"
        self._config = folder / f"{name}.toml"
        self._config.write_text(
            f'[broker]\nurl = "{broker}"\n[log]\nurl = "{",".join(servers)}"\nreplicas = {replicas}\nstreams = 4\n'
            f'{log}[ingest]\nname = "{name}"\nshared = {str(shared).lower()}\n[http]\nlisten = "127.0.0.1:0"\n'
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        self.start()
        self.wait_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind, and show the log of a test that failed."""
        self.kill()
        if error is not None:
            error.add_note(f"the end of {self.name}'s log:\n{self.log.read_text()[-4_000:]}")

    def start(self) -> None:
        """Start it, again perhaps."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "guard", "ingest", "--config", str(self._config)], stderr=log
            )

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE_S)

    def events(self) -> list[dict[str, object]]:
        """What it has logged since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            lines = log.read().decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_event(self, name: str) -> dict[str, object]:
        """Wait until it has logged that."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            for event in self.events():
                if event["event"] == name:
                    return event
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            time.sleep(_POLL_S)
        raise AssertionError(f"{self.name} never said {name}\n{self.log.read_text()[-4_000:]}")

    def wait_ready(self) -> None:
        """Wait until it has everything."""
        self.wait_event("ready")

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer of its HTTP side."""
        url = f"{self.wait_event('listening')['url']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def has_control(self) -> bool:
        """Whether it has the control session."""
        return 'guard_ingest_session_connected{session="control"} 1.0' in self.get("/metrics")[1]
