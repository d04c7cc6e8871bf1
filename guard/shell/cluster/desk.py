"""The desk of a node of a cluster: the same page and API as a daemon's, whichever partitions the node holds, if any.

| asked for | answered by |
|---|---|
| an account, lists, the history | the store, as of the last commit of its owner (`guard.ports.whole.Whole`) |
| the few numbers about everything | what all workers told a moment ago (`guard.ports.whole.Told`) |
| an operator's intent | whoever holds the account's partition, by way of its log (`asking`, `carrying`) |
| metrics, health, readiness, a reload | this process alone |

What was answered is in the store, so whoever looks next, at whichever node, sees it. What concerns no account, the fuse
and notes for the history, goes to the fuse's home.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from guard.core.decisions import Audit
from guard.core.events import Delivery, WebhookView
from guard.core.fuses import HOME
from guard.core.limits import LimitReview
from guard.core.partitions import partition_of
from guard.core.pictures import SHOWN_CALLS
from guard.core.records import CloseFuse, Intent, IntentResult, Note
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView
from guard.ports import Clock, ModelView, NotReadyError, Records, Reloaded
from guard.ports.cluster import Bus
from guard.ports.whole import Told, Whole
from guard.shell.cluster.asking import Asking
from guard.shell.courtesy import Courtesy
from guard.shell.reload import Reloader
from guard.wire.intents import Wish

REVIVED = "revived"
"""The subject on which all workers hear that a webhook's dead letters are due again."""


class ClusterWebhooks:
    """See `guard.ports.Webhooks`; of all partitions."""

    def __init__(self, *, whole: Whole, told: Told, bus: Bus, clock: Clock) -> None:
        self._whole = whole
        self._told = told
        self._bus = bus
        self._clock = clock

    def views(self) -> list[WebhookView]:
        """All that are configured."""
        return self._told.webhooks()

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time."""
        return await self._whole.deliveries(webhook=webhook, dead=dead, after=after, limit=limit)

    async def resend(self, webhook: str, event: str | None, *, by: str, reason: str) -> int | None:
        """Send dead letters again, one or the oldest 1,000."""
        if webhook not in {view.webhook for view in self.views()}:
            return None
        audit = Audit("", self._clock.now_ms(), by, f"resend_webhook {webhook}", reason)
        revived = await self._whole.revive(webhook, event, audit)
        # Lost, it costs a courier the time until it looks by itself.
        self._bus.send(REVIVED, webhook.encode())
        return revived


class ClusterDesk:
    """See `guard.ports.Desk`."""

    def __init__(
        self,
        *,
        whole: Whole,
        told: Told,
        asking: Asking,
        bus: Bus,
        clock: Clock,
        courtesy: Courtesy,
        reloader: Reloader,
        worker: str,
    ) -> None:
        self._whole = whole
        self._told = told
        self._asking = asking
        self._clock = clock
        self._courtesy = courtesy
        self._reloader = reloader
        self._worker = worker
        self.webhooks = ClusterWebhooks(whole=whole, told=told, bus=bus, clock=clock)
        self.rules_in_force: Callable[[], Sequence[Rule]]
        self.model_view: Callable[[], ModelView]
        self.own_metrics: Callable[[], bytes]
        self.own_health: Callable[[], str]
        self.own_readiness: Callable[[], str]
        """All five put there by the composition root: what this process knows of itself."""

    async def give_way(self) -> None:
        """Return when no partition here takes a batch, or when that has taken too long."""
        await self._courtesy.turn()

    # -- the store

    @property
    def records(self) -> Records:
        """The history of all partitions."""
        return self._whole.records

    async def account(self, account: str, *, calls: int = SHOWN_CALLS) -> AccountView | None:
        """Picture of one account now."""
        return await self._whole.account(account, calls=calls)

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids, after the given id."""
        return await self._whole.accounts(state=state, query=query, limit=limit, after=after)

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        """Those on the way to their limit, the nearest first; then those that have used most of it."""
        return await self._whole.at_risk(limit=limit, skip=skip)

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        """Blocked accounts, the one that was blocked last first."""
        return await self._whole.newly_blocked(query=query, limit=limit, skip=skip)

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits."""
        return await self._whole.limit_review(after=after, limit=limit)

    async def held(self, account: str | None = None) -> Sequence[HeldView]:
        """Blocks (of one account) that the fuse holds for an operator."""
        return await self._whole.held(account)

    async def held_of(self, held: str) -> HeldView | None:
        """The one with this id."""
        return await self._whole.held_of(held)

    async def profile(self, account: str) -> Profile | None:
        """What is usual for an account."""
        return await self._whole.profile(account)

    # -- what the workers told

    def totals(self) -> TotalsView:
        """The whole of what is watched."""
        return self._told.totals()

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        return self._told.switches()

    def behind(self) -> Sequence[str]:
        """Switches whose backlog is being read."""
        return self._told.behind()

    def gaps(self) -> Sequence[str]:
        """Partitions that nobody holds, workers that are silent."""
        return self._told.gaps()

    def held_count(self) -> int:
        """How many blocks the fuse holds."""
        return self._told.held_count()

    def fuse_open(self) -> bool:
        """Whether further blocks are held now."""
        return self._told.fuse_open()

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """How often each rule has fired."""
        return self._told.rule_hits()

    # -- this process

    def now_ms(self) -> int:
        """The present."""
        return self._clock.now_ms()

    def rules(self) -> Sequence[Rule]:
        """The rules in force here."""
        return self.rules_in_force()

    def model(self) -> ModelView:
        """How it stands with the anomaly model here."""
        return self.model_view()

    def metrics(self) -> bytes:
        """The Prometheus text of this worker."""
        return self.own_metrics()

    def healthy(self) -> str:
        """Empty when this worker's loops turn."""
        return self.own_health()

    def ready(self) -> str:
        """Empty when this worker decides for all that it holds."""
        return self.own_readiness()

    async def reload(self, by: str) -> Reloaded:
        """This worker reads its files anew, and goes by them."""
        reloaded = await self._reloader.requested(by)
        alone = f"only worker {self._worker} has read its files; tell each of the others, too"
        return Reloaded(
            changes=reloaded.changes, needs_restart=reloaded.needs_restart, remarks=(*reloaded.remarks, alone)
        )

    # -- whoever decides

    async def submit(self, intent: Intent) -> IntentResult:
        """Have an operator's intent carried out, once."""
        answer = await self._asking.ask(_home_of(intent), intent)
        outcome = answer.outcome()
        if outcome is None:
            raise NotReadyError("it was answered by another version of guard; look at the account")
        return outcome

    async def learn(self, pasts: Sequence[Past]) -> list[int]:
        """Take in what history knows of some accounts; of each how many days were news."""
        wishes: dict[int, list[int]] = {}
        for number, past in enumerate(pasts):
            wishes.setdefault(partition_of(past.account), []).append(number)
        asked = (self._learned(part, tuple(pasts[number] for number in each)) for part, each in wishes.items())
        days = dict(_placed(wishes.values(), await asyncio.gather(*asked)))
        return [days[number] for number in range(len(pasts))]

    async def _learned(self, part: int, wish: Wish) -> Sequence[int]:
        return (await self._asking.ask(part, wish)).days


def _placed(numbers: Iterable[Sequence[int]], days: Iterable[Sequence[int]]) -> Iterable[tuple[int, int]]:
    """Each answer with the place of what was asked."""
    for places, answers in zip(numbers, days, strict=True):
        yield from zip(places, answers, strict=True)


def _home_of(intent: Intent) -> int:
    """The partition that carries it out."""
    return HOME if isinstance(intent, CloseFuse | Note) else partition_of(intent.account)
