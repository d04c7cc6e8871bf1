"""The decisions topic: every decision, at least once, in order.

The feed is level-triggered: it knows the number of the last decision the broker has, reads what is newer from the
store, publishes it, and moves on when the broker has it. Nothing queues in memory while the broker is away, and after
a crash it resumes where the store says; consumers deduplicate by `id` (contract 5).
"""

from __future__ import annotations

import asyncio

import structlog

from guard.ports import Clock, Store, StoreError, TrackedPublisher
from guard.wire.decisions import encode_decision
from guard.wire.topics import Topics

CHUNK = 200
"""Decisions on their way at a time."""
RETRY_MS = 1_000
PUBACK_WITHIN_S = 10.0


class Feed:
    """Publishes what the store holds and the broker does not."""

    def __init__(
        self, *, store: Store, publisher: TrackedPublisher, topics: Topics, clock: Clock, published: int
    ) -> None:
        """`published` is the number of the last decision that is known to have reached the broker."""
        self._store = store
        self._publisher = publisher
        self._topic = topics.decisions
        self._clock = clock
        self._published = published
        self._news = asyncio.Event()
        self._news.set()
        self._log = structlog.get_logger("guard").bind()

    def tell(self) -> None:
        """There are new decisions in the store (or the broker is back)."""
        self._news.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not await self._publish_all():
                self._news.set()
                await self._clock.sleep(RETRY_MS)

    async def _publish_all(self) -> bool:
        """Publish everything that is new; False when it has to be tried again."""
        while True:
            try:
                decisions = await self._store.decisions(account=None, after=self._published, limit=CHUNK)
            except StoreError as error:
                self._log.warning("decisions-unread", reason=str(error))
                return False
            if not decisions:
                return True
            outcomes = [
                self._publisher.publish_tracked(self._topic, encode_decision(decision)) for decision in decisions
            ]
            try:
                async with asyncio.timeout(PUBACK_WITHIN_S):
                    received = await asyncio.gather(*outcomes)
            except TimeoutError:
                return False
            for decision, arrived in zip(decisions, received, strict=True):
                if not arrived:
                    return False
                self._published = decision.number
            await self._store.published(self._published)
