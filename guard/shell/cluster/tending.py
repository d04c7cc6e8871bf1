"""Old call details of all partitions that are held here, as one store that `guard.shell.retention` keeps clean.

One run goes from partition to partition, one at a time, in the daemon's small steps with its pauses: however many are
held, the batches have the database to themselves for most of the time. A partition is gone through once a day (one that
has been done within the last 23 hours waits for the next run), when it has come here from another worker, and when an
account in it is to be forgotten. One that is lost meanwhile is whoever's who has it now. One that has yet to be
restored is waited for: what its engine reads and what is deleted must not cross.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from guard.core.partitions import partition_of
from guard.core.privacy import Deleted
from guard.ports import Clock, FencedError
from guard.ports.cluster import Claim
from guard.shell.retention import EVERY_MS, Details, Run

EARLY_MS = EVERY_MS // 24
"""A run is due a little before a day is over, so that one that begins as early as the last is no day late."""


class Tended(NamedTuple):
    """A partition that is held."""

    claim: Claim
    restored: bool


class HeldDetails:
    """See `guard.shell.retention.Details`."""

    def __init__(self, held: Callable[[], Iterable[Tended]], details: Callable[[Claim], Details], clock: Clock) -> None:
        """`details`: those of one partition."""
        self._held = held
        self._details = details
        self._clock = clock
        self._done_ms: dict[Claim, int] = {}

    def forgotten(self, account: str) -> None:
        """It is to be forgotten: its partition is gone through again."""
        part = partition_of(account)
        self._done_ms = {claim: at_ms for claim, at_ms in self._done_ms.items() if claim.part != part}

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> Run:
        """A run through those that are due."""
        return _Run(self, now_ms, keep_ms)

    def due(self, now_ms: int) -> tuple[Claim | None, bool]:
        """The next partition to be gone through; whether another one has to be waited for."""
        held = list(self._held())
        claims = {each.claim for each in held}
        self._done_ms = {claim: at_ms for claim, at_ms in self._done_ms.items() if claim in claims}
        due = [each for each in held if now_ms - self._done_ms.get(each.claim, -EVERY_MS) >= EVERY_MS - EARLY_MS]
        ready = (each.claim for each in due if each.restored)
        return next(ready, None), any(not each.restored for each in due)

    def begin(self, claim: Claim, now_ms: int, keep_ms: int | None) -> Run:
        """Whoever is to be forgotten from now on is seen by the next run."""
        self._done_ms[claim] = now_ms
        return self._details(claim).old_details(now_ms=now_ms, keep_ms=keep_ms)

    def left(self, claim: Claim) -> None:
        """It was not gone through to the end."""
        self._done_ms.pop(claim, None)


class _Run:
    def __init__(self, held: HeldDetails, now_ms: int, keep_ms: int | None) -> None:
        self._held = held
        self._now_ms = now_ms
        self._keep_ms = keep_ms
        self._run: Run | None = None
        self._claim: Claim | None = None

    async def step(self) -> Deleted:
        """Delete some of one partition; `more` until all that are due are done."""
        if self._run is None:
            self._claim, waiting = self._held.due(self._now_ms)
            if self._claim is None:
                return Deleted(waiting=waiting)
            self._run = self._held.begin(self._claim, self._now_ms, self._keep_ms)
        deleted = await self._step(self._run)
        if not deleted.more:
            self._run = None
        return deleted._replace(more=True)

    async def _step(self, run: Run) -> Deleted:
        try:
            return await run.step()
        except FencedError:
            return Deleted()
        except BaseException:
            if self._claim is not None:
                self._held.left(self._claim)
            raise

    async def scrub(self) -> bool:
        """Nothing: VACUUM frees what was deleted."""
        return False

    async def empty_log(self) -> bool:
        """Nothing: the server's log is the server's."""
        return True
