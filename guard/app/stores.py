"""Which store a daemon has: a file of its own, or a database that it may have to wait for.

A file is opened, and that is that. A database may be in use by another daemon: then this one stands by, says so to
whoever asks and to the service manager, and goes on once the lease is its own. PostgreSQL's driver is an extra of the
package, so it is imported only where it is needed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import structlog

from guard.adapters.http.front import Front
from guard.adapters.metrics.probe import Room, room_of
from guard.adapters.sqlite import open_store
from guard.adapters.systemd import ServiceManager
from guard.app.opening import new_member
from guard.config import Config
from guard.config.kept import fetched
from guard.config.problems import RejectedError
from guard.ports import Clock, Outbox, Store
from guard.ports.cluster import Claim
from guard.shell.retention import Details
from guard.shell.tenancy import Tenancy

if TYPE_CHECKING:
    from guard.adapters.postgres import PostgresAddress

STANDBY = "standby: another guard holds the lease on the store; this one takes over when it ends"


class DaemonStore(Store, Details, Protocol):
    """A store with all that a daemon needs of it."""

    @property
    def outbox(self) -> Outbox:
        """What webhooks are owed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A store that is ours."""

    store: DaemonStore
    shown: str
    """Where it is, as it may be shown."""
    missing: Callable[[], str]
    """What keeps us from being ready as far as the store goes, in words; empty: nothing."""
    room: Room
    """How much it takes, and how much is left for it."""


def database_address(config: Config, owner: str = "") -> PostgresAddress:
    """Where the database is and how to get in; `ConfigError` when the password or the driver cannot be had."""
    if find_spec("asyncpg") is None:
        raise config.error("store.url", 'needs the package asyncpg: pip install "guard-voip[postgres]"')
    from guard.adapters.postgres import PostgresAddress  # noqa: PLC0415 -- an extra, which not everybody has

    try:
        password = fetched(config.store.password, os.environ)
    except RejectedError as rejected:
        raise config.error("store.password", rejected.found, rejected.accepted) from None
    return PostgresAddress(url=config.store.database, password=password, owner=owner)


@asynccontextmanager
async def opened_store(config: Config, clock: Clock, manager: ServiceManager, front: Front) -> AsyncIterator[Opened]:
    """The store, once it is ours; until then this waits."""
    if config.store.database:
        async with _database(config, clock, manager, front) as opened:
            yield opened
    else:
        async with open_store(config.store.path) as store:
            room = room_of(config.store.path)
            yield Opened(store=store, shown=str(config.store.path), missing=str, room=room)


@asynccontextmanager
async def _database(config: Config, clock: Clock, manager: ServiceManager, front: Front) -> AsyncIterator[Opened]:
    me = new_member(config)
    address = database_address(config, me.id)
    from guard.adapters.postgres import open_postgres  # noqa: PLC0415 -- as above, and after the driver was asked for

    async with open_postgres(address, lease_ms=config.store.lease_ms) as postgres:
        tenancy = Tenancy(postgres.leases, me, clock)
        claim = await tenancy.try_once() or await _stand_by(tenancy, clock, manager, front)
        async with tenancy.held(claim):
            store = postgres.partition(claim)
            yield Opened(store=store, shown=address.shown, missing=tenancy.missing, room=postgres.room)


async def _stand_by(tenancy: Tenancy, clock: Clock, manager: ServiceManager, front: Front) -> Claim:
    """Wait for the lease; the service manager hears meanwhile that all is well."""
    log = structlog.get_logger("guard").bind()
    log.info("standby", effect="takes over when the lease of another guard on the store ends")
    manager.ready(STANDBY)
    restoring, front.why = front.why, STANDBY
    keeping = asyncio.create_task(manager.keep(clock, str, lambda: STANDBY), name="service manager")
    try:
        claim = await tenancy.wait()
    finally:
        keeping.cancel()
        front.why = restoring
    log.warning("takeover", epoch=claim.epoch)
    return claim
