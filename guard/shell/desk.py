"""The desk: the daemon as its HTTP side sees it. Reads are pictures of the engine; intents go through the loop."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from guard.core.engine import Engine
from guard.core.limits import LimitReview, review
from guard.core.pictures import switch_picture, totals_picture
from guard.core.records import Forget, Intent, IntentResult
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Rule
from guard.core.views import AccountState, AccountView, HeldView, SwitchView, TotalsView
from guard.ports import Clock, NotReadyError, Reloaded, Store, Webhooks
from guard.shell.loop import Loop
from guard.shell.reload import Reloader

RELOAD_WITHIN_S = 130.0
"""Longer than the files may take to be read."""
INTENT_WITHIN_S = 5.0
"""An operator does not wait longer; the intent may still be carried out, and the answer says so."""
ALARMS_LOOKED_AT = 3
"""Times as many as are shown: an account's next alarm may be for a warning, or for its card."""
LOOKED_AT_ONCE = 500
"""Accounts that a search looks at before the loop turns: about 1 ms."""
SORTED_AT_ONCE = 5_000
"""Accounts of one state that are put in order for a page: about 2 ms. When there are more, all accounts are walked."""
REVIEWED_AT_ONCE = 2_000
"""Accounts looked at for one page of the limit review: about 10 ms in which the loop does nothing else."""
STALLED_AFTER_MS = 10_000
"""The loop turns every second; ten without a turn mean that it hangs."""


def _nobody_asks(_: str) -> None:
    """Before somebody wants to be told."""


class Desk:
    """See `guard.ports.Desk`."""

    webhooks: Webhooks
    """Put there by the composition root."""

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
        self.store = store
        self._engine = engine
        self._loop = loop
        self._clock = clock
        self._missing = missing
        self._metrics = metrics
        self._reloader = reloader
        self._reloads: set[asyncio.Task[Reloaded]] = set()
        self._ordered: list[str] = []
        self._walking = asyncio.Lock()
        self.on_forgotten: Callable[[str], None] = _nobody_asks
        """Told of each account that was forgotten."""

    def account(self, account: str) -> AccountView | None:
        """Picture of one account now."""
        return self._engine.picture(account, self._clock.now_ms())

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids, after the given id.

        A walk through all of them is done in steps between which the loop turns, and by one walker at a time.
        """
        wanted = query.casefold()
        found: list[AccountView] = []
        async with self._walking:
            while len(found) < limit:
                ids = self._candidates(state)
                begin = bisect_right(ids, after)
                step = ids[begin : begin + LOOKED_AT_ONCE]
                for view in self._like(step, state, wanted):
                    found.append(view)
                    if len(found) == limit:
                        break
                if len(step) < LOOKED_AT_ONCE:
                    break
                after = step[-1]
                await asyncio.sleep(0)
        return found

    def _candidates(self, state: AccountState | None) -> list[str]:
        """Where to look, in order: among the few of that state, or among all."""
        few = self._engine.world.in_state.get(state) if state is not None else None
        return self._ids() if few is None or len(few) > SORTED_AT_ONCE else sorted(few)

    def _like(self, ids: Sequence[str], state: AccountState | None, wanted: str) -> Iterator[AccountView]:
        """Those of that state with that in their id or name."""
        accounts = self._engine.world.accounts
        for account_id in ids:
            account = accounts[account_id]
            if (state is None or account.state is state) and (
                not wanted or wanted in account_id.casefold() or wanted in account.name.casefold()
            ):
                view = self.account(account_id)
                if view is not None:
                    yield view

    def soonest(self, limit: int) -> list[AccountView]:
        """Accounts that will be at their limit first, the nearest first."""
        views = (self.account(account) for account in self._engine.next_alarms(limit * ALARMS_LOOKED_AT))
        growing = [view for view in views if view is not None and view.reaches_limit_at_ms is not None]
        growing.sort(key=lambda view: view.reaches_limit_at_ms or 0)
        return growing[:limit]

    def totals(self) -> TotalsView:
        """The whole of what is watched."""
        return totals_picture(self._engine.world, self._clock.now_ms())

    def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits, a slice of the accounts at a time."""
        ids, now_ms = self._ids(), self._clock.now_ms()
        begin = bisect_right(ids, after)
        end = min(begin + REVIEWED_AT_ONCE, len(ids))
        found: list[LimitReview] = []
        for index in range(begin, end):
            one = review(self._engine.world.accounts[ids[index]], now_ms)
            if one is not None:
                found.append(one)
                if len(found) == limit:
                    end = index + 1
                    break
        return found, ids[end - 1] if end < len(ids) else None

    def now_ms(self) -> int:
        """The present."""
        return self._clock.now_ms()

    def _ids(self) -> list[str]:
        """All accounts in order."""
        accounts = self._engine.world.accounts
        new = len(accounts) - len(self._ordered)
        if new:
            # Accounts are only ever added, and a dictionary has the newest last; the sort finds all but these in order.
            self._ordered += islice(reversed(accounts), new)
            self._ordered.sort()
        return self._ordered

    def switches(self) -> list[SwitchView]:
        """All known switches."""
        now_ms = self._clock.now_ms()
        return [switch_picture(switch, now_ms) for switch in self._engine.world.switches.values()]

    def held(self) -> Sequence[HeldView]:
        """Blocks that the fuse holds for an operator."""
        return self._engine.held()

    def held_of(self, held: str) -> HeldView | None:
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
        """Read the files anew and go by them; it goes on to its end even if nobody waits for that any more."""
        task = asyncio.create_task(self._reloader.reload(by), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloaded)
        try:
            async with asyncio.timeout(RELOAD_WITHIN_S):
                return await asyncio.shield(task)
        except TimeoutError:
            raise NotReadyError("the reload is not over yet; the log will say how it went") from None

    def _reloaded(self, task: asyncio.Task[Reloaded]) -> None:
        """It is over, and has been logged; an error of it that nobody waits for any more is no surprise."""
        self._reloads.discard(task)
        if not task.cancelled():
            task.exception()

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

    def profile(self, account: str) -> Profile | None:
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
