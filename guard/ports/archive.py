"""What a node of a cluster may ask the database about any partition, whoever holds it; and what the workers tell there.

Rows, not pictures: what they mean is for the core to say (`guard.shell.cluster.drawing`). What is asked together is as
of one moment. Everything raises `StoreError` when it cannot be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from guard.core.decisions import Audit, BillingEntry, KeptRow
from guard.core.events import Delivery
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.core.views import AccountState
from guard.ports.records import Records
from guard.ports.storage import StoreError


class TooLongError(StoreError):
    """It would have taken longer than whoever asked is made to wait; the text says what to ask instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One account with all that its picture is drawn from."""

    part: int
    account: AccountRow
    calls: Sequence[CallRow]
    switches: Sequence[SwitchRow]
    """Of its partition: those that carry its calls, all of them when it is blocked."""
    pending: Sequence[tuple[str, int]]
    """(switch, seq) of the commands about it that are not acknowledged, when it is blocked."""
    payments: Sequence[BillingEntry]
    """Payments of it, in the order in which they were taken, when one of them is pending."""


class Archive(Protocol):
    """Asks about accounts in whichever partition they are."""

    @property
    def records(self) -> Records:
        """The history of all partitions."""
        ...

    async def leaves(self, accounts: Sequence[str]) -> list[Leaf]:
        """Those of these accounts that there are, in that order."""
        ...

    async def find(
        self, *, state: AccountState | None, needles: tuple[str, str], after: str, limit: int
    ) -> list[tuple[str, str]]:
        """(id, name) of accounts of that state in the order of their ids.

        Needles, in ASCII and small letters: one of the two is in the id or the name, whose ASCII letters count as small
        ones; an empty one is in all of them. `TooLongError`.
        """
        ...

    async def beginning(self, text: str, limit: int) -> list[str]:
        """Ids of accounts that begin with it, in order."""
        ...

    async def newly_blocked(self, *, needles: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """(id, name) of blocked accounts, the one that was blocked last first; needles as above."""
        ...

    async def rows(self, *, after: str, limit: int) -> list[AccountRow]:
        """Accounts in the order of their ids, as they are stored."""
        ...

    async def held(self, part: int | None) -> list[tuple[int, KeptRow]]:
        """(partition, row) of what the fuse holds (in one partition)."""
        ...

    async def subject(self, account: str) -> KeptRow | None:
        """What the rules know of an account."""
        ...

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What webhooks are owed by all partitions, by webhook and time."""
        ...

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many. In the history by `audit`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one worker that lives told last."""

    worker: str
    picture: bytes
    """Empty: nothing yet."""
    ago_ms: int
    """By the store's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tellings:
    """What all of them told, and which partitions nobody holds."""

    workers: Sequence[Telling]
    unowned: Sequence[int]


class Board(Protocol):
    """Where workers tell of themselves, beside their leases and not in the way of these."""

    async def tell(self, worker: str, picture: bytes) -> None:
        """Put it in place of what it told before; a crash of the store may lose it."""
        ...

    async def told(self) -> Tellings:
        """What the workers told that live, and which partitions nobody holds."""
        ...
