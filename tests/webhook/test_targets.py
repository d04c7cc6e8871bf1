"""One attempt at a real server that is right, slow, wrong or hostile: it ends, in time, and says what was wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from guard.adapters.apprise import Apprise, AppriseError
from guard.adapters.webhook import Alertmanager, PagerDuty, SecretError, Sender, Signed, client, signing_key_remark
from guard.core.decisions import Action
from guard.core.events import Event
from guard.ports import Sent
from guard.wire.webhooks import encode_event
from tests.webhook.fakes import START_MS, decision
from tests.webhook.receiver import SECRET, Receiver

EVENT = Event(number=1, told=decision(1))
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that says what it likes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    finally:
        server.close()


async def told(url: str, at_ms: int = START_MS) -> Sent:
    target = Signed(Sender(), url, [SECRET])
    try:
        return await target.send(EVENT, at_ms)
    finally:
        await target.close()


async def request_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


# -- what is right


async def test_a_delivery_is_verified_by_the_library_of_the_standard() -> None:
    with Receiver() as receiver:
        assert await told(receiver.url, _now_ms()) == Sent()
        [hook] = receiver.hooks
        assert hook.verified
        assert hook.id == EVENT.id
        assert hook.headers["content-type"] == "application/json"
        assert hook.body["data"]["id"] == EVENT.id


async def test_the_signature_is_that_of_the_standard_and_made_anew_for_each_attempt() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    with Receiver() as receiver:
        for at_ms in (START_MS, START_MS + 5_000):
            await told(receiver.url, at_ms)
        for hook, at_s in zip(receiver.hooks, (START_MS // 1_000, START_MS // 1_000 + 5), strict=True):
            signed = b".".join((EVENT.id.encode(), str(at_s).encode(), encode_event(EVENT)))
            expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
            assert hook.headers["webhook-signature"] == f"v1,{expected}"
            assert hook.headers["webhook-timestamp"] == str(at_s)
    assert {hook.id for hook in receiver.hooks} == {EVENT.id}


async def test_with_two_secrets_either_verifies() -> None:
    other = "whsec_" + base64.b64encode(b"another secret of 24 bytes").decode()
    for secret in (SECRET, other):
        with Receiver(secret=secret) as receiver:
            target = Signed(Sender(), receiver.url, [SECRET, other])
            await target.send(EVENT, _now_ms())
            await target.close()
            assert receiver.hooks[0].verified


async def test_alertmanager_and_pagerduty_are_told_in_their_own_words() -> None:
    sender = Sender()
    with Receiver() as receiver:
        alertmanager = Alertmanager(sender, f"http://127.0.0.1:{receiver.port}/am/", "t0ken")
        pagerduty = PagerDuty(sender, receiver.url, "r0uting")
        for target in (alertmanager, pagerduty):
            assert await target.send(EVENT, START_MS) == Sent()
            await target.close()
        alerts, event = receiver.hooks
        assert (alerts.path, alerts.headers["authorization"]) == ("/am/api/v2/alerts", "Bearer t0ken")
        assert alerts.body[0]["labels"]["alertname"] == "guard_block"
        assert (event.path, event.body["routing_key"], event.body["event_action"]) == ("/hook", "r0uting", "trigger")


# -- what is wrong


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 500, 503])
async def test_only_2xx_is_a_success(status: int) -> None:
    with Receiver(status=status) as receiver:
        assert await told(receiver.url) == Sent(f"answered {status}")


async def test_a_redirect_is_not_followed() -> None:
    with Receiver() as other, Receiver(status=307, answer_headers={"location": other.url}) as receiver:
        assert await told(receiver.url) == Sent("answered 307")
        assert not other.hooks


@pytest.mark.parametrize(("stated", "ms"), [("120", 120_000), ("999999999999", 0), ("Wed, 21 Oct", 0), ("-5", 0)])
async def test_how_long_a_target_asks_to_be_left_alone(stated: str, ms: int) -> None:
    with Receiver(status=429, answer_headers={"retry-after": stated}) as receiver:
        assert await told(receiver.url) == Sent("answered 429", ms)


async def test_a_refused_connection() -> None:
    async with talking(lambda _reader, _writer: asyncio.sleep(0)) as url:
        pass
    assert await told(url) == Sent("the connection was refused")


async def test_a_name_that_is_none() -> None:
    assert (await told("http://guard.invalid/hook")).error == "no connection could be made"


async def test_an_answer_that_is_no_http() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"\xff\xfe 220 smtp.example ESMTP\r\n\r\n")
        await writer.drain()

    async with talking(talk) as url:
        assert await told(url) == Sent("what it answered is not HTTP")


async def test_a_connection_that_is_cut() -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await request_head(reader)

    async with talking(talk) as url:
        assert (await told(url)).error in {"what it answered is not HTTP", "the connection was reset"}


async def test_headers_without_end() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 8_000 + b"\r\n")
            await writer.drain()

    async with talking(talk) as url:
        assert (await told(url)).error == "what it answered is not HTTP"


@pytest.mark.parametrize("status", ["200 OK", "500 No"])
async def test_of_a_body_without_end_only_a_little_is_read(status: str) -> None:
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_head(reader)
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 1000000000000\r\n\r\n".encode())
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with talking(talk) as url:
        assert await told(url) == (Sent() if status == "200 OK" else Sent("answered 500"))
    assert sent < 50_000_000


async def _says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("talk", [_says_nothing, _drips])
async def test_an_attempt_as_a_whole_has_a_limit(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte at a time never lets a time-out between two bytes expire."""
    monkeypatch.setattr(client, "SEND_WITHIN_S", 0.2)
    async with talking(talk) as url, asyncio.timeout(5):
        assert (await told(url)).error.startswith("no answer within")


async def test_a_success_whose_body_drips_is_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DRAIN_WITHIN_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n".replace(b"204", b"202"))
        await writer.drain()
        await reader.read()

    async with talking(talk) as url, asyncio.timeout(5):
        assert await told(url) == Sent()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For 127.0.0.1, signed by itself; with its key."""
    file = tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(file), "-out", f"{tmp_path}/public.pem", "-days", "2"),
            *("-subj", "/CN=ours", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + (tmp_path / "public.pem").read_text())
    return file


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that the system's store vouches for is."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with talking(talk, tls) as url:
        assert await told(url) == Sent("its certificate is not trusted")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await told(url) == Sent()


# -- secrets


@pytest.mark.parametrize("secret", ["whsec_not base64!", "pass-word", "whsec_c2Vj*cmV0"])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SecretError) as refusal:
        Signed(Sender(), "http://h/", [secret])
    assert secret.removeprefix("whsec_") not in str(refusal.value)


def test_an_empty_secret_is_none() -> None:
    with pytest.raises(SecretError):
        Signed(Sender(), "http://h/", ["whsec_"])


def test_a_weak_secret_and_none_are_remarked_upon() -> None:
    assert "weak" in signing_key_remark(["whsec_c2VjcmV0"])
    assert "not signed" in signing_key_remark([])
    assert signing_key_remark([SECRET]) == ""


async def test_no_picture_and_no_error_shows_a_secret() -> None:
    url = "http://user:xyzzy@127.0.0.1:1/plugh"
    sender = Sender()
    for each in (Signed(sender, url, [SECRET]), Alertmanager(sender, url, "t0ken"), PagerDuty(sender, url, "r0uting")):
        shown = f"{each!r} {await each.send(EVENT, START_MS)}"
        for secret in ("xyzzy", "plugh", "MfKQ", "t0ken", "r0uting"):
            assert secret not in shown
        await each.close()


# -- apprise


class _FakeApprise(ModuleType):
    """As much of the library as guard uses; it need not be installed."""

    def __init__(self) -> None:
        super().__init__("apprise")
        self.notified: list[dict[str, Any]] = []
        self.taken = True
        library = self

        class Sender:
            def add(self, url: str) -> bool:
                return url.startswith("json://")

            def notify(self, **said: Any) -> bool:
                library.notified.append(said)
                return library.taken

        self.Apprise = Sender


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> _FakeApprise:
    fake = _FakeApprise()
    monkeypatch.setitem(sys.modules, "apprise", fake)
    return fake


async def test_apprise_is_told_in_a_title_and_a_sentence(library: _FakeApprise) -> None:
    target = Apprise("json://127.0.0.1/")
    assert await target.send(EVENT, START_MS) == Sent()
    over = Event(number=2, told=decision(2, action=Action.UNBLOCK))
    await target.send(over, START_MS)
    await target.close()
    first, last = library.notified
    assert first == {
        "title": "guard: block A1",
        "body": "Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.\n2026-11-22T03:12:45.121Z",
        "notify_type": "failure",
    }
    assert last["notify_type"] == "success"


async def test_apprise_that_is_refused_is_a_failure(library: _FakeApprise) -> None:
    library.taken = False
    target = Apprise("json://127.0.0.1/")
    assert "apprise -vv" in (await target.send(EVENT, START_MS)).error
    await target.close()


def test_an_address_that_apprise_does_not_know(library: _FakeApprise) -> None:
    with pytest.raises(AppriseError) as refusal:
        Apprise("slakc://xyzzy")
    assert "xyzzy" not in str(refusal.value)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_the_body_is_the_same_at_every_attempt() -> None:
    assert encode_event(EVENT) == encode_event(Event(number=1, told=decision(1)))
    assert json.loads(encode_event(EVENT))["type"] == "block"
