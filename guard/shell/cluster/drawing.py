"""Drawing an account that is in the store: the core draws it, as it draws those of its own memory.

A small engine is given the account's rows and nothing else, and is asked for its picture. So there is no arithmetic of
exposure, plans or causes but the core's, and a node shows what the owner of the partition would show, as of the last
commit, carried forward to now by the same rates. Such an engine costs 40 microseconds.

**What no row says** is told by the owner (`guard.shell.cluster.gathering`): whether a switch has the whole truth of
this partition, whether it is reading a backlog, how its clock stands to the millisecond, and what it answered to a
command. An engine that has just been restored carries nothing forward, because nobody knows what has happened since;
here the owner knows, so what it does not call a backlog is carried forward. A partition that nobody holds is drawn as
it was stored.

An engine is never advanced here: what falls due is for the owner to do. What it has done is in the rows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from guard.core.accounts import Account
from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.limits import LimitReview, follow_default, review
from guard.core.restored import Restored
from guard.core.restoring import restore_calls
from guard.core.rows import AccountRow
from guard.core.rules.profile import Profile
from guard.core.setup import Setup
from guard.core.views import AccountView, HeldView
from guard.core.world import World
from guard.ports.archive import Leaf
from guard.shell.cluster.gathering import Gathering

CALLS_AT_ONCE = 50
"""Calls taken up before the loop turns: about 1 ms."""


class Drawing:
    """Draws by the setup in force."""

    def __init__(self, setup: Callable[[], Setup], gathering: Gathering) -> None:
        self._setup = setup
        self._gathering = gathering

    async def picture(self, leaf: Leaf, now_ms: int, calls: int) -> AccountView:
        """One account as it stands now, with so many of its live calls; the loop turns if it has many."""
        engine = self._engine(now_ms)
        id_ = leaf.account.id
        pending = [(switch, id_, seq) for switch, seq in leaf.pending]
        engine.restore(
            Restored(accounts=[leaf.account], switches=[*leaf.switches], pending=pending, billing=[*leaf.payments]),
            now_ms,
        )
        for switch in engine.world.switches.values():
            stand = self._gathering.stand(leaf.part, switch.name)
            if stand is not None:
                switch.synced, switch.skew_ms = stand.synced, stand.skew_ms
            if stand is None or stand.lagging:
                engine.world.lag(switch, None)
        self._answer(engine.world, leaf.part, id_, now_ms)
        for begin in range(0, len(leaf.calls), CALLS_AT_ONCE):
            if begin:
                await asyncio.sleep(0)
            deque(restore_calls(engine.world, leaf.calls[begin : begin + CALLS_AT_ONCE]), maxlen=0)
        view = engine.picture(id_, now_ms, calls)
        if view is None:
            raise LookupError(id_)
        return view

    def held(self, accounts: Sequence[AccountRow], row: KeptRow, now_ms: int) -> Sequence[HeldView]:
        """What the fuse holds in a partition; `accounts` are those that it is about."""
        engine = self._watching(now_ms)
        engine.restore(Restored(accounts=[*accounts], kept=[row]), now_ms)
        return engine.held()

    def profile(self, account: AccountRow, subject: KeptRow, now_ms: int) -> Profile | None:
        """What is usual for an account."""
        engine = self._watching(now_ms)
        engine.restore(Restored(accounts=[account], kept=[subject]), now_ms)
        return engine.profile(account.id)

    def review(self, row: AccountRow, now_ms: int) -> LimitReview | None:
        """What there is to say about its limit."""
        account = Account.from_row(row)
        follow_default(account, self._setup().settings)
        return review(account, now_ms)

    def _answer(self, world: World, part: int, id_: str, now_ms: int) -> None:
        """Take up what switches answered to its present command, which may be newer than what was told."""
        command = world.accounts[id_].command
        if command is None:
            return
        for refusal in self._gathering.refused(part, id_):
            switch = world.switches.get(refusal.switch)
            pending = None if switch is None else switch.pending.get(command.id)
            if pending is not None and pending.seq == refusal.seq:
                pending.error = refusal.error
        for name in self._gathering.acked(part, id_):
            if name in world.switches:
                world.switches[name].acked_at_ms[id_] = now_ms

    def _engine(self, now_ms: int) -> Engine:
        setup = self._setup()
        return Engine(setup.settings, setup.scopes, now_ms, rating=setup.rating)

    def _watching(self, now_ms: int) -> Engine:
        """One that takes up what rules have kept; no rule itself is needed for that."""
        engine = self._engine(now_ms)
        engine.listen(lambda _seen, _profile, _calls: None)
        return engine
