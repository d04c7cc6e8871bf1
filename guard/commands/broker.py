"""How commands reach a broker: an aiomqtt client by the address, in MQTT 3.1.1, which every broker speaks."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable

import aiomqtt

from guard.adapters.mqtt import BrokerAddress, BrokerAddressError
from guard.commands.output import WRONG, CommandError
from guard.config import Config, ConfigError
from guard.login import broker_address

MAX_IN_FLIGHT = 100
_numbers = itertools.count(1)


def read_address(url: str) -> BrokerAddress:
    """The address that an operator typed."""
    try:
        return BrokerAddress.parse(url)
    except BrokerAddressError as error:
        raise CommandError(str(error), WRONG) from error


def configured_address(config: Config) -> BrokerAddress:
    """The address in the configuration; an embedded broker is reached like any other."""
    try:
        return broker_address(config, os.environ)
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error


def client_maker(address: BrokerAddress, name: str) -> Callable[[aiomqtt.Will | None], aiomqtt.Client]:
    """Makes clients for one connection each; `name` and the process tell them apart at the broker."""
    # Session ids must differ between all who are connected at once, or the broker throws the older one out.
    identifier = f"guard-{name}-{os.getpid()}-{next(_numbers)}"

    def make(will: aiomqtt.Will | None) -> aiomqtt.Client:
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            will=will,
            tls_context=address.tls_context(),
            max_inflight_messages=MAX_IN_FLIGHT,
            # Without it a small message waits up to 40 ms for the acknowledgement of the one before.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    return make


def no_broker(address: BrokerAddress, error: Exception) -> CommandError:
    """Nobody answers there, or does not let us in."""
    return CommandError(f"no broker answers at {address.redacted_url()}: {error}")
