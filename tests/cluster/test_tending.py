"""Old call details of all partitions that a worker holds: each gone through when it is due, one after the other."""

from __future__ import annotations

from contextlib import suppress

from guard.core.partitions import partition_of
from guard.core.privacy import Deleted
from guard.core.settings import DAY_MS, HOUR_MS
from guard.ports import FencedError, StoreError
from guard.ports.cluster import Claim, Position
from guard.shell.cluster.tending import HeldDetails, Tended
from guard.shell.retention import Run
from tests.shell.fakes import START_MS, ManualClock

KEEP_MS = 90 * DAY_MS


def claim(part: int, epoch: int = 1) -> Claim:
    return Claim(part=part, epoch=epoch, position=Position())


class PaperRun:
    """Three steps of one partition, unless something is wrong with it."""

    def __init__(self, went: list[int], part: int, trouble: Exception | None) -> None:
        self._went, self._part, self._trouble = went, part, trouble
        self._left = 3

    async def step(self) -> Deleted:
        if self._trouble is not None:
            raise self._trouble
        self._went.append(self._part)
        self._left -= 1
        return Deleted(lines=1, more=self._left > 0)

    async def scrub(self) -> bool:
        return False

    async def empty_log(self) -> bool:
        return True


class Ground:
    """Some partitions, and which of them were gone through."""

    def __init__(self, *parts: int) -> None:
        self.held = [Tended(claim(part), restored=True) for part in parts]
        self.clock = ManualClock()
        self.went: list[int] = []
        self.troubles: dict[int, Exception] = {}
        self.kept_ms: list[int | None] = []
        self.details = HeldDetails(lambda: self.held, self._of, self.clock)

    def _of(self, of: Claim) -> Ground.Details:
        return Ground.Details(self, of.part)

    class Details:
        def __init__(self, ground: Ground, part: int) -> None:
            self._ground, self._part = ground, part

        def old_details(self, *, now_ms: int, keep_ms: int | None) -> Run:
            ground = self._ground
            assert now_ms == ground.clock.now_ms()
            ground.kept_ms.append(keep_ms)
            return PaperRun(ground.went, self._part, ground.troubles.pop(self._part, None))

    async def run(self) -> Deleted:
        """One run to its end, as retention makes it; which partitions, and its last word."""
        self.went.clear()
        run = self.details.old_details(now_ms=self.clock.now_ms(), keep_ms=KEEP_MS)
        while (deleted := await run.step()).more:
            pass
        return deleted


async def test_each_partition_is_gone_through_to_its_end_before_the_next() -> None:
    ground = Ground(3, 7)
    assert not (await ground.run()).waiting
    assert ground.went == [3, 3, 3, 7, 7, 7]
    assert ground.kept_ms == [KEEP_MS, KEEP_MS]


async def test_once_a_day_and_when_it_has_come_from_another_worker() -> None:
    ground = Ground(3, 7)
    await ground.run()
    ground.clock.ms += HOUR_MS
    ground.held = [ground.held[0], Tended(claim(7, epoch=2), restored=True)]
    await ground.run()
    assert ground.went == [7, 7, 7]
    ground.clock.ms += 23 * HOUR_MS - 1
    await ground.run()
    assert ground.went == [3, 3, 3]
    ground.clock.ms += DAY_MS
    await ground.run()
    assert ground.went == [3, 3, 3, 7, 7, 7]


async def test_an_account_to_be_forgotten_has_its_partition_gone_through_again() -> None:
    ground = Ground(partition_of("A1"), partition_of("A2"))
    await ground.run()
    ground.details.forgotten("A2")
    await ground.run()
    assert set(ground.went) == {partition_of("A2")}


async def test_one_that_is_not_restored_is_waited_for_and_the_others_are_not() -> None:
    ground = Ground(3)
    ground.held.insert(0, Tended(claim(7), restored=False))
    assert (await ground.run()).waiting
    assert ground.went == [3, 3, 3]
    ground.held[0] = Tended(claim(7), restored=True)
    assert not (await ground.run()).waiting
    assert ground.went == [7, 7, 7]


async def test_one_that_somebody_else_has_taken_is_passed_over() -> None:
    ground = Ground(3, 7)
    ground.troubles[3] = FencedError("taken")
    await ground.run()
    assert ground.went == [7, 7, 7]


async def test_a_store_that_fails_ends_the_run_and_the_next_one_begins_there() -> None:
    ground = Ground(3, 7)
    ground.troubles[3] = StoreError("away")
    with suppress(StoreError):
        await ground.run()
    assert ground.went == []
    await ground.run()
    assert ground.went == [3, 3, 3, 7, 7, 7]
    assert ground.clock.now_ms() == START_MS
