"""Certificates for a test, made by openssl: of a server, of a client, and such as must not be believed."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificates:
    """All of them in one folder, each as NAME.crt and NAME.key; `ca` has signed all but `other`."""

    def __init__(self, folder: Path) -> None:
        """Make them."""
        self.folder = folder
        for name in ("ca", "other"):
            self._openssl(
                "req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}"
            )
        self._sign("server", "IP:127.0.0.1")
        self._sign("client", "DNS:client")
        self._sign("elsewhere", "DNS:nats.example")
        self._sign("expired", "IP:127.0.0.1", days=-1)

    def crt(self, name: str) -> Path:
        """The certificate."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Its key."""
        return self.folder / f"{name}.key"

    def tls(self, name: str, more: str = "") -> str:
        """A server's section."""
        return f'tls {{ cert_file: "{self.crt(name)}", key_file: "{self.key(name)}" {more} }}'

    def wanting_clients(self, name: str = "server") -> str:
        """The same, and clients must have one too."""
        return self.tls(name, f', ca_file: "{self.crt("ca")}", verify: true')

    def _sign(self, name: str, for_: str, days: int = 2) -> None:
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={for_}\n")
        self._openssl("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True)
