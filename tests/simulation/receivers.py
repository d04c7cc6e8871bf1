"""Receivers of webhooks: they take events, refuse them, hang, or take them and let the answer get lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from guard.core.events import Event
from guard.ports import Sent

TIMEOUT_S = 10.0
FIRST_WITHIN_MS = 5_000
"""Contract 5."""


class Process(Protocol):
    """Whoever sends."""

    @property
    def dead(self) -> bool:
        """It is."""
        ...

    def seam(self) -> bool:
        """Something is about to get out; whether it does."""
        ...


@dataclass
class Receiver:
    """One target, for as long as the world lasts."""

    name: str
    random: Random
    broken: Callable[[str], None]
    prompt: Callable[[str, int, int], None]
    """Looks whether what it gets, of that time, comes within so many ms."""
    ill: bool = False
    """Faults are on."""
    received: dict[str, str] = field(default_factory=dict)
    """By id: what it said."""
    times: int = 0

    def take(self, event: Event) -> None:
        """It has got here. The same id again must say the same."""
        said = f"{event.type} {event.subject} {event.at_ms} {event.told.text}"
        if event.id not in self.received:
            self.prompt(f"webhook {self.name}: {event.id}", event.at_ms, FIRST_WITHIN_MS)
        known = self.received.setdefault(event.id, said)
        self.times += 1
        if known != said:
            self.broken(f"webhook {self.name}: {event.id} said `{known}` and later `{said}`")

    def at(self, process: Process) -> Way:
        """The way from one life of guard's process."""
        return Way(self, process)


class Way:
    """A `guard.ports.Notifier`: one life's way to a receiver."""

    def __init__(self, receiver: Receiver, process: Process) -> None:
        self._receiver = receiver
        self._process = process

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once."""
        del at_ms
        receiver, random = self._receiver, self._receiver.random
        await asyncio.sleep(random.randint(1, 300) / 1_000)
        fate = (
            random.choice(("takes", "refuses", "hangs", "takes and hangs", "asks for a pause")) if receiver.ill else ""
        )
        if not self._process.seam():
            return Sent(error="dead")
        if fate in ("", "takes", "takes and hangs"):
            receiver.take(event)
        if fate in ("hangs", "takes and hangs"):
            await asyncio.sleep(TIMEOUT_S)
            return Sent(error="no answer within 10 s")
        if fate == "refuses":
            return Sent(error="503")
        if fate == "asks for a pause":
            return Sent(error="429", retry_after_ms=7_000)
        return Sent()

    async def close(self) -> None:
        """Nothing to let go of."""
