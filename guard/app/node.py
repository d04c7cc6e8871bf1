"""A worker as a node: the page and the API of the whole cluster, whichever partitions this process holds.

What it shows comes from the store and from what all workers tell; what operators ask for goes through the log
(`guard.shell.cluster.desk`). So it stays as it is while partitions come and go.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import structlog

from guard.adapters.http.tokens import TokenFile
from guard.adapters.http.tokens_history import note_tokens
from guard.adapters.nats import ClusterLog
from guard.adapters.postgres import Postgres
from guard.core.records import Note
from guard.core.setup import Reload
from guard.ports import Clock, NotReadyError
from guard.setup import SetupReader
from guard.shell.cluster.asking import Asking
from guard.shell.cluster.books import Books
from guard.shell.cluster.desk import REVIVED, ClusterDesk
from guard.shell.cluster.drawing import Drawing
from guard.shell.cluster.gathering import Gathering
from guard.shell.cluster.partition import Partition
from guard.shell.cluster.telling import Teller
from guard.shell.cluster.turnstile import Turnstile
from guard.shell.cluster.worker import Worker
from guard.shell.courtesy import Courtesy
from guard.shell.reload import Reloader


class Node:
    """What a worker shows and asks, and what it tells the others; turns while `run` runs."""

    def __init__(
        self,
        *,
        reader: SetupReader,
        worker: Worker,
        worker_id: str,
        postgres: Postgres,
        cluster: ClusterLog,
        clock: Clock,
        turnstile: Turnstile,
        reloader: Reloader,
    ) -> None:
        self._worker = worker
        self._worker_id = worker_id
        self._bus = cluster.bus
        self._clock = clock
        self._asking = Asking(log=cluster.log, bus=cluster.bus, clock=clock, node=secrets.token_hex(8))
        self._gathering = Gathering(postgres.board, clock)
        self._teller = Teller(worker=worker_id, partitions=lambda: worker.partitions, board=postgres.board, clock=clock)
        drawing = Drawing(lambda: reader.setup, self._gathering)
        courtesy = Courtesy(lambda: turnstile.idle)
        turnstile.on_rest = courtesy.rested
        self.desk = ClusterDesk(
            whole=Books(postgres.archive, self._gathering, drawing, clock),
            told=self._gathering,
            asking=self._asking,
            bus=cluster.bus,
            clock=clock,
            courtesy=courtesy,
            reloader=reloader,
            worker=worker_id,
        )
        self.desk.rules_in_force = lambda: reader.setup.rules

    def gone(self, partition: Partition) -> None:
        """This worker decides for it no more."""
        self._teller.gone(partition.engine)

    async def note(self, reload: Reload) -> None:
        """The history has once what each of the partitions has taken up."""
        note = Note(by=reload.by, what="reload", reason=f"worker {self._worker_id}: {reload.what}")
        try:
            await self.desk.submit(note)
        except NotReadyError as error:
            structlog.get_logger("guard").warning("reload-not-noted", reason=str(error), effect="the history lacks it")

    async def run(self, tokens: TokenFile, ready: Callable[[], bool]) -> None:
        """Until cancelled. Who is let in is noted once this worker is `ready`."""
        async with (
            self._asking.listening(),
            self._bus.listen(REVIVED, self._revived),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._gathering.run(), name="gathering")
            tasks.create_task(self._teller.run(), name="teller")
            tasks.create_task(self._note_tokens(tokens, ready), name="tokens")

    async def _note_tokens(self, tokens: TokenFile, ready: Callable[[], bool]) -> None:
        while not ready():
            await self._clock.sleep(1_000)
        await note_tokens(tokens, self.desk, self._clock)

    def _revived(self, payload: bytes) -> None:
        """Dead letters of a webhook are due again, in any partition."""
        webhook = payload.decode(errors="replace")
        for partition in self._worker.partitions:
            partition.revived(webhook)
