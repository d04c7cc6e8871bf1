"""A node is cut off together with its clients, in networks of their own: no false yes, and everybody comes back.

Nodes and clients are real processes; the cable between a node's network and the others is pulled and put back.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.nats_namespaces import NODES, CutCluster, may_cut

pytestmark = [
    pytest.mark.nats,
    pytest.mark.machine,
    pytest.mark.slow,
]

BEGIN = 1_000_000
"""Each client counts from a number of its own."""
PART = 4


def acknowledged(output: Path) -> list[int]:
    """What a client was told is in the log, in order."""
    return [int(number) for number in re.findall(r"^(\d+) \d+$", output.read_text(), re.MULTILINE)]


def wait(condition: Callable[[], bool], within_s: float) -> float:
    """Wait until something holds; how long that took."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, "not within the time"
        time.sleep(0.05)
    return time.monotonic() - began_s


def test_no_node_that_is_cut_off_with_its_client_says_yes_to_it_and_all_goes_on_afterwards(tmp_path: Path) -> None:
    assert may_cut(), "this needs root that may make networks: leave out -m machine"
    with CutCluster(tmp_path) as cluster:
        outputs: list[Path] = []
        clients: list[subprocess.Popen[bytes]] = []

        def client(name: str, node: int | None, number: int) -> Path:
            output = tmp_path / f"{name}.txt"
            command = [sys.executable, "-m", "tests.nats.appender", ",".join(cluster.urls), str(PART)]
            clients.append(cluster.launch(node, [*command, str(BEGIN * (number + 1))], output))
            outputs.append(output)
            return output

        beside = [client(f"beside{node}", node, node) for node in range(NODES)]
        apart = client("apart", None, NODES)
        wait(lambda: all(len(acknowledged(output)) > 20 for output in outputs), 60)
        for node in range(NODES):
            cluster.cut(node)
            time.sleep(1.0)  # what was on its way when the cable was pulled
            before = acknowledged(beside[node])
            so_far = len(acknowledged(apart))
            wait(lambda so_far=so_far: len(acknowledged(apart)) > so_far + 20, 30)  # type: ignore[misc]
            time.sleep(4.0)
            # One append is on its way at a time, and its yes may wait for a busy disk longer than a second. That it is
            # true, like all others, is seen in the end: it stands in the log.
            since = acknowledged(beside[node])
            assert since[: len(before)] == before
            assert len(since) <= len(before) + 1
            cluster.heal(node)
            wait(lambda node=node, since=since: len(acknowledged(beside[node])) > len(since) + 5, 30)  # type: ignore[misc]
        for process in clients:
            process.kill()
            process.wait()
        reading = tmp_path / "reading.txt"
        command = [sys.executable, "-m", "tests.nats.follower", ",".join(cluster.urls), str(PART)]
        cluster.launch(None, command, reading).wait(60)
    promised = [acknowledged(output) for output in outputs]
    stored = [int(number) for number in reading.read_text().split() if number.isdigit()]
    assert {number for own in promised for number in own} <= set(stored)
    for number in range(1, NODES + 2):
        # In order, none missing; one that a node would neither store nor forget may stand there twice, side by side.
        own = [each for each in stored if each // BEGIN == number]
        assert own == sorted(own)
        assert set(own) == set(range(number * BEGIN, own[-1] + 1))
