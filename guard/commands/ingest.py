"""`guard ingest`: from MQTT into the log of a cluster until it is told to stop; the daemon is not in it.

The libraries of a cluster are an extra of the package: without them the command says how to get them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import structlog

from guard.adapters.http.server import AddressError
from guard.adapters.http.tokens import TokenError
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError
from guard.commands.serving import serve

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def ingest(config_path: Path | None, name: str | None) -> None:
    """Serve until a signal."""
    config = configuration(config_path)
    if name is not None:
        if not _NAME.fullmatch(name):
            raise CommandError("--name: an ingest's name has 1 to 64 letters, digits, points, _ or -", WRONG)
        config = replace(config, ingest=replace(config.ingest, name=name))
    if find_spec("nats") is None:
        raise CommandError("guard ingest needs nats-py: pip install 'guard-voip[cluster]'")
    from guard.adapters.nats import LogLayoutError  # noqa: PLC0415 - an extra of the package
    from guard.app.ingest import run_ingest  # noqa: PLC0415 - the same

    serve(run_ingest(config, on_ready=_tell_ready), (AddressError, LogLayoutError, TokenError, OSError))


def _tell_ready(url: str) -> None:
    structlog.get_logger("guard").info("ready", url=url)
