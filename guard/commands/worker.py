"""`guard worker`: holds partitions of a cluster until it is told to stop, and gives them up in order.

The libraries of a cluster are an extra of the package: without them the command says how to get them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import structlog

from guard.adapters.http.server import AddressError
from guard.adapters.http.tokens import TokenError
from guard.commands.configured import configuration
from guard.commands.output import CommandError
from guard.commands.serving import reloadable, serve
from guard.ports import StoreError

EXTRA = "needs asyncpg and nats-py: pip install 'guard-voip[cluster]'"


def worker(config_path: Path | None) -> None:
    """Serve until a signal."""
    config = configuration(config_path)
    if find_spec("nats") is None or find_spec("asyncpg") is None:
        raise CommandError(f"guard worker {EXTRA}")
    from guard.adapters.nats import LogLayoutError  # noqa: PLC0415 - an extra of the package
    from guard.app.worker import run_worker  # noqa: PLC0415 - the same

    work = reloadable(lambda told: run_worker(config, on_ready=_tell_ready, on_reloader=told))
    serve(work, (AddressError, LogLayoutError, OSError, StoreError, TokenError))


def _tell_ready(url: str) -> None:
    structlog.get_logger("guard").info("ready", url=url)
