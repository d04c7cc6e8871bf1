"""`guard run`: the daemon until it is told to stop.

SIGTERM and SIGINT ask it to stop: the daemon's task is cancelled, its own teardown runs, and what is not over within
`STOP_WITHIN_S` is left where it is. That is safe, if not nice: whatever was not durable was not acknowledged.
A second signal does not wait.

SIGHUP has the daemon read its files anew (`guard.shell.reload`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog

from guard.adapters.broker import EmbeddedBrokerError
from guard.adapters.http.server import AddressError
from guard.adapters.http.tokens import TokenError
from guard.adapters.log import log_the_end
from guard.adapters.mqtt import BrokerAddressError
from guard.app import run_daemon
from guard.commands.configured import configuration
from guard.commands.output import FAILED, WRONG, CommandError
from guard.config import Config, ConfigError
from guard.ports import FencedError, StoreError
from guard.shell.reload import Reloader

EXPECTED = (AddressError, BrokerAddressError, EmbeddedBrokerError, FencedError, OSError, StoreError, TokenError)
"""What can be wrong outside of guard when it starts: each says in its text what to do."""

STOP_WITHIN_S = 20.0
"""Below `TimeoutStopSec` of the unit that guard ships, above the sum of the daemon's own time limits."""


def run(config_path: Path | None) -> None:
    """Serve until a signal."""
    config = configuration(config_path)
    sys.excepthook = log_the_end
    try:
        asyncio.run(_serve(config))
    except* ConfigError as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors)), WRONG) from errors
    except* EXPECTED as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors))) from errors


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    """The errors themselves, without the groups that task groups put around them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _serve(config: Config) -> None:
    """Until a signal, or until the daemon fails."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def ask(number: int) -> None:
        if asked.is_set():
            _leave("told twice to stop")
        _log().info("stopping", signal=signal.Signals(number).name)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    # Until there is somebody to ask, there is nothing to read anew: the start reads everything.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def reload_by_signal(reloader: Reloader) -> None:
        loop.add_signal_handler(signal.SIGHUP, reloader.ask)

    daemon = asyncio.create_task(run_daemon(config, on_ready=_tell_ready, on_reloader=reload_by_signal), name="daemon")
    stop = asyncio.create_task(asked.wait(), name="signal")
    await asyncio.wait({daemon, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not daemon.done():
        daemon.cancel()
        await asyncio.wait({daemon}, timeout=STOP_WITHIN_S)
        if not daemon.done():
            _leave(f"not stopped within {STOP_WITHIN_S:.0f} s")
    if not daemon.cancelled():
        daemon.result()


def _tell_ready(url: str) -> None:
    _log().info("ready", page=url)


def _leave(why: str) -> None:
    """End the process now; nothing that was acknowledged is lost by it."""
    _log().error("leaving", reason=why)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FAILED)


def _log() -> structlog.typing.FilteringBoundLogger:
    """The daemon's own log, which the composition root sets up."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("guard")
    return logger
