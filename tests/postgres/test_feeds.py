"""Whoever follows the history of all partitions misses nothing and gets nothing twice, whatever is committed when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from guard.adapters.postgres import Postgres, PostgresAddress, open_postgres, tables
from guard.adapters.postgres.feeds import FEWEST_KEYS, OVERLAP_MS, PAGES_KEPT, PostgresRecords, woven
from guard.core.decisions import Audit, Decision
from guard.core.identity import derived_id
from guard.core.partitions import PARTITIONS, partition_of
from guard.ports.records import FROM_THE_END, CursorError, Page
from guard.wire import stored
from tests.postgres.server import PostgresServer
from tests.store.samples import T0, decision, held

pytestmark = pytest.mark.postgres

WRITERS = 4
TRANSACTIONS = 15
"""Of each writer."""
LONGEST = 6
"""Pages that a transaction stays open for."""


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.emptied(PARTITIONS)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Postgres]:
    async with open_postgres(PostgresAddress(url=url, owner="reader"), parts=PARTITIONS) as opened:
        yield opened


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """Whoever writes, past the store."""
    connection = await PostgresAddress(url=url).connect()
    try:
        yield connection
    finally:
        await connection.close()


class Rows:
    """Writes decisions of partitions, numbered as their owners would."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._last: dict[int, int] = {}
        self.written: list[str] = []

    def some(self, part: int, count: int) -> list[Decision]:
        """The next of a partition, with times of events that go to and fro, as late reports make them."""
        made = []
        for number in range(self._last.get(part, 0) + 1, self._last.get(part, 0) + count + 1):
            at_ms = T0 + self._chance.randrange(10_000_000)
            made.append(decision(number, f"A{part}", id=derived_id(at_ms, part, number), at_ms=at_ms))
        self._last[part] = made[-1].number
        return made

    async def insert(self, connection: Any, part: int, count: int) -> None:
        made = self.some(part, count)
        await tables.DECISIONS.write(connection, [(part, *stored.decision_values(each)) for each in made])
        self.written += [each.id for each in made]


class Pages:
    """Counts the pages that the reader has been given; writers wait for some of them with what they have begun."""

    def __init__(self) -> None:
        self._turned = asyncio.Event()

    def turn(self) -> None:
        self._turned.set()
        self._turned = asyncio.Event()

    async def wait(self, pages: int) -> None:
        for _ in range(pages):
            await self._turned.wait()


async def _followed(
    records: PostgresRecords, limit: int, done: Callable[[], bool], turned: Callable[[], None]
) -> list[Decision]:
    """All that comes until the end: by cursors, and by the id of the last one seen where a page has no next."""
    found: list[Decision] = []
    after = FROM_THE_END
    while True:
        ended = done()
        page = await records.decisions(account=None, after=after, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        if page.next is not None:
            assert len(page.items) == limit
            after = page.next
        elif page.items:
            behind = await records.behind(page.items[-1].id)
            assert behind is not None
            after = behind
        elif ended:
            return found
        turned()


@pytest.mark.parametrize(("seed", "limit"), [(1, 7), (2, 40), (3, 500)])
async def test_each_decision_comes_once_while_others_write(url: str, seed: int, limit: int) -> None:
    """Four writers, whose transactions take any time, so that many end long after others that began later."""
    chance, pages = Random(seed), Pages()
    rows = Rows(chance)

    async def write(first: int) -> None:
        async with _connected(url) as connection:
            for _ in range(TRANSACTIONS):
                async with connection.transaction():
                    for part in chance.sample(range(first, PARTITIONS, WRITERS), chance.randrange(1, 4)):
                        await rows.insert(connection, part, chance.randrange(1, 2 * FEWEST_KEYS))
                    await pages.wait(chance.randrange(LONGEST))

    async with _opened(url) as reader:
        writing = [asyncio.create_task(write(first)) for first in range(WRITERS)]
        found = await _followed(reader.archive.records, limit, lambda: all(task.done() for task in writing), pages.turn)
        await asyncio.gather(*writing)
    assert sorted(each.id for each in found) == sorted(rows.written)
    by_part: dict[str, list[int]] = {}
    for each in found:
        by_part.setdefault(each.account, []).append(each.number)
    assert all(numbers == sorted(numbers) for numbers in by_part.values())


async def _written(url: str, batches: int, *, seed: int = 1) -> list[str]:
    """So many transactions of one partition each, a second apart; the ids in the order in which they were stored."""
    chance = Random(seed)
    rows = Rows(chance)
    async with _connected(url) as connection:
        for number in range(batches):
            await rows.insert(connection, chance.randrange(PARTITIONS), 2)
            stored_ms = T0 + 1_000 * number
            await connection.execute(
                "UPDATE decisions SET stored_ms = $1 WHERE id = ANY($2)", stored_ms, rows.written[-2:]
            )
    return rows.written


async def test_history_is_read_in_the_order_in_which_it_was_stored(url: str) -> None:
    async with _opened(url) as opened:
        ids = await _written(url, 100)
        records = opened.archive.records
        found = await _followed(records, 7, lambda: True, lambda: None)
        assert [each.id for each in found] == ids


async def test_the_newest_come_first(url: str) -> None:
    """A page that is turned goes on where the one before ended, whatever has come since."""
    async with _opened(url) as opened:
        ids = await _written(url, 60)
        records = opened.archive.records
        found: list[str] = []
        before: str | None = FROM_THE_END
        while before is not None:
            page: Page[Decision] = await records.newest(before=before, limit=25)
            found += [each.id for each in page.items]
            before = page.next
        # The two of one transaction: the higher number is the newer one.
        assert found == ids[::-1]


async def test_whoever_follows_by_an_id_that_was_not_shown_here_gets_all_that_came_since(url: str) -> None:
    """And again what was stored shortly before it, which may have been committed after it was shown."""
    async with _opened(url) as opened:
        ids = await _written(url, 200)
        records = opened.archive.records
        whole = await records.decisions(account=None, after=FROM_THE_END, limit=1_000)
        account = {each.id: each.account for each in whole.items}
        records._shown.clear()
        lately = 2 * OVERLAP_MS // 1_000
        for place in (150, 301, 399):
            behind = await records.behind(ids[place])
            assert behind is not None
            page = await records.decisions(account=None, after=behind, limit=500)
            records._shown.clear()
            found = {each.id for each in page.items}
            assert set(ids[place + 1 :]) <= found
            again = {each for each in ids[place - lately : place] if account[each] != account[ids[place]]}
            assert found - set(ids[place + 1 :]) >= again
            assert ids[place] not in found
            assert found <= set(ids[place - lately - 2 :])
        assert await records.behind("01JD0000000000000000000000") is None


async def test_whoever_waits_for_news_is_remembered_while_others_turn_pages(url: str) -> None:
    """Bounded all the same: what nobody asks for is forgotten."""
    async with _opened(url) as opened:
        ids = await _written(url, 3)
        records = opened.archive.records
        page = await records.decisions(account=None, after=FROM_THE_END, limit=100)
        for _ in range(PAGES_KEPT + 5):
            behind = await records.behind(page.items[-1].id)
            assert behind is not None
            assert (await records.decisions(account=None, after=behind, limit=100)).items == []
            await records.decisions(account=None, after=FROM_THE_END, limit=1)
        assert len(records._shown) == PAGES_KEPT
        assert [each.id for each in page.items] == ids


async def test_decisions_of_one_account_are_followed_in_its_partition(url: str) -> None:
    async with _opened(url) as opened:
        await _written(url, 50)
        async with _connected(url) as connection:
            await Rows(Random(1)).insert(connection, partition_of("A1"), 7)
            await connection.execute("UPDATE decisions SET account = 'A1' WHERE part = $1", partition_of("A1"))
        numbers: list[int] = []
        after: str | None = FROM_THE_END
        while after is not None:
            page: Page[Decision] = await opened.archive.records.decisions(account="A1", after=after, limit=1)
            numbers += [each.number for each in page.items]
            after = page.next
        assert numbers == list(range(1, 8))


async def test_reports_held_back_are_read_as_they_were_stored(url: str) -> None:
    async with _opened(url) as opened:
        async with _connected(url) as connection:
            for number in range(40):
                row = (number * 7 % PARTITIONS, *stored.quarantined_values(held(number)))
                await tables.QUARANTINE.insert(connection, [row])
        calls: list[str] = []
        after: str | None = FROM_THE_END
        while after is not None:
            page = await opened.archive.records.quarantined(after=after, limit=9)
            calls += [report.call for _, report in page.items]
            after = page.next
        assert calls == [f"call-{number}" for number in range(40)]


async def test_what_was_done_to_no_account_comes_from_all_partitions(url: str) -> None:
    async with _opened(url) as opened:
        async with _connected(url) as connection:
            for number in range(10):
                for account, part in (("", number * 20), ("A1", partition_of("A1"))):
                    done = Audit(account, T0, "ana", f"did-{number}", "asked for")
                    await tables.AUDIT.insert(connection, [(part, *stored.audit_values(done))])
        records = opened.archive.records
        for account in ("", "A1"):
            found: list[str] = []
            before: str | None = FROM_THE_END
            while before is not None:
                page = await records.last_audits(account, 4, before=before)
                found += [each.what for each in page.items]
                before = page.next
            assert found == [f"did-{number}" for number in reversed(range(10))]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "at-1", "at-1-2-3-4", "at-x-2-3", "5", "n" * 2_000])
async def test_what_is_no_cursor_is_refused(url: str, cursor: str) -> None:
    async with _opened(url) as opened:
        records = opened.archive.records
        with pytest.raises(CursorError):
            await records.decisions(account=None, after=cursor, limit=1)
        with pytest.raises(CursorError):
            await records.newest(before=cursor, limit=1)
        with pytest.raises(CursorError):
            await records.quarantined(after=cursor, limit=1)


# -- weaving


def test_a_row_never_comes_before_one_of_its_partition_with_a_lower_number() -> None:
    rows: list[tuple[Any, ...]] = [(1, 1, 50), (1, 2, 10), (2, 1, 20), (2, 2, 60)]
    assert woven(rows, 3) == ([(20, 2, 1), (50, 1, 1), (50, 1, 2), (60, 2, 2)], True)


def test_a_page_ends_where_more_may_follow() -> None:
    rows: list[tuple[Any, ...]] = [(1, 1, 10), (1, 2, 30), (2, 1, 20), (3, 1, 40)]
    assert woven(rows, 2) == ([(10, 1, 1), (20, 2, 1), (30, 1, 2)], False)
