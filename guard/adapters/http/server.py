"""Serves the application with uvicorn in the daemon's own loop.

uvicorn is made for owning the process; here it is a guest. It gets a socket that is bound already (so that a port
which is taken is an error with a name, before anything else starts), installs no signal handlers, reads no forwarding
headers, logs no requests, and stops within a time limit, cutting off whoever is still being answered by then.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

MAX_CONNECTIONS = 512
"""Of people, scripts and scrapers together; what exceeds it gets 503. Each costs a few KiB."""
STOP_WITHIN_S = 5
"""How long requests may take to finish once the daemon stops: below what all of its teardown may take."""
KEEP_ALIVE_S = 30
"""Longer than the usual scrape interval, so that a scraper keeps its connection."""
_CANCEL_WITHIN_S = 2.0


class AddressError(Exception):
    """guard cannot listen where it is told to; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What shows that this server is who it says it is: PEM files."""

    chain: Path
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Ready to use; `AddressError` says which file is wrong."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # A key with a password would make guard ask at its terminal, at which nobody sits.
            context.load_cert_chain(self.chain, self.key, password="")
        except ssl.SSLError as error:
            files = f"{self.chain} and {self.key}" if self.key else str(self.chain)
            reason = error.reason or "no PEM with a certificate and its key"
            raise AddressError(
                f"http.certificate: {files} cannot be used: {reason.replace('_', ' ').lower()}"
            ) from None
        except OSError as error:
            named = [path for path in (self.chain, self.key) if path is not None and not path.is_file()]
            raise AddressError(f"http.certificate: {(named or [self.chain])[0]}: {error.strerror}") from None
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the application is served."""

    host: str
    port: int
    encrypted: bool = False

    @property
    def url(self) -> str:
        """What to point a browser at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.encrypted else 'http'}://{host}:{self.port}"


class _Guest(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: the daemon has its own handlers, and stops the server as one of its steps."""
        yield


@asynccontextmanager
async def serve(
    app: ASGIApp, host: str, port: int, *, certificate: Certificate | None = None, stop_within_s: int = STOP_WITHIN_S
) -> AsyncIterator[Listening]:
    """Serve while the block runs; port 0 takes any free one. `AddressError` when the address cannot be had.

    With a certificate it speaks TLS 1.2 or later and nothing else.

    A server that fails while the block runs cancels the block and raises an `ExceptionGroup` from here; an error of
    the block itself comes out as it is.
    """
    context = None if certificate is None else certificate.context()
    listener = bind(host, port)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=stop_within_s,
    )
    config.load()
    # In place of uvicorn's own, whose settings are older than this year's.
    config.ssl = context
    server = _Guest(config)
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]), name="http")
            try:
                # No need to wait: the socket listens already, and who connects now is served in a moment.
                yield Listening(host=host, port=listener.getsockname()[1], encrypted=context is not None)
            except Exception as error:  # noqa: BLE001 - boundary: the group would wrap what is not its own
                failure = error
            finally:
                server.should_exit = True
                await asyncio.wait({serving}, timeout=stop_within_s + _CANCEL_WITHIN_S)
                serving.cancel()
    finally:
        listener.close()
    if failure is not None:
        raise failure


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address; `AddressError` says what is in the way."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:  # the latter of a name that no name of a machine can be
        reason = getattr(error, "strerror", None) or "it cannot be looked up"
        raise AddressError(f"http.listen: {host} is no address of this machine: {reason}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        listener.setblocking(False)  # noqa: FBT003  (the standard library's own signature)
    except OSError as error:
        listener.close()
        raise AddressError(f"http.listen: {host}:{port}: {_reason(error)}") from None
    return listener


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is taken by another process; stop it or choose another port"
        case errno.EACCES:
            return "this user may not listen there; ports below 1024 need CAP_NET_BIND_SERVICE"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
        case _:
            return error.strerror or str(error)
