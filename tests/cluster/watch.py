"""What processes of a cluster take, and how far behind they are: looked at once a second beside something else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.beside import Beside
from tests.cluster.rig import Rig

EVERY_S = 1.0
KIB_IN_MIB = 1_024


def memory_mib(pid: int) -> float:
    """A process's share of what is in memory."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)) / KIB_IN_MIB


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def growth(samples: Sequence[float]) -> float:
    """The last third's median by that of the third before: 1.0 is none. What came before those is the start."""
    third = len(samples) // 3
    return median(samples[-third:]) / median(samples[-2 * third : -third])


class Watch(Beside):
    """Looks while the block runs."""

    def __init__(self, rig: Rig) -> None:
        super().__init__("watch")
        self._rig = rig
        self.memory: dict[str, list[float]] = defaultdict(list)
        """In MiB, by whose."""
        self.lag_s: list[float] = []
        """Of the worker that was furthest behind."""

    def run(self) -> None:
        """Look until it is over."""
        while not self.over.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        rig = self._rig
        whose = {"worker": [rig.workers[0].pid], "ingest": [rig.ingests[-1].pid]}
        # What is down has nothing to show.
        with suppress(KeyError):
            whose |= {f"NATS {node}": [rig.nats.pid(node)] for node in range(rig.nats.nodes)}
        with suppress(OSError):
            whose["PostgreSQL"] = family(rig.server.pid)
        for name, pids in whose.items():
            with suppress(OSError):
                self.memory[name].append(sum(memory_mib(pid) for pid in pids))
        for worker in rig.living:
            with suppress(OSError, AssertionError, IndexError):
                self.lag_s.append(worker.metric("guard_worker_lag_seconds"))
