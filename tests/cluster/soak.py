"""A soak: calls and fees for minutes, blow after blow, and at the end every account exact to the micro-unit.

    python -m tests.cluster.soak [--minutes 10] [--seed 1] [--every 8]

Three NATS nodes, PostgreSQL with everything synced, mosquitto, two ingests, two to four workers. Says what it strikes
and how long the cluster was not whole for it; then what memory did, how far behind it ever was, and the verdict. Calls
are remembered for two minutes, so that a process has no reason to grow after that. Exit status 1: something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.cluster.processes import wait_until
from tests.cluster.rig import open_rig
from tests.cluster.storm import Blow, Storm
from tests.cluster.watch import Watch, growth

NODES, INGESTS, WORKERS = 3, 2, 3
ACCOUNTS = 200
REMEMBER = '[calls]\nremember = "2m"\n'
FEWEST_BLOWS = 4
"""On a machine that is busy with other things a cluster takes its time to be whole again."""
LONGEST_LAG_S = 60.0
WITNESSES = {"worker": 1.25, "ingest": 1.10}
"""Who is never killed, and by what its memory may grow. A worker's is that of the partitions it had to hold at once:
when others die it is all of them, and what the allocator has got from the system then it does not give back at once."""
LONG_ENOUGH_S = 480.0
"""From here on what is looked at of memory begins when everything that is remembered for a time has been."""


@dataclass(frozen=True)
class Soaked:
    """What came of it; every account was exact, or there would be none."""

    seconds: float
    reports: int
    owed: dict[str, int]
    blows: list[Blow]
    watch: Watch
    epochs: int
    sick_nodes: int

    def check(self) -> None:
        """Lag and memory within their bounds."""
        assert max(self.watch.lag_s) < LONGEST_LAG_S
        if self.seconds > LONG_ENOUGH_S:
            for name, most in WITNESSES.items():
                grown = growth(self.watch.memory[name])
                assert grown < most, f"{name} has grown by {grown:.3f}"


def soak(folder: Path, *, minutes: float, seed: int, every_s: float, say: Callable[[str], None]) -> Soaked:
    """Do it, for so long and until a few blows have been struck."""
    with open_rig(folder, nodes=NODES, ingests=INGESTS, fsync=True, more=REMEMBER) as rig:
        for _ in range(WORKERS):
            rig.join()
        say(f"whole after {rig.settle('the start'):.1f} s; seed {seed}")
        storm, blows = Storm(rig, seed), list[Blow]()
        with rig.traffic(seed=seed, accounts=ACCOUNTS) as traffic, Watch(rig) as watch:
            began_s = time.monotonic()
            while len(blows) < FEWEST_BLOWS or time.monotonic() - began_s < minutes * 60:
                rest(every_s)
                blows.append(storm.strike())
                say(f"{time.monotonic() - began_s:5.0f} s  {blows[-1].took_s:5.1f} s for: {blows[-1].what}")
            rig.verdict(traffic)
            seconds = time.monotonic() - began_s
        return Soaked(seconds, traffic.switch.reports, traffic.owed, blows, watch, rig.audit.epochs(), storm.sick_nodes)


def rest(seconds: float) -> None:
    """Let it run undisturbed for a while."""
    until_s = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until_s, "the pause")


def report(soaked: Soaked, say: Callable[[str], None]) -> None:
    """In a few lines."""
    took_s = sorted(blow.took_s for blow in soaked.blows)
    say(f"{soaked.reports:,} reports in {soaked.seconds:.0f} s, {len(soaked.blows)} blows, {soaked.epochs:,} tenancies")
    say(f"whole again after {median(took_s):.1f} s (median), {took_s[-1]:.1f} s (longest), the blow included")
    say(f"furthest behind: {max(soaked.watch.lag_s):.1f} s")
    if soaked.sick_nodes:
        say(f"NATS nodes that were not well half a minute after their start, and got another: {soaked.sick_nodes}")
    for name, samples in sorted(soaked.watch.memory.items()):
        trend = f", last third by the one before {growth(samples):.3f}" if name in WITNESSES else ""
        say(f"memory of {name}: median {median(samples):.0f} MiB, most {max(samples):.0f} MiB{trend}")
    say(f"{len(soaked.owed)} accounts, each exact to the micro-unit")


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description="a cluster, struck for minutes")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=8, help="seconds of rest between two blows")
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="guard-soak-") as folder:
        try:
            soaked = soak(Path(folder), minutes=asked.minutes, seed=asked.seed, every_s=asked.every, say=say)
            report(soaked, say)
            soaked.check()
        except AssertionError as error:
            say(f"WRONG: {error}")
            say("\n".join(getattr(error, "__notes__", ())))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
