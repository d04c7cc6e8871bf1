"""TLS and logins of the log: what is right gets through, and what is wrong is said by the key and the file to mend."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import nkeys
import pytest

from guard.adapters.nats import LogAddressError, LogOptions, open_cluster_log
from guard.ports.cluster import Position
from tests.integration.nats import NatsCluster
from tests.nats.certificates import Certificates
from tests.nats.fakes import until
from tests.nats.logins import Operator, Signer

pytestmark = pytest.mark.nats

TOPIC = "guard/v1/sw1/calls"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def options(servers: NatsCluster, *, tls: bool, **more: object) -> LogOptions:
    scheme = "tls" if tls else "nats"
    urls = tuple(url.replace("nats://", f"{scheme}://") for url in servers.urls)
    return LogOptions(servers=urls, streams=2, replicas=1, **more)  # type: ignore[arg-type]  # of a test


async def carries(servers: NatsCluster, *, tls: bool = False, **more: object) -> None:
    """An entry gets in and out."""
    async with open_cluster_log(options(servers, tls=tls, **more), now_ms) as cluster:
        await until(lambda: not cluster.missing())
        assert await cluster.log.append(3, [(TOPIC, b"1")])
        async with cluster.log.read(3, Position()) as reader:
            await until(lambda: bool(reader.drain(1)))


async def missing(servers: NatsCluster, *, tls: bool = False, **more: object) -> str:
    """What readiness says once something has gone wrong."""
    async with open_cluster_log(options(servers, tls=tls, **more), now_ms) as cluster:
        await until(lambda: "not connected to NATS: " in cluster.missing())
        assert not cluster.connected
        return cluster.missing()


async def test_messages_pass_through_an_encrypted_connection(tmp_path: Path, made: Certificates) -> None:
    with NatsCluster(tmp_path, extra=made.tls("server")) as servers:
        await carries(servers, tls=True, ca_file=made.crt("ca"))
        assert (
            f"who signed the server's certificate does not stand in [log] ca_file {made.crt('other')}"
            in await missing(servers, tls=True, ca_file=made.crt("other"))
        )
        assert "name them in [log] ca_file" in await missing(servers, tls=True)
        assert "[log] url = tls://" in await missing(servers, tls=False)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("expired", "the server's certificate has expired: renew cert_file"),
        ("elsewhere", "the server's certificate is of another host: name the servers in [log] url as"),
    ],
)
async def test_a_certificate_that_is_not_good_is_named(
    server: str, words: str, tmp_path: Path, made: Certificates
) -> None:
    with NatsCluster(tmp_path, extra=made.tls(server)) as servers:
        assert words in await missing(servers, tls=True, ca_file=made.crt("ca"))


async def test_a_server_may_want_a_certificate_of_its_clients(tmp_path: Path, made: Certificates) -> None:
    ca = made.crt("ca")
    with NatsCluster(tmp_path, extra=made.wanting_clients()) as servers:
        await carries(servers, tls=True, ca_file=ca, certificate=made.crt("client"), key=made.key("client"))
        assert "[log] certificate and key" in await missing(servers, tls=True, ca_file=ca)
        refused = await missing(servers, tls=True, ca_file=ca, certificate=made.crt("other"), key=made.key("other"))
        assert f"NATS does not accept [log] certificate {made.crt('other')}" in refused


async def test_a_server_in_the_clear_gets_no_password_when_tls_was_wanted(tmp_path: Path, made: Certificates) -> None:
    """Whoever answers in a server's place would say that it has no TLS."""
    users = "authorization { users: [{ user: u, password: secret }] }"
    with NatsCluster(tmp_path, extra=users) as servers:
        told = await missing(servers, tls=True, ca_file=made.crt("ca"), user="u", password="secret")  # noqa: S106
        assert "the server offers no TLS, which [log] url wants" in told
        assert not servers.ask(0, "connz?auth=true&state=any")["connections"][-1].get("authorized_user")
        await carries(servers, user="u", password="secret")  # noqa: S106


async def test_a_login_that_is_refused_is_told_by_its_key(tmp_path: Path) -> None:
    with NatsCluster(tmp_path, extra="authorization { users: [{ user: u, password: secret }] }") as servers:
        told = await missing(servers, user="u", password="sesame", password_from="_file /etc/guard/nats")  # noqa: S106
        assert "[log] user u with password_file /etc/guard/nats" in told
        assert "sesame" not in told
        assert "by [log] user and password_file, or credentials" in await missing(servers)


async def test_the_seed_of_an_nkey_is_a_login(tmp_path: Path) -> None:
    known, unknown = Signer(nkeys.PREFIX_BYTE_USER), Signer(nkeys.PREFIX_BYTE_USER)
    good, other = tmp_path / "known.nk", tmp_path / "unknown.nk"
    good.write_bytes(known.seed + b"\n")
    other.write_bytes(unknown.seed)
    with NatsCluster(tmp_path / "nats", extra=f"authorization {{ users: [{{ nkey: {known.public} }}] }}") as servers:
        await carries(servers, credentials=good)
        assert f"NATS refuses the login: [log] credentials {other}" in await missing(servers, credentials=other)


async def test_credentials_of_a_decentralised_user_are_a_login(tmp_path: Path) -> None:
    operator = Operator()
    good = operator.credentials(tmp_path / "good.creds")
    forged = operator.credentials(tmp_path / "forged.creds", Signer(nkeys.PREFIX_BYTE_ACCOUNT))
    with NatsCluster(tmp_path / "nats", extra=operator.configuration) as servers:
        await carries(servers, credentials=good)
        assert f"NATS refuses the login: [log] credentials {forged}" in await missing(servers, credentials=forged)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda _file: None, "cannot be read (No such file"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "cannot be read (it is no text"),
        (lambda file: file.write_text("password"), "has neither a user's credentials"),
    ],
)
def test_a_file_that_is_no_login_is_named(write: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    file = tmp_path / "login"
    write(file)
    with pytest.raises(LogAddressError) as caught:
        _ = LogOptions(servers=("nats://a",), credentials=file).by_seed
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
