"""The lease of a daemon that has a standby: whoever holds it decides, everybody else waits for it.

The store's clock says when a lease ends. The holder renews it a few times within its length; a standby tries as often
to take it. What keeps the store whole is not the lease but the epoch that goes with it: the store refuses what is
committed under an epoch that is over (`guard.ports.FencedError`). So the holder goes on for a while even when it cannot
renew: most often nobody else can take it either, because it is the same store that does not answer, and nothing that
guard decides leaves it before it is committed. Readiness says so. After `ALONE_MS` it ends all the same: should it be
the only one that is cut off, it must not go on taking the broker's session from the one that has taken over.

Once somebody else has the lease there is nothing to be done but to end: what is in memory here is of the past.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from guard.ports import Clock, FencedError, StoreError
from guard.ports.cluster import Claim, Leases, Member

RENEW_EVERY_MS = 500
ALONE_MS = 30_000
"""Longer than a database takes to restart or to fail over."""
GIVE_BACK_WITHIN_S = 3.0
NS_PER_MS = 1_000_000


class Tenancy:
    """One lease, wanted or held."""

    def __init__(self, leases: Leases, member: Member, clock: Clock) -> None:
        self._leases = leases
        self._member = member
        self._clock = clock
        self._renewed_ns = clock.monotonic_ns()
        self._log = structlog.get_logger("guard").bind()

    async def try_once(self) -> Claim | None:
        """Take the lease if nobody holds it."""
        asked_ns = self._clock.monotonic_ns()
        claims = await self._leases.claim(self._member.id, 1)
        self._renewed_ns = asked_ns
        return claims[0] if claims else None

    async def wait(self) -> Claim:
        """Take the lease as soon as nobody holds it; a store that does not answer is asked again."""
        failure = ""
        while True:
            try:
                claim = await self.try_once()
            except StoreError as error:
                if str(error) != failure:
                    failure = str(error)
                    self._log.warning("standby", reason=failure)
            else:
                failure = ""
                if claim is not None:
                    return claim
            await self._clock.sleep(RENEW_EVERY_MS)

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Hold the lease while the block runs, and give it back; `FencedError`, in a group, once it is lost."""
        try:
            async with asyncio.TaskGroup() as tasks:
                holding = tasks.create_task(self._hold(claim), name="lease")
                try:
                    yield
                finally:
                    holding.cancel()
        finally:
            await self._give_back(claim)

    async def _hold(self, claim: Claim) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY_MS)
            asked_ns = self._clock.monotonic_ns()
            try:
                kept = await self._leases.renew(self._member, [claim])
            except StoreError as error:
                if self._late_ms() > ALONE_MS:
                    raise FencedError(f"cut off from the store for {ALONE_MS // 1_000} s: {error}") from error
                continue
            if claim.part not in kept:
                raise FencedError("another guard has taken over; this one decides no more")
            self._renewed_ns = asked_ns

    def missing(self) -> str:
        """What keeps us from being ready, in words; empty: nothing."""
        late_ms = self._late_ms()
        if late_ms <= self._leases.lease_ms:
            return ""
        return f"the lease on the store has not been renewed for {late_ms // 1_000} s: the store does not answer"

    def _late_ms(self) -> int:
        return (self._clock.monotonic_ns() - self._renewed_ns) // NS_PER_MS

    async def _give_back(self, claim: Claim) -> None:
        """A standby need not wait for the lease to end."""
        try:
            async with asyncio.timeout(GIVE_BACK_WITHIN_S):
                await self._leases.release(self._member.id, [claim])
                await self._leases.leave(self._member.id)
        except (StoreError, TimeoutError) as error:
            self._log.warning("lease-kept", reason=str(error), effect="a standby waits until it ends")
