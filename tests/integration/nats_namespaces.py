"""Three NATS nodes, each in a network of its own, joined by a bridge that can be cut: a node alone with its clients.

    with CutCluster(tmp_path) as cluster:
        cluster.launch(1, [sys.executable, ...])   # a program beside node 1: it hears what node 1 hears
        cluster.cut(1)
        cluster.heal(1)
    cluster.add("w1")                          # one more network, with nothing in it
    with cluster.inside("w1"):                 # what is started here, and what this thread connects to, is there
        ...
    cluster.lose("w1", [cluster.address(0)])   # what is sent from there to that address is dropped
    cluster.find("w1", [cluster.address(0)])

Network namespaces, one for the bridge ("hub") and one for each node; nothing of this machine's own network is touched.
It needs root, and a kernel that lets root make namespaces and bridges: `may_cut()` says whether this is so.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.nats import NatsError, program

NODES = 3
_PATIENCE_S = 30.0
_CLIENT, _CLUSTER, _HTTP = 4222, 6222, 8222
_NET = "10.213.77"
_FIRST_ADDED = 11
_CLONE_NEWNET = 0x40000000


def may_cut() -> bool:
    """Whether this machine lets us."""
    if os.geteuid() != 0:
        return False
    name = f"guard-{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "name", "hub", "type", "bridge")
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    return True


class CutCluster:
    """Started on entry and gone on exit, with its networks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = f"guard-{os.getpid()}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._added: list[str] = []

    def __enter__(self) -> Self:
        """Make networks, start nodes, wait until they agree."""
        try:
            self._build()
            for node in range(NODES):
                self._start(node)
            self._wait_until_well()
        except BaseException:
            self._tear_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""
        self._tear_down()

    @property
    def urls(self) -> tuple[str, ...]:
        """Of all nodes, as they are reached from anywhere in it."""
        return tuple(f"nats://{_NET}.{1 + node}:{_CLIENT}" for node in range(NODES))

    def launch(self, node: int | None, command: list[str], output: Path) -> subprocess.Popen[bytes]:
        """Run a program in the network of a node (None: of the bridge)."""
        with output.open("wb") as out:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._network(node), *command], stdout=out, stderr=subprocess.STDOUT
            )
        self._processes.append(process)
        return process

    def cut(self, node: int) -> None:
        """Pull the cable between a node's network and the bridge."""
        _ip("-n", self._network(None), "link", "set", f"to{node}", "down")

    def heal(self, node: int) -> None:
        """Put it back."""
        _ip("-n", self._network(None), "link", "set", f"to{node}", "up")

    @staticmethod
    def address(node: int | None) -> str:
        """Of a node (None: of the bridge)."""
        return f"{_NET}.254" if node is None else f"{_NET}.{1 + node}"

    def add(self, name: str) -> None:
        """One more network at the bridge."""
        self._join(name, f"{_NET}.{_FIRST_ADDED + len(self._added)}")
        self._added.append(name)

    @contextmanager
    def inside(self, place: int | str | None) -> Iterator[None]:
        """This thread, and whatever it starts, is in that network (None: of the bridge)."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self._network(place)}", os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(here)
            os.close(there)
            os.close(here)

    def lose(self, place: int | str, addresses: Sequence[str]) -> None:
        """From now on what is sent from there to these is dropped without a word."""
        for address in addresses:
            _ip("-n", self._network(place), "route", "add", "blackhole", f"{address}/32")

    def find(self, place: int | str, addresses: Sequence[str]) -> None:
        """They are reached again."""
        for address in addresses:
            _ip("-n", self._network(place), "route", "delete", "blackhole", f"{address}/32")

    def _network(self, place: int | str | None) -> str:
        if place is None:
            return f"{self._mark}-hub"
        return f"{self._mark}-n{place}" if isinstance(place, int) else f"{self._mark}-{place}"

    def _build(self) -> None:
        hub = self._network(None)
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "add", "name", "hub", "type", "bridge")
        _ip("-n", hub, "address", "add", f"{_NET}.254/24", "dev", "hub")
        for link in ("lo", "hub"):
            _ip("-n", hub, "link", "set", link, "up")
        for node in range(NODES):
            self._join(node, self.address(node))

    def _join(self, place: int | str, address: str) -> None:
        """A network with a cable to the bridge."""
        own, hub = self._network(place), self._network(None)
        _ip("netns", "add", own)
        _ip("-n", hub, "link", "add", f"to{place}", "type", "veth", "peer", "name", "eth", "netns", own)
        _ip("-n", hub, "link", "set", f"to{place}", "master", "hub", "up")
        _ip("-n", own, "address", "add", f"{address}/24", "dev", "eth")
        for link in ("lo", "eth"):
            _ip("-n", own, "link", "set", link, "up")

    def _start(self, node: int) -> None:
        routes = ", ".join(f"nats://{_NET}.{1 + each}:{_CLUSTER}" for each in range(NODES))
        config = self.folder / f"n{node}.conf"
        config.write_text(
            f"server_name: n{node}\nlisten: 0.0.0.0:{_CLIENT}\nhttp: 0.0.0.0:{_HTTP}\nmax_payload: 2MB\n"
            f'jetstream {{ store_dir: "{self.folder}/d{node}", max_file: 9GB, sync_interval: always }}\n'
            f"cluster {{ name: C, listen: {_NET}.{1 + node}:{_CLUSTER}, routes: [{routes}] }}\nping_interval: 2s\n"
        )
        self.launch(node, [program(), "-c", str(config)], self.folder / f"n{node}.log")

    def _wait_until_well(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        hub = self._network(None)
        for node in range(NODES):
            url = f"http://{_NET}.{1 + node}:{_HTTP}/healthz"
            ask = f"import urllib.request; urllib.request.urlopen('{url}', timeout=1).read()"
            while subprocess.run(
                ["ip", "netns", "exec", hub, "python3", "-c", ask], check=False, capture_output=True
            ).returncode:
                if time.monotonic() > deadline:
                    raise NatsError(f"node {node} is not well\n{(self.folder / f'n{node}.log').read_text()[-3_000:]}")
                time.sleep(0.1)

    def _tear_down(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for place in (*self._added, *range(NODES), None):
            subprocess.run(["ip", "netns", "delete", self._network(place)], check=False, capture_output=True)


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
