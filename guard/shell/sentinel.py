"""The sentinel: drives the anomaly model beside the money, and never in its way.

    engine observes -> `observe` (constant work, on the loop's thread) -> rows that are due wait here
    rows, newest first -> scored on a thread of their own, some hundreds at a time -> findings -> an input of the loop

**Behind.** At most `MOST_WAITING` rows wait; of more the oldest are skipped and counted. The newest are scored first,
and a row that is older than what its account was last scored on is skipped too: what matters is what goes on now.

**When.** A row's moment has come once something has been observed `GRACE_MS` later, so history that is read late is
seen in its own time; where nothing comes any more the clock says so, unless a switch's backlog is still being read.

**Faults.** Whatever the model gets wrong, it is then off until the next start or reload: limits and rules go on, the
log and the metrics say so. What is usual for accounts is stored with the findings, once a day an account.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from guard.core.anomaly import Finding
from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.privacy import without_numbers
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.settings import HOUR_MS, SECOND_MS
from guard.ports import Clock, Model

LOOK_EVERY_MS = SECOND_MS
GRACE_MS = 10 * SECOND_MS
"""Ticks come each minute or sooner and are a few seconds old: a step's rows wait for the last of them."""
MOST_WAITING = 20_000
"""Rows of 200 bytes: 4 MB, and ten seconds of scoring."""
ROWS_AT_ONCE = 512
"""About 5 ms of the scoring thread; the loop's thread is held up for less (the interpreter switches)."""
REMEMBERED_MS = 2 * HOUR_MS

Tell = Callable[[Sequence[Finding], Sequence[KeptRow]], Any]


class Figures(Protocol):
    """What the sentinel counts."""

    def model_scored(self, scores: Sequence[float], lag_s: float) -> None:
        """So many rows were scored, the newest so long after its moment."""
        ...

    def model_skipped(self, rows: int) -> None:
        """Rows were left out because newer ones had to be scored."""
        ...

    model_up: bool
    """Whether there is a model that scores."""


class Sentinel:
    """One model at work in a daemon."""

    def __init__(
        self,
        *,
        engine: Engine,
        clock: Clock,
        figures: Figures,
        tell: Tell,
        scoring: asyncio.Lock | None = None,
        most_waiting: int | None = None,
    ) -> None:
        """`tell` lets findings and rows to be stored enter the engine's next batch, and waits until they have.

        `scoring`: whoever has it scores; one for all sentinels of a process.
        """
        self._engine = engine
        self._scoring = asyncio.Lock() if scoring is None else scoring
        self._most_waiting = MOST_WAITING if most_waiting is None else most_waiting
        self.model: Model | None = None
        """None: it is off, or has failed."""
        self.failure = ""
        """What it failed of; empty: it has not."""
        self._clock = clock
        self._figures = figures
        self._tell = tell
        self._waiting: deque[Any] = deque()
        self._looked_ms = 0
        """The observation after which was looked for what is due: within a second of it nothing else is."""
        self._scored_ms: dict[str, int] = {}
        """Of each account that was scored of late: the moment of its newest row."""

    def watches(self, engine: Engine) -> bool:
        """Whether it follows that one."""
        return self._engine is engine

    def swap(self, model: Model | None) -> None:
        """Go on with another model, or with none."""
        self.model = model
        self.failure = ""
        self._waiting.clear()
        self._figures.model_up = model is not None
        if model is not None:
            self._engine.listen(self.observe)

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        """Follow what the engine observes; raises nothing, whatever happens."""
        model = self.model
        if model is None:
            return
        try:
            model.observe(seen, profile, up)
            at_ms = seen.at_ms
            if not self._looked_ms <= at_ms < self._looked_ms + LOOK_EVERY_MS:
                self._looked_ms = at_ms
                due_ms = model.next_due_ms
                if due_ms is not None and due_ms <= at_ms - GRACE_MS:
                    self._gather(model, at_ms - GRACE_MS)
        except Exception as error:  # noqa: BLE001 -- boundary: a fault of the model must not stop the money
            self._fail(error)

    def _gather(self, model: Model, until_ms: int) -> None:
        self._waiting.extend(model.due(until_ms))
        excess = len(self._waiting) - self._most_waiting
        if excess > 0:
            for _ in range(excess):
                self._waiting.popleft()
            self._figures.model_skipped(excess)

    def _fail(self, error: Exception) -> None:
        self.swap(None)
        self.failure = f"{type(error).__name__}: {without_numbers(str(error))}"
        structlog.get_logger("guard").error(
            "model-failed",
            error=self.failure,
            effect="the anomaly model is off until the next start or reload; limits and rules go on",
        )

    async def run(self) -> None:
        """Score until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_MS)
            try:
                self._look_at_the_clock()
                while self._waiting:
                    await self.turn()
            except Exception as error:  # noqa: BLE001 -- boundary: a fault of the model must not stop the daemon
                self._fail(error)

    def _look_at_the_clock(self) -> None:
        if self.model is not None and not any(switch.lagging for switch in self._engine.world.switches.values()):
            self._gather(self.model, self._clock.now_ms() - GRACE_MS)

    async def turn(self) -> None:
        """One batch: the newest rows, and what is found in them."""
        model, rows = self.model, self._take()
        if model is None or not rows:
            return
        async with self._scoring:
            scores, findings = await asyncio.to_thread(model.score, rows)
        self._figures.model_scored(scores, max(0, self._clock.now_ms() - max(row.at_ms for row in rows)) / 1_000)
        model.heed(findings)
        changed = [KeptRow("usual", account, row) for account, row in model.take_changed()]
        if findings or changed:
            await self._tell(findings, changed)

    def _take(self) -> list[Any]:
        """The newest that wait, in the order of their moments; of an account none older than its last."""
        taken: list[Any] = []
        skipped = 0
        while self._waiting and len(taken) < ROWS_AT_ONCE:
            row = self._waiting.pop()
            if row.at_ms <= self._scored_ms.get(row.account, 0):
                skipped += 1
                continue
            self._scored_ms[row.account] = row.at_ms
            taken.append(row)
        if skipped:
            self._figures.model_skipped(skipped)
        if taken and len(self._scored_ms) > self._most_waiting:
            newest_ms = taken[0].at_ms
            self._scored_ms = {
                account: at_ms for account, at_ms in self._scored_ms.items() if at_ms > newest_ms - REMEMBERED_MS
            }
        return taken[::-1]
