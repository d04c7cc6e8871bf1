"""From `[log]` to what the NATS adapter is told: servers, who guard is there, and how the log is laid out.

The start of an ingest or a worker and `guard check` go through the same function, as for the broker (`guard.login`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from guard.adapters.nats import LogAddressError, LogOptions
from guard.config import Config
from guard.config.addresses import is_loopback
from guard.config.kept import fetched
from guard.config.problems import RejectedError
from guard.config.sections import Kept

IN_THE_CLEAR = (
    "what is said to NATS, passwords and calls too, can be read and changed on the way: use tls://, or servers on this"
    " machine"
)


def log_options(config: Config, environment: Mapping[str, str], *, name: str, role: str = "") -> LogOptions:
    """Where the log is and who guard is there; `ConfigError` when something of it cannot be had."""
    section = config.log
    if not section.servers:
        raise config.error("log.url", "is missing: a cluster needs a log", 'url = "nats://HOST:4222"')
    key = "log.password"
    try:
        password = fetched(section.password, environment)
        key = "log.ca_file" if section.certificate is None else "log.certificate"
        options = LogOptions(
            servers=section.servers,
            name=name,
            role=role,
            prefix=section.prefix,
            streams=section.streams,
            replicas=section.replicas,
            keep_ms=section.keep_ms,
            user=section.user,
            password=password,
            password_from=_kept_in(section.password),
            credentials=section.credentials,
            ca_file=section.ca_file,
            certificate=section.certificate,
            key=section.key,
        )
        options.tls_context()
        key = "log.credentials"
        _ = options.by_seed
    except RejectedError as rejected:
        raise config.error(key, rejected.found, rejected.accepted) from None
    except LogAddressError as error:
        raise config.error(key, str(error)) from error
    return options


def remark_on_log(options: LogOptions) -> str:
    """What an operator should know about the way to it; empty: nothing."""
    hosts = [urlsplit(server).hostname or "" for server in options.servers]
    return "" if options.tls or all(map(is_loopback, hosts)) else IN_THE_CLEAR


def _kept_in(kept: Kept) -> str:
    for key, value in (("file", kept.file), ("credential", kept.credential), ("env", kept.environment)):
        if value:
            return f"_{key} {value}"
    return ""
