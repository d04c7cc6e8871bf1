"""What a worker tells of itself every second: numbers of its partitions, and who of theirs should be looked at.

Between guard's own processes, of versions that may differ while they are being replaced one by one: a version in front,
and members are only ever added, at the end, with a default. What cannot be read is None: it is told anew a second
later. Some 50 bytes for each partition and 100 for each switch. Beside these a few hundred answers of switches, which
no row of the store has.
"""

from __future__ import annotations

import msgspec

from guard.core.events import WebhookView
from guard.core.partitions import partition_of
from guard.core.views import AccountState, CurrencyTotal, SwitchView, TotalsView

VERSION = 1
_STATES = tuple(AccountState)


class ToldPartition(msgspec.Struct, frozen=True, array_like=True):
    """One partition in a few numbers."""

    part: int
    epoch: int
    states: tuple[int, ...]
    """Accounts in each state, in the order of `AccountState`."""
    live_calls: int
    held: int
    fuse_open: bool
    currencies: tuple[tuple[str, int, int, int], ...]
    """Currency, exposure, in flight (micros), burn (micros per minute)."""

    @classmethod
    def of(cls, part: int, epoch: int, totals: TotalsView, held: int, *, fuse_open: bool) -> ToldPartition:
        """What its engine says."""
        return cls(
            part,
            epoch,
            tuple(totals.accounts.get(state, 0) for state in _STATES),
            totals.live_calls,
            held,
            fuse_open,
            tuple(map(_currency, totals.currencies)),
        )

    def by_state(self) -> dict[AccountState, int]:
        """Accounts in each state."""
        return dict(zip(_STATES, self.states, strict=False))


def _currency(total: CurrencyTotal) -> tuple[str, int, int, int]:
    return (total.currency, total.exposure_micros, total.in_flight_micros, total.burn_micros_per_minute)


class ToldSwitch(msgspec.Struct, array_like=True):
    """One switch, as all partitions of a worker together see it; and in which of them it is not as it should be."""

    name: str
    up: bool = True
    last_heard_ms: int = 0
    live_calls: int = 0
    unconfirmed: int = 0
    blind: bool = False
    silence: str = ""
    usual_calls: int | None = None
    skew_ms: int = 0
    lagging: list[int] = []
    unsynced: list[int] = []
    skewed: dict[int, int] = {}
    """Partition: by how much its clock is ahead of ours, where that is not nothing."""
    home: bool = False
    """What is said of its silence is said by the partition of its name, which speaks for all."""

    def add(self, part: int, view: SwitchView) -> None:
        """Count what one partition sees of it."""
        lagging, unsynced = [part] if view.lagging else [], [] if view.synced else [part]
        skewed = {part: view.skew_ms} if view.skew_ms else {}
        home = bool(view.silence) and part == partition_of(view.name)
        figures = (view.live_calls, view.unconfirmed, view.blind, view.silence, view.usual_calls, view.skew_ms)
        self.take(
            ToldSwitch(view.name, view.up, view.last_heard_ms, *figures, lagging, unsynced, skewed, home),
        )

    def take(self, other: ToldSwitch) -> None:
        """Count what others see of it: sums of calls and commands; of the rest, whatever is worst or newest.

        Why it is silent its home says.
        """
        self.up = self.up and other.up
        self.last_heard_ms = max(self.last_heard_ms, other.last_heard_ms)
        self.live_calls += other.live_calls
        self.unconfirmed += other.unconfirmed
        self.blind = self.blind or other.blind
        if other.silence and (other.home or not self.silence):
            self.silence, self.home = other.silence, other.home
        if other.usual_calls is not None:
            self.usual_calls = (self.usual_calls or 0) + other.usual_calls
        self.skew_ms = max(self.skew_ms, other.skew_ms, key=abs)
        self.lagging += other.lagging
        self.unsynced += other.unsynced
        self.skewed |= other.skewed

    def view(self) -> SwitchView:
        """As it is shown."""
        return SwitchView(
            name=self.name,
            up=self.up,
            last_heard_ms=self.last_heard_ms,
            live_calls=self.live_calls,
            unconfirmed=self.unconfirmed,
            synced=not self.unsynced,
            lagging=bool(self.lagging),
            blind=self.blind,
            silence=self.silence,
            usual_calls=self.usual_calls,
            skew_ms=self.skew_ms,
        )


class ToldRefusal(msgspec.Struct, frozen=True, array_like=True):
    """A switch has refused a command, which still waits for it."""

    account: str
    seq: int
    """Of the command."""
    switch: str
    error: str


class ToldWorker(msgspec.Struct, frozen=True, kw_only=True):
    """All that one worker tells."""

    v: int = VERSION
    partitions: list[ToldPartition]
    switches: list[ToldSwitch]
    growing: list[tuple[int, str]]
    """(when, account) of those that will reach their limit, the nearest first."""
    used: list[tuple[int, str]]
    """(share of its limit in thousandths, account) of those that are warned, the most used first."""
    hits: list[tuple[str, str, int]]
    """(rule, mode, how often) since it started."""
    webhooks: list[WebhookView]
    refused: list[ToldRefusal] = []
    """The latest ones, the newest first."""
    acked: list[tuple[str, str]] = []
    """(switch, account): blocks that a switch has although it has not confirmed its list, the newest first."""


encode_told = msgspec.msgpack.Encoder().encode
_told = msgspec.msgpack.Decoder(ToldWorker)


def decode_told(payload: bytes) -> ToldWorker | None:
    """What a worker told; None: it cannot be read, or is of a version that is not known."""
    try:
        told = _told.decode(payload)
    except msgspec.DecodeError:
        return None
    return told if told.v == VERSION else None
