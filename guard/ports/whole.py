"""What a node of a cluster knows of all partitions, whichever it holds: what the store has, and what workers tell.

`Whole` asks the store. What it draws of an account is what the owner of its partition would draw, as of the last
commit, carried forward to now. `Told` needs nobody: it is what all workers wrote of themselves a moment ago, put
together, so it may be a second or two old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from guard.core.decisions import Audit
from guard.core.events import Delivery, WebhookView
from guard.core.limits import LimitReview
from guard.core.rules.profile import Profile
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView
from guard.ports.records import Records


class Whole(Protocol):
    """Asks the store about any account, or about many; `StoreError` when it cannot be asked.

    What the answers mean, their order and their bounds are those of `guard.ports.Desk`.
    """

    @property
    def records(self) -> Records:
        """The history of all partitions."""
        ...

    async def account(self, account: str, *, calls: int) -> AccountView | None:
        """Picture of one account now, with so many of its live calls."""
        ...

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids; drawn, here and below, without their calls."""
        ...

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        """Accounts on their way to the limit, the nearest first; then those that are warned, the most used first."""
        ...

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        """Blocked accounts, the one that was blocked last first."""
        ...

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits, in the order of their ids; and where to go on."""
        ...

    async def held(self, account: str | None) -> Sequence[HeldView]:
        """Blocks (of one account) that the fuse holds for an operator, oldest first."""
        ...

    async def held_of(self, held: str) -> HeldView | None:
        """The one with this id."""
        ...

    async def profile(self, account: str) -> Profile | None:
        """What is usual for an account."""
        ...

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What webhooks are owed by all partitions, by webhook and time."""
        ...

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many. In the history by `audit`."""
        ...


class Told(Protocol):
    """What the workers told a moment ago, put together; nothing here waits."""

    def totals(self) -> TotalsView:
        """The whole of what is watched, in a few numbers; `last_decision` means nothing here."""
        ...

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        ...

    def behind(self) -> Sequence[str]:
        """Switches whose backlog is being read."""
        ...

    def held_count(self) -> int:
        """How many blocks the fuse holds."""
        ...

    def fuse_open(self) -> bool:
        """Whether further blocks by rule or model are held now."""
        ...

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """How often each rule has fired since the workers started, by (rule, mode)."""
        ...

    def webhooks(self) -> list[WebhookView]:
        """The targets, in the order of the configuration."""
        ...

    def gaps(self) -> Sequence[str]:
        """What the picture lacks, in sentences an operator reads above each page; none: it is whole.

        Partitions that nobody holds, workers that have not told for longer than a lease.
        """
        ...
