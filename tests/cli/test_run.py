"""`guard run`: ready, told to stop, and what is said when it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guard.commands import run as command
from guard.commands import serving
from guard.commands.demo.stage import free_port
from guard.config import Config
from guard.ports import StoreError
from tests.cli import program
from tests.cli.conftest import Guard

Daemon = Callable[..., object]


def daemon_is(monkeypatch: pytest.MonkeyPatch, daemon: Daemon) -> None:
    monkeypatch.setattr(command, "run_daemon", daemon)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No guard.toml of a developer is in the way."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_gracefully(guard: Guard, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    closed: list[bool] = []

    async def daemon(_config: Config, *, on_ready: Callable[[str], None], **_more: object) -> None:
        on_ready("http://127.0.0.1:1")
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    daemon_is(monkeypatch, daemon)
    result = guard("run")
    assert result.exit_code == 0
    assert closed == [True]
    assert "http://127.0.0.1:1" in result.output
    assert number.name in result.output


@pytest.mark.parametrize(
    "failure",
    [
        StoreError("guard.db: is locked by another guard"),
        OSError(98, "Address already in use"),
        ExceptionGroup("", [ExceptionGroup("", [StoreError("guard.db: is locked by another guard")])]),
    ],
)
def test_what_stands_in_the_way_outside_is_one_sentence(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def daemon(_config: Config, *, on_ready: object, **_more: object) -> None:
        del on_ready
        raise failure

    daemon_is(monkeypatch, daemon)
    result = guard("run")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "lock" in result.stderr or "Address already in use" in result.stderr


def test_a_mistake_of_guards_own_is_not_hidden(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    async def daemon(_config: Config, *, on_ready: object, **_more: object) -> None:
        del on_ready
        raise ZeroDivisionError

    daemon_is(monkeypatch, daemon)
    result = guard("run")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError | ExceptionGroup)


def test_a_daemon_that_does_not_stop_is_left(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    class LeftError(Exception):
        pass

    async def daemon(_config: Config, *, on_ready: object, **_more: object) -> None:
        del on_ready
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                if left:
                    raise

    left: list[str] = []

    def leave(why: str) -> None:
        left.append(why)
        raise LeftError

    daemon_is(monkeypatch, daemon)
    monkeypatch.setattr(serving, "STOP_WITHIN_S", 0.05)
    monkeypatch.setattr(serving, "_leave", leave)
    assert isinstance(guard("run").exception, LeftError)
    assert left == ["not stopped within 0 s"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "guard.toml"
    broker, page = free_port(21_883), free_port(28_080)
    path.write_text(
        f'[broker]\nurl = "embedded://127.0.0.1:{broker}"\n[http]\nlisten = "127.0.0.1:{page}"\n[store]\n'
        'url = "sqlite:guard.db"\n'
    )
    return path


@pytest.fixture
def running(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real daemon, ready, and where it answers."""
    line = config.read_text().partition('listen = "')[2].partition('"')[0]
    with program.start("run", "--config", str(config)) as process:
        try:
            url = f"http://{line}"
            program.until_ready(process, url)
            yield process, url
        finally:
            process.kill()


def test_the_real_daemon_stops_within_its_time(running: tuple[subprocess.Popen[str], str], guard: Guard) -> None:
    """And its client commands answer until then."""
    process, url = running
    assert guard("account", "A1", "--url", url).stderr == "guard: no such account\n"
    assert "No account." in guard("accounts", "--url", url).stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(serving.STOP_WITHIN_S) == 0
    assert "no daemon answers" in guard("accounts", "--url", url).stderr


def test_a_port_that_is_taken_is_said(config: Path) -> None:
    with socket.socket() as taken:
        address = config.read_text().partition('listen = "')[2].partition('"')[0]
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        taken.listen()
        done = program.finish("run", "--config", str(config))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert address.rpartition(":")[2] in done.stderr.splitlines()[-1]
