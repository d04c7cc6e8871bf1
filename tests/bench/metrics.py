"""`/metrics` in the loop's time: reading the engine off and writing the text, with many accounts or many switches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from guard.adapters.metrics import Exposition, initial_figures, read_off
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from tests.bench.engine import START_MS, engine_with

ROUNDS = 50
SWITCHES = 1_000


def spread_over(engine: Engine, switches: int) -> None:
    """A call at each of so many switches."""
    for number in range(switches):
        report = Report(
            "c1",
            Event.TICK,
            f"A{number:07d}",
            START_MS,
            1_000,
            to="+16135550100",
            charge_micros=Micros(500),
            rate_micros=1_000,
        )
        engine.report(f"switch-{number:04d}", report, START_MS)
    engine.take()


def exposition_ms(accounts: int, switches: int) -> float:
    """Median milliseconds of the processor for one answer, after the first (which makes what is kept)."""
    engine, figures = engine_with(accounts), initial_figures((), "CAD")
    spread_over(engine, switches)
    exposition = Exposition(figures, "0")
    spent: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        read_off(engine, figures, START_MS)
        exposition.render()
        spent.append(time.process_time() - began)
    return statistics.median(spent[1:]) * 1_000


def run(show: Callable[[str], None]) -> dict[str, float]:
    """The promise is 10 ms."""
    many_accounts, many_switches = exposition_ms(200_000, 1), exposition_ms(SWITCHES, SWITCHES)
    show("/metrics, time of the processor for one answer:")
    show(f"  {many_accounts:.2f} ms at 200,000 accounts, {many_switches:.2f} ms at {SWITCHES:,} switches")
    return {"metrics_ms_200000_accounts": many_accounts, "metrics_ms_1000_switches": many_switches}
