"""The outbox: notices, and what each webhook is still owed of decisions and notices (`guard.ports.Outbox`).

As in the SQLite store nothing is written here with a decision: a webhook's row in `webhook` says how far it has been
through the history, `delivery` names what of that it has not got yet. Progress can be lost and is made again, so it is
not synced; from where on a new webhook is told, and what an operator orders, is.

Notices are written with their batch. Of dead letters the newest 10,000 a webhook are kept; decisions are kept for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guard.adapters.postgres import tables
from guard.adapters.postgres.beside import Beside
from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.reader import Reader
from guard.adapters.postgres.tables import selection
from guard.core.decisions import Audit
from guard.core.events import Delivery, Event, Owed, Position, events_after
from guard.wire import stored

DEAD_KEPT = 10_000
"""Dead letters of a webhook that are kept; the oldest go."""

REVIVED_AT_ONCE = 1_000
"""Dead letters that are made due in one go: as much as a webhook is owed otherwise."""

_NOTICES = selection("notices", ("number", *stored.NOTICE_COLUMNS))
_DECISIONS = selection("decisions", stored.DECISIONS_COLUMNS)
_DELIVERIES = selection("delivery", ("webhook", "is_notice", "number", *stored.DELIVERY_COLUMNS))
_END_OF_HISTORY = """
SELECT (SELECT coalesce(max(number), 0) FROM decisions WHERE part = $1),
  (SELECT coalesce(max(number), 0) FROM notices WHERE part = $1)"""
_MOVE = "UPDATE webhook SET decision = $3, notice = $4 WHERE part = $1 AND name = $2"
_SETTLE = "DELETE FROM delivery WHERE part = $1 AND webhook = $2 AND event = ANY($3::text[])"
_DROP_FORGOTTEN = """
DELETE FROM delivery WHERE part = $1 AND is_notice = 1
  AND number < (SELECT coalesce(min(number), 0) FROM notices WHERE part = $1)"""
_PRUNE_DEAD = """
DELETE FROM delivery WHERE part = $1 AND webhook = $2 AND dead = 1 AND event <= (
  SELECT event FROM delivery WHERE part = $1 AND webhook = $2 AND dead = 1 ORDER BY event DESC LIMIT 1 OFFSET $3)"""
_REVIVE = """
UPDATE delivery SET dead = 0, attempts = 0, due_ms = $4, since_ms = $4
WHERE part = $1 AND webhook = $2 AND event IN (
  SELECT event FROM delivery WHERE part = $1 AND webhook = $2 AND dead = 1 AND ($3::text IS NULL OR event = $3)
  ORDER BY event LIMIT $5)"""
_COUNT = """
SELECT webhook, count(*) FILTER (WHERE dead = 0), count(*) FILTER (WHERE dead = 1)
FROM delivery WHERE part = $1 GROUP BY webhook"""


class PostgresOutbox:
    """See `guard.ports.Outbox`; of one partition."""

    def __init__(self, tenure: Tenure, beside: Beside, reader: Reader) -> None:
        self._tenure = tenure
        self._beside = beside
        self._reader = reader

    # -- which webhooks there are

    async def open(self, webhooks: Sequence[str]) -> Mapping[str, int]:
        """From now on these are told; returns what was owed to those that are no more, all of it given up."""
        part = self._tenure.part

        async def work(connection: Any) -> Mapping[str, int]:
            known = {name for (name,) in await connection.fetch("SELECT name FROM webhook WHERE part = $1", part)}
            end = await connection.fetchrow(_END_OF_HISTORY, part)
            new = [(part, name, *end) for name in webhooks if name not in known]
            await connection.executemany("INSERT INTO webhook VALUES ($1, $2, $3, $4)", new)
            await connection.execute(_DROP_FORGOTTEN, part)
            gone = sorted(known.difference(webhooks))
            counts = {name: owed + dead for name, owed, dead in await connection.fetch(_COUNT, part)}
            for table, column in (("webhook", "name"), ("delivery", "webhook")):
                await connection.execute(f"DELETE FROM {table} WHERE part = $1 AND {column} = ANY($2)", part, gone)  # noqa: S608 -- names
            return {name: counts.get(name, 0) for name in gone}

        return await self._beside.write(self._tenure, work, synced=True)

    async def position(self, webhook: str) -> Position:
        """How far it has been through the history."""
        rows = await self._reader.ask("SELECT decision, notice FROM webhook WHERE part = $1 AND name = $2", webhook)
        return Position(*rows[0])

    # -- what is owed

    async def after(self, position: Position, limit: int) -> tuple[list[Event], Position]:
        """Events beyond a position, about so many, in the order of their time; and the position behind them."""
        decisions = await self._reader.decisions(None, position.decision, limit)
        question = f"{_NOTICES} WHERE part = $1 AND number > $2 ORDER BY number LIMIT $3"
        notices = [stored.noticed(row) for row in await self._reader.ask(question, position.notice, limit)]
        return events_after(position, decisions, notices)

    async def pending(self, webhook: str) -> list[Owed]:
        """What is to be sent to it, in the order of time."""
        rows = await self._deliveries("WHERE part = $1 AND webhook = $2 AND dead = 0 ORDER BY event", webhook)
        return [delivery.owed for delivery in rows]

    async def owe(self, webhook: str, owed: Sequence[Owed], position: Position) -> None:
        """Note what a webhook has been through and what of that it has not got."""
        rows = self._rows(webhook, owed)

        async def work(connection: Any) -> None:
            await tables.DELIVERIES.insert(connection, rows)
            await connection.execute(_MOVE, self._tenure.part, webhook, *position)

        await self._beside.write(self._tenure, work, synced=False)

    async def settle(self, webhook: str, done: Sequence[str], changed: Sequence[Owed]) -> None:
        """Note which events it has got (or no longer needs), and what became of others."""
        rows = self._rows(webhook, changed)
        died = any(each.dead for each in changed)

        async def work(connection: Any) -> None:
            await connection.execute(_SETTLE, self._tenure.part, webhook, [*done])
            await tables.DELIVERIES.insert(connection, rows)
            if died:
                await connection.execute(_PRUNE_DEAD, self._tenure.part, webhook, DEAD_KEPT)

        await self._beside.write(self._tenure, work, synced=False)

    def _rows(self, webhook: str, owed: Sequence[Owed]) -> list[stored.Values]:
        return [(self._tenure.part, *stored.delivery_values(webhook, each)) for each in owed]

    # -- what people ask

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What is owed, by webhook and time; `after` is the webhook and the event of the last one seen."""
        where = (
            "WHERE part = $1 AND dead = $2 AND ($3::text IS NULL OR webhook = $3) "
            "AND (webhook, event) > ($4, $5) ORDER BY webhook, event LIMIT $6"
        )
        return await self._deliveries(where, int(dead), webhook, *after, limit)

    async def counts(self) -> dict[str, tuple[int, int]]:
        """By webhook: how many events are to be sent, and how many have been given up."""
        return {name: (owed, dead) for name, owed, dead in await self._reader.ask(_COUNT)}

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many there were."""
        part = self._tenure.part

        async def work(connection: Any) -> int:
            done: str = await connection.execute(_REVIVE, part, webhook, event, audit.at_ms, REVIVED_AT_ONCE)
            revived = int(done.rpartition(" ")[2])
            if revived:
                await tables.AUDIT.insert(connection, [(part, *stored.audit_values(audit))])
            return revived

        return await self._beside.write(self._tenure, work, synced=True)

    # -- rows

    async def _deliveries(self, where: str, *values: object) -> list[Delivery]:
        """Rows with their events; one whose event is kept no longer is passed over."""
        rows = await self._reader.ask(f"{_DELIVERIES} {where}", *values)
        numbers: dict[bool, list[int]] = {False: [], True: []}
        for row in rows:
            numbers[row[1] == 1].append(row[2])
        by_number = "WHERE part = $1 AND number = ANY($2::bigint[])"
        decided = {
            decision.number: Event(number=decision.number, told=decision)
            for decision in map(stored.decision, await self._reader.ask(f"{_DECISIONS} {by_number}", numbers[False]))
        }
        noticed = {
            row[0]: stored.noticed(row) for row in await self._reader.ask(f"{_NOTICES} {by_number}", numbers[True])
        }
        return stored.deliveries(rows, decided, noticed)
