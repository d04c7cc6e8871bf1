"""A whole cluster of real processes, of which any part may be struck; and the verdict on what came of it.

    with open_rig(tmp_path, nodes=3) as rig:
        rig.join(), rig.join()
        rig.settle()                  # all partitions are held, and every worker is ready
        with rig.traffic(seed=1) as traffic:
            rig.nats.kill(0)
            ...
            rig.settle()
        rig.verdict(traffic)          # to the micro-unit, by a count that shares no code with guard

The database notes who commits what (`tests.cluster.audit`), from before the first worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path

from guard.core.partitions import PARTITIONS
from tests.cluster.audit import Audit
from tests.cluster.biller import EVERY_S, Biller
from tests.cluster.ground import LIMIT, MICROS, Ground
from tests.cluster.mqtt_switch import MqttSwitch
from tests.cluster.processes import WorkerProcess, wait_until
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.nats.ingests import IngestProcess
from tests.postgres.server import PostgresServer


@dataclass(frozen=True)
class Traffic:
    """What a switch and billing say while the block runs, and what it comes to."""

    switch: MqttSwitch
    biller: Biller
    rated: bool
    """Calls grow while nothing is heard of them."""

    def stop(self) -> None:
        """Everybody hangs up, and all that was said has reached the broker."""
        self.biller.stop()
        self.switch.stop()

    @property
    def owed(self) -> dict[str, int]:
        """By account, once it has stopped."""
        return dict(Counter(self.switch.owed) + Counter(self.biller.owed))


@dataclass
class Rig:
    """All of it; workers come and go."""

    ground: Ground
    ingests: list[IngestProcess]
    audit: Audit
    stack: ExitStack
    workers: list[WorkerProcess] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    """Names of workers that are frozen or cut off: they count for nothing."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def server(self) -> PostgresServer:
        """The database's."""
        return self.ground.server

    @property
    def nats(self) -> NatsCluster:
        """The log's, where it has no networks of its own."""
        assert isinstance(self.ground.nats, NatsCluster)
        return self.ground.nats

    # -- workers

    @property
    def living(self) -> list[WorkerProcess]:
        """Workers that run and are not away."""
        return [worker for worker in self.workers if worker.alive and worker.name not in self.away]

    def join(self) -> WorkerProcess:
        """One more; started, not waited for."""
        worker = self.stack.enter_context(self.ground.worker(f"w{next(self._numbers)}"))
        self.workers.append(worker)
        return worker

    def freeze(self, worker: WorkerProcess) -> None:
        """SIGSTOP."""
        self.away.add(worker.name)
        worker.freeze()

    def thaw(self, worker: WorkerProcess) -> None:
        """It wakes up and finds that it holds nothing any more."""
        worker.thaw()
        self.away.discard(worker.name)

    # -- how it stands

    def is_whole(self) -> bool:
        """All partitions are held by those that live, and each of them says that it is ready."""
        living = self.living
        if not all(worker.events("listening") for worker in living):
            return False
        try:
            return sum(worker.held() for worker in living) == PARTITIONS and all(
                worker.held() and worker.get("/-/ready")[0] == HTTPStatus.OK for worker in living
            )
        except OSError:
            return False

    def settle(self, after: str) -> float:
        """Wait until it is whole; how many seconds that took."""
        return wait_until(self.is_whole, f"whole again after: {after}")

    # -- traffic, and what came of it

    @contextmanager
    def traffic(
        self,
        *,
        seed: int,
        accounts: int = 150,
        calls_a_round: int = 8,
        rated: bool = True,
        fee_every_s: float = EVERY_S,
    ) -> Iterator[Traffic]:
        """A switch that calls and obeys, and billing with its fees."""
        port = self.ground.broker.port
        with (
            MqttSwitch(port, "sw1", seed=seed, accounts=accounts, calls_a_round=calls_a_round, rated=rated) as switch,
            Biller(port, seed=seed, accounts=accounts, every_s=fee_every_s) as biller,
        ):
            yield Traffic(switch, biller, rated)

    def verdict(self, traffic: Traffic) -> None:
        """Wait until all is read; then everything must be as the switch and billing have counted it on their own."""
        traffic.stop()
        ground, switch = self.ground, traffic.switch
        if traffic.rated:
            wait_until(lambda: ground.owed() == traffic.owed, "all that was said is posted")
            traffic.biller.settle(self._left_open(traffic.owed))
        owed = traffic.owed
        over = {account for account, micros in owed.items() if micros >= LIMIT * MICROS}
        assert over, "the traffic brings some over the limit"
        assert over != set(owed), "and not all"
        wait_until(lambda: ground.owed() == owed, "every account owes what its calls and fees cost")
        assert ground.ledger() == owed
        try:
            wait_until(lambda: switch.blocked() == over, "the switch blocks whoever is over the limit, and nobody else")
        except AssertionError as error:
            error.add_note(self._wrongly({account: owed[account] for account in switch.blocked() ^ over}))
            raise
        assert over <= switch.commanded
        wait_until(lambda: ground.ask("SELECT count(*) FROM pending") == [["0"]], "every command is acknowledged")
        self.audit.check()

    def _left_open(self, owed: Mapping[str, int]) -> dict[str, int]:
        """Fees that decide what the contract leaves open, by account.

        Who was blocked for what calls seemed to have come to, while nothing was heard of them, stays so from 90 % of
        the limit on, and without a money event lifts once a day: the first get what brings them to the limit, those
        that have lifted get a micro-unit. Whoever is blocked otherwise and should not be stays for the verdict.
        """
        limit, lifts_below = LIMIT * MICROS, LIMIT * MICROS * 9 // 10
        lifted = {account for (account,) in self.ground.ask("SELECT id FROM account WHERE lifted_at_ms > 0")}
        near = {account: limit - micros for account, micros in owed.items() if lifts_below <= micros < limit}
        return near | {account: 1 for account in lifted if owed[account] < lifts_below}

    def _wrongly(self, owed: dict[str, int]) -> str:
        """Accounts that are blocked and should not be, or the other way round: what they owe, what was decided."""
        asked = "SELECT number, at_ms, action, exposure_micros, text FROM decisions WHERE account = '{}' ORDER BY 1"
        some = sorted(owed.items())[:5]
        return "\n".join(f"{name} owes {micros}: {self.ground.ask(asked.format(name))}" for name, micros in some)


@contextmanager
def open_rig(folder: Path, *, nodes: int = 1, ingests: int = 1, fsync: bool = False, more: str = "") -> Iterator[Rig]:
    """Everything but workers."""
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(fsync=fsync))
        nats = stack.enter_context(NatsCluster(folder / "nats", nodes=nodes))
        broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
        database = server.database()
        audit = Audit(server, database)
        carrying = [
            stack.enter_context(
                IngestProcess(folder, f"in{number}", broker=broker.url, servers=nats.urls, replicas=nodes)
            )
            for number in range(1, ingests + 1)
        ]
        ground = Ground(folder, server, database, broker, nats, replicas=nodes, more=more)
        yield Rig(ground, carrying, audit, stack)
