"""The shipped `postgresql.conf` and `pg_hba.conf` on a real server: only places are others, for this is one machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.core.partitions import PARTITIONS
from guard.ports import StoreError
from tests.nats.certificates import Certificates
from tests.postgres.by_tls import TlsServer
from tests.shipped import CLUSTER, placed_here

pytestmark = pytest.mark.postgres

WORD = "pw-guard"
SMALL = "\nshared_buffers = 64MB\nmax_wal_size = 256MB\n"
"""What this machine has room for."""


class ShippedServer(TlsServer):
    """One that is set up as the files say."""

    def address(self, *, user: str = "guard", database: str = "guard", sslmode: str = "verify-full") -> str:
        believed = "" if sslmode == "disable" else f"&sslrootcert={self.certificates.crt('ca')}"
        return self.by_tls(database, f"sslmode={sslmode}{believed}", user=user)

    def _make(self) -> None:
        super()._make()
        self.start()
        self.execute(f"SET password_encryption = 'scram-sha-256'; ALTER ROLE guard PASSWORD '{WORD}'")
        self.execute(f"CREATE ROLE other LOGIN PASSWORD '{WORD}'")
        self.execute("CREATE DATABASE guard OWNER guard ENCODING 'UTF8' TEMPLATE template0")
        self.kill()
        settings = placed_here(
            CLUSTER / "postgresql.conf",
            ("listen_addresses = '*'", f"listen_addresses = '127.0.0.1'\nport = {self.port}"),
            ("/etc/postgresql/guard", str(self.folder)),
        )
        who = placed_here(
            CLUSTER / "pg_hba.conf",
            ("10.0.0.0/8", "127.0.0.1/32"),
            ("all           postgres                   peer", "all all trust"),
        )
        self.configure(f"{settings}{SMALL}", who)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedServer]:
    with ShippedServer(Certificates(tmp_path_factory.mktemp("certificates"))) as server:
        yield server


async def _claimed(url: str, password: str = WORD) -> int:
    async with open_postgres(PostgresAddress(url=url, password=password, owner="w1"), parts=PARTITIONS) as opened:
        claims = await opened.leases.claim("w1", PARTITIONS)
        await opened.leases.release("w1", claims)
        return len(claims)


async def test_a_worker_gets_in_by_tls_with_its_password(server: ShippedServer) -> None:
    assert await _claimed(server.address()) == PARTITIONS
    connection = await PostgresAddress(url=server.address(), password=WORD).connect()
    shown = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
    await connection.close()
    assert shown == ["on", "on", "on"]


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ({}, "another"),
        ({"sslmode": "disable"}, WORD),
        ({"user": "other"}, WORD),
        ({"database": "postgres"}, WORD),
    ],
    ids=["another password", "no TLS", "another user", "another database"],
)
async def test_nobody_else_does(server: ShippedServer, url: dict[str, str], password: str) -> None:
    with pytest.raises(StoreError):
        await _claimed(server.address(**url), password)
