"""`[broker]`: where the messages come from, and how guard shows the broker who it is.

User, password and the authority's file may stand in the address (`mqtts://USER:PASSWORD@HOST?ca=FILE`) or beside it
(`user`, `password_file`, `ca_file`), each of them once. A password is better kept beside it, because `guard.toml` is
read by more people than know it. A broker that asks for certificates gets guard's own (`certificate`, `key`).

What only TLS can carry out is refused without it: a certificate on `mqtt://` would look like protection and be none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from guard.config import addresses, values
from guard.config.kept import read_file, read_kept, refuse_secret
from guard.config.problems import RejectedError
from guard.config.sections import BrokerScheme, BrokerSection
from guard.config.table import Table

_LOGIN = ("user", "password_file", "password_credential", "password_env")
_TLS = ("ca_file", "certificate", "key")


def read_broker(table: Table, base: Path) -> BrokerSection:
    """Read the section."""
    default = BrokerSection()
    prefix = table.read("prefix", default.prefix, addresses.topic_prefix)
    default = BrokerSection(prefix=prefix)
    section = table.read("url", default, lambda value: addresses.broker(value, prefix, base))
    refuse_secret(table, "password")
    section = replace(
        section,
        user=table.read("user", "", values.user),
        password=read_kept(table, "password", base),
        ca_file=read_file(table, "ca_file", base),
        certificate=read_file(table, "certificate", base),
        key=read_file(table, "key", base),
        away_after_ms=table.read("away_after", default.away_after_ms, values.duration_ms),
    )
    if section.scheme is BrokerScheme.NATS:
        _refuse(table, (*_LOGIN, *_TLS), "is for an MQTT broker", "the same key in [log]")
    elif section.embedded:
        _refuse(table, (*_LOGIN, *_TLS), "is for a broker of yours", 'url = "mqtts://HOST" beside it')
    else:
        _check_login(table, section)
    return section


def _check_login(table: Table, section: BrokerSection) -> None:
    address = urlsplit(section.url)
    if section.scheme is not BrokerScheme.MQTTS:
        _refuse(table, _TLS, "needs TLS", 'url = "mqtts://HOST"')
    elif section.key is not None and section.certificate is None:
        table.reject("key", RejectedError("has no certificate beside it", "certificate and key, or both in one file"))
    for key, stated in _stated_by(address).items():
        if stated:
            _refuse(table, [known for known in table.known if known.startswith(key)], "stands in the url too", "one")
    user = section.user or address.username
    if section.password.stated and not user:
        table.reject(None, RejectedError("has a password and no user", 'user = "guard"'))


def _stated_by(address: SplitResult) -> dict[str, bool]:
    """What the address itself says, by how the keys beside it begin."""
    return {
        "user": address.username is not None,
        "password_": address.password is not None,
        "ca_file": bool(address.query),
    }


def _refuse(table: Table, keys: tuple[str, ...] | list[str], found: str, accepted: str) -> None:
    for key in keys:
        if key in table:
            table.reject(key, RejectedError(found, accepted))
