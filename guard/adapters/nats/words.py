"""Why there is no connection, in words that name the key of the configuration and the file to look at.

What the libraries say is true and of no help to who has to mend it ("Authorization Violation", "Connection lost"); it
stands behind, for who wants to search for it. No secret is repeated.
"""

from __future__ import annotations

import errno
import ssl
from typing import Final

import nats.errors

from guard.adapters.nats.options import LogOptions

NO_TLS: Final = "the server offers no TLS, which [log] url wants (tls://): nothing is sent in the clear"
CUT: Final = "the server ends the connection without a word"
"""Said last, when there is something else to say."""
_ENDED: Final = frozenset({None, errno.ECONNRESET, errno.EPIPE})
"""As the end of a connection arrives, by chance: also after a word, such as that a login is refused."""
_EXPIRED: Final = 10
_OTHER_NAME: Final = frozenset({62, 64})
"""OpenSSL's codes: the certificate is of another host name, of another address."""
_OF_OURS: Final = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERT")
_NO_LOGIN: Final = ("authorization violation", "authentication")


def explained(error: Exception, options: LogOptions) -> str:
    """What is wrong, and what to do about it as far as that is known."""
    said = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{_not_believed(error, options)} ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"{_refused(said, options)} ({said})"
    if isinstance(error, ConnectionError) and error.errno in _ENDED:
        return CUT
    lowered = said.lower()
    if isinstance(error, nats.errors.AuthorizationError) or any(word in lowered for word in _NO_LOGIN):
        return f"NATS refuses the login: {_login(options)} ({said})"
    if "permissions violation" in lowered:
        return f"NATS does not allow {_who(options)} what it needs: docs/examples/cluster/nats.conf has that ({said})"
    return said


def _not_believed(error: ssl.SSLCertVerificationError, options: LogOptions) -> str:
    if not options.tls:
        return "the server wants TLS: [log] url = tls://..., with ca_file"
    if error.verify_code == _EXPIRED:
        return "the server's certificate has expired: renew cert_file of its configuration"
    if error.verify_code in _OTHER_NAME:
        return "the server's certificate is of another host: name the servers in [log] url as their certificates do"
    if options.ca_file is None:
        return "who signed the server's certificate is not known to this machine: name them in [log] ca_file"
    return f"who signed the server's certificate does not stand in [log] ca_file {options.ca_file}"


def _refused(said: str, options: LogOptions) -> str:
    if "CERTIFICATE_REQUIRED" in said:
        return "NATS wants a certificate of its clients: [log] certificate and key"
    if options.certificate is not None and any(word in said for word in _OF_OURS):
        return f"NATS does not accept [log] certificate {options.certificate}: its ca_file must have who signed that"
    return "no TLS with this server: look at its tls settings and at [log] ca_file, certificate and key"


def _login(options: LogOptions) -> str:
    if options.credentials is not None:
        return f"[log] credentials {options.credentials}"
    if options.user:
        return f"[log] user {options.user} with password{options.password_from}"
    return "it wants to know who this is, by [log] user and password_file, or credentials"


def _who(options: LogOptions) -> str:
    return f"[log] user {options.user}" if options.user else "this login"
