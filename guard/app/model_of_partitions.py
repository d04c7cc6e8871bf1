"""The anomaly model in a worker: one that is read once, at work in each partition that is held.

What it looks for is about one account, so a partition needs nothing of the others: what is usual for its accounts (the
tracker) is its own, is stored with its state and moves with it. What was learned (artefact, scorer) and the last rows,
by which drift is told, belong to all partitions here, and so does the turn to score: one of them at a time, on a
thread, so that the model has the same part of the processor as in a daemon.

A fault of the model ends it in the partition where it happened, until that moves or the next reload; `up` says whether
it is at work in all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from guard.adapters.metrics import Figures
from guard.anomaly.lookout import Lookout
from guard.app.model import ModelRoom, followed
from guard.config import Config
from guard.core.anomaly import Finding
from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.partitions import PARTITIONS
from guard.ports import Clock, ModelView
from guard.shell.sentinel import MOST_WAITING, Sentinel, Tell

MOST_OF_A_PARTITION = 4 * MOST_WAITING // PARTITIONS
"""Rows that wait, of one partition: bursts fall on some more than on others."""


class _Counted:
    """What one partition's sentinel counts: with all others', but for whether it is up."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self.model_up = False

    def model_scored(self, scores: Sequence[float], lag_s: float) -> None:
        """So many rows were scored."""
        self._figures.model_scored(scores, lag_s)

    def model_skipped(self, rows: int) -> None:
        """Rows were left out."""
        self._figures.model_skipped(rows)


class PartitionModel:
    """See `guard.shell.cluster.partition.ModelSide`."""

    def __init__(
        self, engine: Engine, clock: Clock, figures: Figures, lookout: Lookout | None, scoring: asyncio.Lock
    ) -> None:
        finds = self._finds = list[Tell]()
        """Where findings go, once the partition runs. The sentinel knows the list, not us: no circle."""

        async def tell(findings: Sequence[Finding], kept: Sequence[KeptRow]) -> None:
            for find in finds:
                await find(findings, kept)

        self.lookout = lookout
        self.sentinel = Sentinel(
            engine=engine,
            clock=clock,
            figures=_Counted(figures),
            tell=tell,
            scoring=scoring,
            most_waiting=MOST_OF_A_PARTITION,
        )
        self.sentinel.swap(lookout)

    def restored(self, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
        """The same rows; what is usual for accounts goes to the model on the way."""
        return followed(self.lookout, kept)

    def forget(self, account: str) -> None:
        """Let go of what is usual for an account."""
        if self.lookout is not None:
            self.lookout.tracker.forget(account)

    def take_up(self, lookout: Lookout | None) -> None:
        """Go on with another model, or none."""
        before = self.lookout
        self.lookout = lookout if lookout is None or before is None else lookout.going_on(before)
        self.sentinel.swap(self.lookout)

    async def run(self, find: Tell) -> None:
        """Score until cancelled; `find` lets what is found enter the partition's next batch."""
        self._finds.append(find)
        await self.sentinel.run()


class WorkersModel:
    """The model of all partitions of a worker."""

    def __init__(self, config: Config, clock: Clock, figures: Figures) -> None:
        self._room = ModelRoom(config)
        self._clock = clock
        self._figures = figures
        self._scoring = asyncio.Lock()
        self._sides: dict[int, PartitionModel] = {}

    def of(self, part: int, engine: Engine) -> PartitionModel:
        """At work in a partition that has just been claimed."""
        side = PartitionModel(engine, self._clock, self._figures, self._lookout(), self._scoring)
        self._sides[part] = side
        return side

    def gone(self, part: int, engine: Engine) -> None:
        """The partition is not held any more; one that was claimed anew meanwhile stays."""
        side = self._sides.get(part)
        if side is not None and side.sentinel.watches(engine):
            del self._sides[part]

    def forget(self, part: int, account: str) -> None:
        """Let go of what is usual for an account."""
        if part in self._sides:
            self._sides[part].forget(account)

    def read(self, config: Config) -> None:
        """Read the one that a reload names; `ArtefactError` if it cannot be used. It may be called on any thread."""
        self._room.read(config)

    def take_up(self, config: Config) -> None:
        """Go on with what was read last, everywhere."""
        self._room.take_up(config)
        for side in self._sides.values():
            side.take_up(self._lookout())

    def view(self) -> ModelView:
        """How it stands here, for whoever looks."""
        sides = list(self._sides.values())
        failure = next((side.sentinel.failure for side in sides if side.sentinel.failure), "")
        at_work = self._room.lookout is not None and all(side.sentinel.model is not None for side in sides)
        return self._room.view_of(self._room.lookout if at_work else None, failure, self._figures)

    def _lookout(self) -> Lookout | None:
        return None if self._room.lookout is None else self._room.lookout.beside()
