"""Broker addresses: what is read from them, and that they never tell a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.adapters.mqtt import BrokerAddress, BrokerAddressError


@pytest.mark.parametrize(
    ("url", "meaning"),
    [
        ("mqtt://broker", ("broker", 1883, False)),
        ("mqtts://broker", ("broker", 8883, True)),
        ("mqtt://broker:2000/", ("broker", 2000, False)),
        ("mqtt://[::1]:2000", ("::1", 2000, False)),
        ("MQTT://Broker", ("broker", 1883, False)),
    ],
)
def test_host_port_and_encryption(url: str, meaning: tuple[str, int, bool]) -> None:
    address = BrokerAddress.parse(url)
    assert (address.host, address.port, address.tls) == meaning
    assert (address.username, address.password, address.ca_file) == (None, None, None)


def test_user_and_password_are_decoded_and_never_shown() -> None:
    address = BrokerAddress.parse("mqtt://guard%40site:p%2Fw%23%3A@broker:1884")
    assert (address.username, address.password) == ("guard@site", "p/w#:")
    assert address.redacted_url() == "mqtt://***@broker:1884"
    assert "guard" not in repr(address)
    assert "p/w" not in repr(address)


def test_the_redacted_address_is_one_itself() -> None:
    address = BrokerAddress.parse("mqtts://[::1]:99?ca=/etc/ca%20file.pem")
    assert address.ca_file == "/etc/ca file.pem"
    assert BrokerAddress.parse(address.redacted_url()) == address


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("broker:1883", "starts with mqtt://"),
        ("http://broker", "starts with mqtt://"),
        ("mqtt://", "names no host"),
        ("mqtt://broker:0", "from 1 to 65535"),
        ("mqtt://broker:65536", "from 1 to 65535"),
        ("mqtt://user:SECRET#x@broker", "percent-encoded"),
        ("mqtt://user:SECRET/x@broker:1", "percent-encoded"),
        ("mqtt://user:1/SECRET@broker", "percent-encoded"),
        ("mqtt://user:SECRET@[broker", "percent-encoded"),
        ("mqtt://broker/guard", "`prefix`"),
        ("mqtt://broker?ca=x", "write mqtts://"),
        ("mqtts://user:SECRET@broker?cafile=x", "nearest known one is 'ca'"),
        ("mqtts://broker?ca=", "is empty"),
    ],
)
def test_what_is_no_address_is_named_with_the_remedy(url: str, remedy: str) -> None:
    with pytest.raises(BrokerAddressError) as error:
        BrokerAddress.parse(url)
    assert remedy in str(error.value)
    assert "broker url" in str(error.value)
    assert "SECRET" not in str(error.value)


def test_without_encryption_there_are_no_tls_settings() -> None:
    assert BrokerAddress.parse("mqtt://broker").tls_context() is None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    address = BrokerAddress.parse(f"mqtts://user:SECRET@broker?ca={file}")
    with pytest.raises(BrokerAddressError, match="PEM file of the authority") as error:
        address.tls_context()
    assert str(file) in str(error.value)
    assert "SECRET" not in str(error.value)
