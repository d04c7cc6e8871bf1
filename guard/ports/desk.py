"""The daemon as its HTTP side sees it, or a cluster as it is seen from any of its nodes.

What is known of an account, and the history, may have to be asked of the store; the few numbers about the whole are
there at once. An operator's intent returns when it is durable. What can keep a request from being carried out is named
here too: the daemon is not ready for it, or the operator's files have mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from guard.core.limits import LimitReview
from guard.core.pictures import SHOWN_CALLS
from guard.core.records import Intent, IntentResult
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView
from guard.ports.model import ModelView
from guard.ports.records import Records
from guard.ports.telling import Webhooks


class NotReadyError(Exception):
    """The daemon cannot take this now (starting, stopping, or its store does not answer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """A new setup is in force."""

    changes: tuple[str, ...]
    """What is another than before, each in a few words; none: the files say what they said."""
    needs_restart: tuple[str, ...]
    """Keys whose new values wait for a restart."""
    remarks: tuple[str, ...]
    """What is not wrong, but surely not meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something wrong in an operator's files."""

    place: str
    """File, and line where it is known."""
    text: str
    """Key, what was found, what would be accepted."""


class SetupRefusedError(Exception):
    """The files have mistakes, so nothing has changed."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(f"{mistake.place}: {mistake.text}" for mistake in mistakes))


class Desk(Protocol):
    """What the HTTP side asks; `StoreError` from what waits when the store cannot be asked."""

    @property
    def records(self) -> Records:
        """The history."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Who else is told, and what they are owed."""
        ...

    async def give_way(self) -> None:
        """Returns when nothing is in a hurry; to be awaited before each piece of work, of about a millisecond."""
        ...

    async def account(self, account: str, *, calls: int = SHOWN_CALLS) -> AccountView | None:
        """Picture of one account now, with so many of its live calls."""
        ...

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids; `query` is part of an id or a name.

        The loop turns meanwhile. Pictures of many, here and below, are drawn without their calls.
        """
        ...

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        """Accounts on their way to the limit, the nearest first; then those that are warned, the most used first."""
        ...

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        """Blocked accounts, the one that was blocked last first; `query` as above."""
        ...

    def totals(self) -> TotalsView:
        """The whole of what is watched, in a few numbers."""
        ...

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits, in the order of their ids; and where to go on (None: there are no more).

        A page may be short or empty and still have a next one: only so many accounts are looked at in one go.
        """
        ...

    def now_ms(self) -> int:
        """The present, by the daemon's clock."""
        ...

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        ...

    def behind(self) -> Sequence[str]:
        """Switches whose backlog is being read."""
        ...

    def gaps(self) -> Sequence[str]:
        """What these numbers lack, in sentences for whoever looks at them; none: they are whole."""
        ...

    async def held(self, account: str | None = None) -> Sequence[HeldView]:
        """Blocks (of one account) that the fuse holds for an operator, oldest first."""
        ...

    def held_count(self) -> int:
        """How many there are."""
        ...

    async def held_of(self, held: str) -> HeldView | None:
        """The one with this id; None when no such block is held (any more)."""
        ...

    def fuse_open(self) -> bool:
        """Whether further blocks by rule or model are held now."""
        ...

    def rules(self) -> Sequence[Rule]:
        """The rules in force, in the order in which they were read."""
        ...

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """How often each rule has fired since the start, by (rule, mode)."""
        ...

    def model(self) -> ModelView:
        """How it stands with the anomaly model."""
        ...

    async def submit(self, intent: Intent) -> IntentResult:
        """Carry out an operator's intent; `NotReadyError` when it cannot be made durable in time."""
        ...

    async def reload(self, by: str) -> Reloaded:
        """Read the files anew and go by them; `SetupRefusedError` when they have mistakes, and then nothing changes."""
        ...

    async def learn(self, pasts: Sequence[Past]) -> list[int]:
        """Take in what history knows of some accounts; of each how many days were news. Durable when it returns."""
        ...

    async def profile(self, account: str) -> Profile | None:
        """What is usual for an account; None: nothing is known of it."""
        ...

    def metrics(self) -> bytes:
        """The Prometheus text of contract 7."""
        ...

    def healthy(self) -> str:
        """Empty when the loop turns; otherwise what is wrong."""
        ...

    def ready(self) -> str:
        """Empty when restored and subscribed; otherwise what is still missing."""
        ...
