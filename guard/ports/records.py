"""The history as whoever looks at it reads it: decisions, the ledger, what was done, what was held back; page by page.

A page says where the next one begins, in a text that means something to whoever gave it and to nobody else
(**cursor**). For a daemon it is the number of a row. In a cluster each partition numbers its own, so it stands for a
place in all of them; what is followed by cursors is complete and without repeats all the same. It is made of letters,
digits, `-` and `_`, and never has the form of a decision's id (26 letters and digits).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from guard.core.decisions import Audit, BillingEntry, Decision, LedgerLine, Quarantined
from guard.core.statement import LedgerSum

T = TypeVar("T")

FROM_THE_END = ""
"""The cursor of whoever has none yet: from the oldest where the oldest come first, else from the newest."""


class CursorError(Exception):
    """What was said to be a cursor is none of those that were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some of many, in their order."""

    items: Sequence[T]
    next: str | None
    """The cursor behind the last of them; None: there were no more."""


class Records(Protocol):
    """Asks the history. `CursorError` for a cursor that is none, `StoreError` when it cannot be asked."""

    async def decisions(self, *, account: str | None, after: str, limit: int) -> Page[Decision]:
        """Decisions (of one account) behind a cursor, oldest first."""
        ...

    async def behind(self, decision: str) -> str | None:
        """The cursor behind the decision with this id; None: there is no such decision.

        In a cluster it may lie before others that were shown with that one: rather a repeat than a gap.
        """
        ...

    async def newest(self, *, before: str, limit: int) -> Page[Decision]:
        """Decisions of all accounts, newest first; `next` goes on with older ones."""
        ...

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
        ...

    async def last_audits(self, account: str, limit: int, *, before: str = FROM_THE_END) -> Page[Audit]:
        """What was last done to an account (or, "", to none) outside of decisions, newest first."""
        ...

    def ledger(self, account: str, *, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines with from <= at < to, ordered by (at, number), in chunks: never all in memory."""
        ...

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines with from <= at < to, added up by kind, class of call and method of payment."""
        ...

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages of these types that were taken for the account, newest first, with their payloads."""
        ...

    async def quarantined(self, *, after: str, limit: int) -> Page[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        ...
