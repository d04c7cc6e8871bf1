"""The daemon beside a bare consumer: durable reports a second through a real mosquitto, in one run.

Both get the same reports from the same publisher through the same broker on the same two cores, in turn. The bare
consumer only decodes and acknowledges (the floor under anything that speaks MQTT from Python with the same session);
the daemon applies, commits and then acknowledges. Ratios come first, because machines differ.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.adapters.mqtt import CALLS_RECEIVE_MAXIMUM, BrokerAddress, Session, SessionOptions
from guard.wire.reports import decode_reports
from tests.integration.mosquitto import Mosquitto

WITHIN_S = 120.0
PREFIX = "guard/v1"


class Blaster:
    """The publisher in its own process, laid out and waiting for the go."""

    def __init__(self, port: int, reports: int, batch: int, *, accounts: int, start: int = 0, rate: float = 0) -> None:
        command = [sys.executable, "-m", "tests.bench.blaster", "--port", str(port)]
        command += ["--topic", f"{PREFIX}/sw1/calls", "--reports", str(reports), "--batch", str(batch)]
        command += ["--accounts", str(accounts), "--start", str(start), "--rate", str(rate)]
        preparing_s = 1.0 + reports / 150_000
        if rate:
            command += ["--begin", str(time.time() + preparing_s)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # Laying out takes a while; the first line it reads is the go.
        time.sleep(preparing_s)

    def go(self) -> None:
        """Begin to publish."""
        if self._process.stdin is not None:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()

    def finish(self) -> None:
        """Wait until everything has been accepted by the broker."""
        self._process.communicate(timeout=WITHIN_S)


async def floor(port: int, reports: int, batch: int) -> float:
    """Reports a second that a bare consumer decodes and acknowledges."""
    arrived = asyncio.Event()
    options = SessionOptions(
        address=BrokerAddress.parse(f"mqtt://127.0.0.1:{port}"),
        client_id="bench-floor",
        topics=(f"{PREFIX}/+/calls",),
        receive_maximum=CALLS_RECEIVE_MAXIMUM,
    )
    session = Session(options, lambda: time.time_ns() // 1_000_000)
    connected = asyncio.Event()
    session.on_arrival = arrived.set
    session.on_connected = lambda present: connected.set()
    task = asyncio.create_task(session.run())
    await connected.wait()
    blaster = await asyncio.to_thread(Blaster, port, reports, batch, accounts=1_000)
    began = time.monotonic()
    blaster.go()
    taken = 0
    while taken < reports:
        await asyncio.wait_for(arrived.wait(), WITHIN_S)
        arrived.clear()
        while messages := session.drain(1_000):
            now_ms = time.time_ns() // 1_000_000
            for message in messages:
                taken += len(decode_reports(message.payload, now_ms).reports)
            session.acknowledge(messages)
    seconds = time.monotonic() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(blaster.finish)
    return reports / seconds


@contextmanager
def daemon(directory: Path, port: int, more: str = "") -> Iterator[str]:
    """`guard run` as a process of its own, with `more` in its configuration; yields its address."""
    config = directory / "guard.toml"
    config.write_text(
        f'[broker]\nurl = "mqtt://127.0.0.1:{port}"\n[store]\nurl = "sqlite:{directory}/guard.db"\n'
        '[http]\nlisten = "127.0.0.1:0"\n[accounts]\ndefault_limit = "1000.00"\n[switches.sw1]\n{more}'
    )
    log_path = directory / "guard.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "guard", "run", "--config", str(config)], stderr=log, stdout=log
        )
        try:
            yield _wait_ready(process, log_path)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+", log_path.read_text())
        if found:
            try:
                urllib.request.urlopen(f"{found[0]}/-/ready", timeout=2).close()
            except OSError:
                pass
            else:
                return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"guard did not become ready:\n{log_path.read_text()}")


def accepted(url: str) -> int:
    """Reports the daemon has taken (accepted, duplicate or late), from its metrics."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counts = re.findall(
        r'^guard_reports_total\{.*outcome="(?:accepted|duplicate|late)".*\} ([0-9.e+]+)$', text, re.MULTILINE
    )
    return int(sum(float(count) for count in counts))


def durable(url: str, port: int, reports: int, batch: int, start: int) -> float:
    """Reports a second that the daemon applies, commits and acknowledges."""
    before = accepted(url)
    blaster = Blaster(port, reports, batch, accounts=1_000, start=start)
    began = time.monotonic()
    blaster.go()
    deadline = began + WITHIN_S
    while accepted(url) - before < reports:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {accepted(url) - before} of {reports} reports within {WITHIN_S:.0f} s")
        time.sleep(0.05)
    seconds = time.monotonic() - began
    blaster.finish()
    return reports / seconds


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Floor and daemon, in turn, singles and arrays of 100."""
    figures: dict[str, float] = {}
    # Each has a broker of its own: a persistent session that is away would make the other's broker queue for it.
    with (
        Mosquitto(directory / "floor") as floor_broker,
        Mosquitto(directory / "mosquitto") as broker,
        daemon(directory, broker.port) as url,
    ):
        start = 0
        for name, batch, reports in (("single", 1, 60_000), ("arrays of 100", 100, 300_000)):
            rounds: list[tuple[float, float]] = []
            for _ in range(3):
                bare = asyncio.run(floor(floor_broker.port, reports, batch))
                rounds.append((durable(url, broker.port, reports, batch, start), bare))
                start += reports
            rate, bare = sorted(rounds)[1]
            show(f"{name}: {rate / bare:.2f} of the bare consumer; {rate:,.0f} durable reports/s beside {bare:,.0f}")
            key = "single" if batch == 1 else "arrays"
            figures |= {f"{key}_ratio": rate / bare, f"{key}_durable_per_s": rate, f"{key}_floor_per_s": bare}
    return figures


def main() -> None:
    """Print the figures as JSON (for use on its own)."""
    import tempfile  # noqa: PLC0415 -- only needed here

    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(run(print, Path(directory)), indent=1))


if __name__ == "__main__":
    main()
