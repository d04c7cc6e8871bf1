"""A year of uptime in virtual time: what guard holds in memory and keeps in its store is bounded.

Three customers call each day of 366, new numbers all the time, with all shipped rules on: the real engine and the real
store with its retention, one process, never restarted. What the hundredth day has is what the last day has, but for
what is kept for ever by design: ledger, decisions, notices, billing messages with their ids, and the audit.

The two days that are compared are the same day of the week and of the same number of calls, so the two pictures
differ only by the time between them.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import pytest

from guard.adapters.sqlite import SqliteStore, check_ledger, open_store
from guard.adapters.sqlite.keeper import Keeper
from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core import rating
from guard.core.decisions import Command
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Ack, Event, Report, SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from guard.wire.billing import decode_billing
from tests.faults.traffic import told

START_MS = 1_795_132_800_000
"""A midnight."""
EARLY, LATE = 100, 366
"""38 weeks apart, and both beyond the longest span that anything is kept for (90 days)."""
CUSTOMERS = ("A1", "A2", "A3")
CALLS_A_DAY = 4
PLACES = ("+1416555", "+1613555", "+4420794", "+3314276")
KEPT_FOR_EVER = {"ledger", "ledger_place", "decisions", "notices", "billing", "audit"}
NOT_STATE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


@dataclass(frozen=True)
class Picture:
    """What there is at the end of a day."""

    memory_bytes: int
    billing_ids: int
    rows: dict[str, int]
    file_bytes: int


def _weigh(root: object) -> int:
    """Bytes of everything that can be reached from an object, but for code."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, NOT_STATE):
            continue
        seen.add(id(found))
        total += sys.getsizeof(found)
        waiting.extend(gc.get_referents(found))
    return total


def _save_some(keeper: Keeper) -> bool:
    return keeper.save_some() and keeper.unsaved()


class Year:
    """One guard, from its first day on."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        scopes = Scopes.of_country_code("1")
        settings = Settings(default_limit_micros=Micros(10_000_000_000))
        prices = rating.Rating(unknown_rate_micros=settings.unknown_rate_micros, kind_of=scopes.kind_of)
        self._engine = Engine(settings, scopes, START_MS, rating=prices, rules=read_rules(shipped("rules")))
        self._store = store
        self._path = path
        self._chance = random.Random(366)
        self.owed = dict.fromkeys(CUSTOMERS, 0)

    async def day(self, number: int) -> None:
        """Calls in office hours, a bill and its payment each 30 days, and what guard does each night."""
        midnight = START_MS + number * DAY_MS
        if number % 30 == 1:
            await self._bill(number, midnight)
        for hour in range(9, 9 + CALLS_A_DAY):
            await self._calls(f"{number}-{hour}", midnight + hour * HOUR_MS)
        run = self._store.old_details(now_ms=midnight + 23 * HOUR_MS, keep_ms=90 * DAY_MS)
        while (await run.step()).more:
            pass
        while await run.scrub():
            pass
        await run.empty_log()

    async def _calls(self, name: str, begin_ms: int) -> None:
        """One call of each customer, of three minutes."""
        numbers = [f"{self._chance.choice(PLACES)}{self._chance.randrange(10_000):04d}" for _ in CUSTOMERS]
        for event, minute in ((Event.ANSWERED, 0), (Event.TICK, 1), (Event.TICK, 2), (Event.ENDED, 3)):
            at_ms = begin_ms + minute * MINUTE_MS
            self._engine.advance(at_ms)
            for customer, number in zip(CUSTOMERS, numbers, strict=True):
                report = Report(
                    f"{customer}-{name}",
                    event,
                    customer,
                    at_ms,
                    minute * MINUTE_MS,
                    to=number,
                    charge_micros=Micros(minute * 20_000),
                    rate_micros=20_000,
                )
                self._engine.report("sw1", report, at_ms)
        for customer in CUSTOMERS:
            self.owed[customer] += 60_000
        await self._commit(begin_ms + 3 * MINUTE_MS)

    async def _bill(self, number: int, now_ms: int) -> None:
        for customer in CUSTOMERS:
            for kind, more in (
                ("invoice", '"amount":"5.00","period_start":"2026-01-01","period_end":"2026-02-01"'),
                ("payment", '"amount":"5.00","method":"card","status":"posted"'),
            ):
                message = f'{{"type":"{kind}","id":"{kind}-{customer}-{number}","account":"{customer}",{more}}}'
                for record in decode_billing(message.encode()).messages:
                    self._engine.billing(record, now_ms)
            self.owed[customer] -= 5_000_000
        await self._commit(now_ms)

    async def _commit(self, now_ms: int) -> None:
        """As the loop does, with a switch that obeys at once."""
        changes = self._engine.take()
        await self._store.commit(changes)
        for send in changes.sends:
            message = send.message
            account, part = (message.account, None) if isinstance(message, Command) else ("", message.part)
            ack = Ack(switch=send.switch, id=message.id, ok=True, account=account, at_ms=now_ms, part=part)
            self._engine.control(ack, now_ms)

    async def begin(self) -> None:
        """guard is connected, its switch is up."""
        self._engine.subscribed(START_MS)
        self._engine.control(SwitchStatus(switch="sw1", up=True), START_MS)
        await self._commit(START_MS)

    async def picture(self) -> Picture:
        """What there is now, with everything saved that can be."""
        while await asyncio.wrap_future(self._store._writer.submit(_save_some)):
            pass
        with closing(sqlite3.connect(self._path)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            counted = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        gc.collect()
        return Picture(
            memory_bytes=_weigh(self._engine),
            billing_ids=len(self._engine.world.billing),
            rows=counted,
            file_bytes=pages * 4_096,
        )

    def balances(self) -> dict[str, int]:
        """What is owed."""
        return {customer: self._engine.world.accounts[customer].owed_micros for customer in CUSTOMERS}

    def crowded(self) -> Iterator[str]:
        """Heaps and queues that hold more than a day's worth."""
        world = self._engine.world
        bounds = {"alarms": len(world.alarms), "pending": sum(len(each.pending) for each in world.switches.values())}
        yield from (name for name, length in bounds.items() if length > CALLS_A_DAY * len(CUSTOMERS) * 2)


@pytest.mark.slow
async def test_a_year_of_uptime_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where numbers lie is kept up to a bound that these few calls do not reach in a year.
    monkeypatch.setattr(rating, "KEPT_PLACES", 100)
    path = tmp_path / "guard.db"
    pictures: dict[int, Picture] = {}
    async with open_store(path) as store:
        year = Year(store, path)
        await year.begin()
        for number in range(1, LATE + 1):
            await year.day(number)
            if number in (EARLY, LATE):
                pictures[number] = await year.picture()
                assert [*year.crowded()] == []
        assert year.balances() == year.owed
    assert check_ledger(path) == []
    early, late = pictures[EARLY], pictures[LATE]
    grown = {table for table, rows in late.rows.items() if rows > early.rows[table] * 1.1 + 5}
    assert grown <= KEPT_FOR_EVER, {table: (early.rows[table], late.rows[table]) for table in grown}
    ids = (late.billing_ids - early.billing_ids) * 2_000
    assert late.memory_bytes < early.memory_bytes * 1.1 + ids
    lines = late.rows["ledger"] - early.rows["ledger"]
    assert (late.file_bytes - early.file_bytes) / lines < 600, "bytes a ledger line, everything else included"
    told(f"day {EARLY}: {early}\nday {LATE}: {late}")
