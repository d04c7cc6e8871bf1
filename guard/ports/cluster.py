"""What a worker of a cluster shares with the others: leases of partitions, the log of each, and a bus.

    log (of a partition) --entries, in order--> worker --one transaction--> store: position + fence, state, outbox
                                                  `--commands, pieces of snapshots--> bus

A **partition** is a set of accounts (`guard.core.partitions`). Whoever holds its lease decides for it, alone: the lease
has an **epoch** that grows with each owner, and a commit under an epoch that is no longer the partition's is refused
(`guard.ports.storage.FencedError`). The **position** is the sequence of the last entry of the partition's log that is
in what was committed; a new owner goes on behind it. Nothing of the log is acknowledged: the position is all there is.
With the sequence goes the moment at which the log stored that entry: a log that does not have it there, at that moment,
is not the one that was read (`Log.read`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from guard.ports.messages import Message, TrackedPublisher
from guard.ports.storage import Outbox, Store


class Position(NamedTuple):
    """How far a partition's log has been read: its last entry that is in the store."""

    sequence: int = 0
    """In the stream; 0: nothing has been read yet."""
    at_ns: int = 0
    """When the log stored that entry, by its own clock; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lease as it was given."""

    part: int
    epoch: int
    position: Position
    token: int = 0
    """Drawn by chance with each claim: a store that was put back gives epochs again, but not this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker."""

    id: str
    url: str
    """Where its HTTP side listens; empty: nowhere."""
    reads: bool = True
    """It reaches the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A worker as the store knows it."""

    member: Member
    ago_ms: int
    """Since it renewed last, by the store's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One partition as the store knows it."""

    part: int
    owner: str
    """Empty: it was released, or never claimed."""
    epoch: int
    position: Position
    left_ms: int
    """Of the lease, by the store's clock; not above 0: whoever comes first may have it."""


class Leases(Protocol):
    """Who owns what. Times are those of the store's clock; `StoreError` when it cannot be asked.

    A worker measures its own lease by its own monotonic clock, from the moment before it asked.
    """

    lease_ms: int
    """How long a lease lasts from when it is given or renewed."""

    async def claim(self, worker: str, want: int) -> list[Claim]:
        """Take up to so many partitions that nobody holds, each under its next epoch."""
        ...

    async def renew(self, member: Member, claims: Sequence[Claim]) -> set[int]:
        """Say that the worker lives, and renew these; those of them that are still its own."""
        ...

    async def release(self, worker: str, claims: Sequence[Claim]) -> None:
        """Give these up, if they are still its own: they may be claimed at once."""
        ...

    async def leave(self, worker: str) -> None:
        """The worker goes: it does not count for anybody's share any more."""
        ...

    async def members(self) -> list[Seen]:
        """The workers that have renewed within the last lease, in the order of their ids."""
        ...

    async def partitions(self) -> list[Held]:
        """All partitions, in the order of their numbers."""
        ...


class PartitionStore(Store, Protocol):
    """The store of one partition under one claim; `FencedError` from a commit under an epoch that is over."""

    position: Position
    """What the next commit says has been taken from the log: to be set before it."""

    @property
    def outbox(self) -> Outbox:
        """What webhooks are owed of this partition."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a partition's log: what one ingest received at about one time, or one heartbeat of it."""

    position: Position
    """Its sequence grows, but not by one; it begins anew when the log does."""
    at_ms: int
    """When the ingest received it."""
    messages: Sequence[Message]
    """As they would have come from the broker; all of them concern this partition."""
    heard: Sequence[str]
    """Switches that this ingest has heard reports of since its last heartbeat, whichever accounts they were about."""


class Reader(Protocol):
    """Reads one partition's log from a position on, in order, without gaps, ahead only within bounds."""

    on_arrival: Callable[[], None]
    """There is something to drain."""

    def drain(self, limit: int) -> list[Entry]:
        """Up to `limit` entries that have arrived, in order."""
        ...

    def lag(self) -> int:
        """How many entries of the stream lie behind the last one drained, as far as is known."""
        ...


class Log(Protocol):
    """The log of all partitions."""

    def read(self, part: int, after: Position) -> AbstractAsyncContextManager[Reader]:
        """Read a partition behind a position until the context ends. It survives that the log is away for a while.

        A log that was made anew, or put back as of an earlier day, is read from the moment on at which the entry of
        the position was stored, and that is told: what is read twice changes nothing, what is not read is lost.
        """
        ...

    def name(self) -> str:
        """A name for one entry, never given before by anybody."""
        ...

    async def append(self, part: int, messages: Sequence[tuple[str, bytes]], *, name: str = "") -> bool:
        """Add an entry of (topic, payload); whether it is durable. Never raises for a log that is away.

        An entry that may not have arrived and is given again under the same name, soon, is in the log once.
        """
        ...


class Bus(TrackedPublisher, Protocol):
    """Short ways. What is published goes to whoever is at the broker (an ingest), what is sent to whoever listens.

    What nobody hears is lost; all that goes this way is said again until it has had its effect. `subject` is relative
    to the cluster's prefix.
    """

    def send(self, subject: str, payload: bytes) -> bool:
        """Hand it to the connection; False when there is none."""
        ...

    def listen(self, subject: str, hear: Callable[[bytes], None]) -> AbstractAsyncContextManager[None]:
        """Call `hear` with each payload until the context ends, also after the connection was lost and is back."""
        ...


class Stores(Protocol):
    """Gives each claimed partition its store; what they commit at the same time shares one transaction."""

    def partition(self, claim: Claim) -> PartitionStore:
        """The store of that partition under that claim."""
        ...
