"""The daemon beside what lies below it: durable reports a second through a real mosquitto, in one run.

All get the same reports from the same publisher through the same broker on the same two cores, in turn: the bare
consumer, the floor pipeline (`tests.bench.floor`) and the daemon, which applies, commits and then acknowledges, with
all shipped rules on. Ratios come first, because machines differ.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.daemon import Daemon, running
from tests.bench.floor import bare_consumer, floor_pipeline
from tests.bench.publishing import WITHIN_S, Blaster
from tests.integration.mosquitto import Mosquitto

ROUNDS = 3
SHAPES = (("single", "single", 1, 60_000), ("arrays", "arrays of 100", 100, 300_000))
"""Key of the figures, how it is called, reports a message, reports a round."""


def durable(it: Daemon, port: int, reports: int, batch: int, start: int) -> float:
    """Reports a second that the daemon applies, commits and acknowledges."""
    before = it.accepted()
    blaster = Blaster(port, reports, batch, accounts=1_000, start=start)
    began = time.monotonic()
    blaster.go()
    deadline = began + WITHIN_S
    while it.accepted() - before < reports:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {it.accepted() - before} of {reports} reports within {WITHIN_S:.0f} s")
        time.sleep(0.05)
    seconds = time.monotonic() - began
    blaster.finish()
    return reports / seconds


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Bare consumer, floor and daemon, in turn, singles and arrays of 100; the medians."""
    figures: dict[str, float] = {}
    # Each has a broker of its own: a persistent session that is away would make the other's broker queue for it.
    with (
        Mosquitto(directory / "floor") as floor_broker,
        Mosquitto(directory / "mosquitto") as broker,
        running(directory, broker.port) as it,
    ):
        start = 0
        for key, name, batch, reports in SHAPES:
            bare, floor, rate = [], [], []
            for _ in range(ROUNDS):
                bare.append(asyncio.run(bare_consumer(floor_broker.port, reports, batch)))
                floor.append(asyncio.run(floor_pipeline(floor_broker.port, reports, batch, directory)))
                rate.append(durable(it, broker.port, reports, batch, start))
                start += reports
            of_bare = statistics.median(ours / theirs for ours, theirs in zip(rate, bare, strict=True))
            of_floor = statistics.median(ours / theirs for ours, theirs in zip(rate, floor, strict=True))
            figures |= {
                f"{key}_of_floor": of_floor,
                f"{key}_of_bare": of_bare,
                f"{key}_durable_per_s": statistics.median(rate),
                f"{key}_floor_per_s": statistics.median(floor),
                f"{key}_bare_per_s": statistics.median(bare),
            }
            show(
                f"{name}: {of_floor:.2f} of the floor pipeline, {of_bare:.2f} of the bare consumer; "
                f"{figures[f'{key}_durable_per_s']:,.0f} durable reports/s beside "
                f"{figures[f'{key}_floor_per_s']:,.0f} and {figures[f'{key}_bare_per_s']:,.0f}"
            )
    return figures
