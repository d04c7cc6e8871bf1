"""What a node asks of 200,000 accounts goes by indexes: no question that a page asks reads a whole table.

Only looking for a part of a name does, and is given up after a while.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from guard.adapters.postgres import PostgresAddress, archive, feeds, mailroom, open_postgres
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.views import AccountState
from guard.ports.archive import TooLongError
from guard.shell.clock import SystemClock
from guard.shell.cluster.books import Books
from guard.shell.cluster.drawing import Drawing
from guard.shell.cluster.gathering import Gathering
from tests.postgres.server import PostgresServer
from tests.postgres.town import setup
from tests.store.samples import CAUSE, T0

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ACCOUNTS = 200_000
DECISIONS = 200_000
BIG = frozenset({"account", "call", "decisions", "delivery", "kept", "ledger", "audit"})

_FILL = """
CREATE TEMP TABLE ids (n BIGINT, id TEXT COLLATE "C", part SMALLINT);
"""
_MADE = """
INSERT INTO account (part, id, name, currency, timezone, opened, "plan", tariff, provisional, closed, owed_micros,
  pending_micros, trusted_micros, limit_micros, limit_source, level, spoken, seq, decisions, lifted_at_ms, causes)
SELECT part, id, 'Customer ' || n, 'CAD', '', '', '', '', 0, (n % 1000 = 0)::int, n, 0, 0, 500000000, 'stated',
  CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END, 0, 0, 0, 0,
  CASE WHEN n % 200 = 0 THEN replace({causes}, '{since}', ({since} + n)::text) ELSE '[]' END FROM ids;
INSERT INTO switch (part, name, up, first_heard_ms, last_heard_ms, skew_ms)
SELECT part, 'sw' || s, 1, 0, 0, 0 FROM part CROSS JOIN generate_series(1, 4) AS s;
INSERT INTO call (part, switch, call, account, event, at_ms, newest_at_ms, answered_at_ms, duration_ms, charge_micros,
  stated_charge_micros, rate_micros, rate_known, posted_micros, "to", caller, direction, emergency, source,
  silent_carry_scaled, defies)
SELECT part, 'sw1', 'c' || n, id, 1, {since}, {since}, {since}, 0, 350000, -1, 2100000, 2, 0, '+25377123456', '',
  'outgoing', 0, '', -1, 0 FROM ids WHERE n % 10 = 0;
INSERT INTO decisions (part, number, id, at_ms, account, action, scope, mode, reason, rule, "key", mark,
  exposure_micros, limit_micros, currency, evidence, text, "by", stored_ms)
SELECT part, row_number() OVER (PARTITION BY part ORDER BY n), 'd' || n, {since} + n, id, 'warn', 'all', 'enforce',
  'credit_limit', '', '', '50', 1, 2, 'CAD', '[]', 'Warned: half of the limit is used.', '', {since} + n * 10 FROM ids;
INSERT INTO delivery SELECT part, 'hook', id, 0, 1, 0, 0, 0, 0, (n % 20 = 0)::int, '' FROM ids WHERE n % 10 = 0;
INSERT INTO kept SELECT part, 'subject', id, '\\x90' FROM ids WHERE n % 2 = 0;
INSERT INTO audit (part, account, at_ms, "by", what, reason)
SELECT part, CASE WHEN n % 100 = 0 THEN '' ELSE id END, 0, 'ana', 'did', '' FROM ids;
ANALYZE"""


async def fill(url: str) -> None:
    """So many accounts, a tenth of them with a call up, and a decision of each."""
    connection = await PostgresAddress(url=url).connect()
    try:
        await connection.execute(_FILL)
        ids = ((n, f"+1{n * 7_919 % 10**10:010d}") for n in range(ACCOUNTS))
        rows = ((n, id_, partition_of(id_)) for n, id_ in ids)
        await connection.copy_records_to_table("ids", records=rows)
        causes = json.dumps([list(CAUSE)]).replace(", ", ",")
        await connection.execute(_MADE.format(causes=f"'{causes}'", since=T0))
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> str:
    """A database with all of them."""
    url = postgres_server.database()

    async def make() -> None:
        async with open_postgres(PostgresAddress(url=url), parts=PARTITIONS):
            await fill(url)

    asyncio.run(make())
    return url


SOME = [f"+1{n * 7_919 % 10**10:010d}" for n in range(0, 1_000, 10)]
PARTS = list(range(PARTITIONS))
ZERO = [0] * PARTITIONS
SELECT_IDS = "SELECT id, name FROM account WHERE"
OF_STATE = "{} AND id > $3 ORDER BY id LIMIT $4"
QUESTIONS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "one account": (archive._LEAVES, ([partition_of(SOME[0])], SOME[:1])),
    "a page of accounts": (archive._LEAVES, ([*map(partition_of, SOME)], SOME)),
    **{
        f"ids of accounts that are {'' if state is None else state.value}": (
            f"{SELECT_IDS} {OF_STATE.format(where)}",
            ("", "", SOME[0], 100),
        )
        for state, where in archive._STATES.items()
    },
    "ids that begin like this": (archive._BEGINNING, ("+1000", 5)),
    "newly blocked": (
        f"{SELECT_IDS} {archive._BLOCKED} {archive._NEWLY_BLOCKED_ORDER} LIMIT $3",
        ("", "", 1_000),
    ),
    "rows for the review": (archive._ROWS, (SOME[0], 1_000)),
    "what is held": (archive._HELD, (PARTS,)),
    "what is usual": (archive._SUBJECT, (1, SOME[0])),
    "decisions behind": (feeds._DECISIONS_BEHIND, (PARTS, ZERO, 8)),
    "these decisions": (feeds._THESE_DECISIONS, (PARTS[:100], [1] * 100)),
    "the place of a decision": (feeds._PLACE, ("d77",)),
    "the vector of a time": (feeds._VECTOR, (T0 + 10 * DECISIONS - 60_000,)),
    "newest decisions": (feeds._NEWEST, (*feeds._FIRST_PLACE, 100)),
    "what was done": (feeds._ALL_AUDITS, (PARTS, "", 2**62, 100)),
    "dead letters": (mailroom._OWED.format(dead=1), (None, "", "", 100)),
}


@pytest.mark.parametrize("what", QUESTIONS)
async def test_no_page_reads_a_whole_table(filled: str, what: str) -> None:
    question, values = QUESTIONS[what]
    connection = await PostgresAddress(url=filled).connect()
    try:
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {question}", *values))
    finally:
        await connection.close()
    read_whole = [table for table in BIG if f"Seq Scan on {table}" in plan]
    assert not read_whole, plan


async def test_a_search_that_takes_too_long_is_given_up_with_words(
    filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself ends it, and the next question finds a connection that is good."""
    slow = f"{archive._BLOCKED} AND pg_sleep(0.01) IS NOT NULL"
    monkeypatch.setitem(archive._STATES, AccountState.BLOCKED, slow)
    monkeypatch.setattr(archive, "SEARCH_LIMIT_S", 1)
    async with open_postgres(PostgresAddress(url=filled), parts=PARTITIONS) as opened:
        find = opened.archive.find
        with pytest.raises(TooLongError, match="took longer than 5 s and was given up: ask for one state"):
            await find(state=AccountState.BLOCKED, needles=("nobody", "nobody"), after="", limit=10)
        assert len(await find(state=None, needles=("", ""), after="", limit=10)) == 10


async def test_whoever_asks_for_too_much_is_told_of_ids_that_begin_like_that(
    filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(archive._STATES, None, f"{archive._HAS} AND pg_sleep(0.01) IS NOT NULL")
    monkeypatch.setattr(archive, "SEARCH_LIMIT_S", 1)
    async with open_postgres(PostgresAddress(url=filled), parts=PARTITIONS) as opened:
        clock = SystemClock()
        gathering = Gathering(opened.board, clock)
        books = Books(opened.archive, gathering, Drawing(setup, gathering), clock)
        first = sorted(SOME)[3]
        with pytest.raises(TooLongError, match=rf"ids that begin like this: \{first}"):
            await books.accounts(state=None, query=first, limit=10, after="")
        with pytest.raises(TooLongError, match=r"by its whole id$"):
            await books.accounts(state=None, query="nobody", limit=10, after="")
