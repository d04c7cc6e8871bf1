"""A server fails over to its replica, and the old one lives on: what it is told is acknowledged to nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guard.adapters.postgres import PostgresAddress, committer, open_postgres
from guard.ports import FencedError, StoreError
from guard.ports.cluster import Claim, Member, Position
from guard.shell.clock import SystemClock
from guard.shell.tenancy import Tenancy
from tests.postgres.server import PostgresServer, Replica, name_of
from tests.store.samples import Model, posting, state_of
from tests.store.stores import whole_ledger

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, Replica]]:
    """A server, and a replica without which it acknowledges nothing."""
    with PostgresServer(fsync=True) as primary, primary.replica() as replica:
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
        primary.execute("SELECT pg_reload_conf()")
        yield primary, replica


async def test_what_only_the_old_server_knows_was_never_acknowledged(
    pair: tuple[PostgresServer, Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both servers live, each with a guard that sees no other: only one of them gets anything committed."""
    monkeypatch.setattr(committer, "COMMIT_LIMIT_S", 1.5)
    primary, replica = pair
    url, model = primary.database(), Model()
    async with open_postgres(PostgresAddress(url=url, owner="old")) as there:
        old = there.partition(*await there.leases.claim("old", 1))
        await old.commit(posting(1, 5, 5))
        model.apply(posting(1, 5, 5))
        replica.promote()
        async with open_postgres(PostgresAddress(url=replica.url(name_of(url)), owner="new")) as opened:
            claim = await Tenancy(opened.leases, Member(id="new", url=""), SystemClock()).wait()
            new = opened.partition(claim)
            assert state_of(await new.restore()) == model.state()
            for _ in range(2):
                # The second time the old server has the batch, and has told nobody.
                with pytest.raises(StoreError, match="no answer in time"):
                    await old.commit(posting(2, 5, 10))
            await new.commit(posting(2, 7, 12))
            primary.kill()
            both = f"postgresql://guard@/{name_of(url)}?host={primary.folder},{replica.folder}"
            address = PostgresAddress(url=f"{both}&target_session_attrs=primary", owner="old")
            async with open_postgres(address) as again:
                zombie = again.partition(Claim(part=0, epoch=claim.epoch - 1, position=Position()))
                with pytest.raises(FencedError):
                    await zombie.commit(posting(2, 5, 10))
            assert [line.amount_micros for line in await whole_ledger(new, "A1")] == [5, 7]
        with pytest.raises(StoreError):
            await old.decisions(account=None, after=0, limit=1)
