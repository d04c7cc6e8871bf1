"""`guard store copy`: a daemon's store, in a file or a database, into an empty database.

For a daemon that is to have a standby it is copied as it is; for a cluster it is spread over the partitions. Which row
goes where is told in `guard.wire.spreading`, why the copy is whole and true or not there at all in
`guard.adapters.postgres.moving`. The old store stays as it was, and is held meanwhile: a file by its lock, a database
by the daemon's own lease, so that no guard works on it. Afterwards nothing holds it any more: whoever starts the old
daemon again has two that decide, so that is for the operator to prevent (`docs/cluster.md`).

Both stores are named by a configuration, whose `[store]` says how to get in, or by an address; then libpq's own means
have the password (PGPASSWORD, `~/.pgpass`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from guard.adapters.sqlite.origin import sqlite_origin
from guard.app.opening import new_member
from guard.app.stores import database_address
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError, say
from guard.config import Config, ConfigError
from guard.config.sections import StoreSection
from guard.core.partitions import PARTITIONS
from guard.ports import FencedError, StoreError
from guard.ports.moving import Origin
from guard.shell.clock import SystemClock
from guard.shell.tenancy import Tenancy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.adapters.postgres import PostgresAddress

DATABASE = "postgresql:"


def copy(origin: str, target: str, *, partitions: bool) -> None:
    """Copy, and say what has become of it."""
    if find_spec("asyncpg") is None:
        raise CommandError("guard store needs asyncpg: pip install 'guard-voip[postgres]'")
    old, new = _named(origin), _named(target)
    if not new.store.database:
        raise CommandError(f"--to {target}: is a file; a store is copied into a database, postgresql://...", WRONG)
    if not partitions and new.log.servers:
        raise CommandError(f"--to {target}: is for workers, for it names a log; add --partitions", WRONG)
    try:
        address = database_address(new)
        if old.store.database and database_address(old).shown == address.shown:
            raise CommandError(f"{address.shown}: is both the old store and the new one", WRONG)
        left = asyncio.run(_copy(old, address, PARTITIONS if partitions else 1))
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error
    except (StoreError, OSError) as error:
        raise CommandError(str(error)) from error
    except BaseExceptionGroup as errors:
        lost = errors.subgroup(FencedError)
        if lost is None:
            raise
        raise CommandError(f"{origin}: {lost.exceptions[0]}; nothing was copied") from errors
    for each in left:
        say(f"left behind: {each}")
    where = f"spread over {PARTITIONS} partitions" if partitions else "as it is"
    sys.stdout.write(f"{address.shown}: has everything, {where}; every account owes what it did, to the micro-unit\n")


def _named(name: str) -> Config:
    """The configuration that says where a store is, or one that says no more."""
    if name.endswith(".toml"):
        return configuration(Path(name))
    if name.startswith(DATABASE):
        if urlsplit(name).password:
            raise CommandError("an address has no password in it: use PGPASSWORD or ~/.pgpass, or name a *.toml", WRONG)
        return replace(Config(), store=StoreSection(database=name))
    return replace(Config(), store=StoreSection(path=Path(name.removeprefix("sqlite:"))))


async def _copy(old: Config, address: PostgresAddress, parts: int) -> list[str]:
    from guard.adapters.postgres.moving import move  # noqa: PLC0415 - an extra of the package

    async with _origin(old) as origin:
        with _progress() as progress:
            return await move(origin, address, parts=parts, progress=progress)


def _origin(old: Config) -> AbstractAsyncContextManager[Origin]:
    return _database(old) if old.store.database else _file(old.store.path)


@asynccontextmanager
async def _file(path: Path) -> AsyncIterator[Origin]:
    with sqlite_origin(path) as origin:
        yield origin


@asynccontextmanager
async def _database(old: Config) -> AsyncIterator[Origin]:
    """Under the daemon's own lease: a standby that is started meanwhile waits."""
    from guard.adapters.postgres import open_postgres  # noqa: PLC0415 - an extra of the package
    from guard.adapters.postgres.origin import postgres_origin  # noqa: PLC0415 - the same

    me = new_member(old)
    address = database_address(old, me.id)
    async with open_postgres(address) as postgres:
        tenancy = Tenancy(postgres.leases, me, SystemClock())
        claim = await tenancy.try_once()
        if claim is None:
            raise StoreError(f"{address.shown}: a guard works on it; stop it and its standbys first")
        async with tenancy.held(claim), postgres_origin(address) as origin:
            yield origin


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table, total=total)
            progress.update(tasks[table], completed=done, total=total)

        yield tell
