"""The engine alone: microseconds a report, small and large, with and without the shipped rules; bytes an account."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence

from guard.config.rules import read_rules
from guard.config.shipped import shipped as shipped_folder
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import Event, Report
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.shell.interpreter import settle_interpreter

START_MS = 1_800_000_000_000
TICK_MS = 30_000
BATCH = 1_000


def engine_with(accounts: int, rules: tuple[Rule, ...] = ()) -> Engine:
    """An engine that knows so many accounts, none of which is doing anything."""
    scopes, settings = Scopes.of_country_code("1"), Settings()
    rating = Rating(unknown_rate_micros=settings.unknown_rate_micros, kind_of=scopes.kind_of)
    engine = Engine(settings, scopes, START_MS, rating=rating, rules=rules)
    for number in range(accounts):
        engine.world.open_account(f"A{number:07d}")
    engine.take()
    return engine


def spread(accounts: int, calls: int) -> Callable[[int], int]:
    """Whose a call is when calls are spread over all accounts."""
    return lambda call: call * max(1, accounts // calls) % accounts


def laid_out(account_of: Callable[[int], int], calls: int, rounds: int) -> list[list[Report]]:
    """Ticks of all calls, by round; whose a call is says `account_of`."""
    return [
        [
            Report(
                f"c{call:07d}",
                Event.TICK,
                f"A{account_of(call):07d}",
                START_MS + tick * TICK_MS,
                tick * TICK_MS,
                to=f"+1613{call:07d}" if tick == 1 else None,
                charge_micros=Micros(tick * 500),
                rate_micros=1_000,
            )
            for call in range(calls)
        ]
        for tick in range(1, rounds + 1)
    ]


def us_a_report(engine: Engine, rounds: Sequence[Sequence[Report]]) -> float:
    """Microseconds of the processor for a report of a call that has begun; changes are taken per batch."""
    # As the daemon does; the reports laid out here are the benchmark's, not the engine's.
    settle_interpreter()
    spent = 0.0
    for tick, reports in enumerate(rounds, 1):
        now_ms = START_MS + tick * TICK_MS
        began = time.process_time()
        for first in range(0, len(reports), BATCH):
            engine.advance(now_ms)
            for report in reports[first : first + BATCH]:
                engine.report("sw1", report, now_ms)
            engine.take()
        if tick > 1:  # the first round begins the calls
            spent += time.process_time() - began
    gc.unfreeze()
    return spent / sum(map(len, rounds[1:])) * 1e6


def ticks(engine: Engine, accounts: int, calls: int, rounds: int) -> float:
    """Microseconds a report: `rounds` ticks of `calls` calls spread over all accounts."""
    return us_a_report(engine, laid_out(spread(accounts, calls), calls, rounds))


def bytes_per_account(accounts: int) -> float:
    """Memory of an idle account, id and all, as the allocator counts it."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    engine = engine_with(accounts)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del engine
    return (after - before) / accounts


def run(show: Callable[[str], None]) -> dict[str, float]:
    """All figures of the engine alone."""
    small, large = engine_with(1_000), engine_with(200_000)
    # In turn, so that a drifting machine drifts for both.
    small_us, large_us = [], []
    for _ in range(3):
        small_us.append(ticks(small, 1_000, 10_000, 4))
        large_us.append(ticks(large, 200_000, 10_000, 4))
        small, large = engine_with(1_000), engine_with(200_000)
    del small, large
    shipped = read_rules(shipped_folder("rules"))
    ruled = sorted(ticks(engine_with(1_000, shipped), 1_000, 10_000, 4) for _ in range(3))[1]
    few, many = sorted(small_us)[1], sorted(large_us)[1]
    size = bytes_per_account(50_000)
    show("engine alone, 10,000 live calls:")
    show(f"  {few:.2f} microseconds a report at 1,000 accounts ({1e6 / few:,.0f} a second)")
    show(f"  {many:.2f} microseconds a report at 200,000 accounts ({1e6 / many:,.0f} a second): {many / few:.2f} x")
    show(f"  {ruled:.2f} at 1,000 accounts with the {len(shipped)} shipped rules: {ruled - few:+.2f}")
    show(f"memory of an idle account: {size:.0f} bytes")
    return {
        "engine_us_1000_accounts": few,
        "engine_us_200000_accounts": many,
        "engine_us_with_rules": ruled,
        "growth_ratio": many / few,
        "bytes_per_account": size,
    }
