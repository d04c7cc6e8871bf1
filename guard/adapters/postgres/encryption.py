"""TLS to the database, as far as guard has to say something about it: which option of the address, which file is wrong.

The driver does the rest, by libpq's options: `sslmode` (only `verify-full` proves who the server is), `sslrootcert`,
`sslcert` and `sslkey`. What it says of files that it cannot use names neither option nor file; this does.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

_OTHER_NAME = 62
_WRONG_ADDRESS = 64
"""OpenSSL's numbers for a certificate of another host, and of another address."""
_NO_TLS = "rejected SSL upgrade"


def unreadable(url: str) -> str:
    """Which file that the address names cannot be read; empty: all of them can."""
    if parse_qs(urlsplit(url).query).get("sslmode") == ["disable"]:
        return ""
    for option, file in _files(url).items():
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            return f"{option}={file}: {error.strerror}; let guard's user read it, or name another file"
    return ""


def wrong(error: BaseException, url: str) -> str:
    """What is wrong with TLS, in words; empty: it is something else."""
    files = _files(url)
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in {_OTHER_NAME, _WRONG_ADDRESS}:
            return f"the server's certificate is for another name; say the host as it does ({error.verify_message})"
        believed = f"sslrootcert={files['sslrootcert']}" if "sslrootcert" in files else "sslrootcert, which is not set"
        return f"the server's certificate is not believed ({error.verify_message}); look at {believed}"
    if isinstance(error, ssl.SSLError):
        named = ", ".join(f"{option}={file}" for option, file in files.items()) or "sslrootcert, sslcert and sslkey"
        return f"TLS fails ({error.reason or error}); look at {named}"
    if isinstance(error, ConnectionError) and _NO_TLS in str(error):
        return "the server speaks no TLS, which sslmode asks for; set ssl = on there"
    return ""


def _files(url: str) -> dict[str, Path]:
    """By option."""
    options = parse_qs(urlsplit(url).query)
    return {option: Path(options[option][-1]) for option in FILES if option in options}
