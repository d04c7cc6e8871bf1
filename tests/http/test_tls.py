"""A certificate of guard's own: encrypted, and only that; a wrong one is an error with the file's name."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from guard.adapters.http.server import AddressError, Certificate, serve


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    made = Certificate(chain=folder / "guard.crt", key=folder / "guard.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    subprocess.run([*command, "-out", str(made.chain), "-keyout", str(made.key)], check=True, capture_output=True)
    return made


async def test_the_page_is_served_encrypted_and_believes_its_own_origin(
    app: Starlette, certificate: Certificate
) -> None:
    trusting = ssl.create_default_context(cafile=certificate.chain)
    async with (
        serve(app, "127.0.0.1", 0, certificate=certificate) as listening,
        httpx.AsyncClient(base_url=listening.url, verify=trusting) as client,
    ):
        assert listening.url.startswith("https://127.0.0.1:")
        assert (await client.get("/", headers={"Origin": listening.url})).status_code == 200
        plain = listening.url.replace("https", "http")
        assert (await client.get("/", headers={"Origin": plain})).status_code == 403
        with pytest.raises(httpx.TransportError):
            await client.get(plain)


async def test_old_protocols_are_not_spoken(app: Starlette, certificate: Certificate) -> None:
    context = certificate.context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.protocol is ssl.PROTOCOL_TLS_SERVER


async def test_a_certificate_that_is_not_there_is_named(app: Starlette, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.crt"
    with pytest.raises(AddressError, match=r"nowhere\.crt: No such file"):
        async with serve(app, "127.0.0.1", 0, certificate=Certificate(chain=missing)):
            pass


async def test_a_file_that_is_none_is_named(app: Starlette, certificate: Certificate, tmp_path: Path) -> None:
    (tmp_path / "junk.crt").write_text("junk")
    for wrong in (Certificate(chain=tmp_path / "junk.crt"), Certificate(chain=certificate.chain)):
        with pytest.raises(AddressError, match=f"{wrong.chain.name} cannot be used"):
            async with serve(app, "127.0.0.1", 0, certificate=wrong):
                pass
