"""What keeps everything: the state and its history (`Store`), and what each webhook is owed of it (`Outbox`).

One transaction is one batch, whole or not at all. Whoever asks gets an answer or a `StoreError` whose text says what is
wrong and what to do; what could not be stored is kept by the caller and handed in again, unchanged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from guard.core.decisions import NEWEST, Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.events import Delivery, Event, Owed, Position
from guard.core.restored import Restored
from guard.core.statement import LedgerSum


class StoreError(Exception):
    """The store could not do what was asked; the text says what and what to do."""


class FencedError(Exception):
    """Somebody else writes there now: whoever gets this must decide nothing more; the text says who has taken over."""


class Store(Protocol):
    """Keeps everything. One writer; `commit` is one transaction, durable when it returns."""

    async def restore(self) -> Restored:
        """Read the whole state; `StoreError` when the file is not one of ours or is broken."""
        ...

    async def commit(self, changes: Changes) -> None:
        """Write a batch whole or not at all; `StoreError` when it could not be made durable."""
        ...

    async def published(self, decision_number: int) -> None:
        """Note that all decisions up to this number have reached the broker (may be lost in a crash)."""
        ...

    async def posted_since(self, account: str, after_ms: int) -> int:
        """Sum in micros of the account's ledger lines with `at` later than `after_ms`."""
        ...

    async def decisions(self, *, account: str | None, after: int, limit: int) -> list[Decision]:
        """Decisions with a number above `after`, oldest first."""
        ...

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
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

    async def last_audits(self, account: str, limit: int, *, before: int = NEWEST) -> list[Audit]:
        """What was last done to an account (or, "", to none) outside of decisions, of numbers below `before`."""
        ...

    async def quarantined(self, *, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        ...


class Outbox(Protocol):
    """What each webhook is owed of the stored decisions and notices (`guard.core.events`).

    Whatever it loses when the machine dies is owed again; `StoreError` when it cannot be asked.
    """

    async def open(self, webhooks: Sequence[str]) -> Mapping[str, int]:
        """From now on tell these, a new one no history; returns what was owed to those that are gone, now given up."""
        ...

    async def position(self, webhook: str) -> Position:
        """How far it has been through the history."""
        ...

    async def after(self, position: Position, limit: int) -> tuple[list[Event], Position]:
        """Events beyond a position, at most `limit` of each kind, in order of time; and the position behind them."""
        ...

    async def pending(self, webhook: str) -> list[Owed]:
        """What is to be sent to it, in order of time."""
        ...

    async def owe(self, webhook: str, owed: Sequence[Owed], position: Position) -> None:
        """Note what a webhook has been through and what of that it has not got."""
        ...

    async def settle(self, webhook: str, done: Sequence[str], changed: Sequence[Owed]) -> None:
        """Note which events it has got (or no longer needs), and what became of others."""
        ...

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time; `after` is the webhook and the event of the last one seen."""
        ...

    async def counts(self) -> dict[str, tuple[int, int]]:
        """By webhook: how many events are to be sent, and how many have been given up."""
        ...

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many. In the history by `audit`."""
        ...
