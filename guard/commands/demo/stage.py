"""The parts of the demonstration: free ports, a temporary store, the daemon with its broker; and their removal.

The daemon is a process of its own, started as an operator would start it (`guard run --config ...`) and spoken to over
MQTT and HTTP only. So what is measured is real, drawing the picture does not slow it down, and Ctrl-C reaches the
demonstration alone, which then takes stock before it stops the daemon.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from guard.adapters.mqtt import BrokerAddress
from guard.commands.broker import configured_address
from guard.commands.output import CommandError
from guard.config import Config, load_config

HOST = "127.0.0.1"
BROKER_PORT = 1883
PORTS_TRIED = 50
READY_WITHIN_S = 20.0
STOP_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05
LAST_WORDS = 5
"""Lines of the daemon's log that are shown when it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the daemon lives: a folder that is gone afterwards."""

    config: Config
    config_path: Path
    log_path: Path

    def last_words(self) -> str:
        """The end of the daemon's log."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LAST_WORDS:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running parts."""

    url: str
    """Of the page and the API."""
    broker: BrokerAddress
    prefix: str
    over: asyncio.Task[int]
    """Done when the daemon's process is over."""


def free_port(wanted: int) -> int:
    """The port that is wanted, or the next one that is free."""
    for port in range(wanted, min(wanted + PORTS_TRIED, 65_536)):
        with socket.socket() as probe, suppress(OSError):
            # As servers do: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise CommandError(f"no free port from {wanted} on")


@contextmanager
def workplace(http_port: int) -> Iterator[Place]:
    """A folder with a configuration, for the store and the log."""
    with tempfile.TemporaryDirectory(prefix="guard-demo-") as folder:
        config_path = Path(folder, "guard.toml")
        config_path.write_text(
            f'[broker]\nurl = "embedded://{HOST}:{free_port(BROKER_PORT)}"\n'
            f'[store]\nurl = "sqlite:guard.db"\n'
            f'[http]\nlisten = "{HOST}:{http_port}"\n',
            encoding="utf-8",
        )
        log_path = Path(folder, "guard.log")
        log_path.touch()
        yield Place(config=load_config(config_path), config_path=config_path, log_path=log_path)


@asynccontextmanager
async def stage(place: Place) -> AsyncIterator[Stage]:
    """Start the daemon, wait until it is ready, and stop it afterwards."""
    process = await _start(place)
    over = asyncio.create_task(process.wait(), name="daemon's end")
    try:
        url = f"http://{place.config.http.listen}"
        await _ready(url, over, place)
        prefix = place.config.broker.prefix
        yield Stage(url=url, broker=configured_address(place.config), prefix=prefix, over=over)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait({over}, timeout=STOP_WITHIN_S)
        if not over.done():
            process.kill()
            await over


async def _start(place: Place) -> asyncio.subprocess.Process:
    """The daemon as a process of its own session: Ctrl-C at the terminal does not reach it."""
    command = [sys.executable, "-m", "guard", "run", "--config", str(place.config_path)]
    log = await asyncio.to_thread(place.log_path.open, "wb")
    with log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _ready(url: str, over: asyncio.Task[int], place: Place) -> None:
    """Until the daemon says that it is restored and subscribed; why not, if it never does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_WITHIN_S
    async with httpx.AsyncClient(base_url=url, trust_env=False) as api:
        while loop.time() < deadline:
            with suppress(httpx.TransportError):
                if (await api.get("/-/ready")).is_success:
                    return
            if over.done():
                raise CommandError(f"the daemon did not start:\n{place.last_words()}")
            await asyncio.sleep(LOOK_EVERY_S)
    raise CommandError(f"the daemon was not ready within {READY_WITHIN_S:.0f} s:\n{place.last_words()}")
