"""From `[broker]` to the address that guard's sessions connect to: with user, password and certificates from wherever.

The start, `guard check` and the commands that publish go through the same function, so what the one accepts the others
do: a password that cannot be read and a certificate that cannot be used are problems with their place in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guard.adapters.mqtt import BrokerAddress, BrokerAddressError
from guard.config import Config
from guard.config.addresses import is_loopback
from guard.config.kept import fetched
from guard.config.problems import RejectedError

IN_THE_CLEAR = (
    "what is said to the broker, passwords too, can be read and changed on the way: use mqtts://, or a broker on this"
    " machine"
)


def broker_address(config: Config, environment: Mapping[str, str]) -> BrokerAddress:
    """Where the broker is and who guard is there; `ConfigError` when something of it cannot be had."""
    section = config.broker
    if section.embedded:
        return BrokerAddress(host=section.host, port=section.port)
    key = "broker.password"
    try:
        password = fetched(section.password, environment)
        key = "broker.url"
        parsed = BrokerAddress.parse(section.url)
        address = replace(
            parsed,
            username=section.user or parsed.username,
            password=password or parsed.password,
            ca_file=parsed.ca_file if section.ca_file is None else str(section.ca_file),
            certificate=None if section.certificate is None else str(section.certificate),
            key=None if section.key is None else str(section.key),
        )
        address.tls_context()
    except RejectedError as rejected:
        raise config.error(key, rejected.found, rejected.accepted) from None
    except BrokerAddressError as error:
        raise config.error(key, str(error)) from error
    return address


def remark_on(address: BrokerAddress) -> str:
    """What an operator should know about it; empty: nothing."""
    return "" if address.tls or is_loopback(address.host) else IN_THE_CLEAR
