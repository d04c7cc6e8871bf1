"""A daemon's store moved into a database: all of it, proved, or nothing; and life goes on as if it had never moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from guard.adapters.postgres import Postgres, PostgresAddress, PostgresStore, check_ledger, open_postgres
from guard.adapters.postgres.moving import move
from guard.adapters.postgres.origin import postgres_origin
from guard.adapters.sqlite import open_store
from guard.adapters.sqlite.origin import sqlite_origin
from guard.app.stores import DaemonStore
from guard.core.decisions import Changes, Decision
from guard.core.engine import Engine
from guard.core.fuses import HOME
from guard.core.money import Micros
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import AccountMessage, Credit, Event, Outcome, PaymentMessage, PaymentStatus, Report
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.ports import StoreError
from guard.ports.moving import Origin
from tests.postgres.server import PostgresServer, name_of
from tests.store.released import NOTICE, THIRD
from tests.store.samples import posting, state_of
from tests.store.stores import claimed, whole_ledger

pytestmark = pytest.mark.postgres

T0 = 1_800_000_000_000
MINUTE_MS = 60_000
OF_ACCOUNTS = ("call", "ledger", "decisions", "remembered", "quarantine", "billing", "audit", "pending", "forget")
ACCOUNTS = [f"A{number:03}" for number in range(24)]


def quiet(_table: str, _done: int, _total: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guard.db"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[dict[int, PostgresStore]]:
    """All partitions of a cluster's store."""
    async with open_postgres(PostgresAddress(url=url, owner="test"), parts=PARTITIONS) as postgres:
        claims = await postgres.leases.claim("test", PARTITIONS)
        yield {claim.part: postgres.partition(claim) for claim in claims}
        await postgres.leases.release("test", claims)


# -- a life that goes on


class Guard:
    """An engine and the store that it commits to."""

    def __init__(self, store: DaemonStore, part: int | None = None) -> None:
        self.engine = Engine(Settings(), Scopes.of_country_code("1"), T0, partition=part)
        self._store = store

    async def begin(self, now_ms: int) -> None:
        self.engine.restore(await self._store.restore(), now_ms)
        self.engine.subscribed(now_ms)

    async def take(self, message: Any, now_ms: int) -> Outcome | None:
        self.engine.advance(now_ms)
        outcome = None
        if isinstance(message, Report):
            outcome = self.engine.report("sw1", message, now_ms)
        else:
            self.engine.billing(message, now_ms)
        await self._store.commit(self.engine.take())
        return outcome

    async def end(self, now_ms: int) -> None:
        self.engine.advance(now_ms)
        await self._store.commit(self.engine.take())
        await self._store.commit(self.engine.keepsakes())


def history() -> list[tuple[int, str, Any]]:
    """Calls that grow past limits, payments, reports that come again and late: (when, account, what)."""
    random, steps = Random(7), list[tuple[int, str, Any]]()
    for account in ACCOUNTS:
        credit = Credit(limit_micros=Micros(random.choice((2_000_000, 5_000_000, 50_000_000))))
        steps.append((T0, account, AccountMessage(id=f"open {account}", account=account, credit=credit)))
    for number in range(240):
        account, began_ms = random.choice(ACCOUNTS), T0 + random.randrange(60 * MINUTE_MS)
        rate = random.randrange(1, 400) * 1_000
        lasts = random.randrange(1, 30)
        for minute in range(1, lasts + 1):
            at_ms = began_ms + minute * MINUTE_MS
            report = Report(
                call=f"c{number}",
                event=Event.ENDED if minute == lasts else Event.TICK,
                account=account,
                at_ms=at_ms,
                duration_ms=minute * MINUTE_MS,
                to="+16135550100",
                charge_micros=Micros(rate * minute),
                # What nobody has said does not count: each engine sees other moments between reports.
                rate_micros=0,
            )
            steps.append((at_ms, account, report))
            if random.random() < 0.2:
                steps.append((at_ms + random.randrange(20 * MINUTE_MS), account, report))
        if random.random() < 0.1:
            payment = PaymentMessage(
                id=f"p{number}",
                account=account,
                amount_micros=Micros(1_000_000),
                method="card",
                status=PaymentStatus.POSTED,
                at_ms=began_ms,
            )
            steps.append((began_ms, account, payment))
    return sorted(steps, key=lambda step: step[0])


def of_a_decision(decision: Decision) -> object:
    """All but its number, which counts in each partition."""
    return replace(decision, number=0)


async def told(stores: dict[str, DaemonStore]) -> dict[str, Any]:
    """By account: what it owes, each line of it, and what was decided."""
    found: dict[str, Any] = {}
    for account, store in stores.items():
        lines = [replace(line, number=0) for line in await whole_ledger(store, account)]
        decided = [of_a_decision(each) for each in await store.decisions(account=account, after=0, limit=1_000)]
        found[account] = (lines, decided, await store.last_audits(account, 100))
    return found


async def test_a_history_goes_on_over_partitions_as_if_it_had_never_been_moved(
    server: PostgresServer, path: Path, tmp_path: Path
) -> None:
    steps, url = history(), server.database()
    half, end_ms = len(steps) // 2, steps[-1][0] + 60 * MINUTE_MS
    moved_ms = steps[half][0]
    async with open_store(tmp_path / "whole.db") as store:
        alone = Guard(store)
        await alone.begin(T0)
        for now_ms, _, message in steps[:half]:
            await alone.take(message, now_ms)
        await alone.end(moved_ms)
    async with open_store(tmp_path / "whole.db") as store:
        alone = Guard(store)
        await alone.begin(moved_ms)
        expected_outcomes = [await alone.take(message, now_ms) for now_ms, _, message in steps[half:]]
        await alone.end(end_ms)
        expected = await told(dict.fromkeys(ACCOUNTS, store))
        rows = {row.id: row for row in (await store.restore()).accounts}

    async with open_store(path) as store:
        first = Guard(store)
        await first.begin(T0)
        for now_ms, _, message in steps[:half]:
            await first.take(message, now_ms)
        await first.end(moved_ms)
    with sqlite_origin(path) as origin:
        assert await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=quiet) == []
    assert await check_ledger(PostgresAddress(url=url)) == []
    async with opened(url) as stores:
        used = {partition_of(account) for account in ACCOUNTS}
        guards = {part: Guard(stores[part], part) for part in used}
        for guard in guards.values():
            await guard.begin(moved_ms)
        outcomes = [
            await guards[partition_of(account)].take(message, now_ms) for now_ms, account, message in steps[half:]
        ]
        for guard in guards.values():
            await guard.end(end_ms)
        found = await told({account: stores[partition_of(account)] for account in ACCOUNTS})
        restored = [row for part in used for row in (await stores[part].restore()).accounts]
    assert outcomes == expected_outcomes
    assert Outcome.DUPLICATE in outcomes
    for account in ACCOUNTS:
        assert found[account] == expected[account], account
    assert {row.id: row for row in restored} == rows
    assert sum(len(decided) for _, decided, _ in found.values()) > 20
    assert await check_ledger(PostgresAddress(url=url)) == []


# -- every table


async def test_a_daemons_database_has_all_that_the_file_had(server: PostgresServer, path: Path) -> None:
    """Also what lay in the journal only, and what webhooks are owed; numbers go on behind those of before."""
    model, url = THIRD.write(path), server.database()
    async with open_store(path) as store:
        await store.outbox.open(["ops"])
        position = await store.outbox.position("ops")
    with sqlite_origin(path) as origin:
        assert await move(origin, PostgresAddress(url=url), parts=1, progress=quiet) == []
    async with claimed(url) as moved:
        assert state_of(await moved.restore()) == model.state()
        for account in ("A1", "A2", "A3"):
            assert await whole_ledger(moved, account) == model.lines(account)
        assert await moved.decisions(account=None, after=0, limit=9) == model.decisions
        assert [kept for _, kept in await moved.quarantined(after=0, limit=9)] == model.quarantine
        assert await moved.outbox.open(["ops"]) == {}
        assert await moved.outbox.position("ops") == position
        events, _ = await moved.outbox.after(position, 100)
        assert [event.told for event in events] == [NOTICE]
        changes = replace(posting(6, 5, 5, "A9"), notices=[NOTICE])
        await moved.commit(changes)
        model.apply(changes)
        assert state_of(await moved.restore()) == model.state()


async def test_a_daemons_database_is_moved_like_a_file(server: PostgresServer, path: Path) -> None:
    model, old, new = THIRD.write(path), server.database(), server.database()
    with sqlite_origin(path) as origin:
        await move(origin, PostgresAddress(url=old), parts=1, progress=quiet)
    async with postgres_origin(PostgresAddress(url=old)) as database:
        assert await move(database, PostgresAddress(url=new), parts=1, progress=quiet) == []
    async with claimed(new) as moved:
        assert state_of(await moved.restore()) == model.state()


async def test_every_row_is_in_the_partition_that_will_ask_for_it(server: PostgresServer, path: Path) -> None:
    model, url = THIRD.write(path), server.database()
    with sqlite_origin(path) as origin:
        assert await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=quiet) == []

    def rows(question: str) -> list[list[str]]:
        return [line.split("|") for line in server.execute(question, name_of(url)).splitlines()]

    every = "UNION ALL ".join(f"SELECT part, account FROM guard.{table} " for table in OF_ACCOUNTS)  # noqa: S608
    found = rows(f"SELECT part, id FROM guard.account UNION ALL {every}")  # noqa: S608 -- names, never input
    assert {(int(part), account) for part, account in found} == {
        (partition_of(account), account) for account in model.accounts
    }
    for table in ("ledger", "decisions"):
        numbers: dict[str, list[int]] = {}
        for part, number in rows(f"SELECT part, number FROM guard.{table} ORDER BY part, number"):  # noqa: S608
            numbers.setdefault(part, []).append(int(number))
        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert rows("SELECT count(*) FROM guard.decisions WHERE stored_ms <> at_ms") == [["0"]]
    assert rows("SELECT count(DISTINCT part), count(*) FROM guard.switch") == [["256", "512"]]
    kept = {(int(part), kind, key) for part, kind, key in rows('SELECT part, kind, "key" FROM guard.kept')}
    assert {(HOME, "fuse_home", ""), (partition_of("A1"), "subject", "A1")} <= kept
    assert {part for part, kind, _ in kept if kind == "held"} == {partition_of("A1")}
    assert not {kind for _, kind, _ in kept} & {"fuse", "crowds", "clock"}
    (marks,) = rows("SELECT DISTINCT forgotten_before_ms FROM guard.part")
    assert marks == [str(THIRD.saved.forgotten_before_ms)]


# -- all or nothing


def _is_empty(server: PostgresServer, url: str) -> bool:
    return server.execute("SELECT count(*) FROM guard.account", name_of(url)) == "0"


async def test_a_move_that_is_cut_off_leaves_nothing_and_can_be_begun_again(server: PostgresServer, path: Path) -> None:
    THIRD.write(path)
    url = server.database()

    def cut(table: str, _done: int, _total: int) -> None:
        if table == "kept":
            raise KeyboardInterrupt

    with sqlite_origin(path) as origin, pytest.raises(KeyboardInterrupt):
        await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=cut)
    assert _is_empty(server, url)
    with sqlite_origin(path) as origin:
        await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=quiet)
    assert not _is_empty(server, url)


class Lying:
    """An origin that says another sum of one account than its rows come to."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.shown, self.count, self.rows, self.marks = origin.shown, origin.count, origin.rows, origin.marks

    async def sums(self) -> AsyncIterator[tuple[str, int, int]]:
        async for account, micros, lines in self._origin.sums():
            yield account, micros + (account == "A1"), lines


async def test_what_does_not_add_up_is_not_there(server: PostgresServer, path: Path) -> None:
    THIRD.write(path)
    url = server.database()
    with sqlite_origin(path) as origin, pytest.raises(StoreError, match=r"A1 has ledger lines of .* nothing was moved"):
        await move(Lying(origin), PostgresAddress(url=url), parts=PARTITIONS, progress=quiet)
    assert _is_empty(server, url)


async def test_a_database_that_somebody_works_on_or_has_worked_on_is_refused(
    server: PostgresServer, path: Path
) -> None:
    THIRD.write(path)
    url = server.database()
    with sqlite_origin(path) as origin:
        async with claimed(url) as store:
            with pytest.raises(StoreError, match="a guard works on it"):
                await move(origin, PostgresAddress(url=url), parts=1, progress=quiet)
            await store.commit(posting(1, 5, 5))
        with pytest.raises(StoreError, match="is not empty: account has rows"):
            await move(origin, PostgresAddress(url=url), parts=1, progress=quiet)
        with pytest.raises(StoreError, match="spread over 1 partitions, not over 256"):
            await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=quiet)


async def test_nobody_gets_a_partition_while_rows_are_on_their_way(server: PostgresServer, path: Path) -> None:
    THIRD.write(path)
    url = server.database()
    async with AsyncExitStack() as stack:
        worker: Postgres = await stack.enter_async_context(
            open_postgres(PostgresAddress(url=url, owner="early"), parts=PARTITIONS)
        )
        waiting: list[str] = []

        def look(table: str, done: int, _total: int) -> None:
            if table == "proof" and not done:
                free = "SELECT count(*) FROM (SELECT FROM guard.part FOR UPDATE SKIP LOCKED) AS free"
                waiting.append(server.execute(free, name_of(url)))

        with sqlite_origin(path) as origin:
            await move(origin, PostgresAddress(url=url), parts=PARTITIONS, progress=look)
        assert waiting == ["0"]
        assert len(await worker.leases.claim("early", PARTITIONS)) == PARTITIONS


async def test_a_file_that_is_not_there_or_in_use_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such file"), sqlite_origin(path):
        pytest.fail("opened")
    async with open_store(path) as store:
        await store.commit(Changes())
        with pytest.raises(StoreError, match=r"another guard .* is using this store"), sqlite_origin(path):
            pytest.fail("opened")
