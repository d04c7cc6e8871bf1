"""Whether work per report depends on how much there is: a million accounts, one account with 30 % of the traffic.

The engine alone, with the shipped rules on, in time of the processor: 10,000 calls that tick, in each case the same
reports but for whose they are. And what an account takes that has called with rules watching: the profile and the
windows of one that calls right now.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.records import Event, Report
from tests.bench.engine import START_MS, TICK_MS, engine_with, laid_out, ticks, us_a_report

FEW, MANY = 1_000, 1_000_000
CALLS = 10_000
HOT_PERCENT = 30
ROUNDS = 6
WATCHED = 5_000


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
    few = ticks(engine_with(FEW, rules), FEW, CALLS, ROUNDS)
    many = ticks(engine_with(MANY, rules), MANY, CALLS, ROUNDS)
    hot = us_a_report(engine_with(FEW, rules), laid_out(_hot, CALLS, ROUNDS))
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
