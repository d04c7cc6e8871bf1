"""From `[log]` to what the NATS adapter is told: servers, who guard is there, and how the log is laid out.

The start of an ingest or a worker and `guard check` go through the same function, as for the broker (`guard.login`).
"""

from __future__ import annotations

from collections.abc import Mapping

from guard.adapters.nats import LogAddressError, LogOptions
from guard.config import Config
from guard.config.kept import fetched
from guard.config.problems import RejectedError


def log_options(config: Config, environment: Mapping[str, str], *, name: str) -> LogOptions:
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
            prefix=section.prefix,
            streams=section.streams,
            replicas=section.replicas,
            keep_ms=section.keep_ms,
            user=section.user,
            password=password,
            credentials=section.credentials,
            ca_file=section.ca_file,
            certificate=section.certificate,
            key=section.key,
        )
        options.tls_context()
    except RejectedError as rejected:
        raise config.error(key, rejected.found, rejected.accepted) from None
    except LogAddressError as error:
        raise config.error(key, str(error)) from error
    return options
