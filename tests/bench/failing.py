"""A simulation of queues that arithmetic does not see: partitions, workers and a database, of which one worker dies.

Time is virtual and chance is seeded. Reports arrive at each partition in bites, as ingests pack them. A worker is one
thread: its partitions line up and let a batch in one at a time; a batch then waits for the worker's commit, which takes
all batches that are there, and only then the partition takes its next. The database serves commits on so many cores;
with more at once than cores each takes longer. When the worker dies, what it had not committed is read again by the
others, when its leases are over, and after each partition has been restored on the thread of whoever takes it: in
steps, between two of which others turn.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

from guard.core.partitions import PARTITIONS

BATCH: Final = 1_000
"""Reports, as a partition's loop takes them."""
TURN_S: Final = 0.0003
"""Of the thread, for each batch whatever its size."""
COMMIT_S: Final = 0.004
"""For each commit whatever its size: round trips and the sync."""
BITE_S: Final = 0.03
"""Between two entries of a partition."""
RESTORED: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """What is simulated."""

    workers: int
    reports_a_s: float
    report_s: float
    """Of a worker's thread."""
    database_report_s: float
    database_cores: int
    unowned_s: float
    """From the death of a worker until others claim what it held."""
    restoring_s: float
    """Of a worker's thread, to restore one partition."""
    step_s: float
    """Of the same, one step."""
    dies_at_s: float = 10.0
    ends_at_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """How old reports were when they became durable, of those that did in one second."""

    at_s: float
    median_s: float
    p99_s: float
    worst_s: float
    waiting: int


@dataclass(slots=True)
class _Partition:
    waiting: deque[tuple[float, int]] = field(default_factory=deque)
    """When, and how many."""
    busy: bool = False
    """It is in line, or its batch is."""
    taken: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Worker:
    line: deque[tuple[int, float]] = field(default_factory=deque)
    """Partitions, and how long each is yet to be restored; less than nothing: it turns."""
    turning: bool = False
    committing: bool = False
    done: list[int] = field(default_factory=list)
    """Partitions whose batches wait for a commit."""
    dead: bool = False


class _Cluster:
    """Events in the order of their time."""

    def __init__(self, failing: Failing, random: Random) -> None:
        self._failing = failing
        self._random = random
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._now = 0.0
        self._commits = 0
        self._partitions = [_Partition() for _ in range(PARTITIONS)]
        self._workers = [_Worker() for _ in range(failing.workers)]
        self._owner: list[_Worker | None] = [self._workers[part % failing.workers] for part in range(PARTITIONS)]
        self._ages: list[tuple[float, int]] = []

    def run(self) -> Iterator[Second]:
        """Second by second."""
        failing = self._failing
        for part in range(PARTITIONS):
            self._after(self._random.random() * BITE_S, lambda part=part: self._arrive(part))  # type: ignore[misc]
        self._after(failing.dies_at_s, self._die)
        second = 1.0
        while self._events and second <= failing.ends_at_s:
            at, _, event = heapq.heappop(self._events)
            while at >= second:
                yield self._told(second)
                second += 1.0
            self._now = at
            event()

    def _after(self, delay_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + delay_s, next(self._numbers), event))

    def _told(self, second: float) -> Second:
        ages, self._ages = sorted(self._ages), []
        total = sum(count for _, count in ages)
        waiting = sum(count for each in self._partitions for _, count in (*each.waiting, *each.taken))
        marks = [_age_at(ages, total * share) for share in (0.5, 0.99, 1.0)]
        return Second(at_s=second, median_s=marks[0], p99_s=marks[1], worst_s=marks[2], waiting=waiting)

    # -- what happens

    def _arrive(self, part: int) -> None:
        mean = self._failing.reports_a_s / PARTITIONS * BITE_S
        arrived = max(0, round(self._random.gauss(mean, math.sqrt(mean))))
        if arrived:
            self._partitions[part].waiting.append((self._now, arrived))
            self._line_up(part)
        self._after(BITE_S, lambda: self._arrive(part))

    def _line_up(self, part: int) -> None:
        partition, owner = self._partitions[part], self._owner[part]
        if owner is not None and partition.waiting and not partition.busy:
            partition.busy = True
            owner.line.append((part, RESTORED))
            self._turn(owner)

    def _turn(self, worker: _Worker) -> None:
        if worker.turning or worker.dead or not worker.line:
            return
        worker.turning = True
        part, left_s = worker.line.popleft()
        if left_s > 0:
            step_s = self._failing.step_s
            self._after(min(left_s, step_s), lambda: self._stepped(worker, part, left_s - step_s))
            return
        partition, size = self._partitions[part], 0
        while partition.waiting and size < BATCH:
            at, arrived = partition.waiting.popleft()
            taking = min(arrived, BATCH - size)
            if taking < arrived:
                partition.waiting.appendleft((at, arrived - taking))
            partition.taken.append((at, taking))
            size += taking
        self._after(TURN_S + size * self._failing.report_s, lambda: self._taken(worker, part))

    def _stepped(self, worker: _Worker, part: int, left_s: float) -> None:
        worker.turning = False
        if left_s > 0:
            worker.line.append((part, left_s))
        else:
            self._partitions[part].busy = False
            self._line_up(part)
        self._turn(worker)

    def _taken(self, worker: _Worker, part: int) -> None:
        if worker.dead:
            return
        worker.turning = False
        worker.done.append(part)
        self._commit(worker)
        self._turn(worker)

    def _commit(self, worker: _Worker) -> None:
        if worker.committing or not worker.done:
            return
        worker.committing = True
        parts, worker.done = worker.done, []
        self._commits += 1
        rows = sum(size for part in parts for _, size in self._partitions[part].taken)
        crowded = max(1.0, self._commits / self._failing.database_cores)
        work_s = COMMIT_S + rows * self._failing.database_report_s * crowded
        self._after(work_s, lambda: self._committed(worker, parts))

    def _committed(self, worker: _Worker, parts: list[int]) -> None:
        self._commits -= 1
        if worker.dead:
            return
        worker.committing = False
        for part in parts:
            partition = self._partitions[part]
            self._ages += [(self._now - at, size) for at, size in partition.taken]
            partition.taken.clear()
            partition.busy = False
            self._line_up(part)
        self._commit(worker)

    def _die(self) -> None:
        gone = self._workers[0]
        gone.dead = True
        held = [part for part in range(PARTITIONS) if self._owner[part] is gone]
        for part in held:
            partition, self._owner[part] = self._partitions[part], None
            partition.waiting.extendleft(reversed(partition.taken))
            partition.taken.clear()
            partition.busy = True
        self._after(self._failing.unowned_s, lambda: self._claim(held))

    def _claim(self, parts: list[int]) -> None:
        living = self._workers[1:]
        for number, part in enumerate(parts):
            owner = self._owner[part] = living[number % len(living)]
            owner.line.append((part, self._failing.restoring_s))
            self._turn(owner)


def _age_at(ages: list[tuple[float, int]], rank: float) -> float:
    seen = 0
    for age, size in ages:
        seen += size
        if seen >= rank:
            return age
    return 0.0


def simulate(failing: Failing, *, seed: int) -> Iterator[Second]:
    """Second by second."""
    return _Cluster(failing, Random(seed)).run()
