"""A real mosquitto for these tests, and small tools around a session: all waiting is for a condition, with a limit."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec

from guard.adapters.mqtt import BrokerAddress, Protocol, Session, SessionOptions, Will
from guard.ports import Message

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
LIMIT_S = 10.0
"""How long anything is waited for; what takes that long is broken."""

_SAVING = """
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
"""
_CONFIGURATION = """
user root
{saving}
max_queued_messages 0
max_inflight_messages 2000
set_tcp_nodelay true
allow_anonymous true
log_dest stderr
log_type error
log_type warning
listener {port} 127.0.0.1
{extra}
"""


P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test written as a coroutine in a loop of its own."""

    @functools.wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Mosquitto:
    """One mosquitto with its own folder; it keeps its port and what it saved over `kill` and `start`."""

    def __init__(self, folder: Path, *, extra: str = "", saving: bool = True) -> None:
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._saved = folder / "mosquitto.db"
        self._configuration = folder / "mosquitto.conf"
        kept = _SAVING.format(folder=folder) if saving else ""
        self._configuration.write_text(_CONFIGURATION.format(saving=kept, port=self.port, extra=extra))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._configuration)], stderr=log)
        deadline = time.monotonic() + LIMIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "mosquitto does not listen"
            time.sleep(0.01)

    async def save(self) -> None:
        """Have it write everything to disk now; what it saves by itself comes a little after the fact."""
        assert self._process is not None
        before = self._saved.stat().st_ino if self._saved.exists() else 0
        self._process.send_signal(signal.SIGUSR1)
        await until(lambda: self._saved.exists() and self._saved.stat().st_ino != before, "mosquitto does not save")

    def kill(self) -> None:
        """SIGKILL: what it had not saved is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(LIMIT_S)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(LIMIT_S)

    def log(self) -> str:
        return self._log.read_text()


@dataclass
class Watched:
    """A running session with what its callbacks said."""

    session: Session
    task: asyncio.Task[None]
    connected: list[bool] = field(default_factory=list)
    disconnected: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def fetch(self) -> None:
        self.messages += self.session.drain(1_000_000)

    async def received(self, count: int) -> list[Message]:
        """Fetch until `count` messages have been received since the beginning."""

        def enough() -> bool:
            self.fetch()
            return len(self.messages) >= count

        await until(enough, lambda: f"{len(self.messages)} of {count} messages")
        return self.messages

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, LIMIT_S)


async def until(condition: Callable[[], bool], what: Callable[[], str] | str = "") -> None:
    """Wait for a condition; an AssertionError after the limit says what was there instead."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what() if callable(what) else what or "the condition did not come about")
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(  # noqa: PLR0913 - a test names what it is about
    url: str,
    *,
    client_id: str = "guard-test",
    topics: tuple[str, ...] = ("t/#",),
    receive_maximum: int = 100,
    protocol: Protocol = "auto",
    keepalive_s: int = 15,
    outgoing_limit: int = 1000,
    will: Will | None = None,
    wait: bool = True,
) -> AsyncIterator[Watched]:
    """A session that runs (and, unless told otherwise, is connected) inside the block."""
    options = SessionOptions(
        address=BrokerAddress.parse(url),
        client_id=client_id,
        topics=topics,
        receive_maximum=receive_maximum,
        protocol=protocol,
        keepalive_s=keepalive_s,
        outgoing_limit=outgoing_limit,
        will=will,
    )
    session = Session(options, now_ms)
    watched = Watched(session, asyncio.create_task(session.run()))
    session.on_connected = watched.connected.append
    session.on_disconnected = watched.disconnected.append
    try:
        if wait:
            await until(lambda: session.connected, "the session does not connect")
        yield watched
    finally:
        await watched.stop()


async def publish(url: str, count: int, *, first: int = 0, topic: str = "t/1") -> None:
    """Publish numbered messages from a session of their own; returns when the broker has all of them."""
    async with running(url, client_id="publisher", topics=("nothing",)) as publisher:
        outcomes = []
        for number in range(first, first + count):
            await until(lambda: publisher.session.on_their_way < 500)
            outcomes.append(publisher.session.publish_tracked(topic, b"%d" % number))
        assert all(await asyncio.wait_for(asyncio.gather(*outcomes), LIMIT_S))


def numbers(messages: list[Message]) -> list[int]:
    return [int(message.payload) for message in messages]
