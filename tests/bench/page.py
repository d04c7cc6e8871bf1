"""People at the page and programs at the API while 10,000 reports a second come in: does the money path feel it?

The same measure as in `tests.bench.latency`, breach to command on the wire, in turns: nobody reads, then twenty pages
are open (each asks every 3 s, as its script does) and four programs ask the API four times a second, in turn for a page
of accounts, a search that finds nothing, one account and `/metrics`. Turns alternate within one run, so that what else
the machine does hits both. The readers are a process of their own; what they wait is measured, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from tests.bench.daemon import daemon
from tests.bench.latency import SPACING_S, Subscriber, breaches
from tests.bench.publishing import Blaster
from tests.integration.mosquitto import Mosquitto

REPORTS_PER_S = 10_000
IN_ONE_MESSAGE = 10
"""Reports that a switch with so many collects into one message."""
ROUNDS = 2
BREACHES = 150
PAGES = 20
POLL_S = 3.0
PROGRAMS = 4
PAUSE_S = 0.25
OPEN = ("/", "/", "/", "/accounts/A0000001", "/accounts/A0000002", "/switches", "/decisions")
READ = ("/api/v1/accounts?limit=100", "/api/v1/accounts?q=nobody", "/api/v1/accounts/A0000003", "/metrics")


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Both latencies and what the readers wait, in ms."""
    late_ms: dict[str, list[float]] = {"alone": [], "read": []}
    waits_ms: dict[str, list[float]] = defaultdict(list)
    seconds = BREACHES * SPACING_S + 6
    count = int(REPORTS_PER_S * seconds)
    with Mosquitto(directory / "mosquitto") as broker, daemon(directory, broker.port) as url:
        subscriber = Subscriber(broker.port)
        for turn in range(2 * ROUNDS):
            name = ("alone", "read")[turn % 2]
            blaster = Blaster(
                broker.port, count, IN_ONE_MESSAGE, accounts=1_000, start=turn * count, rate=REPORTS_PER_S
            )
            blaster.go()
            readers = _readers(url, seconds - 2) if name == "read" else None
            time.sleep(1.0)
            late_ms[name] += [late * 1_000 for late in breaches(subscriber, f"{name}{turn}-", BREACHES)]
            blaster.finish()
            if readers is not None:
                for path, some in json.loads(readers.communicate(timeout=60)[0]).items():
                    waits_ms[path] += some
        subscriber.close()
    return _told(show, late_ms["alone"], late_ms["read"], waits_ms)


def _told(
    show: Callable[[str], None], alone: list[float], read: list[float], waits: Mapping[str, list[float]]
) -> dict[str, float]:
    """Both side by side, as a table; and what the readers wait."""
    figures: dict[str, float] = {}
    show(f"breach to command at {REPORTS_PER_S:,} reports/s, ms, over {len(alone)} and {len(read)} breaches:")
    show(f"| | nobody reads | {PAGES} pages and {PROGRAMS} programs read |")
    show("|---|---|---|")
    for name, of in MEASURES.items():
        figures |= {f"page_alone_{name}_ms": of(alone), f"page_read_{name}_ms": of(read)}
        show(f"| {name} | {of(alone):.1f} | {of(read):.1f} |")
    every = [wait for some in waits.values() for wait in some]
    figures |= {f"page_wait_{name}_ms": of(every) for name, of in MEASURES.items()}
    show(f"an answer takes, ms, over {len(every)}:")
    show("| asked for | median | p99 | worst |")
    show("|---|---|---|---|")
    for path, some in (*sorted(waits.items()), ("all", every)):
        show(f"| {path} | {' | '.join(f'{of(some):.1f}' for of in MEASURES.values())} |")
    return figures


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)]


MEASURES: Mapping[str, Callable[[list[float]], float]] = {"median": statistics.median, "p99": _p99, "worst": max}


# -- the readers, in their own process


def _readers(url: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.page", "--url", url, "--seconds", f"{seconds:.1f}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _reading(url: str, seconds: float) -> dict[str, list[float]]:
    """What each answer took, in ms, by what was asked for; an answer that is none ends it."""
    waits_ms: dict[str, list[float]] = defaultdict(list)
    deadline = time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient, path: str) -> None:
        asked = time.perf_counter()
        answer = await client.get(path)
        answer.raise_for_status()
        waits_ms[path].append((time.perf_counter() - asked) * 1_000)

    async def page(client: httpx.AsyncClient, number: int) -> None:
        await asyncio.sleep(POLL_S * number / PAGES)
        while time.monotonic() < deadline:
            await ask(client, OPEN[number % len(OPEN)])
            await asyncio.sleep(POLL_S)

    async def program(client: httpx.AsyncClient, number: int) -> None:
        while time.monotonic() < deadline:
            await ask(client, READ[number % len(READ)])
            await asyncio.sleep(PAUSE_S)
            number += 1

    limits = httpx.Limits(max_connections=PAGES + PROGRAMS)
    async with (
        httpx.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        for number in range(PAGES):
            group.create_task(page(client, number))
        for number in range(PROGRAMS):
            group.create_task(program(client, number))
    return waits_ms


def main() -> None:
    """Be the readers; their waits as JSON."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.page", description=main.__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--seconds", type=float, required=True)
    options = arguments.parse_args()
    print(json.dumps(asyncio.run(_reading(options.url, options.seconds))))


if __name__ == "__main__":
    main()
