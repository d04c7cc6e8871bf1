"""`guard run`: the daemon until it is told to stop (`guard.commands.serving`).

SIGHUP has the daemon read its files anew (`guard.shell.reload`).
"""

from __future__ import annotations

import asyncio
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
from guard.commands.output import WRONG, CommandError
from guard.commands.serving import until_told
from guard.config import Config, ConfigError
from guard.ports import FencedError, StoreError
from guard.shell.reload import Reloader

EXPECTED = (AddressError, BrokerAddressError, EmbeddedBrokerError, FencedError, OSError, StoreError, TokenError)
"""What can be wrong outside of guard when it starts: each says in its text what to do."""


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
    # Until there is somebody to ask, there is nothing to read anew: the start reads everything.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def reload_by_signal(reloader: Reloader) -> None:
        loop.add_signal_handler(signal.SIGHUP, reloader.ask)

    await until_told(run_daemon(config, on_ready=_tell_ready, on_reloader=reload_by_signal))


def _tell_ready(url: str) -> None:
    structlog.get_logger("guard").info("ready", page=url)
