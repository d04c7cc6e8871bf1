"""The records of a daemon: its history is numbered, so a cursor is the number of a row (`guard.ports.records`).

Whoever follows the decisions by their ids is spared a search: where those stand that were shown lately is remembered.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence

from guard.core.decisions import NEWEST, Audit, BillingEntry, Decision, LedgerLine, Quarantined
from guard.core.statement import LedgerSum
from guard.ports import Store
from guard.ports.records import FROM_THE_END, CursorError, Page

SCAN = 1_000
"""Decisions a step, when an id has to be looked for."""
REMEMBERED = 10_000
"""Decisions shown lately: about 1 MiB."""
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)


class NumberedRecords:
    """See `guard.ports.records.Records`."""

    def __init__(self, store: Store, last_decision: Callable[[], int]) -> None:
        """`last_decision` says the number of the newest one; 0: there is none yet."""
        self._store = store
        self._last_decision = last_decision
        self._shown: dict[str, int] = {}
        """Numbers of the decisions that were shown lately, by their ids."""

    async def decisions(self, *, account: str | None, after: str, limit: int) -> Page[Decision]:
        """Decisions (of one account) behind a cursor, oldest first."""
        found = await self._store.decisions(account=account, after=_number(after, 0), limit=limit + 1)
        page = found[:limit]
        self._shown.update((decision.id, decision.number) for decision in page)
        while len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return Page(items=page, next=str(page[-1].number) if len(found) > limit else None)

    async def behind(self, decision: str) -> str | None:
        """The cursor behind a decision; it is searched for in the store when it was not shown lately."""
        if decision in self._shown:
            return str(self._shown[decision])
        after = 0
        while chunk := await self._store.decisions(account=None, after=after, limit=SCAN):
            for each in chunk:
                if each.id == decision:
                    return str(each.number)
            after = chunk[-1].number
        return None

    async def newest(self, *, before: str, limit: int) -> Page[Decision]:
        """Decisions of all accounts, newest first: their numbers have no gaps."""
        last = _number(before, self._last_decision() + 1) - 1
        first = max(0, last - limit)
        found = await self._store.decisions(account=None, after=first, limit=limit)
        newest_first = [each for each in reversed(found) if each.number <= last]
        return Page(items=newest_first, next=str(first + 1) if first else None)

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
        return await self._store.last_decisions(account, limit)

    async def last_audits(self, account: str, limit: int, *, before: str = FROM_THE_END) -> Page[Audit]:
        """What was last done to an account, newest first."""
        found = await self._store.last_audits(account, limit + 1, before=_number(before, NEWEST))
        page = found[:limit]
        return Page(items=page, next=str(page[-1].number) if len(found) > limit else None)

    def ledger(self, account: str, *, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines of a span, in chunks."""
        return self._store.ledger(account, from_ms=from_ms, to_ms=to_ms)

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines of a span, added up."""
        return await self._store.ledger_sums(account, from_ms=from_ms, to_ms=to_ms)

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages that were taken for the account, newest first."""
        return await self._store.billing_entries(account, kinds=kinds, limit=limit)

    async def quarantined(self, *, after: str, limit: int) -> Page[tuple[int, Quarantined]]:
        """Reports held back, oldest first."""
        found = await self._store.quarantined(after=_number(after, 0), limit=limit + 1)
        page = found[:limit]
        return Page(items=page, next=str(page[-1][0]) if len(found) > limit else None)


def _number(cursor: str, without: int) -> int:
    """The row that a cursor means; `without` for whoever has none yet."""
    if cursor == FROM_THE_END:
        return without
    if not _NUMBER.fullmatch(cursor) or int(cursor) > NEWEST:
        raise CursorError
    return int(cursor)
