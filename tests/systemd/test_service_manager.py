"""The notification protocol against a real datagram socket, and the daemon under a manager that listens."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.adapters.systemd import ServiceManager
from guard.shell.clock import SystemClock

PATIENCE_S = 20


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE_S)
        yield listening


def address(manager: socket.socket) -> str:
    return str(manager.getsockname())


def heard(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


def test_ready_comes_with_a_status_of_one_line(manager: socket.socket) -> None:
    ServiceManager(address(manager)).ready("watching\nREADY=0")

    assert heard(manager) == ["READY=1", "STATUS=watching READY=0"]


def test_an_abstract_socket_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0guard-test-notify")
        listening.settimeout(PATIENCE_S)
        ServiceManager("@guard-test-notify").stopping()

        assert heard(listening) == ["STOPPING=1", "STATUS=stopping"]


def test_a_reload_says_when_it_began(manager: socket.socket) -> None:
    ServiceManager(address(manager)).reloading()

    assert heard(manager)[0] == "RELOADING=1"


@pytest.mark.parametrize("where", ["", "/nowhere/notify"])
def test_a_manager_that_does_not_listen_is_no_error(where: str) -> None:
    ServiceManager(where).ready("watching")


@pytest.mark.parametrize(
    ("environment", "watchdog_ms"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"}, 30_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_read_as_it_is_meant(environment: dict[str, str], watchdog_ms: int | None) -> None:
    assert ServiceManager.of_environment(environment, 77).watchdog_ms == watchdog_ms


async def test_the_watchdog_is_fed_only_while_the_loop_turns(manager: socket.socket) -> None:
    wrong = ""
    keeping = asyncio.create_task(
        ServiceManager(address(manager), watchdog_ms=30).keep(SystemClock(), lambda: wrong, lambda: "watching")
    )
    assert await asyncio.to_thread(heard, manager) == ["WATCHDOG=1", "STATUS=watching"]

    wrong = "the loop has not turned for 12 s"
    after = [await asyncio.to_thread(heard, manager) for _ in range(3)]

    assert after[-1] == ["STATUS=the loop has not turned for 12 s"]
    keeping.cancel()


def test_the_daemon_tells_its_manager_all_its_life(manager: socket.socket, tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    # Nobody listens at the broker's port: ready all the same, and the status says what is missing.
    config.write_text('[broker]\nurl = "mqtt://127.0.0.1:9"\n[http]\nlisten = "127.0.0.1:0"\n')
    guard = subprocess.Popen(
        [sys.executable, "-m", "guard", "run", "--config", str(config)],
        env={**os.environ, "NOTIFY_SOCKET": address(manager), "WATCHDOG_USEC": "600000"},
        stderr=subprocess.DEVNULL,
    )
    try:
        story = [heard(manager) for _ in range(4)]
        guard.send_signal(signal.SIGTERM)
        while (last := heard(manager))[0] == "WATCHDOG=1":
            pass
        assert guard.wait(PATIENCE_S) == 0
    finally:
        guard.kill()
        guard.wait()

    assert story[0] == ["STATUS=restoring the state"]
    status = "STATUS=not subscribed at the broker: calls and control; accounts: none yet"
    assert story[1] == ["READY=1", status]
    assert story[2] == story[3] == ["WATCHDOG=1", status]
    assert last == ["STOPPING=1", "STATUS=stopping"]
