"""The shipped `nats.conf` as three real nodes: only addresses, folders and files are others, for this is one machine.

Passwords come from the environment, as in operation: `PASSWORDS` has to be there when it is started.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.nats import NatsCluster
from tests.nats.certificates import Certificates
from tests.shipped import CLUSTER, placed_here

NODES = 3
PASSWORDS = {f"NATS_{role}": f"pw-{role.lower()}" for role in ("INGEST", "WORKER", "SYSTEM")}


class ShippedCluster(NatsCluster):
    """Three of them."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        """Certificates stand for those of /etc/nats."""
        super().__init__(folder, nodes=NODES)
        self._certificates = certificates

    @property
    def urls(self) -> tuple[str, ...]:
        """Of all nodes."""
        return tuple(self.url(node).replace("nats://", "tls://") for node in range(self.nodes))

    def _configuration(self, node: int) -> str:
        ports, made = self._ports[node], self._certificates
        routes = ", ".join(f'"nats://127.0.0.1:{each["cluster"]}"' for each in self._ports)
        return placed_here(
            CLUSTER / "nats.conf",
            ("server_name: nats1", f"server_name: n{node}"),
            ("listen: 0.0.0.0:4222", f"listen: 127.0.0.1:{ports['client']}"),
            ("listen: 0.0.0.0:6222", f"listen: 127.0.0.1:{ports['cluster']}"),
            ("http: 127.0.0.1:8222", f"http: 127.0.0.1:{ports['http']}"),
            (
                'routes: ["nats://nats1.example:6222", "nats://nats2.example:6222", "nats://nats3.example:6222"]',
                f"routes: [{routes}]",
            ),
            ("/var/lib/nats", f"{self.folder}/d{node}"),
            ("/etc/nats/nats.crt", f'"{made.crt("server")}"'),
            ("/etc/nats/nats.key", f'"{made.key("server")}"'),
            ("/etc/nats/ca.crt", f'"{made.crt("ca")}"'),
        )
