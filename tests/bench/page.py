"""People at the page and programs at the API while 10,000 reports a second come in: does the money path feel it?

The same measure as in `tests.bench.latency`, breach to command on the wire, in turns within one run, so that what else
the machine does hits all alike: nobody reads; they read; the very same readers read from another daemon beside it, that
has nothing else to do; nobody reads again. The two turns without readers say what chance does, and the third what the
readers cost as neighbours on the same cores: neither is the doing of the page. Readers are twenty open pages (each asks
every 3 s, as its script does) and four programs that ask the API four times a second, in turn for a page of accounts, a
search that finds nothing, one account and `/metrics`. They are a process of their own, of the lowest priority, because
they stand for machines of their own; what they wait is measured, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
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
ACCOUNTS = 1_000
SECONDS = BREACHES * SPACING_S + 6
REPORTS = int(REPORTS_PER_S * SECONDS)
PAGES = 20
POLL_S = 3.0
PROGRAMS = 4
PAUSE_S = 0.25
OPEN = ("/", "/", "/", "/accounts/A0000001", "/accounts/A0000002", "/switches", "/decisions")
TURNS = {
    "alone": "nobody reads",
    "read": f"{PAGES} pages and {PROGRAMS} programs read",
    "beside": "they read another daemon beside it",
    "again": "nobody reads, again",
}
READ = ("/api/v1/accounts?limit=100", "/api/v1/accounts?q=nobody", "/api/v1/accounts/A0000003", "/metrics")


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """All latencies and what the readers wait, in ms."""
    late_ms: dict[str, list[float]] = {name: [] for name in TURNS}
    waits_ms: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        watched, other = (_daemon(stack, directory / name) for name in ("watched", "other"))
        subscriber = Subscriber(watched.port)
        stack.callback(subscriber.close)
        urls = {"read": watched.url, "beside": other.url}
        for turn, name in enumerate(ROUNDS * tuple(TURNS)):
            blaster = Blaster(
                watched.port, REPORTS, IN_ONE_MESSAGE, accounts=ACCOUNTS, start=turn * REPORTS, rate=REPORTS_PER_S
            )
            blaster.go()
            readers = _readers(urls[name], SECONDS - 2) if name in urls else None
            time.sleep(1.0)
            late_ms[name] += [late * 1_000 for late in breaches(subscriber, f"{name}{turn}-", BREACHES)]
            blaster.finish()
            if readers is not None:
                waited = json.loads(readers.communicate(timeout=60)[0])
                for path, some in waited.items() if name == "read" else ():
                    waits_ms[path] += some
    return _told(show, late_ms, waits_ms)


@dataclass(frozen=True, slots=True)
class _Daemon:
    """A daemon with its broker."""

    port: int
    url: str


def _daemon(stack: ExitStack, directory: Path) -> _Daemon:
    """A daemon whose accounts have begun their calls."""
    directory.mkdir()
    broker = stack.enter_context(Mosquitto(directory / "mosquitto"))
    url = stack.enter_context(daemon(directory, broker.port))
    calls = Blaster(broker.port, REPORTS_PER_S, IN_ONE_MESSAGE, accounts=ACCOUNTS, rate=REPORTS_PER_S)
    calls.go()
    calls.finish()
    return _Daemon(broker.port, url)


def _told(
    show: Callable[[str], None], late: Mapping[str, list[float]], waits: Mapping[str, list[float]]
) -> dict[str, float]:
    """All side by side, as a table; and what the readers wait."""
    figures: dict[str, float] = {}
    show(f"breach to command at {REPORTS_PER_S:,} reports/s, ms, over {ROUNDS * BREACHES} breaches each:")
    show(f"| | {' | '.join(TURNS.values())} |")
    show("|---|" + len(TURNS) * "---|")
    for name, of in MEASURES.items():
        found = {turn: of(some) for turn, some in late.items()}
        figures |= {f"page_{turn}_{name}_ms": value for turn, value in found.items()}
        show(f"| {name} | {' | '.join(f'{value:.1f}' for value in found.values())} |")
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
    os.nice(19)
    print(json.dumps(asyncio.run(_reading(options.url, options.seconds))))


if __name__ == "__main__":
    main()
