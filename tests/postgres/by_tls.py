"""A real PostgreSQL that is reached on a port, with certificates of its own."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from tests.nats.certificates import Certificates
from tests.postgres.server import PostgresServer, ordinary_user


class TlsServer(PostgresServer):
    """Its certificates are in its folder; what it makes of them is for whoever makes it to say."""

    def __init__(self, certificates: Certificates, *, fsync: bool = False) -> None:
        super().__init__(fsync=fsync)
        self.certificates = certificates
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def by_tls(self, database: str, options: str, *, host: str = "127.0.0.1", user: str = "guard") -> str:
        """Its address, with options that say what is believed."""
        return f"postgresql://{user}@{host}:{self.port}/{database}?{options}"

    def configure(self, settings: str, who: str) -> None:
        """More settings, and who gets in."""
        for file in ("server.crt", "server.key", "ca.crt"):
            copy = Path(shutil.copy(self.certificates.folder / file, self.folder))
            copy.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(copy, ordinary_user().pw_uid, ordinary_user().pw_gid)
        with (self._data / "postgresql.conf").open("a") as main:
            main.write(settings)
        (self._data / "pg_hba.conf").write_text(who)
