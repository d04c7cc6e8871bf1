"""What a worker needs to take partitions over, and what they hold: by account, by call that is up, by one remembered.

A thousand accounts make calls under the shipped rules; what the store then has of them (their rows, the rules' picture
of each, calls that are up and calls that are over and remembered) is copied under other names, many times over. A
worker alone takes all of it: once with nothing in the database, once with the accounts, once with their calls beside.
Differences count; what time it takes depends on who shares the processor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.decisions import Changes, KeptRow, Remembered
from guard.core.partitions import partition_of
from guard.core.restored import Restored
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.shell.interpreter import no_collecting
from guard.wire import stored
from guard.wire.kept import encoded, made
from guard.wire.reports import decode_reports
from tests.bench.cluster import Stage, now_ms, shared, staged
from tests.bench.engine import engine_with
from tests.bench.processor import memory_mib, processor_s
from tests.bench.recorded import REPORTS_A_CALL, recorded
from tests.cluster.processes import wait_until

SAMPLE = 1_000
CALLS_EACH = 4
ACCOUNTS = 100_000
BATCH = 500
PIECES = 40
"""Times the sample, in one engine."""
WITHIN_S = 180.0
MIB = 2**20


@dataclass
class Sample:
    """What the store has of some accounts."""

    accounts: dict[str, AccountRow] = field(default_factory=dict)
    kept: dict[tuple[str, str], KeptRow] = field(default_factory=dict)
    switches: dict[str, SwitchRow] = field(default_factory=dict)
    calls: dict[tuple[str, str], CallRow] = field(default_factory=dict)
    remembered: list[Remembered] = field(default_factory=list)

    def take(self, changes: Changes) -> None:
        """As the store would."""
        self.accounts.update((row.id, row) for row in changes.accounts)
        self.kept.update(((each.kind, each.key), each) for each in changes.kept if each.key in self.accounts)
        for over in changes.calls_over:
            self.calls.pop((over[0], over[1]), None)
        self.calls.update(((call.switch, call.call), call) for call in changes.calls)
        self.switches.update((switch.name, switch) for switch in changes.switches)
        self.remembered += changes.remembered

    def blobs(self) -> list[tuple[str, str, bytes]]:
        """What is kept, as it is stored."""
        return [(each.kind, each.key, encoded(each.row)) for each in self.kept.values() if each.row is not None]


def sample() -> Sample:
    """Of accounts in the middle of their calls."""
    engine = engine_with(0, read_rules(shipped("rules")))
    load = recorded(SAMPLE * CALLS_EACH * REPORTS_A_CALL, time.time() - 600, accounts=SAMPLE)
    load = load[: len(load) * 3 // 4]
    found, at_ms = Sample(), now_ms()
    for first in range(0, len(load), BATCH):
        engine.advance(at_ms)
        payload = b"[%b]" % b",".join(each.payload for each in load[first : first + BATCH])
        for report in decode_reports(payload, at_ms).reports:
            engine.report("sw1", report, at_ms)
        found.take(engine.take())
    found.take(engine.keepsakes())
    return found


async def fill(database: str, some: Sample, *, calls: bool) -> None:
    """So many accounts like those, with what the rules know of them; or, of the same accounts, their calls."""
    connection: Any = await asyncpg.connect(database, server_settings={"search_path": "guard"})

    async def copy(table: str, columns: Sequence[str], rows: list[tuple[object, ...]]) -> None:
        await connection.copy_records_to_table(table, records=rows, columns=("part", *columns))

    kept = some.blobs()
    try:
        for number in range(ACCOUNTS // SAMPLE):
            names = {account: f"{account}-{number}" for account in some.accounts}
            part = {account: partition_of(name) for account, name in names.items()}
            if not calls:
                rows = [
                    (part[id_], *stored.account_values(row._replace(id=names[id_])))
                    for id_, row in some.accounts.items()
                ]
                await copy("account", AccountRow._fields, rows)
                await copy("kept", KeptRow._fields, [(part[key], kind, names[key], blob) for kind, key, blob in kept])
                continue
            up = [
                each._replace(account=names[each.account], call=f"{each.call}-{number}") for each in some.calls.values()
            ]
            await copy(
                "call", CallRow._fields, [(partition_of(each.account), *stored.call_values(each)) for each in up]
            )
            over = [
                each._replace(account=names[each.account], call=f"{each.call}-{number}") for each in some.remembered
            ]
            values = [(partition_of(each.account), *stored.remembered_values(each)) for each in over]
            await copy("remembered", stored.REMEMBERED_COLUMNS, values)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def longest_step_ms(some: Sample) -> float:
    """Of an engine that is restored with as much as one of 256 has of ten million accounts."""
    copies = range(PIECES)
    restored = Restored(
        accounts=[row._replace(id=f"{row.id}-{copy}") for copy in copies for row in some.accounts.values()],
        calls=[],
        switches=list(some.switches.values()),
        remembered=[call._replace(call=f"{call.call}-{copy}") for copy in copies for call in some.remembered],
        billing=[],
        pending=[],
        kept=made(
            [(kind, f"{key}-{copy}", blob) for copy in copies for kind, key, blob in some.blobs()], lambda *_: None
        ),
        last_line=0,
        last_decision=0,
        forgotten_before_ms=0,
        unpublished=[],
    )
    engine, longest_s = engine_with(0, read_rules(shipped("rules"))), 0.0
    with no_collecting():
        began = time.process_time()
        for _ in engine.restoring(restored, now_ms()):
            longest_s, began = max(longest_s, time.process_time() - began), time.process_time()
    return longest_s * 1e3


@dataclass(frozen=True, slots=True)
class Took:
    """What a worker took to hold everything."""

    seconds: float
    """From its start."""
    guard_s: float
    database_s: float
    mib: float
    lost: int
    """Leases that it lost meanwhile: then it restored more than once, and its figures are not fair."""


def taken_over(stage: Stage, name: str) -> Took:
    """A worker that takes all partitions, and is killed."""
    database_s, began = stage.database_s(), time.monotonic()
    with stage.worker(name) as worker:
        worker.wait_ready()
        wait_until(lambda: shared([worker]), "one worker has restored everything", WITHIN_S)
        seconds = time.monotonic() - began
        lost = int(worker.metric('guard_worker_leases_total{change="lost"}'))
        return Took(seconds, processor_s(worker.pid), stage.database_s() - database_s, memory_mib(worker.pid), lost)


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Nothing, the accounts, and their calls."""
    some = sample()
    copies = ACCOUNTS // SAMPLE
    remembered, up = len(some.remembered) * copies, len(some.calls) * copies
    with staged(directory) as stage:
        bare = taken_over(stage, "bare")
        asyncio.run(fill(stage.database, some, calls=False))
        accounts = taken_over(stage, "accounts")
        asyncio.run(fill(stage.database, some, calls=True))
        whole = taken_over(stage, "whole")
    for name, took in (
        ("nothing", bare),
        (f"{ACCOUNTS:,} accounts", accounts),
        (f"and {up:,} calls that are up, {remembered:,} remembered", whole),
    ):
        show(
            f"256 partitions with {name}: restored {took.seconds:.1f} s after the start, {took.guard_s:.1f} s of the "
            f"worker's processor and {took.database_s:.1f} s of the database's, {took.mib:,.0f} MiB"
            + (f"; {took.lost} leases were lost, no fair figure" if took.lost else "")
        )
    calls, step_ms = remembered + up, longest_step_ms(some)
    show(f"longest step of restoring a partition of {PIECES * SAMPLE:,} accounts: {step_ms:.0f} ms")
    return {
        "takeover_step_ms": step_ms,
        "takeover_bare_s": bare.seconds,
        "takeover_bare_guard_s": bare.guard_s,
        "takeover_bare_database_s": bare.database_s,
        "takeover_bare_mib": bare.mib,
        "takeover_whole_s": whole.seconds,
        "takeover_whole_mib": whole.mib,
        "takeover_account_us": (accounts.guard_s - bare.guard_s) / ACCOUNTS * 1e6,
        "takeover_account_database_us": (accounts.database_s - bare.database_s) / ACCOUNTS * 1e6,
        "takeover_account_bytes": (accounts.mib - bare.mib) / ACCOUNTS * MIB,
        "takeover_call_us": (whole.guard_s - accounts.guard_s) / calls * 1e6,
        "takeover_call_database_us": (whole.database_s - accounts.database_s) / calls * 1e6,
        "takeover_call_bytes": (whole.mib - accounts.mib) / calls * MIB,
    }
