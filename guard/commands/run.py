"""`guard run`: the daemon until it is told to stop (`guard.commands.serving`).

SIGHUP has the daemon read its files anew (`guard.shell.reload`).
"""

from __future__ import annotations

from pathlib import Path

import structlog

from guard.adapters.broker import EmbeddedBrokerError
from guard.adapters.http.server import AddressError
from guard.adapters.http.tokens import TokenError
from guard.adapters.mqtt import BrokerAddressError
from guard.app import run_daemon
from guard.commands.configured import configuration
from guard.commands.serving import reloadable, serve
from guard.ports import FencedError, StoreError

EXPECTED = (AddressError, BrokerAddressError, EmbeddedBrokerError, FencedError, OSError, StoreError, TokenError)
"""What can be wrong outside of guard when it starts: each says in its text what to do."""


def run(config_path: Path | None) -> None:
    """Serve until a signal."""
    config = configuration(config_path)
    serve(reloadable(lambda told: run_daemon(config, on_ready=_tell_ready, on_reloader=told)), EXPECTED)


def _tell_ready(url: str) -> None:
    structlog.get_logger("guard").info("ready", page=url)
