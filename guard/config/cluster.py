"""`[log]` and `[ingest]`: where a cluster's log is, and what brings the broker's messages into it.

A worker's messages come through the log, so its `[broker] url` may as well be the log's address (`nats://...`); then an
ingest that reads the same file finds its MQTT broker in `[ingest] broker`. Who guard is at NATS stands beside the
address, never in it.
"""

from __future__ import annotations

import re
from pathlib import Path

from guard.config import addresses, values
from guard.config.kept import matching, read_file, read_kept, refuse_secret
from guard.config.problems import RejectedError
from guard.config.sections import BrokerScheme, BrokerSection, IngestSection, LogSection
from guard.config.table import Table

MAX_STREAMS = 256
"""One for each partition."""
REPLICAS = (1, 3, 5)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_INGEST = re.compile(r"[A-Za-z0-9._-]{1,64}")


def read_log(table: Table, broker: BrokerSection, base: Path) -> LogSection:
    """Read the section."""
    default = LogSection()
    refuse_secret(table, "password")
    section = LogSection(
        servers=_servers(table, broker),
        prefix=table.read("prefix", default.prefix, matching(_NAME, "1 to 32 letters, digits, _ or -")),
        streams=table.read("streams", default.streams, _streams),
        replicas=table.read("replicas", default.replicas, _replicas),
        keep_ms=table.read("keep", default.keep_ms, values.duration_ms),
        user=table.read("user", "", values.user),
        password=read_kept(table, "password", base),
        credentials=read_file(table, "credentials", base),
        ca_file=read_file(table, "ca_file", base),
        certificate=read_file(table, "certificate", base),
        key=read_file(table, "key", base),
    )
    _check(table, section)
    return section


def read_ingest(table: Table, broker: BrokerSection, base: Path) -> IngestSection:
    """Read the section."""

    def address(value: object) -> str:
        section = addresses.broker(value, broker.prefix, base)
        if section.scheme not in {BrokerScheme.MQTT, BrokerScheme.MQTTS}:
            raise RejectedError("is not the address of an MQTT broker", "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
        return section.url

    default = IngestSection()
    return IngestSection(
        name=table.read("name", default.name, matching(_INGEST, "1 to 64 letters, digits, points, _ or -")),
        broker=table.read("broker", default.broker, address),
        shared=table.read("shared", default.shared, values.boolean),
    )


def _servers(table: Table, broker: BrokerSection) -> tuple[str, ...]:
    stated: tuple[str, ...] = table.read("url", (), addresses.log_servers)
    if broker.scheme is not BrokerScheme.NATS:
        return stated
    if "url" in table:
        table.reject("url", RejectedError("stands in broker.url too", "one of the two"))
    return addresses.log_servers(broker.url)


def _check(table: Table, section: LogSection) -> None:
    by_tls = bool(section.servers) and section.servers[0].startswith("tls:")
    for key in ("ca_file", "certificate", "key"):
        if key in table and not by_tls:
            table.reject(key, RejectedError("needs TLS", 'url = "tls://HOST"'))
    if section.key is not None and section.certificate is None:
        table.reject("key", RejectedError("has no certificate beside it", "certificate and key, or both in one file"))
    if section.password.stated and not section.user:
        table.reject(None, RejectedError("has a password and no user", 'user = "guard-worker"'))
    if section.credentials is not None and section.user:
        table.reject("credentials", RejectedError("stands beside user", "one of the two"))


def _streams(value: object) -> int:
    number = values.count(value)
    if not 1 <= number <= MAX_STREAMS:
        raise RejectedError(f"is {number}", f"a whole number from 1 to {MAX_STREAMS}")
    return number


def _replicas(value: object) -> int:
    number = values.count(value)
    if number not in REPLICAS:
        raise RejectedError(f"is {number}", "1 (for trials), 3 or 5")
    return number
