"""What all workers told, put together: the whole as any node shows it (`guard.ports.whole.Told`).

| of | |
|---|---|
| a partition | what its newest owner (the highest epoch) says; accounts, calls and money are sums over partitions |
| a switch | calls, commands and what is usual are sums over workers, why it is silent its home says; else the worst |
| who is at risk | the lists of all workers in one order |
| a command | what a switch answered to it, as the newest owner of the account's partition says |
| rule hits | sums over the workers that live, each since its start |
| webhooks | what waits is a sum, what was delivered last is the newest, an error is that of whoever fails longest |

A partition that moves is counted once. While it moves its calls may be counted twice under their switch, and for a
second nobody says anything of it; `gaps` says so in words. What a worker told that has not renewed its lease within
the length of one, or that is older than `STALE_MS`, is not counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from guard.core.events import WebhookView
from guard.core.money import Micros
from guard.core.partitions import PARTITIONS
from guard.core.views import AccountState, CurrencyTotal, SwitchView, TotalsView
from guard.ports import Clock, StoreError
from guard.ports.archive import Board, Telling, Tellings
from guard.wire.told import ToldPartition, ToldRefusal, ToldSwitch, ToldWorker, decode_told

LOOK_EVERY_MS = 1_000
STALE_MS = 5_000
"""Workers tell each second."""
NAMED = 5
"""Partitions that are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How a switch stands with one partition."""

    synced: bool
    lagging: bool
    skew_ms: int


@dataclass(slots=True)
class _Worker:
    """What one worker told, ready to be looked into."""

    told: ToldWorker
    stands: dict[str, tuple[frozenset[int], frozenset[int], Mapping[int, int]]]
    """By switch: where it lags, where it lacks the whole truth, where its clock is another."""
    refused: Mapping[str, Sequence[ToldRefusal]]
    """By account."""
    acked: Mapping[str, Sequence[str]]
    """By account: the switches."""

    @classmethod
    def of(cls, told: ToldWorker) -> _Worker:
        refused: dict[str, list[ToldRefusal]] = defaultdict(list)
        for refusal in told.refused:
            refused[refusal.account].append(refusal)
        acked: dict[str, list[str]] = defaultdict(list)
        for switch, account in told.acked:
            acked[account].append(switch)
        return cls(
            told,
            {each.name: (frozenset(each.lagging), frozenset(each.unsynced), each.skewed) for each in told.switches},
            refused,
            acked,
        )


@dataclass(slots=True)
class _Whole:
    """All of it as of one look."""

    workers: list[_Worker] = field(default_factory=list)
    owners: dict[int, tuple[ToldPartition, _Worker]] = field(default_factory=dict)
    switches: dict[str, ToldSwitch] = field(default_factory=dict)
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    unowned: Sequence[int] = ()
    quiet: Sequence[str] = ()
    """Workers that live and have told nothing lately."""


class Gathering:
    """Looks every second while `run` runs; answers from what it saw last."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._whole = _Whole()
        self._looked_ms: int | None = None
        """When the store last answered; None: not yet."""
        self._trouble = ""
        self._log = structlog.get_logger("guard").bind()

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_EVERY_MS)

    async def look(self) -> None:
        """Take up what has been told; when the store does not answer, what is known already stays."""
        try:
            tellings = await self._board.told()
        except StoreError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log.warning("not-heard", reason=self._trouble, effect="pages show what was known before")
            return
        self._whole = gathered(tellings)
        self._looked_ms, self._trouble = self._clock.now_ms(), ""

    # -- how a switch stands with a partition

    def stand(self, part: int, switch: str) -> Stand | None:
        """As the owner of the partition told; None: nobody has."""
        owner = self._whole.owners.get(part)
        stands = None if owner is None else owner[1].stands.get(switch)
        if stands is None:
            return None
        lagging, unsynced, skewed = stands
        return Stand(synced=part not in unsynced, lagging=part in lagging, skew_ms=skewed.get(part, 0))

    # -- what switches answered

    def refused(self, part: int, account: str) -> Sequence[ToldRefusal]:
        """Commands about an account that switches have refused, as the owner of its partition told."""
        owner = self._whole.owners.get(part)
        return () if owner is None else owner[1].refused.get(account, ())

    def acked(self, part: int, account: str) -> Sequence[str]:
        """Switches that have its block although they have not confirmed their list."""
        owner = self._whole.owners.get(part)
        return () if owner is None else owner[1].acked.get(account, ())

    # -- who is at risk

    def growing(self) -> list[str]:
        """Accounts that will reach their limit, the nearest first."""
        return [account for _, account in sorted(each for worker in self._told() for each in worker.growing)]

    def most_used(self) -> list[str]:
        """Accounts that are warned, those first that have used most of their limit."""
        ranked = sorted((each for worker in self._told() for each in worker.used), reverse=True)
        return [account for _, account in ranked]

    def _told(self) -> list[ToldWorker]:
        return [worker.told for worker in self._whole.workers]

    # -- the whole

    def totals(self) -> TotalsView:
        """All partitions together."""
        states = dict.fromkeys(AccountState, 0)
        money: dict[str, tuple[int, int, int]] = {}
        for told, _ in self._whole.owners.values():
            for state, count in told.by_state().items():
                states[state] += count
            for currency, *amounts in told.currencies:
                exposure, in_flight, burn = money.get(currency, (0, 0, 0))
                money[currency] = (exposure + amounts[0], in_flight + amounts[1], burn + amounts[2])
        return TotalsView(
            accounts=states,
            live_calls=sum(told.live_calls for told, _ in self._whole.owners.values()),
            currencies=tuple(_currency(currency, *money[currency]) for currency in sorted(money)),
            last_decision=0,
        )

    def switches(self) -> list[SwitchView]:
        """All known switches, in the order of their names."""
        return [self._whole.switches[name].view() for name in sorted(self._whole.switches)]

    def behind(self) -> Sequence[str]:
        """Switches whose backlog is being read."""
        return [name for name, switch in sorted(self._whole.switches.items()) if switch.lagging]

    def held_count(self) -> int:
        """How many blocks the fuse holds."""
        return sum(told.held for told, _ in self._whole.owners.values())

    def fuse_open(self) -> bool:
        """Whether further blocks are held now, anywhere."""
        return any(told.fuse_open for told, _ in self._whole.owners.values())

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """How often each rule has fired."""
        return self._whole.hits

    def webhooks(self) -> list[WebhookView]:
        """The targets."""
        return webhooks_together(worker.webhooks for worker in self._told())

    # -- what it lacks

    def gaps(self) -> Sequence[str]:
        """What this picture lacks, in sentences."""
        if self._looked_ms is None:
            return ["What the workers tell has not been read yet: the figures on this page are not known."]
        whole, said = self._whole, []
        age_ms = self._clock.now_ms() - self._looked_ms
        if age_ms > STALE_MS:
            said.append(
                f"The store has not answered for {age_ms // 1_000} s ({self._trouble}): the figures are of before."
            )
        if whole.unowned:
            said.append(
                f"{len(whole.unowned)} of {PARTITIONS} partitions have no owner ({_some(whole.unowned)}): nothing is "
                "decided for their accounts now, which are shown as they were stored last."
            )
        if whole.quiet:
            said.append(
                f"Nothing has been told for {STALE_MS // 1_000} s by {', '.join(whole.quiet[:NAMED])}: "
                "what is held there is not in the figures."
            )
        waiting = PARTITIONS - len(whole.owners.keys() | set(whole.unowned))
        if waiting and not whole.quiet:
            said.append(f"{waiting} of {PARTITIONS} partitions are being taken over: they are not in the figures yet.")
        return said


def gathered(tellings: Tellings) -> _Whole:
    """What has been told, put together."""
    whole = _Whole(unowned=tellings.unowned)
    quiet: list[str] = []
    for telling in tellings.workers:
        told = _read(telling)
        if told is None:
            quiet.append(telling.worker)
            continue
        worker = _Worker.of(told)
        whole.workers.append(worker)
        for partition in told.partitions:
            known = whole.owners.get(partition.part)
            if known is None or known[0].epoch < partition.epoch:
                whole.owners[partition.part] = (partition, worker)
        for switch in told.switches:
            whole.switches.setdefault(switch.name, ToldSwitch(switch.name)).take(switch)
        for rule, mode, count in told.hits:
            whole.hits[rule, mode] += count
    whole.quiet = quiet
    return whole


def _read(telling: Telling) -> ToldWorker | None:
    return decode_told(telling.picture) if telling.picture and telling.ago_ms <= STALE_MS else None


def webhooks_together(parts: Iterable[Sequence[WebhookView]]) -> list[WebhookView]:
    """The same targets, as several have them, as one."""
    together: dict[str, WebhookView] = {}
    for views in parts:
        for view in views:
            known = together.get(view.webhook)
            together[view.webhook] = view if known is None else _webhook(known, view)
    return list(together.values())


def _webhook(one: WebhookView, other: WebhookView) -> WebhookView:
    delivered = [each.delivered_ms for each in (one, other) if each.delivered_ms is not None]
    failing = [(each.failing_since_ms, each.error) for each in (one, other) if each.failing_since_ms is not None]
    since_ms, error = min(failing, default=(None, ""))
    return replace(
        one,
        pending=one.pending + other.pending,
        dead=one.dead + other.dead,
        delivered_ms=max(delivered, default=None),
        failing_since_ms=since_ms,
        error=error,
    )


def _currency(currency: str, exposure: int, in_flight: int, burn: int) -> CurrencyTotal:
    return CurrencyTotal(
        currency=currency,
        exposure_micros=Micros(exposure),
        in_flight_micros=Micros(in_flight),
        burn_micros_per_minute=burn,
    )


def _some(parts: Sequence[int]) -> str:
    """`3, 17, 40, 41, 80 and 12 more`."""
    named = ", ".join(map(str, parts[:NAMED]))
    return f"{named} and {len(parts) - NAMED} more" if len(parts) > NAMED else named
