"""The auditor behind `guard check --ledger`, on PostgreSQL: do the sums of the store agree with each other?

It asks what the auditor of the SQLite store asks, in the same words: for every account the lines' sum is what it owes,
in its currency; line numbers run without a gap; for every call that is remembered the lines' sum is what was posted; no
call costs more than without its plan, and a plan covers no more seconds than were billed.

All of it is read in one picture (REPEATABLE READ) beside a daemon that writes; the server adds up, on its disk where
memory does not suffice. Findings are bounded by `FINDINGS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.schema import check_version
from guard.core.ledger_findings import (
    FINDINGS,
    MORE,
    below_one,
    disagreeing,
    missing,
    of_nobody,
    posted_otherwise,
    strange,
)
from guard.core.records import Event

CHECK_LIMIT_S = 3_600.0

_GAPS = """
SELECT before + 1, number - 1 FROM (
  SELECT number, lag(number, 1, 0) OVER (PARTITION BY part ORDER BY number) AS before FROM ledger WHERE number >= 1
) AS line WHERE number <> before + 1 ORDER BY 1"""

_ACCOUNTS = """
SELECT coalesce(account.id, sums.account), owed_micros, coalesce(sum(sum_micros), 0), account.currency,
  string_agg(sums.currency, ' and ' ORDER BY sums.currency)
    FILTER (WHERE sums.currency <> account.currency AND sum_micros <> 0)
FROM account FULL JOIN (
  SELECT part, account, currency, sum(amount_micros) AS sum_micros FROM ledger GROUP BY part, account, currency
) AS sums ON sums.part = account.part AND sums.account = account.id
GROUP BY account.part, account.id, sums.part, sums.account
HAVING account.id IS NULL OR coalesce(sum(sum_micros), 0) <> owed_micros
  OR count(*) FILTER (WHERE sums.currency <> account.currency AND sum_micros <> 0) > 0
ORDER BY 1"""

_CALLS = """
WITH past AS (
  SELECT DISTINCT ON (remembered.part, switch, call) remembered.part, switch, call, account, posted_micros, event
  FROM remembered JOIN part ON part.part = remembered.part
  WHERE newest_at_ms >= forgotten_before_ms
  ORDER BY remembered.part, switch, call, number DESC
), sums AS (
  SELECT part, switch, call, sum(amount_micros) AS sum_micros FROM ledger WHERE call <> '' GROUP BY part, switch, call
)
SELECT past.part, switch, call, account, posted_micros, coalesce(sum_micros, 0)
FROM past LEFT JOIN sums USING (part, switch, call)
WHERE event <> $1 AND posted_micros <> coalesce(sum_micros, 0) ORDER BY switch, call"""

_LINES_OF_CALL = """
SELECT amount_micros FROM ledger WHERE part = $1 AND account = $2 AND switch = $3 AND call = $4 ORDER BY number DESC"""

_UNNAMED_LINE = """
SELECT 1 FROM ledger WHERE part = $1 AND account = $2 AND switch = $3 AND call = '' AND amount_micros = $4"""

_STRANGE = """
SELECT account, switch, call, sum(amount_micros), sum(coalesce(gross_micros, amount_micros)),
  sum(billed_s), sum(covered_s)
FROM ledger WHERE call <> '' AND (part, account, switch, call) IN (
  SELECT part, account, switch, call FROM ledger
  WHERE kind IN ('call', 'lost') AND call <> ''
    AND (gross_micros < amount_micros OR covered_s NOT BETWEEN 0 AND billed_s)
) GROUP BY part, account, switch, call ORDER BY account, switch, call"""


async def check_ledger(address: PostgresAddress) -> list[str]:
    """What does not add up, in plain words; empty when all does. Works beside a running daemon.

    `StoreError` when the database cannot be reached or is not a store of this version.
    """
    connection = await address.connect(limit_s=CHECK_LIMIT_S)
    try:
        await check_version(connection, address.shown)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # While the server adds up, this session is not idle; while we look through what it said, it may be.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            found: list[str] = []
            async for finding in _findings(connection):
                if len(found) == FINDINGS:
                    return [*found, MORE]
                found.append(finding)
            return found
    except Unstorable as error:
        raise explain(error, address.shown) from error
    finally:
        connection.terminate()


async def _findings(connection: Any) -> AsyncIterator[str]:
    for first, last in await connection.fetch(_GAPS):
        yield missing(first, last)
    for finding in below_one(await connection.fetchval("SELECT count(*) FROM ledger WHERE number < 1")):
        yield finding
    for account, switch, call, amount, gross, billed_s, covered_s in await connection.fetch(_STRANGE):
        for finding in strange(account, switch, call, (int(amount), int(gross), int(billed_s), int(covered_s))):
            yield finding
    for account, owed, lines, currency, others in await connection.fetch(_ACCOUNTS):
        if owed is None:
            yield of_nobody(account, int(lines))
            continue
        for finding in disagreeing(account, owed, int(lines), currency, others):
            yield finding
    for part, switch, call, account, posted, total in await connection.fetch(_CALLS, int(Event.FAILED)):
        if not await _posted_lately(connection, part, account, switch, call, posted):
            yield posted_otherwise(account, switch, call, posted, int(total))


async def _posted_lately(connection: Any, part: int, account: str, switch: str, call: str, posted: int) -> bool:
    """Whether its newest lines alone make the sum: older ones are of another call by that name, forgotten since."""
    total = 0
    for (amount,) in await connection.fetch(_LINES_OF_CALL, part, account, switch, call):
        total += amount
        if total == posted:
            return True
    found = await connection.fetchval(_UNNAMED_LINE, part, account, switch, posted - total)
    return found is not None
