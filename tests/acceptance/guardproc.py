"""The daemon as a process of its own, to be killed and started again, spoken to as the world speaks to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

PATIENCE_S = 20.0
T = TypeVar("T")
_POLL_S = 0.02
_LOG_LINES = 40


class Guard:
    """`guard run` on a configuration of its own; killed on exit if the test has not stopped it."""

    program = "guard"
    """The module that is run."""

    def __init__(
        self,
        folder: Path,
        broker_url: str,
        *,
        more: str = "",
        store: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`more` is appended to the configuration; `environment` is set on top of the test's own."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "guard.toml"
        self.store = store or folder / "guard.db"
        self.log = folder / "guard.log"
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = environment or {}
        self.config.write_text(
            f'[broker]\nurl = "{broker_url}"\n[store]\nurl = "sqlite:{self.store}"\n'
            f'[http]\nlisten = "127.0.0.1:0"\n{more}'
        )

    def __enter__(self) -> Self:
        """Start and wait until ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind; show the log of a test that failed."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if error is not None:
            error.add_note(f"the end of guard's log:\n{self.log_tail()}")

    def start(self, *, ready: bool = True) -> None:
        """Start; with `ready` return when it is restored and subscribed."""
        mark = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.program, "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
            )
        self.url = wait_for(lambda: self._address(mark), "guard's address in its log", self.log_tail)
        if ready:
            wait_for(lambda: self._runs() and self.is_ready(), "guard is ready", self.log_tail)

    def _runs(self) -> bool:
        """It has not ended; nobody waits for one that has."""
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"guard ended with {self._process.returncode}\n{self.log_tail()}")
        return True

    def _address(self, mark: int) -> str:
        self._runs()
        with self.log.open("rb") as log:
            log.seek(mark)
            found = re.search(rb"http://127\.0\.0\.1:\d+", log.read())
        return found[0].decode() if found else ""

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        if self._process is None:
            raise AssertionError("guard was never started")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: like a power cut for the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """SIGSTOP for the block: what it has asked of the kernel is done, and it asks for nothing more."""
        os.kill(self.pid, signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        wait_for(
            lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()),
            "every thread rests",
        )
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None:
            raise AssertionError("guard was never started")
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE_S)

    def is_ready(self) -> bool:
        """Whether `/-/ready` says so."""
        try:
            return self.request("GET", "/-/ready")[0] == 200
        except OSError:
            return False

    def request(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and body (JSON if it is that)."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers} if data else headers
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text, kind = answer.status, answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            with error:
                status, text, kind = error.code, error.read(), error.headers.get_content_type()
        return status, json.loads(text) if kind.endswith("json") else text.decode()

    def account(self, account: str) -> dict[str, Any]:
        """The account as the API shows it; empty when guard does not know it."""
        status, body = self.request("GET", f"/api/v1/accounts/{urllib.parse.quote(account, safe='')}")
        return body if status == 200 else {}

    def ledger(self, account: str) -> list[dict[str, Any]]:
        """All its ledger lines."""
        _, body = self.request("GET", f"/api/v1/accounts/{urllib.parse.quote(account, safe='')}/ledger")
        lines: list[dict[str, Any]] = body["lines"]
        return lines

    def metric(self, name: str, **labels: str) -> float:
        """One sample of `/metrics`; 0 when there is none."""
        _, text = self.request("GET", "/metrics")
        for line in text.splitlines():
            if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def log_tail(self) -> str:
        """The last lines it said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]) if self.log.exists() else ""


def wait_for(condition: Callable[[], T], what: str, explain: Callable[[], str] = str) -> T:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(_POLL_S)
    raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}\n{explain()}")
