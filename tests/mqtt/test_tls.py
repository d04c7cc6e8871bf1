"""mqtts://: the broker's certificate and name are checked, and a failure says what is wrong."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mqtt.conftest import started
from tests.mqtt.harness import Mosquitto, in_loop, numbers, running, until

OPENSSL = shutil.which("openssl")
pytestmark = [pytest.mark.broker, pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and another one for somewhere else."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, subject in (("ours", "IP:127.0.0.1"), ("other", "DNS:broker.example")):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem", "-days", "2"),
                *("-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}"),
            ],
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def encrypted(tmp_path: Path, certificates: Path) -> Iterator[Mosquitto]:
    extra = f"certfile {certificates}/ours.pem\nkeyfile {certificates}/ours.key"
    yield from started(tmp_path, extra=extra, saving=False)


@in_loop
async def test_messages_pass_through_an_encrypted_connection(encrypted: Mosquitto, certificates: Path) -> None:
    url = f"mqtts://127.0.0.1:{encrypted.port}?ca={certificates}/ours.pem"
    async with running(url, receive_maximum=1000) as watched:
        assert await watched.session.publish_tracked("t/large", b" " * 1_000_000 + b"0")
        for number in range(1, 200):
            assert watched.session.publish("t/1", b"%d" % number)
        messages = await watched.received(200)
        assert numbers(messages) == list(range(200))
        watched.session.acknowledge(messages)
        assert await watched.session.publish_tracked("other", b"")
        assert encrypted.log().count("rror") == 0


@in_loop
async def test_a_certificate_that_is_not_trusted_is_a_failure(encrypted: Mosquitto, certificates: Path) -> None:
    url = f"mqtts://127.0.0.1:{encrypted.port}?ca={certificates}/other.pem"
    async with running(url, wait=False) as watched:
        await until(lambda: watched.session._failures > 1)
        assert "certificate verify failed" in watched.session._failure


@in_loop
async def test_a_name_that_is_not_the_certificates_is_a_failure(encrypted: Mosquitto, certificates: Path) -> None:
    url = f"mqtts://localhost:{encrypted.port}?ca={certificates}/ours.pem"
    async with running(url, wait=False) as watched:
        await until(lambda: watched.session._failures > 1)
        assert "not valid for 'localhost'" in watched.session._failure


@in_loop
async def test_without_encryption_a_broker_that_wants_it_gives_a_hint(encrypted: Mosquitto) -> None:
    async with running(f"mqtt://127.0.0.1:{encrypted.port}", wait=False) as watched:
        await until(lambda: watched.session._failures > 0)
        assert "mqtts://?" in watched.session._failure
