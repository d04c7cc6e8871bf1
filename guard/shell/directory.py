"""The directory: all accounts in the order of their ids, and a few of a rare state by what matters about them.

A million accounts are looked through without holding up the loop, in two ways:

* **Steps.** Whoever looks does a step (about a millisecond) and lets the loop turn; one walker at a time, so that many
  who search at once take turns and do not add up.
* **Blocks.** Accounts lie in blocks of about a thousand. A search writes down the ids and names of a block as one text
  and looks whether what is wanted occurs in it at all: 100 microseconds a block, against a millisecond for a look at
  each of its accounts. Nothing is kept that could be out of date: names change, and nobody needs to say so.

Accounts are only ever added, and a dictionary has the newest last, so new ones are put in their places by whoever
looks next.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import islice
from operator import attrgetter

from guard.core.accounts import Account
from guard.core.money import MS_PER_MINUTE
from guard.core.views import AccountState

BLOCK = 1_000
BLOCKS_AT_ONCE = 10
"""Blocks that a search looks at before the loop turns: about 1 ms."""
TAKEN_IN_AT_ONCE = 500
"""New accounts put in their places before the loop turns: about 1 ms."""
RANKED_AT_ONCE = 1_000
"""Accounts whose rank is worked out before the loop turns: about 1 ms."""
RANKS_KEPT = 1_000
"""Nobody turns over more pages than these fill."""
FRESH_MS = 5_000
"""A ranking that took several steps is good for so long."""

_by_id = attrgetter("id")


def _first_id(block: Sequence[Account]) -> str:
    return block[0].id


class Directory:
    """All accounts, in order."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        """What is known already is put in order at once: that belongs to the start."""
        self._accounts = accounts
        ordered = sorted(accounts.values(), key=_by_id)
        self._blocks = [ordered[begin : begin + BLOCK] for begin in range(0, len(ordered), BLOCK)]
        self._seen = len(ordered)
        self._new: deque[Account] = deque()
        """Seen, and not in their places yet."""
        self._walking = asyncio.Lock()

    async def find(self, wanted: str, state: AccountState | None, after: str, count: int) -> list[Account]:
        """Accounts of that state with that in their id or name, whatever its case, in order, behind that id."""
        text = wanted.casefold()
        found: list[Account] = []
        async with self._walking:
            while True:
                while self._take_in():  # noqa: ASYNC110 -- there is nothing to wait for: it lets the loop turn
                    await asyncio.sleep(0)
                blocks = list(islice(self._behind(after), BLOCKS_AT_ONCE))
                for block in blocks:
                    if not text or text in _written(block):
                        found += [account for account in block if fits(account, text, state)]
                        if len(found) >= count:
                            return found[:count]
                if len(blocks) < BLOCKS_AT_ONCE:
                    return found
                after = blocks[-1][-1].id
                await asyncio.sleep(0)

    async def behind(self, after: str, count: int) -> list[Account]:
        """The next accounts behind that id, whatever they are."""
        return await self.find("", None, after, count)

    def _behind(self, after: str) -> Iterator[Sequence[Account]]:
        """What comes behind that id, block by block."""
        index = max(0, bisect_right(self._blocks, after, key=_first_id) - 1)
        for block in islice(self._blocks, index, None):
            rest = block[bisect_right(block, after, key=_by_id) :] if block[0].id <= after else block
            if rest:
                yield rest

    def _take_in(self) -> bool:
        """Put some of the new accounts in their places; whether there are more."""
        unseen = len(self._accounts) - self._seen
        if unseen:
            self._new.extend(islice(reversed(self._accounts.values()), unseen))
            self._seen += unseen
        for _ in range(min(TAKEN_IN_AT_ONCE, len(self._new))):
            self._put(self._new.popleft())
        return bool(self._new)

    def _put(self, account: Account) -> None:
        if not self._blocks:
            self._blocks.append([account])
            return
        index = max(0, bisect_right(self._blocks, account.id, key=_first_id) - 1)
        block = self._blocks[index]
        insort(block, account, key=_by_id)
        if len(block) > 2 * BLOCK:
            self._blocks[index : index + 1] = [block[:BLOCK], block[BLOCK:]]


def fits(account: Account, text: str, state: AccountState | None) -> bool:
    """Whether it is of that state and has that (in lower case) in its id or name."""
    return (state is None or account.state is state) and (not text or text in _written((account,)))


def _written(accounts: Sequence[Account]) -> str:
    """Their ids and names as one text to search in; neither holds a line break."""
    return "\n".join([f"{account.id}\n{account.name}" for account in accounts]).casefold()


class Ranking:
    """Accounts of a rare state, those first that matter most."""

    def __init__(self, accounts: Mapping[str, Account], rank: Callable[[Account, int], int]) -> None:
        """`rank` says how much an account matters at a moment (ms)."""
        self._accounts = accounts
        self._rank = rank
        self._ranking = asyncio.Lock()
        self._kept: Sequence[str] = ()
        self._kept_at_ms: int | None = None

    async def first(self, now_ms: int) -> list[Account]:
        """Those that matter most, as they stand; of a thousand or more a ranking some seconds old."""
        async with self._ranking:
            if self._kept_at_ms is None or not 0 <= now_ms - self._kept_at_ms < FRESH_MS:
                self._kept = await self._ranked(now_ms)
                self._kept_at_ms = now_ms if len(self._accounts) > RANKED_AT_ONCE else None
            # Some may have left the state since.
            return [account for key in self._kept if (account := self._accounts.get(key)) is not None]

    async def _ranked(self, now_ms: int) -> list[str]:
        best: list[tuple[int, str]] = []
        waiting = list(self._accounts.values())
        for begin in range(0, len(waiting), RANKED_AT_ONCE):
            if begin:
                await asyncio.sleep(0)
            some = waiting[begin : begin + RANKED_AT_ONCE]
            best = nlargest(RANKS_KEPT, [*best, *((self._rank(account, now_ms), account.id) for account in some)])
        return [account_id for _, account_id in best]


def used_share(account: Account, now_ms: int) -> int:
    """How much of its limit it has used, in thousandths."""
    limit = account.limit_in_force
    return 0 if not limit else account.exposure_scaled(now_ms) * 1_000 // (limit * MS_PER_MINUTE)


def blocked_since(account: Account, _now_ms: int) -> int:
    """When it was blocked."""
    return min((cause.since_ms for cause in account.causes), default=0)
