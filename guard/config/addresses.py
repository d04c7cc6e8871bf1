"""Readers of addresses and names: broker, HTTP side, web hooks, topic prefix, switches.

An address of a broker or a web hook may hold a password, so no message about one repeats it.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from guard.config.problems import RejectedError
from guard.config.sections import BrokerScheme, BrokerSection, Listen
from guard.config.values import text

_TOPIC_FORBIDDEN = re.compile(r"[+#\x00-\x1f\x7f-\x9f]")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAX_PORT = 65_535
_MAX_PREFIX_BYTES = 128
MAX_SWITCH = 64
"""Characters of a switch's name: as many as a topic may have there (`guard.wire.topics`)."""
_BROKER = '"embedded", mqtt://HOST[:PORT] or mqtts://HOST[:PORT]'
_LISTEN = 'HOST:PORT such as "127.0.0.1:8080" or "[::1]:8080"'


def topic_prefix(value: object) -> str:
    """The topic under which everything of guard lives."""
    prefix = text(value)
    accepted = 'topic levels joined by /, such as "guard/v1", without + and #'
    if _TOPIC_FORBIDDEN.search(prefix) or prefix.startswith("$") or "" in prefix.split("/"):
        raise RejectedError(f'"{prefix}" cannot be a topic prefix', accepted)
    if len(prefix.encode()) > _MAX_PREFIX_BYTES:
        raise RejectedError("is too long", f"at most {_MAX_PREFIX_BYTES} bytes")
    return prefix


def switch_name(name: str) -> None:
    """Reject what is not exactly one level of a topic."""
    if not name or "/" in name or _TOPIC_FORBIDDEN.search(name) or len(name) > MAX_SWITCH or _has_half_pairs(name):
        accepted = f"one topic level of 1 to {MAX_SWITCH} characters without /, +, # and controls"
        raise RejectedError("a switch cannot have this name", accepted)


def _has_half_pairs(name: str) -> bool:
    """Whether it holds what UTF-8 cannot express: half of a surrogate pair, as an escape in JSON can."""
    return not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name)


def listen(value: object) -> Listen:
    """The address of the HTTP side."""
    address = text(value)
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not (host and colon and _PORT.fullmatch(port) and int(port) <= _MAX_PORT):
        raise RejectedError(f'"{address}" is not an address', _LISTEN)
    return Listen(host=host, port=int(port))


def broker(value: object, prefix: str, base: Path) -> BrokerSection:
    """The broker's address."""
    url = text(value)
    if url.startswith(("nats://", "tls://")):
        return BrokerSection(url=url, scheme=BrokerScheme.NATS, host=log_servers(url)[0], port=0, prefix=prefix)
    try:
        parts = urlsplit("embedded://127.0.0.1" if url == "embedded" else url)
        scheme = BrokerScheme(parts.scheme)
        port = scheme.default_port if parts.port is None else parts.port
    except ValueError:
        raise RejectedError("is not the address of a broker", _BROKER) from None
    if not parts.hostname or port == 0 or parts.path.strip("/") or parts.fragment:
        raise RejectedError("is not the address of a broker", _BROKER)
    if scheme is BrokerScheme.EMBEDDED and not (is_loopback(parts.hostname) and parts.username is None):
        accepted = '"embedded" or embedded://127.0.0.1:PORT'
        raise RejectedError("the embedded broker knows no passwords, so it stays local", accepted)
    return BrokerSection(
        url=_with_certificate(parts, scheme, base) if parts.query else url,
        scheme=scheme,
        host=parts.hostname,
        port=port,
        prefix=prefix,
    )


def log_servers(value: object) -> tuple[str, ...]:
    """The addresses of a cluster's NATS servers, all in the clear or all by TLS."""
    servers = tuple(each.strip() for each in text(value).split(","))
    accepted = "nats://HOST[:PORT] or tls://HOST[:PORT], several with commas between them"
    for server in servers:
        try:
            parts = urlsplit(server)
            good = bool(parts.hostname) and parts.port != 0 and parts.scheme in {"nats", "tls"}
        except ValueError:
            raise RejectedError("is not the address of NATS servers", accepted) from None
        if parts.username is not None or parts.password is not None:
            raise RejectedError("has a user or a password in it", "[log] user and password_file, or credentials")
        if not good or parts.path.strip("/") or parts.query or parts.fragment:
            raise RejectedError("is not the address of NATS servers", accepted)
    if len({urlsplit(server).scheme for server in servers}) > 1:
        raise RejectedError("has servers with TLS beside some without", accepted)
    return servers


def _with_certificate(parts: SplitResult, scheme: BrokerScheme, base: Path) -> str:
    """The address with its `?ca=FILE` relative to the configuration's file, as all paths in it are."""
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if scheme is not BrokerScheme.MQTTS or options.keys() != {"ca"} or not options["ca"]:
        raise RejectedError("has options that no broker has", "mqtts://HOST[:PORT]?ca=FILE")
    return parts._replace(query="ca=" + quote(str(base / options["ca"]))).geturl()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; of names, only `localhost` counts as such."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def web_url(value: object) -> str:
    """An address to which webhooks are posted."""
    url = text(value)
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise RejectedError("is not a web address", "https://HOST/PATH")
    return url
