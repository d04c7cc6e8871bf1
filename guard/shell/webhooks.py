"""The webhooks of a daemon: a courier for each target, and what people may ask about them (`guard.ports.Webhooks`).

Which targets there are is settled before the first batch (`open`), so a new one misses nothing from then on. What was
owed to one that is no more in the configuration goes, with a line in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from guard.core.decisions import Audit
from guard.core.events import Delivery, WebhookView
from guard.ports import Clock, Notifier, Outbox
from guard.shell.courier import Courier, Route

CLOSE_WITHIN_S = 2.0


class PostOffice:
    """All couriers."""

    def __init__(self, outbox: Outbox, clock: Clock, targets: Sequence[tuple[Route, Notifier]]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._notifiers = [notifier for _, notifier in targets]
        self.couriers = [Courier(route, notifier, outbox, clock) for route, notifier in targets]
        self._log = structlog.get_logger("guard").bind()

    async def open(self) -> None:
        """From now on the targets are owed what happens; `StoreError` when that cannot be noted."""
        gone = await self._outbox.open([courier.route.name for courier in self.couriers])
        for webhook, dropped in gone.items():
            self._log.warning("webhook-removed", webhook=webhook, dropped=dropped)

    def tell(self) -> None:
        """There is news in the history."""
        for courier in self.couriers:
            courier.tell()

    def look_again(self, webhook: str) -> None:
        """Somebody has made dead letters of that one due."""
        for courier in self.couriers:
            if courier.route.name == webhook:
                courier.look_again()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for courier in self.couriers:
                    tasks.create_task(courier.run(), name=f"webhook {courier.route.name}")
        finally:
            await self._close()

    async def _close(self) -> None:
        """Let go of connections, within a limit."""
        closing = [asyncio.create_task(notifier.close()) for notifier in self._notifiers]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_WITHIN_S)

    # -- what people ask

    def views(self) -> list[WebhookView]:
        """All targets, in the order of the configuration."""
        return [courier.view() for courier in self.couriers]

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time."""
        return await self._outbox.deliveries(webhook=webhook, dead=dead, after=after, limit=limit)

    async def resend(self, webhook: str, event: str | None, *, by: str, reason: str) -> int | None:
        """Send dead letters again, one or all."""
        if webhook not in {courier.route.name for courier in self.couriers}:
            return None
        audit = Audit("", self._clock.now_ms(), by, f"resend_webhook {webhook}", reason)
        revived = await self._outbox.revive(webhook, event, audit)
        self.look_again(webhook)
        return revived
