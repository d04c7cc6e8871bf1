"""The lease of a daemon: taken when it is free, renewed while it is held, and the end of everything once it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from guard.ports import FencedError, StoreError
from guard.ports.cluster import Claim, Held, Member, Position, Seen
from guard.shell import tenancy
from guard.shell.tenancy import Tenancy
from tests.shell.fakes import ManualClock

ME = Member(id="me", url="")
CLAIM = Claim(part=0, epoch=7, position=Position())


class OneLease:
    """A lease that is free from some time on, in a store that fails when told to."""

    lease_ms = 2_000

    def __init__(self, clock: ManualClock, *, free_after_ms: int = 0) -> None:
        self._clock = clock
        self._free_at_ms = clock.ms + free_after_ms
        self.failing = False
        self.taken = False
        """By somebody else, from me."""
        self.asked = 0
        """How often, for whatever."""
        self.given_back: list[Claim] = []
        self.when: Callable[[], None] = lambda: None
        """What happens when it is asked."""
        self._wanted, self._reached = 0, asyncio.Event()

    async def asked_for(self, times: int) -> None:
        """Return when it has been asked so often."""
        self._wanted = times
        await self._reached.wait()

    def _answer(self) -> None:
        self.asked += 1
        self.when()
        if self.asked == self._wanted:
            self._reached.set()
        if self.failing:
            raise StoreError("away")

    async def claim(self, worker: str, want: int) -> list[Claim]:
        self._answer()
        return [CLAIM] if self._clock.ms >= self._free_at_ms else []

    async def renew(self, member: Member, claims: Sequence[Claim]) -> set[int]:
        self._answer()
        return set() if self.taken else {claim.part for claim in claims}

    async def release(self, worker: str, claims: Sequence[Claim]) -> None:
        self._answer()
        self.given_back += claims

    async def leave(self, worker: str) -> None:
        self._answer()

    async def members(self) -> list[Seen]:
        raise NotImplementedError

    async def partitions(self) -> list[Held]:
        raise NotImplementedError


async def test_a_free_lease_is_taken_at_once_and_another_when_it_ends() -> None:
    clock = ManualClock()
    assert await Tenancy(OneLease(clock), ME, clock).try_once() == CLAIM
    lease, began_ms = OneLease(clock, free_after_ms=5_250), clock.ms
    waiting = Tenancy(lease, ME, clock)
    assert await waiting.try_once() is None
    assert await waiting.wait() == CLAIM
    assert clock.ms - began_ms == 5_500


async def test_a_store_that_does_not_answer_is_asked_again() -> None:
    clock = ManualClock()
    lease = OneLease(clock)
    lease.failing = True
    waiting = asyncio.create_task(Tenancy(lease, ME, clock).wait())
    await lease.asked_for(20)
    assert not waiting.done()
    lease.failing = False
    assert await waiting == CLAIM


async def test_it_is_renewed_while_it_is_held_and_given_back() -> None:
    clock = ManualClock()
    lease = OneLease(clock)
    held = Tenancy(lease, ME, clock)
    async with held.held(CLAIM):
        await lease.asked_for(5)
        assert held.missing() == ""
    assert lease.given_back == [CLAIM]
    assert clock.ms - lease._free_at_ms < 7 * tenancy.RENEW_EVERY_MS


async def test_whoever_has_lost_it_ends() -> None:
    clock = ManualClock()
    lease = OneLease(clock)
    lease.taken = True
    with pytest.raises(ExceptionGroup) as ended:
        async with Tenancy(lease, ME, clock).held(CLAIM):
            await asyncio.Event().wait()
    assert ended.group_contains(FencedError, match="another guard has taken over")


async def test_whoever_is_cut_off_says_so_and_ends_after_a_while() -> None:
    """Not at once: most often it is the store that is away, for everybody."""
    clock = ManualClock()
    lease = OneLease(clock)
    lease.failing = True
    held, said = Tenancy(lease, ME, clock), list[tuple[int, str]]()
    lease.when = lambda: said.append((clock.ms - lease._free_at_ms, held.missing()))
    with pytest.raises(ExceptionGroup) as ended:
        async with held.held(CLAIM):
            await asyncio.Event().wait()
    assert ended.group_contains(FencedError, match="cut off from the store for 30 s: away")
    assert [text for after_ms, text in said if after_ms <= lease.lease_ms] == [""] * 4
    assert all("has not been renewed for" in text for after_ms, text in said if after_ms > lease.lease_ms)
    assert said[-1][0] == tenancy.ALONE_MS + tenancy.RENEW_EVERY_MS


async def test_one_that_comes_back_in_time_is_ready_again() -> None:
    clock = ManualClock()
    lease = OneLease(clock)
    held = Tenancy(lease, ME, clock)

    def away_for_a_while() -> None:
        lease.failing = lease.asked < 20

    lease.when = away_for_a_while
    async with held.held(CLAIM):
        await lease.asked_for(25)
        assert held.missing() == ""
