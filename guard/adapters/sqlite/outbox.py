"""The outbox: notices, and what each webhook is still owed of decisions and notices (`guard.ports.Outbox`).

Nothing is written here with a decision. A webhook's row in `webhook` says how far it has been through the history;
`delivery` names, by number, what of that it has not got yet. So the transaction of a decision is what makes the
decision owed, and everything here is a note about progress that can be lost and is made again: what is written beside
the batches is not synced (`Keeper.write`), and after a crash of the machine some events are sent again under their
ids. Only what cannot be derived again is synced: from where on a new webhook is told, and what an operator orders.

`batch` writes notices, in the transaction of their batch. Of notices the newest 100,000 are kept, of dead letters the
newest 10,000 a webhook; decisions are kept for ever.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from guard.adapters.sqlite import tables
from guard.adapters.sqlite.bulk import Bulk, selection
from guard.core.decisions import Audit, Notice
from guard.core.events import Delivery, Event, Owed, Position, events_after
from guard.wire import stored

if TYPE_CHECKING:
    from guard.adapters.sqlite.reader import Reader
    from guard.adapters.sqlite.writer import Writer

NOTICES_KEPT = 100_000
"""Notices that are kept: years of them, or a night in which everything goes wrong."""

DEAD_KEPT = 10_000
"""Dead letters of a webhook that are kept; the oldest go."""

REVIVED_AT_ONCE = 1_000
"""Dead letters that are made due in one go: as much as a webhook is owed otherwise."""

T = TypeVar("T")

_WRITE_NOTICES = Bulk("notices", stored.NOTICE_COLUMNS)
_SELECT_NOTICES = selection("notices", ("number", *stored.NOTICE_COLUMNS))
_PRUNE_NOTICES = "DELETE FROM notices WHERE number <= (SELECT max(number) FROM notices) - ?"

_WRITE_DELIVERIES = Bulk(
    "delivery", ("webhook", "event", "is_notice", "number", *stored.DELIVERY_COLUMNS), replace=True
)
_SELECT_DELIVERIES = selection("delivery", ("webhook", "is_notice", "number", *stored.DELIVERY_COLUMNS))
_PRUNE_DEAD = (
    "DELETE FROM delivery WHERE webhook = :webhook AND dead = 1 AND event <= (SELECT event FROM delivery "
    "WHERE webhook = :webhook AND dead = 1 ORDER BY event DESC LIMIT 1 OFFSET :kept)"
)
_END_OF_HISTORY = "SELECT (SELECT ifnull(max(number), 0) FROM decisions), (SELECT ifnull(max(number), 0) FROM notices)"
_MOVE = "UPDATE webhook SET decision = ?, notice = ? WHERE name = ?"
_DROP_FORGOTTEN = "DELETE FROM delivery WHERE is_notice = 1 AND number < (SELECT ifnull(min(number), 0) FROM notices)"
_REVIVE = (
    "UPDATE delivery SET dead = 0, attempts = 0, due_ms = :now, since_ms = :now "
    "WHERE webhook = :webhook AND event IN (SELECT event FROM delivery "
    "WHERE webhook = :webhook AND dead = 1 AND (:event IS NULL OR event = :event) ORDER BY event LIMIT :most)"
)
_COUNT = "SELECT webhook, sum(dead = 0), sum(dead) FROM delivery GROUP BY webhook"


def add_notices(connection: sqlite3.Connection, notices: Sequence[Notice]) -> None:
    """Write notices within the open transaction of their batch; most batches have none."""
    if not notices:
        return
    _WRITE_NOTICES.write(connection, [stored.notice_values(notice) for notice in notices])
    connection.execute(_PRUNE_NOTICES, (NOTICES_KEPT,))


class SqliteOutbox:
    """See `guard.ports.Outbox`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    # -- which webhooks there are

    async def open(self, webhooks: Sequence[str]) -> Mapping[str, int]:
        """From now on these are told; returns what was owed to those that are no more, all of it given up."""
        return await self._write(lambda connection: _open(connection, webhooks), synced=True)

    async def position(self, webhook: str) -> Position:
        """How far it has been through the history."""
        rows = await self._reader.ask("SELECT decision, notice FROM webhook WHERE name = :name", {"name": webhook})
        return Position(*rows[0])

    # -- what is owed

    async def after(self, position: Position, limit: int) -> tuple[list[Event], Position]:
        """Events beyond a position, about so many, in the order of their time; and the position behind them."""
        decisions = await self._reader.decisions(None, position.decision, limit)
        values = {"after": position.notice, "limit": limit}
        question = f"{_SELECT_NOTICES} WHERE number > :after ORDER BY number LIMIT :limit"
        notices = [stored.noticed(row) for row in await self._reader.ask(question, values)]
        return events_after(position, decisions, notices)

    async def pending(self, webhook: str) -> list[Owed]:
        """What is to be sent to it, in the order of time."""
        rows = await self._deliveries("WHERE webhook = :webhook AND dead = 0 ORDER BY event", {"webhook": webhook})
        return [delivery.owed for delivery in rows]

    async def owe(self, webhook: str, owed: Sequence[Owed], position: Position) -> None:
        """Note what a webhook has been through and what of that it has not got."""
        rows = [stored.delivery_values(webhook, each) for each in owed]

        def work(connection: sqlite3.Connection) -> None:
            _WRITE_DELIVERIES.write(connection, rows)
            connection.execute(_MOVE, (*position, webhook))

        await self._write(work, synced=False)

    async def settle(self, webhook: str, done: Sequence[str], changed: Sequence[Owed]) -> None:
        """Note which events it has got (or no longer needs), and what became of others."""
        over = [(webhook, event) for event in done]
        rows = [stored.delivery_values(webhook, each) for each in changed]
        died = any(each.dead for each in changed)

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM delivery WHERE webhook = ? AND event = ?", over)
            _WRITE_DELIVERIES.write(connection, rows)
            if died:
                connection.execute(_PRUNE_DEAD, {"webhook": webhook, "kept": DEAD_KEPT})

        await self._write(work, synced=False)

    # -- what people ask

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time; `after` is the webhook and the event of the last one seen."""
        values = {"webhook": webhook, "dead": int(dead), "after": after[0], "event": after[1], "limit": limit}
        where = (
            "WHERE dead = :dead AND (:webhook IS NULL OR webhook = :webhook) "
            "AND (webhook, event) > (:after, :event) ORDER BY webhook, event LIMIT :limit"
        )
        return await self._deliveries(where, values)

    async def counts(self) -> dict[str, tuple[int, int]]:
        """By webhook: how many events are to be sent, and how many have been given up."""
        return {row[0]: (row[1], row[2]) for row in await self._reader.ask(_COUNT, {})}

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many there were."""
        values = {"webhook": webhook, "event": event, "now": audit.at_ms, "most": REVIVED_AT_ONCE}

        def work(connection: sqlite3.Connection) -> int:
            revived = connection.execute(_REVIVE, values).rowcount
            if revived:
                tables.AUDIT.write(connection, [stored.audit_values(audit)])
            return revived

        return await self._write(work, synced=True)

    # -- rows

    async def _deliveries(self, where: str, values: Mapping[str, object]) -> list[Delivery]:
        """Rows with their events; one whose event is kept no longer is passed over."""
        rows = await self._reader.ask(f"{_SELECT_DELIVERIES} {where}", values)
        decided = {
            decision.number: Event(number=decision.number, told=decision)
            for decision in map(stored.decision, await self._by_number(tables.SELECT_DECISIONS, rows, notices=False))
        }
        noticed = {row[0]: stored.noticed(row) for row in await self._by_number(_SELECT_NOTICES, rows, notices=True)}
        return stored.deliveries(rows, decided, noticed)

    async def _by_number(
        self, selecting: str, rows: Iterable[tuple[Any, ...]], *, notices: bool
    ) -> list[tuple[Any, ...]]:
        numbers = sorted({row[2] for row in rows if (row[1] == 1) is notices})
        wanted = ", ".join(map(str, numbers))
        return await self._reader.ask(f"{selecting} WHERE number IN ({wanted})", {}) if numbers else []

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, synced: bool) -> T:
        return await asyncio.wrap_future(self._writer.submit(lambda keeper: keeper.write(work, synced=synced)))


def _open(connection: sqlite3.Connection, webhooks: Sequence[str]) -> Mapping[str, int]:
    known = {name for (name,) in connection.execute("SELECT name FROM webhook")}
    end = connection.execute(_END_OF_HISTORY).fetchone()
    connection.executemany(
        "INSERT INTO webhook VALUES (?, ?, ?)", [(name, *end) for name in webhooks if name not in known]
    )
    connection.execute(_DROP_FORGOTTEN)
    gone = known.difference(webhooks)
    counts = {row[0]: row[1] + row[2] for row in connection.execute(_COUNT)}
    for name in gone:
        connection.execute("DELETE FROM webhook WHERE name = ?", (name,))
        connection.execute("DELETE FROM delivery WHERE webhook = ?", (name,))
    return {name: counts.get(name, 0) for name in sorted(gone)}
