"""Who else is told: one target of webhooks, and all of them as the HTTP side sees them.

A notifier tries once and says what came of it. When to try again, and what is owed, is not its business
(`guard.shell.courier`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from guard.core.events import Delivery, Event, WebhookView


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt to tell a target."""

    error: str = ""
    """Empty: it has it. Else what went wrong, in words that hold nothing secret."""
    retry_after_ms: int = 0
    """The target asks to be left alone for so long."""


class Notifier(Protocol):
    """Tells one target about events. `send` never raises, and takes `SEND_WITHIN_S` at most."""

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once, now."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Webhooks(Protocol):
    """The webhooks as the HTTP side sees them."""

    def views(self) -> list[WebhookView]:
        """All that are configured, in the order of the configuration."""
        ...

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time."""
        ...

    async def resend(self, webhook: str, event: str | None, *, by: str, reason: str) -> int | None:
        """Send dead letters again, one or the oldest 1,000; how many. None: no webhook has that name."""
        ...
