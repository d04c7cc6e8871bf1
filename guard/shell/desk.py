"""The desk: the daemon as its HTTP side sees it. Reads are pictures of the engine; intents go through the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from guard.core.accounts import Account
from guard.core.engine import Engine
from guard.core.limits import LimitReview, review
from guard.core.pictures import SHOWN_CALLS, switch_picture, totals_picture
from guard.core.records import Forget, Intent, IntentResult
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.settings import DAY_MS
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView
from guard.ports import Clock, ModelView, NotReadyError, Reloaded, Store, Webhooks
from guard.shell.courtesy import Courtesy
from guard.shell.directory import Directory, Ranking, blocked_since, fits, used_share
from guard.shell.loop import Loop
from guard.shell.records import NumberedRecords
from guard.shell.reload import Reloader
from guard.shell.reviewing import reviewed

INTENT_WITHIN_S = 5.0
"""An operator does not wait longer; the intent may still be carried out, and the answer says so."""
ALARMS_LOOKED_AT = 3
"""Times as many as are shown: an account's next alarm may be for a warning, or for its card."""
AHEAD_MS = DAY_MS
"""Whoever reaches the limit later is not at risk: no call that is up now lasts so long."""
PICTURES_AT_ONCE = 50
"""Accounts drawn before the loop turns: about 1 ms."""
SORTED_AT_ONCE = 2_000
"""Accounts of one state that are put in order for a page: about 1 ms. When there are more, all accounts are walked."""
REVIEWED = 2_000
"""Accounts looked at for one page of the limit review: about 10 ms of work."""
REVIEWED_AT_ONCE = 200
"""Of these before the loop turns: about 1 ms."""
STALLED_AFTER_MS = 10_000
"""The loop turns every second; ten without a turn mean that it hangs."""


def _nobody_asks(_: str) -> None:
    """Before somebody wants to be told."""


class Desk:
    """See `guard.ports.Desk`."""

    webhooks: Webhooks
    model_view: Callable[[], ModelView]
    """Both put there by the composition root."""

    def __init__(
        self,
        *,
        engine: Engine,
        loop: Loop,
        store: Store,
        clock: Clock,
        missing: Callable[[], str],
        metrics: Callable[[], bytes],
        reloader: Reloader,
    ) -> None:
        """`missing` says what is still missing for readiness, in words, or nothing."""
        self.records = NumberedRecords(store, lambda: engine.world.last_decision)
        self._engine = engine
        self._loop = loop
        self._clock = clock
        self._missing = missing
        self._metrics = metrics
        self._reloader = reloader
        self._courtesy = Courtesy(lambda: loop.idle)
        loop.on_rest = self._courtesy.rested
        self._directory = Directory(engine.world.accounts)
        self._most_used = Ranking(engine.world.in_state[AccountState.WARNED], used_share)
        self._newest = Ranking(engine.world.in_state[AccountState.BLOCKED], blocked_since)
        self.on_forgotten: Callable[[str], None] = _nobody_asks
        """Told of each account that was forgotten."""

    async def give_way(self) -> None:
        """Return when the loop has nothing to do, or when that has taken too long."""
        await self._courtesy.turn()

    async def account(self, account: str, *, calls: int = SHOWN_CALLS) -> AccountView | None:
        """Picture of one account now."""
        return self._picture(account, calls)

    def _picture(self, account: str, calls: int) -> AccountView | None:
        return self._engine.picture(account, self._clock.now_ms(), calls)

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids, after the given id."""
        few = self._engine.world.in_state.get(state) if state is not None else None
        if few is not None and len(few) <= SORTED_AT_ONCE:
            wanted = query.casefold()
            found = [few[key] for key in sorted(few) if key > after and fits(few[key], wanted, state)][:limit]
        else:
            found = await self._directory.find(query, state, after, limit)
        return await self._drawn(found)

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        """Those on the way to their limit, the nearest first; then those that have used most of it."""
        now_ms, world = self._clock.now_ms(), self._engine.world
        growing = self._engine.soonest((skip + limit) * ALARMS_LOOKED_AT, now_ms)
        first = [world.accounts[account] for at_ms, account in growing if at_ms <= now_ms + AHEAD_MS]
        seen = {account.id for account in first}
        ranked = [*first, *(each for each in await self._most_used.first(now_ms) if each.id not in seen)]
        at_risk = [account for account in ranked if account.state is not AccountState.BLOCKED]
        return await self._drawn(at_risk[skip : skip + limit])

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        """Blocked accounts, the one that was blocked last first."""
        wanted = query.casefold()
        ranked = await self._newest.first(self._clock.now_ms())
        found = [account for account in ranked if fits(account, wanted, AccountState.BLOCKED)]
        return await self._drawn(found[skip : skip + limit])

    async def _drawn(self, accounts: Sequence[Account]) -> list[AccountView]:
        """Their pictures, without calls; the loop turns between some and the next."""
        views: list[AccountView] = []
        for number, account in enumerate(accounts, 1):
            view = self._picture(account.id, calls=0)
            if view is not None:
                views.append(view)
            if number % PICTURES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return views

    def totals(self) -> TotalsView:
        """The whole of what is watched."""
        return totals_picture(self._engine.world, self._clock.now_ms())

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits, a slice of the accounts at a time."""
        some = await self._directory.behind(after, REVIEWED + 1)
        now_ms = self._clock.now_ms()

        def look(account: Account) -> LimitReview | None:
            return review(account, now_ms)

        return await reviewed(some, look, most=REVIEWED, at_once=REVIEWED_AT_ONCE, limit=limit)

    def now_ms(self) -> int:
        """The present."""
        return self._clock.now_ms()

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        now_ms = self._clock.now_ms()
        return [switch_picture(switch, now_ms) for switch in self._engine.world.switches.values()]

    def behind(self) -> Sequence[str]:
        """Switches whose backlog is being read."""
        return [switch.name for switch in self._engine.world.switches.values() if switch.lagging]

    def gaps(self) -> Sequence[str]:
        """One engine knows everything."""
        return ()

    async def held(self, account: str | None = None) -> Sequence[HeldView]:
        """Blocks (of one account) that the fuse holds for an operator."""
        return self._engine.held(account)

    def held_count(self) -> int:
        """How many there are."""
        return self._engine.held_count

    async def held_of(self, held: str) -> HeldView | None:
        """The one with this id."""
        return self._engine.held_of(held)

    def fuse_open(self) -> bool:
        """Whether further blocks are held now."""
        return self._engine.fuse_open

    def rules(self) -> Sequence[Rule]:
        """The rules in force."""
        return self._engine.rules

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        """How often each rule has fired."""
        return self._engine.rule_hits

    def model(self) -> ModelView:
        """How it stands with the anomaly model."""
        return self.model_view()

    async def submit(self, intent: Intent) -> IntentResult:
        """Carry out an operator's intent."""
        try:
            async with asyncio.timeout(INTENT_WITHIN_S):
                result = await self._loop.ask(intent)
        except TimeoutError:
            raise NotReadyError("the store did not confirm in time; look at the account before trying again") from None
        if result is None:
            raise NotReadyError("too many requests are waiting; try again in a moment")
        if isinstance(intent, Forget) and result is IntentResult.DONE:
            self.on_forgotten(intent.account)
        return result

    async def reload(self, by: str) -> Reloaded:
        """Read the files anew and go by them."""
        return await self._reloader.requested(by)

    async def learn(self, pasts: Sequence[Past]) -> list[int]:
        """Take in what history knows of some accounts; of each how many days were news."""
        try:
            async with asyncio.timeout(INTENT_WITHIN_S):
                learned = await self._loop.learn(pasts)
        except TimeoutError:
            raise NotReadyError("the store did not confirm in time; tell it again, each day counts once") from None
        if learned is None:
            raise NotReadyError("too many requests are waiting; try again in a moment")
        return learned

    async def profile(self, account: str) -> Profile | None:
        """What is usual for an account."""
        return self._engine.profile(account)

    def metrics(self) -> bytes:
        """The Prometheus text."""
        return self._metrics()

    def healthy(self) -> str:
        """Empty when the loop turns."""
        late_ms = self._clock.now_ms() - self._loop.last_turn_ms
        return f"the loop has not turned for {late_ms // 1_000} s" if late_ms > STALLED_AFTER_MS else ""

    def ready(self) -> str:
        """Empty when restored and subscribed."""
        if self._loop.store_failure:
            return f"the store does not take anything: {self._loop.store_failure}"
        return self._missing()
