"""`guard worker`: holds partitions of a cluster until it is told to stop, and gives them up in order.

The libraries of a cluster are an extra of the package: without them the command says how to get them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import structlog

from guard.adapters.http.server import AddressError
from guard.adapters.http.tokens import TokenError
from guard.adapters.log import log_the_end
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError
from guard.commands.serving import until_told
from guard.config import Config, ConfigError
from guard.ports import StoreError
from guard.shell.reload import Reloader

EXTRA = "needs asyncpg and nats-py: pip install 'guard-voip[cluster]'"


def worker(config_path: Path | None) -> None:
    """Serve until a signal."""
    config = configuration(config_path)
    if find_spec("nats") is None or find_spec("asyncpg") is None:
        raise CommandError(f"guard worker {EXTRA}")
    from guard.adapters.nats import LogLayoutError  # noqa: PLC0415 - an extra of the package

    sys.excepthook = log_the_end
    try:
        asyncio.run(_serve(config))
    except* ConfigError as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors)), WRONG) from errors
    except* (AddressError, LogLayoutError, OSError, StoreError, TokenError) as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors))) from errors


async def _serve(config: Config) -> None:
    from guard.app.worker import run_worker  # noqa: PLC0415 - an extra of the package

    loop = asyncio.get_running_loop()
    # Until there is somebody to ask, there is nothing to read anew: the start reads everything.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def reload_by_signal(reloader: Reloader) -> None:
        loop.add_signal_handler(signal.SIGHUP, reloader.ask)

    await until_told(run_worker(config, on_ready=_tell_ready, on_reloader=reload_by_signal))


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    """The errors themselves, without the groups that task groups put around them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _tell_ready(url: str) -> None:
    structlog.get_logger("guard").info("ready", url=url)
