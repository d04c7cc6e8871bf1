"""What webhooks are owed by all partitions, for whoever looks at it and has dead letters sent again.

Each partition's couriers deliver and keep their own rows (`outbox`); here they are only shown, in one order, and dead
letters are made due again. That is written beside the owners, without their fence: they do not touch dead letters, and
what is due is taken up by whoever looks into the store next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guard.adapters.postgres import tables
from guard.adapters.postgres.outbox import REVIVED_AT_ONCE
from guard.adapters.postgres.reader import Questions, Rows
from guard.adapters.postgres.tables import names
from guard.core.decisions import Audit
from guard.core.events import Delivery, Event
from guard.wire import stored

NOTES_HOME = 0
"""The partition whose history has what concerns no account."""

_COLUMNS = ("part", "webhook", "event", "is_notice", "number", *stored.DELIVERY_COLUMNS)
_OWED = f"""
SELECT {names(_COLUMNS)} FROM delivery
WHERE dead = {{dead}} AND ($1::text IS NULL OR webhook = $1) AND (webhook, event) > ($2, $3)
ORDER BY webhook, event, part LIMIT $4"""  # noqa: S608 -- names, never input
_BY_NUMBER = "FROM {table} JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (part, number) USING (part, number)"
_DECISIONS = f"SELECT part, {names(stored.DECISIONS_COLUMNS)} {_BY_NUMBER.format(table='decisions')}"
_NOTICES = f"SELECT part, number, {names(stored.NOTICE_COLUMNS)} {_BY_NUMBER.format(table='notices')}"
_REVIVE = """
UPDATE delivery SET dead = 0, attempts = 0, due_ms = $3, since_ms = $3 WHERE (part, webhook, event) IN (
  SELECT part, webhook, event FROM delivery WHERE webhook = $1 AND dead = 1 AND ($2::text IS NULL OR event = $2)
  ORDER BY event LIMIT $4) RETURNING event"""


class Mailroom:
    """Deliveries of all partitions."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """By webhook and time; an event that several partitions owe comes once."""
        rows = await self._questions.ask(_OWED.format(dead=int(dead)), webhook, *after, limit)
        decided = await self._events(_DECISIONS, [row for row in rows if not row[3]])
        noticed = await self._events(_NOTICES, [row for row in rows if row[3]])
        found: dict[tuple[object, object], Delivery] = {}
        for part, name, event, is_notice, *rest in rows:
            # The event goes by its number within its partition.
            for delivery in stored.deliveries([(name, is_notice, *rest)], decided.get(part, {}), noticed.get(part, {})):
                found.setdefault((name, event), delivery)
        return list(found.values())

    async def _events(self, question: str, rows: Rows) -> Mapping[int, Mapping[int, Event]]:
        """By partition and number."""
        events: dict[int, dict[int, Event]] = {}
        if rows:
            parts, numbers = [row[0] for row in rows], [row[4] for row in rows]
            for part, *columns in await self._questions.ask(question, parts, numbers):
                event = _event(columns, noticed=question is _NOTICES)
                events.setdefault(part, {})[event.number] = event
        return events

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again, one or the oldest 1,000; how many there were."""

        async def work(connection: Any) -> Any:
            async with connection.transaction():
                revived = await connection.fetch(_REVIVE, webhook, event, audit.at_ms, REVIVED_AT_ONCE)
                if revived:
                    await tables.AUDIT.insert(connection, [(NOTES_HOME, *stored.audit_values(audit))])
                return revived

        return len(await self._questions.work(work))


def _event(columns: Sequence[Any], *, noticed: bool) -> Event:
    if noticed:
        return stored.noticed(columns)
    decision = stored.decision(columns)
    return Event(number=decision.number, told=decision)
