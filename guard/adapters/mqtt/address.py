"""Where the broker is: `mqtt://` and `mqtts://` addresses, parsed once at the edge.

    mqtt://[user[:password]@]host[:port]              port 1883, no encryption
    mqtts://[user[:password]@]host[:port][?ca=FILE]   port 8883, TLS; `ca` is a PEM file, default: the system's

A user, a password, `ca` and guard's own certificate may also come from beside the address (`guard.login`).
User and password are percent-decoded. Neither ever leaves this record except into the MQTT CONNECT packet: `repr`
leaves them out and every message here and elsewhere names the address by `redacted_url()`. Nothing here opens a
connection; `tls_context()` reads the certificate file, so that a wrong one is an error at the start.
"""

from __future__ import annotations

import difflib
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_OPTIONS = ("ca",)
_HIGHEST_PORT = 65_535


class BrokerAddressError(ValueError):
    """The address of the broker cannot be used; the text names it, redacted, and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """A parsed broker address; make one with `parse`."""

    host: str
    port: int
    tls: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate: str | None = None
    """PEM file with guard's own certificate and its chain, for a broker that asks for one."""
    key: str | None = None
    """PEM file with its key; None: in the same file."""

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """Read an address; `BrokerAddressError` names what is wrong with it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # The text of the ValueError may quote a piece of a password, so it is not passed on.
            raise _error(
                url,
                "host or port cannot be read: the port is a number from 1 to 65535, and / ? # @ : in a"
                " user name or password are percent-encoded",
            ) from None
        _check_shape(url, parts, port)
        options = _options(url, parts)
        tls = parts.scheme == "mqtts"
        if "ca" in options and not tls:
            raise _error(url, "?ca= needs TLS: write mqtts://")
        return cls(
            host=parts.hostname or "",
            port=port or DEFAULT_PORTS[parts.scheme],
            tls=tls,
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            ca_file=options.get("ca"),
        )

    def redacted_url(self) -> str:
        """The address for logs and errors: without user and password."""
        scheme = "mqtts" if self.tls else "mqtt"
        user = "" if self.username is None and self.password is None else "***@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        ca = "" if self.ca_file is None else f"?ca={quote(self.ca_file)}"
        return f"{scheme}://{user}{host}:{self.port}{ca}"

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings (None without TLS): the server's certificate and name are always checked.

        Reads the certificate file; `BrokerAddressError` when it cannot be used.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one too
            raise BrokerAddressError(
                f"broker url {self.redacted_url()}: the certificate file {self.ca_file!r} cannot be used"
                f" ({error.strerror or error}): give the PEM file of the authority that signed the"
                " broker's certificate"
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            self._show(context, self.certificate)
        context.sslsocket_class = _SocketClosedOnFailure
        return context

    def _show(self, context: ssl.SSLContext, certificate: str) -> None:
        """Have guard's own certificate at hand, should the broker ask for it."""
        try:
            # A key with a password would make guard ask at its terminal, at which nobody sits.
            context.load_cert_chain(certificate, self.key, password="")
        except OSError as error:
            files = certificate if self.key is None else f"{certificate} with {self.key}"
            reason = getattr(error, "reason", None) or error.strerror or "no PEM with a certificate and its key"
            raise BrokerAddressError(
                f"broker url {self.redacted_url()}: guard's certificate {files} cannot be used"
                f" ({reason.replace('_', ' ').lower()}): give the PEM files of the certificate and of its key, the"
                " latter without a password"
            ) from error


class _SocketClosedOnFailure(ssl.SSLSocket):
    """A TLS socket that does not outlive a failed handshake: paho drops it without closing it."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of ssl.SSLSocket
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _check_shape(url: str, parts: SplitResult, port: int | None) -> None:
    """Refuse what is no broker address, most basic first."""
    if parts.scheme not in DEFAULT_PORTS:
        raise _error(url, "it starts with mqtt:// or mqtts:// (TLS)")
    if not parts.hostname:
        raise _error(url, "it names no host: write mqtt://HOST or mqtt://HOST:PORT")
    if port == 0:
        raise _error(url, f"the port is a number from 1 to {_HIGHEST_PORT}")
    if parts.path not in ("", "/") or parts.fragment:
        raise _error(
            url,
            "nothing but ?ca= follows host and port (topics have their own setting, `prefix`; / ? # in a"
            " user name or password are percent-encoded)",
        )


def _options(url: str, parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key, value in options.items():
        if key not in _OPTIONS:
            near = difflib.get_close_matches(key, _OPTIONS, n=1, cutoff=0.0)[0]
            raise _error(url, f"unknown option {key!r}; the nearest known one is {near!r}")
        if not value:
            raise _error(url, f"option {key!r} is empty: give a file")
    return options


def _error(url: str, remedy: str) -> BrokerAddressError:
    # Greedy up to the last @: rather too much than a piece of a password.
    shown = re.sub(r"//.*@", "//***@", url, flags=re.DOTALL)
    return BrokerAddressError(f"broker url {shown!r} cannot be used: {remedy}")
