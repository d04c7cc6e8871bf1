"""What real workers stand on: a database, a log and a broker, and what they say about it.

Unless a test brings rules of its own, those that guard ships watch and are recorded, and block nobody: the traffic of
these tests is short calls by the hundred, which is what robocalls are, and its accounts are counted against limits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.config.shipped import shipped
from tests.cluster.processes import WorkerProcess
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.integration.nats_namespaces import CutCluster
from tests.postgres.server import PostgresServer, name_of

LIMIT = 8
MICROS = 1_000_000


def watching_rules(folder: Path) -> str:
    """The shipped rules, in shadow, as a configuration names them."""
    folder.mkdir(parents=True)
    for file in shipped("rules").glob("*.toml"):
        (folder / file.name).write_text(file.read_text().replace('mode = "enforce"', 'mode = "shadow"'))
    return f'[rules]\ndir = "{folder}"\n'


@dataclass
class Ground:
    """All that workers stand on."""

    folder: Path
    server: PostgresServer
    database: str
    broker: Mosquitto
    nats: NatsCluster | CutCluster
    replicas: int = 1
    more: str = ""
    """What else each worker's configuration says."""

    def __post_init__(self) -> None:
        """Rules that only watch, if there are none."""
        if "[rules]" not in self.more:
            self.more += watching_rules(self.folder / "rules")

    def worker(self, name: str) -> WorkerProcess:
        """Started, not waited for."""
        return WorkerProcess(
            self.folder,
            name,
            f'[broker]\nurl = "{",".join(self.nats.urls)}"\n'
            f"[log]\nreplicas = {self.replicas}\nstreams = 4\n"
            f'[store]\nurl = "{self.database}"\n'
            '[http]\nlisten = "127.0.0.1:0"\n'
            f'[accounts]\ndefault_limit = "{LIMIT}"\n{self.more}',
        )

    def ask(self, question: str) -> list[list[str]]:
        """Rows of an answer of the database."""
        return [line.split("|") for line in self.server.execute(question, name_of(self.database)).splitlines()]

    def owed(self) -> dict[str, int]:
        """What each account owes."""
        return {account: int(owed) for account, owed in self.ask("SELECT id, owed_micros FROM account")}

    def ledger(self) -> dict[str, int]:
        """The sum of its ledger lines."""
        lines = self.ask("SELECT account, sum(amount_micros) FROM ledger GROUP BY account")
        return {account: int(owed) for account, owed in lines}

    def status(self, worker: WorkerProcess) -> dict[str, Any]:
        """What `guard cluster status` says."""
        asked = subprocess.run(
            [sys.executable, "-m", "guard", "cluster", "status", "--json", "--config", str(worker.config)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told: dict[str, Any] = json.loads(asked.stdout)
        assert asked.returncode == bool(told["without_owner"])
        return told
