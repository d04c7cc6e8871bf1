"""Who may write, and what becomes of batches when the way to the database breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from guard.adapters.postgres import Postgres, PostgresAddress, PostgresStore, committer, open_postgres
from guard.core.decisions import Changes
from guard.ports import FencedError, StoreError
from guard.ports.cluster import Claim, Member, Position
from guard.shell.clock import SystemClock
from guard.shell.tenancy import Tenancy
from tests.postgres.refused import is_refused
from tests.postgres.server import PostgresServer, name_of
from tests.store.samples import Model, account, call, held, posting, state_of
from tests.store.stores import claimed, whole_ledger

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.emptied()


@pytest.fixture
def cluster_url(server: PostgresServer) -> str:
    """Of several partitions."""
    return server.database()


@pytest.fixture
def mortal() -> Iterator[PostgresServer]:
    """One that may be killed."""
    with PostgresServer(fsync=True) as running:
        yield running


@asynccontextmanager
async def _cluster(url: str, owner: str) -> AsyncIterator[Postgres]:
    async with open_postgres(PostgresAddress(url=url, owner=owner), parts=8) as opened:
        yield opened


async def _take_over(url: str, stack: AsyncExitStack, owner: str = "second") -> PostgresStore:
    """As a standby does: wait until the lease has ended."""
    opened = await stack.enter_async_context(open_postgres(PostgresAddress(url=url, owner=owner)))
    claim = await Tenancy(opened.leases, Member(id=owner, url=""), SystemClock()).wait()
    return opened.partition(claim)


async def test_whoever_has_been_replaced_can_write_nothing_any_more(url: str) -> None:
    """Nothing of a batch, no note beside the batches, and not a moment longer than the other's claim."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(claimed(url, "first"))
        await first.commit(posting(1, 5, 5))
        second = await _take_over(url, stack)
        assert (await second.restore()).last_line == 1
        for _ in range(2):
            await is_refused(lambda: first.commit(posting(2, 5, 10)))
        await is_refused(lambda: first.outbox.open(["ops"]))
        await is_refused(first.old_details(now_ms=0, keep_ms=None).step)
        await second.commit(posting(2, 7, 12))
        assert [line.amount_micros for line in await whole_ledger(second, "A1")] == [5, 7]


async def test_an_epoch_that_a_restored_database_gives_again_is_not_the_one_of_before(
    server: PostgresServer, cluster_url: str
) -> None:
    """Both owners have the epoch, and the number of their last batch; one of them was there before the restore."""
    async with _cluster(cluster_url, "before") as before, _cluster(cluster_url, "after") as after:
        (old,) = await before.leases.claim("before", 1)
        first = before.partition(old)
        server.execute(
            "UPDATE guard.part SET epoch = 0, batch = 0, token = 0; "
            "UPDATE guard.lease SET owner = '', lease_until = '-infinity'",
            name_of(cluster_url),
        )
        (new,) = await after.leases.claim("after", 1)
        assert (new.part, new.epoch) == (old.part, old.epoch)
        assert await before.leases.renew(Member(id="before", url=""), [old]) == set()
        await is_refused(lambda: first.commit(posting(1, 5, 5)))
        await is_refused(lambda: first.outbox.open(["ops"]))
        second = after.partition(new)
        await second.commit(posting(1, 7, 7))
        assert [line.amount_micros for line in await whole_ledger(second, "A1")] == [7]


async def test_a_lease_is_held_as_long_as_it_is_renewed_and_free_once_it_is_given_back(cluster_url: str) -> None:
    me, other = Member(id="me", url="here"), Member(id="other", url="")
    async with _cluster(cluster_url, "me") as mine, _cluster(cluster_url, "other") as theirs:
        claims = await mine.leases.claim("me", 5)
        assert [(claim.part, claim.epoch, claim.position) for claim in claims] == [(n, 1, Position()) for n in range(5)]
        rest = await theirs.leases.claim("other", 8)
        assert [claim.part for claim in rest] == [5, 6, 7]
        assert await mine.leases.claim("me", 1) == []
        assert await mine.leases.renew(me, claims) == {0, 1, 2, 3, 4}
        assert await theirs.leases.renew(other, [*rest, claims[0]]) == {5, 6, 7}
        assert [seen.member for seen in await mine.leases.members()] == [me, other]
        await mine.leases.release("me", [*claims[:2], rest[0]])
        again = await theirs.leases.claim("other", 8)
        assert [(claim.part, claim.epoch) for claim in again] == [(0, 2), (1, 2)]
        assert await mine.leases.renew(me, claims) == {2, 3, 4}
        assert await theirs.leases.renew(other, [replace(again[0], epoch=1), *again[1:]]) == {1}
        await theirs.leases.leave("other")
        assert [seen.member for seen in await mine.leases.members()] == [me]
        held_by = {each.part: each.owner for each in await mine.leases.partitions()}
        assert held_by == {0: "other", 1: "other", 2: "me", 3: "me", 4: "me", 5: "other", 6: "other", 7: "other"}


async def test_an_owner_that_lives_keeps_its_sessions_when_a_part_of_what_it_held_goes(
    cluster_url: str, server: PostgresServer
) -> None:
    """One that has not renewed for the length of a lease does not, if one of them holds a row that is wanted."""
    me = Member(id="me", url="")
    async with _cluster(cluster_url, "me") as mine, _cluster(cluster_url, "other") as theirs:
        claims = await mine.leases.claim("me", 8)
        stores = [mine.partition(claim) for claim in claims]
        await stores[0].commit(posting(1, 5, 5))
        await mine.leases.renew(me, claims)
        server.execute("UPDATE guard.lease SET lease_until = '-infinity' WHERE part < 4", name_of(cluster_url))
        assert [claim.part for claim in await theirs.leases.claim("other", 8)] == [0, 1, 2, 3]
        await stores[7].commit(posting(1, 5, 5))
        server.execute("UPDATE guard.lease SET lease_until = '-infinity' WHERE part = 6", name_of(cluster_url))
        server.execute("UPDATE guard.worker SET seen = '-infinity'", name_of(cluster_url))
        assert [claim.part for claim in await theirs.leases.claim("other", 8)] == [6]
        await stores[7].commit(posting(2, 5, 10))

        server.execute("UPDATE guard.lease SET lease_until = '-infinity' WHERE part = 5", name_of(cluster_url))
        frozen = await PostgresAddress(url=cluster_url, owner="me").connect()
        await frozen.execute("BEGIN; SELECT FROM part WHERE part = 5 FOR UPDATE")
        assert [claim.part for claim in await theirs.leases.claim("other", 8)] == [5]
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
            await frozen.execute("SELECT 1")
        with pytest.raises(StoreError):
            await stores[7].commit(posting(3, 5, 15))
        await stores[7].commit(posting(3, 5, 15))


async def test_partitions_share_a_transaction_and_a_fenced_one_holds_up_none(
    cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions: list[int] = []
    commit_some = committer.Committer._commit_some

    async def counted(self: committer.Committer, attempts: list[committer.Attempt]) -> None:
        transactions.append(len(attempts))
        await commit_some(self, attempts)

    monkeypatch.setattr(committer.Committer, "_commit_some", counted)
    async with _cluster(cluster_url, "me") as mine:
        claims = await mine.leases.claim("me", 8)
        stores = [mine.partition(claim) for claim in claims]
        lost = mine.partition(replace(claims[3], epoch=claims[3].epoch - 1))
        stores[3] = lost
        told = await asyncio.gather(
            *(store.commit(posting(1, 5 + nth, 5 + nth)) for nth, store in enumerate(stores)), return_exceptions=True
        )
        assert [type(each) for each in told] == [FencedError if nth == 3 else type(None) for nth in range(8)]
        assert transactions in ([8], [1, 7])
        assert mine.committer.fenced == 1
        for nth, store in enumerate(stores):
            restored = await store.restore()
            assert [row.owed_micros for row in restored.accounts] == ([] if nth == 3 else [5 + nth])


async def test_a_batch_thatis_refused_holds_up_no_other_partition(cluster_url: str) -> None:
    """A number beyond 64 bits, among few rows and among many."""
    async with _cluster(cluster_url, "me") as mine:
        stores = [mine.partition(claim) for claim in await mine.leases.claim("me", 3)]
        many = [account(f"A{nth}") for nth in range(200)]
        bad = [
            replace(posting(1, 5, 5), quarantine=[held(1, at_ms=2**63)]),
            Changes(accounts=[*many, account("Z", 2**64)]),
        ]
        told = await asyncio.gather(
            *(store.commit(changes) for store, changes in zip(stores, [*bad, posting(1, 5, 5)], strict=True)),
            return_exceptions=True,
        )
        assert [type(each) for each in told] == [StoreError, StoreError, type(None)]
        assert [len((await store.restore()).accounts) for store in stores] == [0, 0, 1]


async def test_a_position_is_committed_with_its_batch_and_alone(cluster_url: str) -> None:
    async with _cluster(cluster_url, "me") as mine:
        (claim,) = await mine.leases.claim("me", 1)
        store = mine.partition(claim)
        store.position = Position(7, 70)
        await store.commit(posting(1, 5, 5))
        await store.commit(Changes())
        store.position = Position(9, 90)
        await store.commit(Changes())
        await mine.leases.release("me", [claim])
        (again,) = await mine.leases.claim("me", 1)
        assert again == Claim(part=0, epoch=2, position=Position(9, 90), token=again.token)


async def test_a_caller_that_stopped_waiting_may_commit_the_same_again(url: str) -> None:
    model, batch = Model(), posting(1, 5, 5)
    model.apply(batch)
    async with claimed(url) as store:
        waiting = asyncio.create_task(store.commit(batch))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await store.commit(batch)
        assert state_of(await store.restore()) == model.state()


def _cut_the_next_commit(store: PostgresStore, monkeypatch: pytest.MonkeyPatch, *, reached: bool) -> None:
    """The connection breaks while COMMIT is on its way; the transaction gets there or not."""
    connection = store._owner.committer._connection
    transaction = type(connection.transaction())
    commit = transaction.commit

    async def broken(self: object) -> None:
        if reached:
            await commit(self)
        monkeypatch.setattr(transaction, "commit", commit)
        connection.terminate()
        raise ConnectionResetError("cut")

    monkeypatch.setattr(transaction, "commit", broken)


@pytest.mark.parametrize("reached", [True, False])
async def test_a_commit_of_unknown_fate_is_made_once(
    url: str, monkeypatch: pytest.MonkeyPatch, *, reached: bool
) -> None:
    """The connection breaks while COMMIT is on its way, and the transaction is there or is not."""
    model, batch = Model(), posting(1, 5, 5)
    model.apply(batch)
    async with claimed(url) as store:
        await store.commit(Changes(accounts=[account("A1")]))
        _cut_the_next_commit(store, monkeypatch, reached=reached)
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.commit(batch)
        await store.commit(batch)
        assert state_of(await store.restore()) == model.state()
        await store.commit(posting(2, 5, 10))
        assert [line.number for line in await whole_ledger(store, "A1")] == [1, 2]


@pytest.mark.parametrize("reached", [True, False])
async def test_any_batch_may_follow_a_position_of_unknown_fate(
    cluster_url: str, monkeypatch: pytest.MonkeyPatch, *, reached: bool
) -> None:
    """Nobody notes the same position again: the next batch has another one."""
    async with _cluster(cluster_url, "me") as mine:
        store = mine.partition(*await mine.leases.claim("me", 1))
        await store.commit(posting(1, 5, 5))
        _cut_the_next_commit(store, monkeypatch, reached=reached)
        store.position = Position(7, 70)
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.commit(Changes())
        store.position = Position(9, 90)
        await store.commit(posting(2, 5, 10))
        assert [line.number for line in await whole_ledger(store, "A1")] == [1, 2]
        noted = await mine.leases.partitions()
        assert noted[0].position == Position(9, 90)


async def test_a_server_that_has_not_what_was_claimed_or_committed_answers_nothing_that_counts(
    cluster_url: str, server: PostgresServer
) -> None:
    """An old primary, or a replica that lags: neither a state nor a sum of money is taken from it."""
    async with _cluster(cluster_url, "me") as mine:
        (claim,) = await mine.leases.claim("me", 1)
        with pytest.raises(StoreError, match="another server has answered"):
            await mine.partition(replace(claim, epoch=claim.epoch + 1)).restore()
        store = mine.partition(claim)
        await store.commit(posting(1, 5, 5))
        server.execute("UPDATE guard.part SET batch = batch - 1", name_of(cluster_url))
        with pytest.raises(StoreError, match="another server"):
            await store.posted_since("A1", 0)
        server.execute("UPDATE guard.part SET batch = batch + 1", name_of(cluster_url))
        assert await store.posted_since("A1", 0) == 5


async def test_text_that_postgresql_cannot_hold_stops_nothing(url: str) -> None:
    """A switch may say anything of a caller, U+0000 too: it is stored as the picture of that character."""
    async with claimed(url) as store:
        await store.commit(Changes(calls=[call("c1", caller="\0+1", to="\0")], accounts=[account("A1", name="a\0b")]))
        restored = await store.restore()
        assert (restored.calls[0].caller, restored.calls[0].to) == ("␀+1", "␀")
        assert restored.accounts[0].name == "a␀b"


async def test_a_database_that_dies_loses_nothing_and_is_used_again_when_it_is_back(mortal: PostgresServer) -> None:
    model = Model()
    async with claimed(mortal.database()) as store:
        for number in range(1, 6):
            changes = posting(number, 5, 5 * number)
            await store.commit(changes)
            model.apply(changes)
        mortal.kill()
        batch = posting(6, 5, 30)
        with pytest.raises(StoreError):
            await store.commit(batch)
        with pytest.raises(StoreError):
            await store.decisions(account=None, after=0, limit=1)
        mortal.start()
        await store.commit(batch)
        model.apply(batch)
        assert state_of(await store.restore()) == model.state()
        assert await store.decisions(account=None, after=0, limit=1) == []


async def test_a_lease_lasts_as_long_as_the_configuration_says(cluster_url: str) -> None:
    address = PostgresAddress(url=cluster_url, owner="me")
    async with open_postgres(address, parts=8, lease_ms=30_000) as mine:
        claims = await mine.leases.claim("me", 8)
        await mine.leases.renew(Member(id="me", url=""), claims)
        assert all(20_000 < held.left_ms <= 30_000 for held in await mine.leases.partitions())
