"""Accounts of all partitions as a node reads them, and what it is shown of webhooks (`guard.ports.archive`).

**One account** is one statement, so its row and its calls are of one moment: a call that is posted in between would be
counted twice, or not at all. A page of accounts costs two: their ids by an index, then their rows by their keys.

**Lists** go by indexes over all partitions (`layout`): by id, by id within each of the rare states, by the time of the
block. Looking for a part of a name is the one thing that no index helps with: it walks through the accounts in the
order of their ids, and is given up after `SEARCH_LIMIT_S`.

Nodes have connections of their own, `reader.CONNECTIONS` of them, and the server itself ends what takes too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.adapters.postgres.feeds import PostgresRecords
from guard.adapters.postgres.mailroom import Mailroom
from guard.adapters.postgres.reader import Questions
from guard.adapters.postgres.tables import names, selection
from guard.core.decisions import Audit, KeptRow
from guard.core.events import Delivery
from guard.core.partitions import partition_of
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.core.views import AccountState
from guard.ports.archive import Leaf, TooLongError
from guard.wire import stored
from guard.wire.kept import decoded

SEARCH_LIMIT_S = 5

_TOO_LONG = (
    f"looking through all accounts took longer than {SEARCH_LIMIT_S} s and was given up: "
    "ask for one state, or open the account by its whole id"
)
_ACCOUNT = names(AccountRow._fields)
_CALL = ", ".join(f'c."{column}"' for column in CallRow._fields)
_SWITCH = ", ".join(f's."{column}"' for column in SwitchRow._fields)
_PAYMENT = ", ".join(f'b."{column}"' for column in stored.BILLING_COLUMNS[:-1])

_LEAVES = f"""
SELECT a.part, {_ACCOUNT},
  ARRAY(SELECT ROW({_CALL}) FROM call c WHERE c.part = a.part AND c.account = a.id
    ORDER BY c.answered_at_ms, c.switch, c.call),
  ARRAY(SELECT ROW({_SWITCH}) FROM switch s WHERE s.part = a.part AND (a.causes <> '{stored.NOTHING}'
    OR s.name IN (SELECT c.switch FROM call c WHERE c.part = a.part AND c.account = a.id)) ORDER BY s.name),
  ARRAY(SELECT ROW(p.switch, p.seq) FROM pending p
    WHERE p.part = a.part AND p.account = a.id AND a.causes <> '{stored.NOTHING}'),
  ARRAY(SELECT ROW({_PAYMENT}) FROM billing b
    WHERE b.part = a.part AND b.account = a.id AND b.type = 'payment' AND a.pending_micros <> 0 ORDER BY b.number)
FROM unnest($1::smallint[], $2::text[]) WITH ORDINALITY AS wanted (in_part, wanted_id, place)
JOIN account a ON a.part = in_part AND a.id = wanted_id ORDER BY place"""  # noqa: S608 -- names, never input
_CALLS_AT, _SWITCHES_AT, _PENDING_AT, _PAYMENTS_AT = (1 + len(AccountRow._fields) + place for place in range(4))

_TEXT = "lower((id || E'\\n' || name) COLLATE \"C\")"
_HAS = f"(strpos({_TEXT}, $1) > 0 OR strpos({_TEXT}, $2) > 0)"
_BLOCKED = f"closed = 0 AND causes <> '{stored.NOTHING}' AND {_HAS}"
_STATES = {
    None: _HAS,
    AccountState.ACTIVE: f"closed = 0 AND causes = '{stored.NOTHING}' AND level = 0 AND {_HAS}",
    AccountState.WARNED: f"closed = 0 AND causes = '{stored.NOTHING}' AND level > 0 AND {_HAS}",
    AccountState.BLOCKED: _BLOCKED,
    AccountState.CLOSED: f"closed <> 0 AND {_HAS}",
}
"""As the indexes of `layout` have it, and as `Account.present_state` does."""
_NEWLY_BLOCKED_ORDER = "ORDER BY guard.blocked_since(causes) DESC, id DESC"

_BEGINNING = (
    "SELECT id FROM account WHERE id >= $1 AND starts_with(id, $1) AND id < $1 || U&'\\+10FFFF' ORDER BY id LIMIT $2"
)
_ROWS = f"{selection('account', AccountRow._fields)} WHERE id > $1 ORDER BY id LIMIT $2"
_HELD = "SELECT part, kind, \"key\", row FROM kept WHERE part = ANY($1::smallint[]) AND kind = 'held'"
_SUBJECT = 'SELECT kind, "key", row FROM kept WHERE part = $1 AND kind = \'subject\' AND "key" = $2'


class PostgresArchive:
    """See `guard.ports.archive.Archive`."""

    def __init__(self, questions: Questions, parts: int) -> None:
        self._questions = questions
        self._parts = list(range(parts))
        self._mailroom = Mailroom(questions)
        self.records = PostgresRecords(questions, parts)

    # -- accounts

    async def leaves(self, accounts: Sequence[str]) -> list[Leaf]:
        """Those of these accounts that there are, in that order."""
        parts = [partition_of(account) for account in accounts]
        return [_leaf(row) for row in await self._questions.ask(_LEAVES, parts, [*accounts])]

    async def find(
        self, *, state: AccountState | None, needles: tuple[str, str], after: str, limit: int
    ) -> list[tuple[str, str]]:
        """(id, name) of accounts of that state, in the order of their ids."""
        return await self._search(f"WHERE {_STATES[state]} AND id > $3 ORDER BY id LIMIT $4", *needles, after, limit)

    async def beginning(self, text: str, limit: int) -> list[str]:
        """Ids of accounts that begin with it, in order."""
        return [id_ for (id_,) in await self._questions.ask(_BEGINNING, text, limit)]

    async def newly_blocked(self, *, needles: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """(id, name) of blocked accounts, the one that was blocked last first."""
        return await self._search(f"WHERE {_BLOCKED} {_NEWLY_BLOCKED_ORDER} LIMIT $3", *needles, limit)

    async def _search(self, where: str, *values: object) -> list[tuple[str, str]]:
        question = f"SELECT id, name FROM account {where}"  # noqa: S608 -- constants
        rows = await self._questions.ask_within(SEARCH_LIMIT_S, TooLongError(_TOO_LONG), question, *values)
        return [(id_, name) for id_, name in rows]

    async def rows(self, *, after: str, limit: int) -> list[AccountRow]:
        """Accounts in the order of their ids, as they are stored."""
        return [stored.account_row(row) for row in await self._questions.ask(_ROWS, after, limit)]

    # -- what the rules have kept

    async def held(self, part: int | None) -> list[tuple[int, KeptRow]]:
        """(partition, row) of what the fuse holds."""
        rows = await self._questions.ask(_HELD, self._parts if part is None else [part])
        return [(in_part, decoded((kind, key, blob))) for in_part, kind, key, blob in rows]

    async def subject(self, account: str) -> KeptRow | None:
        """What the rules know of an account."""
        rows = await self._questions.ask(_SUBJECT, partition_of(account), account)
        return decoded((rows[0][0], rows[0][1], rows[0][2])) if rows else None

    # -- webhooks

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        """What webhooks are owed by all partitions, by webhook and time."""
        return await self._mailroom.deliveries(webhook=webhook, dead=dead, after=after, limit=limit)

    async def revive(self, webhook: str, event: str | None, audit: Audit) -> int:
        """Make dead letters of a webhook due again."""
        return await self._mailroom.revive(webhook, event, audit)


def _leaf(row: Sequence[Any]) -> Leaf:
    return Leaf(
        part=row[0],
        account=stored.account_row(row[1:_CALLS_AT]),
        calls=[stored.call_row(tuple(call)) for call in row[_CALLS_AT]],
        switches=[stored.switch_row(tuple(switch)) for switch in row[_SWITCHES_AT]],
        pending=[tuple(each) for each in row[_PENDING_AT]],
        payments=[stored.billing_entry(tuple(each)) for each in row[_PAYMENTS_AT]],
    )
