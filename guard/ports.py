"""What the shell needs from outside, as small Protocols: a source of messages, a store, a way to switches, a clock.

Adapters provide these, one library each; tests provide others and run the same contract tests against both. Nothing
here decides anything. Frozen records cross these borders, never dicts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from guard.core.decisions import Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.limits import LimitReview
from guard.core.records import Intent, IntentResult
from guard.core.restored import Restored
from guard.core.rules.rule import Rule
from guard.core.statement import LedgerSum
from guard.core.views import AccountState, AccountView, HeldView, SwitchView

__all__ = [
    "Clock",
    "Desk",
    "IntentResult",
    "Message",
    "NotReadyError",
    "Publisher",
    "Restored",
    "Source",
    "Store",
    "StoreError",
    "TrackedPublisher",
]


class Clock(Protocol):
    """The only source of time. Tests move it by hand."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never set, so that a step of `now_ms` can be told from time that passed."""
        ...

    async def sleep(self, ms: int) -> None:
        """Return when `ms` have passed on this clock."""
        ...

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Return when the event is set, or when `ms` have passed on this clock."""
        ...


@dataclass(slots=True)
class Message:
    """One received message that has not been acknowledged yet. `receipt` is the source's own handle."""

    topic: str
    payload: bytes
    received_at_ms: int
    receipt: object = None


class Source(Protocol):
    """Delivers messages of one session and acknowledges them when told; never reads ahead without bound."""

    def drain(self, limit: int) -> list[Message]:
        """Up to `limit` messages that have arrived, in order of receipt; empty when there are none."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK these, in order; those of an earlier connection are passed over (the broker sends them again)."""
        ...


class Publisher(Protocol):
    """Publishes without waiting; what cannot be sent now is dropped, because desired state is sent again."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a QoS 1 message to the broker connection; False when there is none."""
        ...


class TrackedPublisher(Publisher, Protocol):
    """A publisher that can also say whether the broker has a message."""

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish; the future gets True when the broker has the message. Never raises."""
        ...


class StoreError(Exception):
    """The store could not do what was asked; the text says what and what to do."""


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

    async def last_audits(self, account: str, limit: int) -> list[Audit]:
        """What was last done to an account outside of decisions, newest first."""
        ...

    async def quarantined(self, *, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        ...


class NotReadyError(Exception):
    """The daemon cannot take this now (starting, stopping, or its store does not answer)."""


class Desk(Protocol):
    """The daemon as its HTTP side sees it. Reading is immediate; an intent returns when it is durable."""

    store: Store

    def account(self, account: str) -> AccountView | None:
        """Picture of one account now."""
        ...

    def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids, after the given id; `query` is part of an id or a name."""
        ...

    def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Up to `limit` accounts whose limit no longer fits, in the order of their ids after the given one.

        The second is where to go on; None: there are no more. A page may be short or empty and still have a next one,
        because only so many accounts are looked at in one go.
        """
        ...

    def now_ms(self) -> int:
        """The present, by the daemon's clock."""
        ...

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        ...

    def held(self) -> Sequence[HeldView]:
        """Blocks that the fuse holds for an operator, oldest first."""
        ...

    def held_of(self, held: str) -> HeldView | None:
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

    async def submit(self, intent: Intent) -> IntentResult:
        """Carry out an operator's intent; `NotReadyError` when it cannot be made durable in time."""
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
