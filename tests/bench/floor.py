"""What lies below the daemon: consumers that do less and less of its work, with the same session and decoder.

The **bare consumer** decodes and acknowledges. The **floor pipeline** keeps the promise of the daemon and nothing else:
it receives, decodes, adds up what each account has come to, makes each batch durable in one commit
(`synchronous = FULL`), and only then acknowledges. While one batch is committed the next one gathers, as in the daemon.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from guard.adapters.mqtt import CALLS_RECEIVE_MAXIMUM, BrokerAddress, Session, SessionOptions
from guard.core.records import Report
from guard.ports import Message
from guard.shell.interpreter import settle_interpreter
from guard.wire.reports import decode_reports
from tests.bench.publishing import PREFIX, WITHIN_S, Blaster

BATCH = 1_000
"""Messages a batch at most, as in the daemon."""

Work = Callable[[Sequence[Message], list[Report]], Awaitable[None]]


async def _acknowledge_at_once(_messages: Sequence[Message], _reports: list[Report]) -> None:
    """Nothing is kept."""


@asynccontextmanager
async def _committing(path: Path) -> AsyncIterator[Work]:
    """Adds up and commits: one row a batch with its payloads, as little as can be redone after a crash."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE batch (number INTEGER PRIMARY KEY, payloads BLOB NOT NULL)")
        sums: dict[str, int] = {}

        def commit(payloads: bytes) -> None:
            connection.execute("INSERT INTO batch (payloads) VALUES (?)", (payloads,))

        async def work(messages: Sequence[Message], reports: list[Report]) -> None:
            for report in reports:
                sums[report.account] = sums.get(report.account, 0) + (report.charge_micros or 0)
            await asyncio.to_thread(commit, b"\n".join(message.payload for message in messages))

        yield work


async def bare_consumer(port: int, reports: int, batch: int) -> float:
    """Reports a second that are decoded and acknowledged."""
    return await _consume(port, reports, batch, _acknowledge_at_once)


async def floor_pipeline(port: int, reports: int, batch: int, directory: Path) -> float:
    """Reports a second that are decoded, added up, committed and then acknowledged."""
    async with _committing(directory / f"floor-{time.monotonic_ns()}.db") as work:
        return await _consume(port, reports, batch, work)


async def _consume(port: int, reports: int, batch: int, work: Work) -> float:
    arrived, connected = asyncio.Event(), asyncio.Event()
    options = SessionOptions(
        address=BrokerAddress.parse(f"mqtt://127.0.0.1:{port}"),
        client_id="bench-floor",
        topics=(f"{PREFIX}/+/calls",),
        receive_maximum=CALLS_RECEIVE_MAXIMUM,
    )
    session = Session(options, lambda: time.time_ns() // 1_000_000)
    session.on_arrival = arrived.set
    session.on_connected = lambda _known: connected.set()
    task = asyncio.create_task(session.run())
    await connected.wait()
    settle_interpreter()
    blaster = await asyncio.to_thread(Blaster, port, reports, batch, accounts=1_000)
    began = time.monotonic()
    blaster.go()
    taken = 0
    while taken < reports:
        await asyncio.wait_for(arrived.wait(), WITHIN_S)
        arrived.clear()
        while messages := session.drain(BATCH):
            now_ms = time.time_ns() // 1_000_000
            decoded = [report for message in messages for report in decode_reports(message.payload, now_ms).reports]
            await work(messages, decoded)
            session.acknowledge(messages)
            taken += len(decoded)
    seconds = time.monotonic() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(blaster.finish)
    return reports / seconds
