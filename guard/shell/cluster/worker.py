"""A worker: which partitions it holds, and that it decides for no other.

    each beat: renew what is held -> who else lives -> the fair share -> give up what is above it, claim what is below

**The share** is the number of partitions divided by that of the living workers, rounded up: shares add up to all of
them whoever claims first, and a worker that joins finds some as soon as the others have given up theirs.

**A lease that could not be renewed ends here before it ends in the store.** It is counted from before the question was
asked, by this machine's monotonic clock, and a margin is taken off. Whoever was stopped for a while (a debugger, a
virtual machine that was moved) finds on waking that it holds nothing. Should it get as far as a commit all the same,
the store refuses it, because somebody else's epoch is there.

**Whoever cannot read the log claims nothing**, or its share would lie there undecided: a worker that has yet to reach
it is no member, so the others share without it. One that loses its way there says so with each renewal, and gives all
up when that has lasted and another worker reads on. When nobody does the log itself is away: then all keep what they
have, for calls that are up go on growing, and nobody could do better.

**Giving up** is done in order: the turn that is being made, what is stored only now and then, the position; then the
lease. A partition that fails is let go without a word; its lease runs out, and who claims it next reads what is stored.
One partition that fails does not take the others with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from guard.core.partitions import PARTITIONS
from guard.core.setup import Reload
from guard.ports import Clock, StoreError
from guard.ports.cluster import Bus, Claim, Leases, Member, Seen
from guard.ports.storage import FencedError
from guard.shell.cluster.composers import Composers
from guard.shell.cluster.partition import Partition
from guard.shell.cluster.sending import WANTED
from guard.wire.pieces import decode_wanted

BEAT_MS = 500
LOOK_EVERY_MS = 100
"""At leases that may have run out."""
MARGIN = 0.2
"""Of a lease: what the two clocks may differ by in it, and what a turn of the event loop may take."""
CLAIM_AT_ONCE = 64
"""A quarter of all: restoring them takes no longer than a lease."""
ASK_WITHIN = 0.7
"""Of a lease, below what is left after its margin: whoever gave up sooner would have to connect anew in that time."""
CLAIM_WITHIN = 0.3
"""What is held has been renewed before, and must be again in time: a claim may have to wait for a dead owner's rows."""
END_WITHIN_S = 5.0
UNREAD_MS = 10_000
"""So long the log may be away here only: longer than its servers take to find new leaders."""
NS_PER_MS = 1_000_000
MS_PER_S = 1_000


@dataclass(slots=True)
class _Held:
    partition: Partition
    until_ns: int
    task: asyncio.Task[None] | None = None
    giving: bool = False
    """It is being given up."""


@dataclass(slots=True)
class Counts:
    """Plain counters, for the metrics."""

    claimed: int = 0
    released: int = 0
    lost: int = 0
    """Leases that ran out, or were somebody else's."""
    fenced: int = 0
    """Commits that the store refused because somebody else holds the partition."""
    failed: int = 0
    """Partitions that were let go because of an error."""


@dataclass(slots=True)
class Standing:
    """How the worker stands with the others."""

    members: int = 0
    """Workers that live, as of the last beat; 0: there has been none."""
    trouble: str = "not a member yet"
    """Why the last beat failed; empty: it did not."""
    counts: Counts = field(default_factory=Counts)


class Worker:
    """Holds partitions while `run` runs."""

    def __init__(
        self,
        *,
        leases: Leases,
        member: Member,
        clock: Clock,
        bus: Bus,
        composers: Callable[[Callable[[int], bool]], Composers],
        make: Callable[[Claim, Callable[[], bool]], Partition],
        gone: Callable[[Partition], None],
        reads: Callable[[], bool],
    ) -> None:
        """`composers` and `make` get a way to ask whether a partition is still held; `gone` is told when one is not.

        `reads`: whether the log is there.
        """
        self._reads = reads
        self._read_ns = clock.monotonic_ns()
        """When the log was there last."""
        self._leases = leases
        self._ask_within_s = ASK_WITHIN * leases.lease_ms / MS_PER_S
        self._member = member
        self._clock = clock
        self._bus = bus
        self._make = make
        self._gone = gone
        self._held: dict[int, _Held] = {}
        self._parting: set[asyncio.Task[None]] = set()
        self._reload: Reload | None = None
        """What is being taken up: whatever is claimed meanwhile is made by what was before."""
        self.composers = composers(self.holds)
        self.standing = Standing()
        self._log = structlog.get_logger("guard").bind(worker=member.id)

    # -- what is held

    async def reload(self, reload: Reload, taken_up: Callable[[], Awaitable[None]]) -> bool:
        """Have all partitions take up another setup; False: some could not. One that ends meanwhile needs it not.

        `taken_up` is awaited when all have. Who calls this has the setup in force when it returns, and not before: so
        long whatever is claimed has yet to take it up.
        """
        self._reload = reload
        try:
            done = await asyncio.gather(*(_take_up(held, reload) for held in list(self._held.values())))
            if all(done):
                await taken_up()
        finally:
            self._reload = None
        return all(done)

    @property
    def partitions(self) -> list[Partition]:
        """Those that are held, or are just being given up."""
        return [held.partition for held in self._held.values()]

    def holds(self, part: int) -> bool:
        """Whether that partition may be decided for, now."""
        held = self._held.get(part)
        return held is not None and self._clock.monotonic_ns() < held.until_ns

    # -- turning

    async def run(self) -> None:
        """Until cancelled; then everything is given up, within a limit."""
        try:
            async with self._bus.listen(WANTED, self._wanted), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat_on(), name="beat")
                tasks.create_task(self._watch(), name="leases")
                tasks.create_task(self.composers.run(), name="composers")
        finally:
            await self._leave()

    async def _beat_on(self) -> None:
        while True:
            more = False
            try:
                more = await self.beat()
            except (StoreError, TimeoutError) as error:
                trouble = str(error) or "the store does not answer"
                if trouble != self.standing.trouble:
                    self._log.error("leases-unknown", reason=trouble, effect="partitions are let go as leases end")
                self.standing.trouble = trouble
            if not more:
                await self._clock.sleep(BEAT_MS)

    async def beat(self) -> bool:
        """Renew, see who lives, claim or give up; whether there is more to claim at once."""
        reads = self._reads()
        if not self._held and not reads:
            return False
        if reads:
            self._read_ns = self._clock.monotonic_ns()
        async with asyncio.timeout(self._ask_within_s):
            await self._renew(replace(self._member, reads=reads))
            members = await self._leases.members()
        self.standing.members, self.standing.trouble = max(1, len(members)), ""
        share = -(-PARTITIONS // self.standing.members)
        staying = [held for held in self._held.values() if not held.giving]
        if staying and self._better_read_by_others(members):
            self._log.error("log-away-here", partitions=len(staying), effect="they are given up: others reach the log")
            self._beside(self._leave())
            return False
        if len(staying) > share:
            self._beside(self._give_up(staying[share:]))
            return False
        if len(staying) >= share or not reads:
            return False
        return await self._claim(min(CLAIM_AT_ONCE, share - len(staying)))

    def _better_read_by_others(self, members: Sequence[Seen]) -> bool:
        """The log has been away here for long, and somebody else reaches it."""
        away_ns = self._clock.monotonic_ns() - self._read_ns
        return away_ns > UNREAD_MS * NS_PER_MS and any(
            seen.member.reads and seen.member.id != self._member.id for seen in members
        )

    def _beside(self, parting: Coroutine[Any, Any, None]) -> None:
        """Beside the beat: what stays, and what is not yet given up, must be renewed meanwhile."""
        task = asyncio.create_task(parting, name="parting")
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    async def _renew(self, member: Member) -> None:
        asked = list(self._held.values())
        until_ns = self._lease_until_ns()
        still = await self._leases.renew(member, [held.partition.claim for held in asked])
        lost: list[int] = []
        for held in asked:
            part = held.partition.claim.part
            if part in still:
                held.until_ns = until_ns
            elif self._held.get(part) is held:
                lost.append(part)
        self._lose(lost, "somebody else has them")

    def _lease_until_ns(self) -> int:
        """Until when a lease is good that is asked for now."""
        return self._clock.monotonic_ns() + round(self._leases.lease_ms * (1 - MARGIN)) * NS_PER_MS

    async def _claim(self, want: int) -> bool:
        until_ns = self._lease_until_ns()
        async with asyncio.timeout(CLAIM_WITHIN * self._leases.lease_ms / MS_PER_S):
            claims = await self._leases.claim(self._member.id, want)
        for claim in claims:
            self._take(claim, until_ns)
        if claims:
            self._log.info("partitions-claimed", partitions=len(claims), held=len(self._held))
        return len(claims) == want

    def _take(self, claim: Claim, until_ns: int) -> None:
        part = claim.part
        if part in self._held:
            self._lose([part], "its lease had run out")
        held = _Held(self._make(claim, lambda: self._is_held_by(claim) and self.holds(part)), until_ns)
        self._held[part] = held
        if self._reload is not None:
            held.partition.begin_with(self._reload)
        self.standing.counts.claimed += 1
        held.task = asyncio.create_task(self._turn(held), name=f"partition {part}")

    def _is_held_by(self, claim: Claim) -> bool:
        """It may have been lost and claimed again meanwhile."""
        held = self._held.get(claim.part)
        return held is not None and held.partition.claim is claim

    async def _turn(self, held: _Held) -> None:
        """A partition from its claim to its end; what ends it is counted and told."""
        part, counts = held.partition.claim.part, self.standing.counts
        try:
            await held.partition.run()
        except* FencedError:
            counts.fenced += 1
            self._log.warning("partition-fenced", partition=part, epoch=held.partition.claim.epoch)
        except* StoreError as errors:
            counts.failed += 1
            self._log.error("partition-failed", partition=part, reason=str(errors.exceptions))
        except* Exception:  # noqa: BLE001 -- boundary: one partition that fails must not take 255 with it
            counts.failed += 1
            self._log.exception("partition-failed", partition=part)
        else:
            return
        if self._held.get(part) is held:
            self._drop(part)

    # -- letting go

    async def _watch(self) -> None:
        """Let go at once of what may no longer be decided for."""
        while True:
            await self._clock.sleep(LOOK_EVERY_MS)
            self._lose([part for part in self._held if not self.holds(part)], "leases were not renewed in time")

    def _lose(self, parts: Sequence[int], why: str) -> None:
        """They are not held any more: what is being done for them is dropped."""
        for part in parts:
            held = self._drop(part)
            if held.task is not None:
                held.task.cancel()
        if parts:
            self.standing.counts.lost += len(parts)
            self._log.warning("partitions-lost", partitions=len(parts), held=len(self._held), reason=why)

    def _drop(self, part: int) -> _Held:
        held = self._held.pop(part)
        self._gone(held.partition)
        self._beside(self._dismantle(held))
        return held

    @staticmethod
    async def _dismantle(held: _Held) -> None:
        """Once its task has ended, as it was told to."""
        if held.task is not None:
            await asyncio.wait((held.task,))
        for _ in held.partition.dismantling():
            await asyncio.sleep(0)

    async def _give_up(self, giving: Sequence[_Held]) -> None:
        """In order, so that the next owner finds everything."""
        for held in giving:
            held.giving = True
            held.partition.end()
        tasks = [held.task for held in giving if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=END_WITHIN_S)
        # Whatever ended in another way is not held any more.
        ours = [held for held in giving if self._held.get(held.partition.claim.part) is held]
        late = [held.partition.claim.part for held in ours if held.task is not None and not held.task.done()]
        self._lose(late, f"they did not end within {END_WITHIN_S:.0f} s")
        released = [held.partition.claim for held in ours if held.task is not None and held.task.done()]
        for claim in released:
            self._drop(claim.part)
        if released:
            await self._release(released)

    async def _release(self, claims: Sequence[Claim]) -> None:
        try:
            async with asyncio.timeout(self._ask_within_s):
                await self._leases.release(self._member.id, claims)
        except (StoreError, TimeoutError) as error:
            self._log.warning("not-released", partitions=len(claims), reason=str(error), effect="their leases run out")
            return
        self.standing.counts.released += len(claims)
        self._log.info("partitions-released", partitions=len(claims), held=len(self._held))

    async def _leave(self) -> None:
        """Give everything up, and be no member any more."""
        await self._give_up(list(self._held.values()))
        try:
            async with asyncio.timeout(self._ask_within_s):
                await self._leases.leave(self._member.id)
        except (StoreError, TimeoutError) as error:
            self._log.warning("left-without-a-word", reason=str(error), effect="it counts for a lease's time")

    # -- what others ask

    def _wanted(self, payload: bytes) -> None:
        """Pieces of a snapshot are missing."""
        wanted = decode_wanted(payload)
        for part in () if wanted is None else wanted.partitions:
            if wanted is not None and self.holds(part):
                self._held[part].partition.wanted(wanted.switch)


async def _take_up(held: _Held, reload: Reload) -> bool:
    """A partition that has ended would never answer."""
    asking = asyncio.create_task(held.partition.reload(reload))
    ended = () if held.task is None else (held.task,)
    try:
        await asyncio.wait((asking, *ended), return_when=asyncio.FIRST_COMPLETED)
        return not asking.done() or asking.result()
    finally:
        asking.cancel()
