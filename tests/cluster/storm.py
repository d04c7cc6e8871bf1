"""Blow after blow on a cluster, drawn from a seed; after each it has to become whole again.

The first worker and the last ingest are never killed: they are the witnesses, whose memory is watched over the whole
time. What is drawn is the same for the same seed; what the processes are doing at that moment is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.cluster.processes import WorkerProcess, wait_until
from tests.cluster.rig import Rig
from tests.integration.nats import NatsError

FEWEST, MOST = 2, 4
"""Workers."""
WORKER_SLEEPS_S = (1.0, 6.0)
NODE_SLEEPS_S = (1.0, 4.0)

Struck = tuple[str, Callable[[], object]]
"""What was struck, and how it is mended."""
Kinds = tuple[Callable[[], Struck], ...]


@dataclass(frozen=True)
class Blow:
    """One of them, and how long the cluster was not whole for it."""

    what: str
    took_s: float


class Storm:
    """Strikes when it is told to."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self._rig = rig
        self._random = Random(seed)
        self.sick_nodes = 0
        """Plain counter: NATS nodes that came back and were not well after half a minute."""

    @property
    def witness(self) -> WorkerProcess:
        """The worker that is never killed."""
        return self._rig.workers[0]

    def strike(self) -> Blow:
        """One blow, or two at once, and the time until everything is whole again."""
        groups = self._random.sample(self._groups(), self._random.choice((1, 1, 1, 2)))
        began_s = time.monotonic()
        struck = [self._random.choice(kinds)() for kinds in groups]
        for _, mend in struck:
            mend()
        what = ", and ".join(what for what, _ in struck)
        self._rig.settle(what)
        return Blow(what, time.monotonic() - began_s)

    # -- what may happen: each strikes at once, and says what it was and how it is mended

    def _groups(self) -> list[Kinds]:
        """Of each group one at a time: two of three NATS nodes away is another story, and a short one."""
        workers = len(self._rig.living)
        return [
            (self._node_killed, self._node_frozen),
            (self._database_crashes,),
            (self._ingest_killed,),
            (
                self._worker_frozen,
                *((self._worker_killed, self._worker_leaves) if workers > FEWEST else ()),
                *((self._worker_joins,) if workers < MOST else ()),
            ),
        ]

    def _other(self) -> WorkerProcess:
        return self._random.choice([each for each in self._rig.living if each is not self.witness])

    def _node_killed(self) -> Struck:
        node, nats = self._random.randrange(self._rig.nats.nodes), self._rig.nats
        nats.kill(node)
        return f"NATS node {node} is killed", lambda: self._revive(node)

    def _revive(self, node: int) -> None:
        """Now and then a node comes back without some of its streams and stays so: its watchdog starts it anew."""
        try:
            self._rig.nats.start(node)
        except NatsError:
            self.sick_nodes += 1
            self._rig.nats.kill(node)
            self._rig.nats.start(node)

    def _node_frozen(self) -> Struck:
        node, nats = self._random.randrange(self._rig.nats.nodes), self._rig.nats
        wake = self._alarm(*NODE_SLEEPS_S)
        nats.freeze(node)

        def mend() -> None:
            wake()
            nats.thaw(node)

        return f"NATS node {node} is frozen", mend

    def _database_crashes(self) -> Struck:
        self._rig.server.kill()
        return "the database crashes", self._rig.server.start

    def _ingest_killed(self) -> Struck:
        ingest = self._rig.ingests[0]
        ingest.kill()
        return "an ingest is killed", ingest.start

    def _worker_killed(self) -> Struck:
        worker = self._other()
        worker.kill()
        return f"worker {worker.name} is killed", self._rig.join

    def _worker_leaves(self) -> Struck:
        worker = self._other()
        worker.end()
        return f"worker {worker.name} is told to stop", worker.wait_ended

    def _worker_joins(self) -> Struck:
        return f"worker {self._rig.join().name} joins", lambda: None

    def _worker_frozen(self) -> Struck:
        worker, wake = self._random.choice(self._rig.living), self._alarm(*WORKER_SLEEPS_S)
        self._rig.freeze(worker)

        def mend() -> None:
            wake()
            self._rig.thaw(worker)

        return f"worker {worker.name} is frozen", mend

    def _alarm(self, least_s: float, most_s: float) -> Callable[[], object]:
        """Something that returns when a time has passed that begins now."""
        until_s = time.monotonic() + self._random.uniform(least_s, most_s)
        return lambda: wait_until(lambda: time.monotonic() > until_s, "it sleeps")
