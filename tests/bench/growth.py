"""Whether work per report depends on how much there is: a million accounts, one account with 30 % of the traffic.

The engine alone, with the shipped rules on, in time of the processor: 10,000 calls that tick, in each case the same
reports but for whose they are. And what an account takes that has called with rules watching: the profile and the
windows of one that calls right now.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence

from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from guard.shell.interpreter import settle_interpreter
from tests.bench.engine import BATCH, START_MS, TICK_MS, engine_with

FEW, MANY = 1_000, 1_000_000
CALLS = 10_000
HOT_PERCENT = 30
ROUNDS = 6
WATCHED = 5_000


def _laid_out(account_of: Callable[[int], int]) -> list[list[Report]]:
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
            for call in range(CALLS)
        ]
        for tick in range(1, ROUNDS + 1)
    ]


def _us_a_report(engine: Engine, rounds: Sequence[Sequence[Report]]) -> float:
    """Microseconds of the processor for a report of a call that has begun."""
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
        if tick > 1:
            spent += time.process_time() - began
    gc.unfreeze()
    return spent / (CALLS * (ROUNDS - 1)) * 1e6


def _spread(accounts: int) -> Callable[[int], int]:
    return lambda call: call * max(1, accounts // CALLS) % accounts


def _hot(call: int) -> int:
    """Account 0 has 30 of 100 calls, the others go round."""
    return 0 if call % 100 < HOT_PERCENT else 1 + call % (FEW - 1)


def _watched_bytes() -> float:
    """Memory of an account that has just called, with rules watching it."""
    rules = read_rules(shipped("rules"))
    engine = engine_with(WATCHED, rules)
    rounds = [
        [
            Report(f"c{number}", event, f"A{number:07d}", at_ms, at_ms - START_MS, to=f"+1613{number:07d}")
            for number in range(WATCHED)
        ]
        for event, at_ms in ((Event.ANSWERED, START_MS), (Event.ENDED, START_MS + TICK_MS))
    ]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for reports in rounds:
        now_ms = reports[0].at_ms
        engine.advance(now_ms)
        for report in reports:
            engine.report("sw1", report, now_ms)
        engine.take()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / WATCHED


def run(show: Callable[[str], None]) -> dict[str, float]:
    """Ratios, and what they are made of."""
    rules = read_rules(shipped("rules"))
    few = _us_a_report(engine_with(FEW, rules), _laid_out(_spread(FEW)))
    many = _us_a_report(engine_with(MANY, rules), _laid_out(_spread(MANY)))
    hot = _us_a_report(engine_with(FEW, rules), _laid_out(_hot))
    gc.collect()
    watched = _watched_bytes()
    show(f"engine with the {len(rules)} shipped rules, {CALLS:,} live calls:")
    show(f"  {few:.2f} microseconds a report at {FEW:,} accounts, {many:.2f} at {MANY:,}: {many / few:.2f} x")
    show(f"  {hot:.2f} when one account has {HOT_PERCENT} % of the calls: {hot / few:.2f} x")
    show(f"  {watched:,.0f} bytes for what an account adds that calls under the rules, its call remembered")
    return {
        "growth_million_ratio": many / few,
        "hot_account_ratio": hot / few,
        "growth_us_1000_accounts": few,
        "growth_us_1000000_accounts": many,
        "hot_account_us": hot,
        "bytes_per_calling_account": watched,
    }
