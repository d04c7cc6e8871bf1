"""One POST to a target that may be slow, wrong or hostile.

* An attempt as a whole has a limit in time: a target that sends a byte a second is a target that does not answer.
* 2xx is the only success. Redirects are not followed: a signed body goes where the operator said and nowhere else.
* Of the answer's body a little is read, only to use the connection again. It is never kept or logged.
* Certificates are checked against the system's store (`SSL_CERT_FILE` names another).
* A proxy of the environment is used, but not on the way to this very machine.

What went wrong is told in words of our own: a library's text may repeat an address, and an address may hold a secret.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from guard import __version__
from guard.adapters.webhook.sender import Sender
from guard.ports import Sent

SEND_WITHIN_S = 10.0
"""An attempt in all: name, connection, handshake, request, head of the answer."""
DRAIN_WITHIN_S = 1.0
DRAIN_BYTES = 16 * 1024
CONNECTIONS = 8
"""As many as a courier has attempts under way."""

_MOST_RETRY_AFTER_S = 86_400


class Poster:
    """Posts to one address."""

    def __init__(self, sender: Sender, url: str) -> None:
        self._sender = sender
        sender.enter()
        self._url = url
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=not _is_here(url),
            follow_redirects=False,
            timeout=SEND_WITHIN_S,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            headers={"User-Agent": f"guard/{__version__}", "Accept-Encoding": "identity"},
        )

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        """Try once."""
        return await self._sender.run(lambda: self._post(body, headers))

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        try:
            async with asyncio.timeout(SEND_WITHIN_S), self._request(body, headers) as answer:
                if answer.is_success:
                    await _drain(answer)
                    return Sent()
                return Sent(f"answered {answer.status_code}", _retry_after_ms(answer))
        except (TimeoutError, httpx.TimeoutException):
            return Sent(f"no answer within {SEND_WITHIN_S:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Sent(_words(error))
        except Exception as error:  # noqa: BLE001
            # boundary: whatever a library makes of a hostile answer ends this attempt and nothing else
            return Sent(f"failed: {type(error).__name__}")

    def _request(self, body: bytes, headers: Mapping[str, str]) -> AbstractAsyncContextManager[httpx.Response]:
        sent = {"Content-Type": "application/json", **headers}
        return self._client.stream("POST", self._url, content=body, headers=sent)

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.leave(self._client.aclose())


async def _drain(answer: httpx.Response) -> None:
    """Read what is left if it is little; the target has said yes, whatever comes now."""
    read = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(DRAIN_WITHIN_S):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > DRAIN_BYTES:
                    return


def _retry_after_ms(answer: httpx.Response) -> int:
    """What the target asks for in seconds; a date is not worth its parsing."""
    stated = answer.headers.get("retry-after", "")
    if not (stated.isascii() and stated.isdigit() and len(stated) <= len(str(_MOST_RETRY_AFTER_S))):
        return 0
    return min(int(stated), _MOST_RETRY_AFTER_S) * 1_000


def _words(error: Exception) -> str:
    """The cause in a few words, from its kind alone."""
    cause: BaseException | None = error
    while cause is not None:
        for kind, words in _CAUSES:
            if isinstance(cause, kind):
                return words
        cause = cause.__cause__ or cause.__context__
    return _KINDS.get(type(error), "the connection failed")


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "no TLS connection could be made"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionResetError, "the connection was reset"),
)
_KINDS: Mapping[type[Exception], str] = {
    httpx.ConnectError: "no connection could be made",
    httpx.RemoteProtocolError: "what it answered is not HTTP",
    httpx.InvalidURL: "its address is no web address",
    httpx.UnsupportedProtocol: "its address is no web address",
    httpx.ProxyError: "the proxy refused",
}


def _is_here(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
