"""What the shell needs from outside, as small Protocols: a source of messages, a store, a way to switches, a clock.

Adapters provide these, one library each; tests provide others and run the same contract tests against both. Nothing
here decides anything. Frozen records cross these borders, never dicts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from guard.core.anomaly import Finding
from guard.core.decisions import NEWEST, Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.events import Delivery, Event, Owed, Position, WebhookView
from guard.core.limits import LimitReview
from guard.core.records import Intent, IntentResult
from guard.core.restored import Restored
from guard.core.rules.observation import Observation
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.rules.usual import UsualRow
from guard.core.statement import LedgerSum
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView

__all__ = [
    "Clock",
    "Desk",
    "IntentResult",
    "Message",
    "Mistake",
    "NotReadyError",
    "Notifier",
    "Outbox",
    "Publisher",
    "Reloaded",
    "Restored",
    "Sent",
    "SetupRefusedError",
    "Source",
    "Store",
    "StoreError",
    "TrackedPublisher",
    "Webhooks",
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


class Model(Protocol):
    """The anomaly model, as the shell drives it (`guard.anomaly.lookout`)."""

    @property
    def next_due_ms(self) -> int | None:
        """When `due` has something to tell."""
        ...

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        """For `Engine.listen`: constant work."""
        ...

    def due(self, now_ms: int) -> Sequence[Any]:
        """Rows whose moment has come, in its order; each has an `account` and its `at_ms`, the rest is the model's."""
        ...

    def score(self, rows: Sequence[Any]) -> tuple[Sequence[float], Sequence[Finding]]:
        """Scores of rows, and what is found in them; on any thread, one at a time."""
        ...

    def heed(self, findings: Sequence[Finding]) -> None:
        """These are on their way to the engine."""
        ...

    def take_changed(self) -> Sequence[tuple[str, UsualRow]]:
        """What is to be stored of accounts, by their ids."""
        ...

    def drift(self) -> float:
        """How far traffic has moved from that of the training: 0.1 is little, 0.25 much."""
        ...


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
    """The daemon as its HTTP side sees it. Reading is immediate; an intent returns when it is durable."""

    store: Store

    @property
    def webhooks(self) -> Webhooks:
        """Who else is told, and what they are owed."""
        ...

    def account(self, account: str) -> AccountView | None:
        """Picture of one account now."""
        ...

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids; `query` is part of an id or a name. The loop turns meanwhile."""
        ...

    def soonest(self, limit: int) -> list[AccountView]:
        """Accounts that go on growing and will be at their limit first; up to so many, the nearest first."""
        ...

    def totals(self) -> TotalsView:
        """The whole of what is watched, in a few numbers."""
        ...

    def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
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

    async def reload(self, by: str) -> Reloaded:
        """Read the files anew and go by them; `SetupRefusedError` when they have mistakes, and then nothing changes."""
        ...

    async def learn(self, pasts: Sequence[Past]) -> list[int]:
        """Take in what history knows of some accounts; of each how many days were news. Durable when it returns."""
        ...

    def profile(self, account: str) -> Profile | None:
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
