"""The books: any account of a cluster, and lists of them, as any node shows them (`guard.ports.whole.Whole`).

Which accounts, and in which order, the database says by its indexes (`guard.ports.archive`); how each of them stands
the core says (`guard.shell.cluster.drawing`); who is near a limit the workers tell (`gathering`), because that is a
matter of rates and moments, not of rows.

**Searching** by a part of an id or a name means what it means in a daemon: `str.casefold`. The database looks for the
longest run of ASCII letters in what is wanted, which it can do in any collation, and the rest is seen to here. What is
written in ASCII where the name has another letter (`strasse` for `Straße`) is not found.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from guard.core.decisions import Audit, HeldRow
from guard.core.events import Delivery
from guard.core.limits import LimitReview
from guard.core.partitions import partition_of
from guard.core.rows import AccountRow
from guard.core.rules.profile import Profile
from guard.core.views import AccountState, AccountView, HeldView
from guard.ports import Clock
from guard.ports.archive import Archive, Leaf, TooLongError
from guard.ports.records import Records
from guard.shell.cluster.drawing import Drawing
from guard.shell.cluster.gathering import Gathering
from guard.shell.reviewing import reviewed

DRAWN_AT_ONCE = 20
"""Accounts drawn before the loop turns: about 1 ms."""
LOOKED_AT = 1_000
"""Accounts whose names are looked at in one go, when what is wanted is a part of them."""
SEARCH_LIMIT_MS = 5_000
NAMED = 5
"""Ids that are proposed to whoever has asked for too much."""
NEWEST_BLOCKED = 1_000
"""Nobody turns over more pages than these fill."""
REVIEWED = 1_000
"""Accounts looked at for one page of the limit review."""
REVIEWED_AT_ONCE = 100

_ASCII = re.compile(r"[\x20-\x7e]+")


class Books:
    """See `guard.ports.whole.Whole`."""

    def __init__(self, archive: Archive, gathering: Gathering, drawing: Drawing, clock: Clock) -> None:
        self._archive = archive
        self._gathering = gathering
        self._drawing = drawing
        self._clock = clock

    @property
    def records(self) -> Records:
        """The history of all partitions."""
        return self._archive.records

    # -- one account

    async def account(self, account: str, *, calls: int) -> AccountView | None:
        """Picture of one account now, with so many of its live calls."""
        leaf = await self._leaf(account)
        return None if leaf is None else await self._drawing.picture(leaf, self._clock.now_ms(), calls)

    async def profile(self, account: str) -> Profile | None:
        """What is usual for an account, as of a minute ago at most."""
        leaf, subject = await self._leaf(account), await self._archive.subject(account)
        if leaf is None or subject is None or subject.row is None:
            return None
        return self._drawing.profile(leaf.account, subject, self._clock.now_ms())

    async def _leaf(self, account: str) -> Leaf | None:
        leaves = await self._archive.leaves([account])
        return leaves[0] if leaves else None

    # -- lists of accounts

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        """Accounts in the order of their ids."""
        try:
            return await self._drawn(await self._found(state, query, limit, after))
        except TooLongError as error:
            ids = await self._archive.beginning(query, NAMED)
            if not ids:
                raise
            raise TooLongError(f"{error}; ids that begin like this: {', '.join(ids)}") from error

    async def _found(self, state: AccountState | None, query: str, limit: int, after: str) -> list[str]:
        """The ids of these accounts."""
        wanted, needles = query.casefold(), _needles(query)
        give_up_ns = self._clock.monotonic_ns() + SEARCH_LIMIT_MS * 1_000_000
        count = max(limit, LOOKED_AT) if wanted and not all(needles) else limit
        found: list[str] = []
        while True:
            some = await self._archive.find(state=state, needles=needles, after=after, limit=count)
            found += _having(wanted, some)
            if len(found) >= limit or len(some) < count:
                return found[:limit]
            if self._clock.monotonic_ns() > give_up_ns:
                raise TooLongError(
                    f"looking through all names took longer than {SEARCH_LIMIT_MS // 1_000} s and was given up: "
                    "ask for one state, or open the account by its whole id"
                )
            after = some[-1][0]

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        """Those on the way to their limit, the nearest first; then those that have used most of it."""
        ranked = list(dict.fromkeys([*self._gathering.growing(), *self._gathering.most_used()]))
        views = await self._drawn(ranked[: skip + limit])
        return [view for view in views if view.state is not AccountState.BLOCKED][skip : skip + limit]

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        """Blocked accounts, the one that was blocked last first."""
        count = NEWEST_BLOCKED if query else min(NEWEST_BLOCKED, skip + limit)
        some = await self._archive.newly_blocked(needles=_needles(query), limit=count)
        return await self._drawn(_having(query.casefold(), some)[skip : skip + limit])

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        """Accounts whose limit no longer fits, a slice of the accounts at a time."""
        rows = await self._archive.rows(after=after, limit=REVIEWED + 1)

        def look(row: AccountRow) -> LimitReview | None:
            return self._drawing.review(row, self._clock.now_ms())

        return await reviewed(rows, look, most=REVIEWED, at_once=REVIEWED_AT_ONCE, limit=limit)

    async def _drawn(self, accounts: Sequence[str]) -> list[AccountView]:
        """Their pictures, without calls; the loop turns between some and the next."""
        views: list[AccountView] = []
        for number, leaf in enumerate(await self._archive.leaves(accounts), 1):
            views.append(await self._drawing.picture(leaf, self._clock.now_ms(), 0))
            if number % DRAWN_AT_ONCE == 0:
                await asyncio.sleep(0)
        return views

    # -- what the fuse holds

    async def held(self, account: str | None) -> Sequence[HeldView]:
        """Blocks (of one account) that wait for an operator, oldest first."""
        rows = await self._archive.held(None if account is None else partition_of(account))
        views: list[HeldView] = []
        for _, row in rows:
            held = row.row if isinstance(row.row, tuple) else ()
            wanted = {each.account for each in held if isinstance(each, HeldRow) and account in {None, each.account}}
            if wanted:
                leaves = await self._archive.leaves(sorted(wanted))
                accounts = [leaf.account for leaf in leaves]
                drawn = self._drawing.held(accounts, row, self._clock.now_ms())
                views += [view for view in drawn if view.account in wanted]
        return sorted(views, key=lambda view: view.id)

    async def held_of(self, held: str) -> HeldView | None:
        """The one with this id."""
        return next((view for view in await self.held(None) if view.id == held), None)

    # -- webhooks

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What webhooks are owed by all partitions, by webhook and time."""
        return await self._archive.deliveries(webhook=webhook, dead=dead, after=after, limit=limit)

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again."""
        return await self._archive.revive(webhook, event, audit)


def _needles(query: str) -> tuple[str, str]:
    """The longest runs of ASCII in what is wanted, as it is compared and as it is written, in small letters."""
    return _longest(query.casefold()), _longest(query.lower())


def _longest(text: str) -> str:
    return max(_ASCII.findall(text), key=len, default="")


def _having(wanted: str, some: Sequence[tuple[str, str]]) -> list[str]:
    """The ids of those that have what is wanted in their id or name."""
    return [id_ for id_, name in some if wanted in f"{id_}\n{name}".casefold()]
