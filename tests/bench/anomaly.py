"""What the anomaly model costs: `python -m tests.bench.anomaly` prints a table in Markdown.

The same forest (100 trees of 256 rows, as many features) walked by scikit-learn, by numpy over flattened trees, and by
the ONNX Runtime, at the batch sizes that occur live; then whole scores, explanations, and following an account. Figures
are the best of several rounds on the processor's own clock, so that others on the machine disturb little. At the end
the daemon itself, without the model and with it, in turn: durable reports a second through mosquitto, on the wall's
clock, which needs a quiet machine (its load is told beside it); what that takes of the processor; and memory.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.ensemble import IsolationForest

from guard.anomaly.artefact import load
from guard.anomaly.forest import graph_of
from guard.anomaly.model import WIDTH, Walkers
from guard.anomaly.runtime import Runtime
from guard.anomaly.scorer import Scorer
from guard.anomaly.tracker import Row, Tracker
from guard.anomaly.training import Recipe, flattened, train
from guard.core.rules.local import day_of
from guard.core.rules.observation import What
from guard.core.rules.profile import Profile
from tests.anomaly.builders import FRAUD, START_MS, history, samples_of, seen
from tests.bench.daemon import Daemon, running
from tests.bench.pipeline import durable
from tests.integration.mosquitto import Mosquitto

BATCHES = (1, 8, 64, 512)
ROUNDS = 5
ROUNDS_OF_ALL = 3
REPORTS = 300_000
SHIPPED = Path(__file__).resolve().parents[2] / "models" / "default"


def best_us(work: Callable[[], object], least_s: float = 0.05) -> float:
    """Microseconds of the processor that one call takes, in the best round."""
    times = 1
    rounds: list[float] = []
    while len(rounds) < ROUNDS:
        begin = time.process_time()
        for _ in range(times):
            work()
        spent = time.process_time() - begin
        if spent < least_s and not rounds:
            times *= 2
            continue
        rounds.append(spent * 1e6 / times)
    return min(rounds)


def walkers() -> dict[str, Callable[[np.ndarray], object]]:
    """The same forest three times."""
    good = np.random.default_rng(1).normal(size=(5_000, WIDTH)).astype(np.float32)
    grown = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1).fit(good)
    forest = flattened(grown)
    return {
        "scikit-learn": grown.score_samples,
        "numpy": forest.rows,
        "ONNX Runtime": Runtime(graph_of(forest, WIDTH), WIDTH),
    }


def forests() -> None:
    """Microseconds a row, by walker and batch size."""
    rows = np.random.default_rng(2).normal(size=(max(BATCHES), WIDTH)).astype(np.float32)
    print("| microseconds a row, by rows at once | " + " | ".join(map(str, BATCHES)) + " |")
    print("|---|" + "---|" * len(BATCHES))
    for name, walk in walkers().items():
        each = [best_us(lambda walk=walk, count=count: walk(rows[:count])) / count for count in BATCHES]  # type: ignore[misc]
        print(f"| {name} | " + " | ".join(f"{value:,.1f}" for value in each) + " |")


def scores() -> None:
    """Whole scores, from measures to findings."""
    made = train(samples_of(history(7)), Recipe(seed=3))
    scorer = Scorer(made.model, Walkers(Runtime(graph_of(made.forest, WIDTH), WIDTH)), 20.0)
    rows = (history(8, accounts=20, days=6) * 2)[: max(BATCHES)]
    each = [best_us(lambda count=count: scorer.score(rows[:count])) / count for count in BATCHES]  # type: ignore[misc]
    print("| whole score | " + " | ".join(f"{value:,.1f}" for value in each) + " |")
    shipped = load(SHIPPED)
    scorer = Scorer(shipped.model, shipped.walk, 5.0)
    each = [best_us(lambda count=count: scorer.score(rows[:count])) / count for count in BATCHES]  # type: ignore[misc]
    print("| whole score of the shipped model, with likeness | " + " | ".join(f"{value:,.1f}" for value in each) + " |")
    print(f"\nOne explanation: {best_us(lambda: scorer.explain(FRAUD)):,.0f} microseconds.")


def following() -> None:
    """An observation, and a row."""
    tracker, profile = Tracker(), Profile(day_of(START_MS))
    tick = seen(START_MS, What.GOES_ON, gross_micros=5_000, spoken_ms=30_000)
    tracker.take(tick, profile, 1)
    print(f"One tick: {best_us(lambda: tracker.take(tick, profile, 1)):.2f} microseconds.")
    begin = seen(START_MS)
    print(f"One call that begins: {best_us(lambda: tracker.take(begin, profile, 1)):.2f} microseconds.")
    clock = [START_MS]

    def look() -> list[Row]:
        clock[0] += 300_000
        tracker.take(seen(clock[0] - 1, What.GOES_ON, gross_micros=5_000, spoken_ms=30_000), profile, 1)
        return tracker.due(clock[0])

    print(f"One look at an account, with a tick: {best_us(look):.1f} microseconds.")


def throughput(folder: Path) -> None:
    """The daemon with the model off and on: arrays of 100, the middle of three rounds of each, in turn."""
    ways = {"off": '[model]\nmode = "off"\n', "on": f'[model]\ndir = "{SHIPPED}"\n'}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    with ExitStack() as stack:
        up: dict[str, tuple[Daemon, int]] = {}
        for way, more in ways.items():
            broker = stack.enter_context(Mosquitto(folder / f"mosquitto-{way}"))
            (folder / way).mkdir()
            up[way] = (stack.enter_context(running(folder / way, broker.port, more)), broker.port)
        for round_ in range(ROUNDS_OF_ALL):
            for way, (it, port) in up.items():
                before_s = it.processor_s()
                rates[way].append(durable(it, port, REPORTS, 100, round_ * REPORTS))
                spent[way].append((it.processor_s() - before_s) * 1e6 / REPORTS)
        memory = {way: it.memory_mib() for way, (it, _) in up.items()}
    off, on = (median(rates[way]) for way in ways)
    print(f"\nDurable reports/s, arrays of 100: {off:,.0f} without the model, {on:,.0f} with it ({on / off:.0%});")
    off, on = (median(spent[way]) for way in ways)
    print(f"processor: {off:.1f} and {on:.1f} microseconds a report ({on / off - 1:+.0%});")
    print(f"memory: {memory['off']:,.0f} and {memory['on']:,.0f} MiB;")
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    forests()
    scores()
    following()
    with tempfile.TemporaryDirectory() as scratch:
        throughput(Path(scratch))
