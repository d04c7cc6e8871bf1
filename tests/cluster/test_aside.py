"""Leases asked aside: a loop that is busy with batches does not hold up what is being asked."""

from __future__ import annotations

import asyncio
import threading

import pytest

from guard.ports import StoreError
from guard.ports.cluster import Claim, Held, Member, Position, Seen
from guard.shell.cluster.aside import aside

CLAIM = Claim(part=7, epoch=3, position=Position(11))


class Threads:
    """Leases that note on which thread they are asked, in several steps."""

    lease_ms = 2_000

    def __init__(self) -> None:
        self.asked_on: set[str] = set()
        self.asking = threading.Event()
        self.cancelled = threading.Event()
        self.closed_on = ""

    async def _step(self) -> None:
        self.asked_on.add(threading.current_thread().name)
        await asyncio.sleep(0)

    async def claim(self, worker: str, want: int) -> list[Claim]:
        await self._step()
        return [CLAIM] if worker and want else []

    async def renew(self, member: Member, claims: object) -> set[int]:
        await self._step()
        raise StoreError(f"{member.id}: the database is away")

    async def release(self, worker: str, claims: object) -> None:
        self.asking.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def leave(self, worker: str) -> None:
        await self._step()

    async def members(self) -> list[Seen]:
        await self._step()
        return []

    async def partitions(self) -> list[Held]:
        await self._step()
        return []

    def close(self) -> None:
        self.closed_on = threading.current_thread().name


async def test_answers_and_errors_come_from_the_other_thread() -> None:
    leases = Threads()
    async with aside(leases, leases.close) as asked:
        assert asked.lease_ms == 2_000
        assert await asked.claim("w1", 1) == [CLAIM]
        with pytest.raises(StoreError, match="w1: the database is away"):
            await asked.renew(Member(id="w1", url=""), [CLAIM])
        await asked.leave("w1")
        assert await asked.members() == []
        assert await asked.partitions() == []

    assert leases.asked_on == {"leases"}
    assert leases.closed_on == "leases"


async def test_who_gives_up_waiting_ends_the_question() -> None:
    leases = Threads()
    async with aside(leases, leases.close) as asked:
        releasing = asyncio.create_task(asked.release("w1", [CLAIM]))
        assert await asyncio.to_thread(leases.asking.wait, 10)
        releasing.cancel()
        assert await asyncio.to_thread(leases.cancelled.wait, 10)
        with pytest.raises(asyncio.CancelledError):
            await releasing
