"""What the log is: where its servers are, who guard is there, and how the log is laid out over streams.

**Layout.** Partition `p` has the subject `<prefix>.in.<p>`, kept by the stream `<prefix>-in-<p modulo streams>`. One
stream for all would make one leader write everything; one for each would be 256 groups of replicas to keep in step.
The number of streams is fixed once they are made: a subject cannot be in two.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from guard.core.partitions import PARTITIONS

_SEED = "SU"
_OF_A_USER = "BEGIN NATS USER JWT"


class LogAddressError(ValueError):
    """The log cannot be reached as the configuration says; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """The log of one cluster; several may share a NATS under prefixes of their own."""

    servers: tuple[str, ...]
    """`nats://HOST:PORT` or `tls://HOST:PORT`, without user and password."""
    name: str = "guard"
    """Of this process, as the server shows it to its operator."""
    role: str = ""
    """What it is, `ingest` or `worker`: whose inboxes are its own."""
    prefix: str = "guard"
    streams: int = 8
    replicas: int = 3
    keep_ms: int = 3 * 86_400_000
    """For how long an entry stays, read or not."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    password_from: str = ""
    """Where the password is kept, for a sentence behind the word."""
    credentials: Path | None = None
    """A `.creds` file, where NATS' users are decentralised, or the seed of an NKey."""
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def tls(self) -> bool:
        """Whether all is encrypted."""
        return all(urlsplit(server).scheme == "tls" for server in self.servers)

    @property
    def inbox(self) -> str:
        """How subjects begin under which it is answered: so a user can be kept from hearing what others are told."""
        return f"_INBOX.{self.prefix}-{self.role}" if self.role else "_INBOX"

    @property
    def by_seed(self) -> bool:
        """Whether `credentials` is an NKey's seed alone; `LogAddressError` when it is neither that nor of a user."""
        if self.credentials is None:
            return False
        try:
            words = self.credentials.read_text().split()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise LogAddressError(f"log: {self.credentials} cannot be read ({reason})") from error
        if len(words) == 1 and words[0].startswith(_SEED):
            return True
        if _OF_A_USER in " ".join(words):
            return False
        raise LogAddressError(
            f"log: {self.credentials} has neither a user's credentials (nsc generate creds) nor the seed of an NKey"
        )

    def subject(self, part: int) -> str:
        """Of a partition's entries."""
        return f"{self.prefix}.in.{part}"

    def stream_of(self, part: int) -> str:
        """The stream that keeps a partition."""
        return f"{self.prefix}-in-{part % self.streams}"

    def stream_names(self) -> list[str]:
        """All of them."""
        return [f"{self.prefix}-in-{index}" for index in range(self.streams)]

    def subjects(self, index: int) -> list[str]:
        """Of the partitions that one stream keeps."""
        return [self.subject(part) for part in range(index, PARTITIONS, self.streams)]

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings (None without TLS); `LogAddressError` when a file cannot be used."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                # A key with a password would make guard ask at its terminal, at which nobody sits.
                context.load_cert_chain(self.certificate, self.key, password="")
        except OSError as error:  # ssl.SSLError is one too
            files = ", ".join(str(file) for file in (self.ca_file, self.certificate, self.key) if file is not None)
            reason = error.strerror or str(error)
            raise LogAddressError(
                f"log: {files} cannot be used ({reason}): give PEM files that guard can read"
            ) from error
        return context
