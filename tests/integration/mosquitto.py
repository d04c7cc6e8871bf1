"""A real mosquitto for a test: on a free loopback port, with the configuration that guard ships, and mortal.

    with Mosquitto(tmp_path) as broker:
        ...                # broker.port accepts connections
        broker.kill()      # SIGKILL: only what was saved survives
        broker.start()     # the same port, the same persistence

The configuration is used as it is, but for the port of its one listener and what any test must add: where to keep
the database, whose user to run as, and a log. What goes wrong is raised with the end of that log.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

SHIPPED = Path(__file__).parents[2] / "guard" / "share" / "mosquitto.conf"

_LISTENER = re.compile(r"^listener \d+ 127\.0\.0\.1$", re.MULTILINE)
_PATIENCE_S = 15.0
_POLL_S = 0.01
_LOG_LINES = 30
_PORT_TRIES = 5


class BrokerError(AssertionError):
    """The broker did not do what the test needs; the message ends with its log."""


class Mosquitto:
    """One broker, started on entry and gone on exit, whatever state the test left it in."""

    def __init__(self, folder: Path, *, config: str | None = None) -> None:
        """Keep everything in `folder`; `config` is the text of another configuration than the shipped one."""
        self.folder = folder
        self.log = folder / "mosquitto.log"
        self.database = folder / "mosquitto.db"
        self.port = 0
        self._config = SHIPPED.read_text() if config is None else config
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start on a port that is free now, and on another one should somebody take it first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_PORT_TRIES):
            self.port = _free_port()
            try:
                self.start()
            except BrokerError:
                if "Address already in use" not in self.log_tail():
                    raise
            else:
                return self
        raise BrokerError(f"no free port in {_PORT_TRIES} tries\n{self.log_tail()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind, and show the log of a test that failed."""
        if self.running:
            self.kill()
        if error is not None:
            error.add_note(f"the end of mosquitto's log:\n{self.log_tail()}")

    @property
    def url(self) -> str:
        """What `[broker] url` says to reach it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on the port and the persistence of last time; return when it accepts connections."""
        if self.running:
            raise BrokerError("is running already")
        config = self.folder / "mosquitto.conf"
        config.write_text(self._adapted())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        self._wait_until(self._accepts, "accepts connections")

    def kill(self) -> None:
        """SIGKILL: it writes nothing any more, like a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: it saves its state and goes."""
        self._end(signal.SIGTERM)

    def save(self) -> None:
        """SIGUSR1: it saves its state now; return when the new file is in its place."""
        before = self._saved()
        self._signal(signal.SIGUSR1)
        self._wait_until(lambda: self._saved() != before, "saved its database")

    def log_tail(self) -> str:
        """The last lines of everything it has said in this test."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def _adapted(self) -> str:
        text, listeners = _LISTENER.subn(f"listener {self.port} 127.0.0.1", self._config)
        if listeners != 1:
            raise BrokerError(
                f"needs exactly one `listener PORT 127.0.0.1` to put the port of the test in: {listeners}"
            )
        return f"{text}\npersistence_location {self.folder}/\nuser {getpass.getuser()}\nlog_dest stderr\n"

    def _end(self, number: signal.Signals) -> None:
        process = self._signal(number)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BrokerError(f"did not end on {number.name}\n{self.log_tail()}") from None

    def _signal(self, number: signal.Signals) -> subprocess.Popen[bytes]:
        if self._process is None or not self.running:
            raise BrokerError(f"is not running\n{self.log_tail()}")
        self._process.send_signal(number)
        return self._process

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if condition():
                return
            if not self.running:
                raise BrokerError(f"ended before it {what}\n{self.log_tail()}")
            time.sleep(_POLL_S)
        self.kill()
        raise BrokerError(f"not within {_PATIENCE_S:.0f} s: {what}\n{self.log_tail()}")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _saved(self) -> tuple[int, int] | None:
        """What tells one saved file from the next: mosquitto writes a new one and renames it over the old."""
        try:
            status = self.database.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program() -> str:
    """Find mosquitto where Debian puts it, which is not on everybody's PATH."""
    path = os.environ.get("PATH", os.defpath)
    program = shutil.which("mosquitto", path=os.pathsep.join([path, "/usr/local/sbin", "/usr/sbin"]))
    if program is None:
        raise BrokerError("mosquitto is not installed: apt-get install mosquitto, or leave out -m broker")
    return program
