"""TLS to the database, with a real server: who is believed, and what is said when one is not."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.ports import StoreError
from tests.nats.certificates import Certificates
from tests.postgres.by_tls import TlsServer

pytestmark = pytest.mark.postgres

_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
ssl_ca_file = '{folder}/ca.crt'
"""
_WHO = """
local all all trust
hostssl postgres all 127.0.0.1/32 trust
hostssl template1 all 127.0.0.1/32 trust clientcert=verify-ca
"""
"""One database lets anybody in by TLS, the other asks for a certificate; no one comes in without TLS."""
ANYBODY, CERTIFIED = "postgres", "template1"


class TlsOnly(TlsServer):
    """One that is reached by TLS only."""

    def _make(self) -> None:
        super()._make()
        self.configure(_SETTINGS.format(port=self.port, folder=self.folder), _WHO)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls(certificates: Certificates) -> Iterator[TlsOnly]:
    with TlsOnly(certificates) as server:
        yield server


async def _opened(url: str) -> int:
    async with open_postgres(PostgresAddress(url=url, owner="me")) as opened:
        claims = await opened.leases.claim("me", 1)
        await opened.leases.release("me", claims)
        return len(claims)


async def _refused(url: str) -> str:
    with pytest.raises(StoreError) as refused:
        await _opened(url)
    words = str(refused.value)
    del refused
    await asyncio.sleep(0)
    with warnings.catch_warnings():
        # asyncpg leaves the transport of a handshake that failed to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return words


async def test_a_server_that_proves_who_it_is(tls: TlsOnly, certificates: Certificates) -> None:
    assert await _opened(tls.by_tls(ANYBODY, f"sslmode=verify-full&sslrootcert={certificates.crt('ca')}")) == 1


async def test_a_client_that_proves_who_it_is(tls: TlsOnly, certificates: Certificates) -> None:
    believed = f"sslmode=verify-full&sslrootcert={certificates.crt('ca')}"
    own = f"&sslcert={certificates.crt('client')}&sslkey={certificates.key('client')}"
    assert await _opened(tls.by_tls(CERTIFIED, believed + own)) == 1
    words = await _refused(tls.by_tls(CERTIFIED, believed))
    assert "look at the user, at pg_hba.conf, at sslmode, sslcert and sslkey" in words
    assert "valid client certificate" in words


async def test_a_server_of_another_authority_is_not_believed(tls: TlsOnly, certificates: Certificates) -> None:
    other = certificates.crt("other")
    words = await _refused(tls.by_tls(ANYBODY, f"sslmode=verify-full&sslrootcert={other}"))
    shown = f"postgresql://guard@127.0.0.1:{tls.port}/postgres"
    assert words.startswith(f"{shown}: the server's certificate is not believed (")
    assert words.endswith(f"look at sslrootcert={other}")


async def test_a_server_of_another_name_is_not_believed(tls: TlsOnly, certificates: Certificates) -> None:
    options = f"sslmode=verify-full&sslrootcert={certificates.crt('ca')}"
    words = await _refused(tls.by_tls(ANYBODY, options, host="localhost"))
    assert "the server's certificate is for another name; say the host as it does" in words
    assert "localhost" in words


async def test_without_tls_nobody_is_let_in(tls: TlsOnly) -> None:
    assert "it does not let this user in" in await _refused(tls.by_tls(ANYBODY, "sslmode=disable"))


async def test_a_server_without_tls_is_not_spoken_to(certificates: Certificates) -> None:
    with Plain(certificates) as server:
        words = await _refused(server.by_tls(ANYBODY, f"sslmode=verify-full&sslrootcert={certificates.crt('ca')}"))
    assert "the server speaks no TLS, which sslmode asks for" in words


class Plain(TlsOnly):
    """The same without TLS."""

    def _make(self) -> None:
        super()._make()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = off\n")
        (self._data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")


@pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslkey"])
async def test_a_file_that_is_not_there_is_named_with_its_option(tmp_path: Path, option: str) -> None:
    missing = tmp_path / "missing.pem"
    words = await _refused(f"postgresql://guard@127.0.0.1:1/guard?sslmode=verify-full&{option}={missing}")
    assert f"127.0.0.1:1/guard: {option}={missing}: No such file or directory" in words


async def test_a_key_of_another_certificate_is_named(certificates: Certificates) -> None:
    mixed = f"sslcert={certificates.crt('client')}&sslkey={certificates.key('server')}"
    believed = f"sslrootcert={certificates.crt('ca')}"
    words = await _refused(f"postgresql://guard@127.0.0.1:1/guard?sslmode=verify-full&{believed}&{mixed}")
    assert "TLS fails (KEY_VALUES_MISMATCH)" in words
    assert f"sslkey={certificates.key('server')}" in words
