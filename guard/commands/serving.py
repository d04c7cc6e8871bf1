"""Serving until a signal says to stop: what the daemon and the programs of a cluster have in common.

SIGTERM and SIGINT cancel the work, whose own teardown runs; what is not over within `STOP_WITHIN_S` is left where it
is. That is safe, if not nice: whatever was not durable was not acknowledged. A second signal does not wait.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import structlog

from guard.adapters.log import log_the_end
from guard.commands.output import FAILED, WRONG, CommandError
from guard.config import ConfigError
from guard.shell.reload import Reloader

STOP_WITHIN_S = 20.0
"""Below `TimeoutStopSec` of the units that guard ships, above the sum of the programs' own time limits."""


def serve(work: Coroutine[Any, Any, None], expected: tuple[type[Exception], ...]) -> None:
    """Serve until a signal; `expected`: what can be wrong outside of guard, whose text says what to do."""
    sys.excepthook = log_the_end
    try:
        asyncio.run(_until_told(work))
    except* ConfigError as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors)), WRONG) from errors
    except* expected as errors:
        raise CommandError("\n".join(str(error) for error in _leaves(errors))) from errors


async def reloadable(start: Callable[[Callable[[Reloader], None]], Coroutine[Any, Any, None]]) -> None:
    """The work that `start` gives, which has its files read anew at SIGHUP; it says who is to be asked.

    Until there is somebody to ask, there is nothing to read anew: the start reads everything.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    await start(lambda reloader: loop.add_signal_handler(signal.SIGHUP, reloader.ask))


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    """The errors themselves, without the groups that task groups put around them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Let it run until it ends, or until a signal; its error comes out as it is."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def ask(number: int) -> None:
        if asked.is_set():
            _leave("told twice to stop")
        _log().info("stopping", signal=signal.Signals(number).name)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    working = asyncio.create_task(work, name="work")
    stop = asyncio.create_task(asked.wait(), name="signal")
    await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working}, timeout=STOP_WITHIN_S)
        if not working.done():
            _leave(f"not stopped within {STOP_WITHIN_S:.0f} s")
    if not working.cancelled():
        working.result()


def _leave(why: str) -> None:
    """End the process now; nothing that was acknowledged is lost by it."""
    _log().error("leaving", reason=why)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FAILED)


def _log() -> structlog.typing.FilteringBoundLogger:
    """The program's own log, which its composition root sets up."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("guard")
    return logger
