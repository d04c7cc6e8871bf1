"""A real Prometheus for a test: on a free loopback port, with guard's own rules, scraping one daemon each second."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.dashboards.written import RULE_FILES

PATIENCE_S = 30.0
T = TypeVar("T")
_POLL_S = 0.1
_LOG_LINES = 30

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{folder}/*.yml"]
scrape_configs:
  - job_name: guard
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """One server, started on entry and gone on exit; what it collects lies in the folder."""

    def __init__(self, folder: Path, target: str, rules: Sequence[Path] = RULE_FILES) -> None:
        """`target` is the daemon's host and port."""
        self._rules = rules
        self.folder = folder
        self.log = folder / "prometheus.log"
        self.url = ""
        self._target = target
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start; return when it has scraped the daemon and gone through the rules."""
        rules = self.folder / "rules"
        rules.mkdir(parents=True)
        for path in self._rules:
            # What is computed once a minute is computed each second here: nobody waits for a minute.
            text = re.sub(r"^ {4}interval: 1m$", "    interval: 1s", path.read_text(), flags=re.MULTILINE)
            (rules / path.name).write_text(text)
        config = self.folder / "prometheus.yml"
        config.write_text(CONFIG.format(folder=rules, target=self._target))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    "--web.listen-address=127.0.0.1:0",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.url = self.wait_for(self._address, "its address in its log")
            self.wait_for(self._is_ready, "it is ready")
            self.wait_for(lambda: self.query("up == 1"), "a scrape")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind; show the log of a test that failed."""
        self._end()
        if error is not None:
            error.add_note(f"the end of Prometheus's log:\n{self.log_tail()}")

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _address(self) -> str:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"Prometheus ended with {self._process.returncode}\n{self.log_tail()}")
        found = re.search(r"Listening on\"? address=(127\.0\.0\.1:\d+)", self.log.read_text(errors="replace"))
        return f"http://{found[1]}" if found else ""

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=10):
                return True
        except OSError:
            return False

    def query(self, expr: str) -> list[dict[str, Any]]:
        """What it answers now."""
        result: list[dict[str, Any]] = self.ask("query", query=expr)["result"]
        return result

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        """The data of an answer of its API."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                data: dict[str, Any] = json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        return data

    def wait_for(self, condition: Callable[[], T], what: str) -> T:
        """What the condition gives once it is true."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(_POLL_S)
        raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines it said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
