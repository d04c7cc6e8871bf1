"""What every program of guard's does when it opens: say what lies open, serve at its address, give itself a name."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.types import ASGIApp

from guard.adapters.http.server import Certificate, Listening, serve
from guard.config import Config, HttpSection
from guard.config.kept import OPEN_TO_ALL, open_to_all
from guard.ports.cluster import Member


def remark_on_secrets(log: structlog.typing.FilteringBoundLogger, config: Config) -> None:
    """Files with secrets that everybody can read are no mistake, and may still not be meant."""
    for file in open_to_all(config.secret_files()):
        log.warning("secret", file=str(file), text=OPEN_TO_ALL)


def served(app: ASGIApp, http: HttpSection) -> AbstractAsyncContextManager[Listening]:
    """Serve it where the configuration says, with its certificate if it has one."""
    certificate = None if http.certificate is None else Certificate(chain=http.certificate, key=http.key)
    return serve(app, http.listen.host, http.listen.port, certificate=certificate)


def new_member(config: Config) -> Member:
    """Who this is among those that hold leases.

    Another name for each life: what an earlier one still has open at the store is told apart from what is ours.
    """
    return Member(id=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}", url=str(config.http.listen))
