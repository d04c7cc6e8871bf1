"""From the start of the process to ready (restored and subscribed), with many accounts in the store, and what it holds.

The accounts lie saved in their tables, as after a night; one in a hundred has a call that ended within the last week
and is remembered. The store is made by statements, not by traffic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from guard.adapters.sqlite import schema, tables
from guard.core.accounts import Account
from guard.core.decisions import Remembered
from guard.core.money import Micros
from guard.core.records import Event
from guard.wire import stored
from tests.bench.daemon import running
from tests.integration.mosquitto import Mosquitto

ACCOUNTS = (200_000, 1_000_000)
PORTION = 10_000
ONE_CALL_IN = 100


def fill(path: Path, accounts: int) -> None:
    """A store with so many accounts."""
    sample = Account("", "CAD", Micros(100_000_000)).row()
    now_ms = time.time_ns() // 1_000_000
    with closing(schema.connect(path, 1_000)) as connection:
        schema.prepare(connection, path)
        for first in range(0, accounts, PORTION):
            names = [f"A{number:07d}" for number in range(first, first + PORTION)]
            connection.execute("BEGIN")
            tables.ACCOUNTS.write(connection, [stored.account_values(sample._replace(id=name)) for name in names])
            tables.REMEMBERED.write(
                connection, [stored.remembered_values(_call(name, now_ms)) for name in names[::ONE_CALL_IN]]
            )
            connection.execute("COMMIT")


def _call(account: str, now_ms: int) -> Remembered:
    return Remembered(
        switch="sw1",
        call=f"of-{account}",
        account=account,
        newest_at_ms=now_ms,
        event=int(Event.ENDED),
        duration_ms=60_000,
        charge_micros=0,
        posted_micros=Micros(0),
        lost=False,
        emergency=False,
        direction="outgoing",
    )


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Seconds and MiB by number of accounts."""
    figures: dict[str, float] = {}
    for accounts in ACCOUNTS:
        folder = directory / str(accounts)
        folder.mkdir()
        fill(folder / "guard.db", accounts)
        with Mosquitto(folder / "mosquitto") as broker, running(folder, broker.port) as it:
            seconds, mib = it.ready_after_s, it.memory_mib()
        show(f"restart with {accounts:,} accounts: ready after {seconds:.1f} s, {mib:,.0f} MiB")
        figures |= {f"restart_s_{accounts}_accounts": seconds, f"restart_mib_{accounts}_accounts": mib}
    return figures
