"""`python -m tests.simulation SEED...` replays seeds and tells the story of each that fails.

`--from N --count M` runs M seeds from N on, with progress; `--story` tells also those that hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.runner import Simulator, story_of

EVERY_S = 10.0


def tell(what: str) -> None:
    """At once, also into a file."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """Run what is asked for; 1 if anything is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--story", action="store_true")
    asked = parser.parse_args()
    seeds = asked.seeds or list(range(asked.first, asked.first + (asked.count or 100)))
    failed: list[int] = []
    struck: Counter[str] = Counter()
    began = told = time.monotonic()
    decisions = lives = 0
    with Simulator() as simulator:
        for done, seed in enumerate(seeds, 1):
            verdict = simulator.run(seed)
            struck.update(verdict.struck)
            decisions += verdict.decisions
            lives += verdict.lives
            if verdict.broken:
                failed.append(seed)
                tell(f"seed {seed}: {verdict.broken[0]}")
            if asked.story or (verdict.broken and asked.seeds):
                tell(story_of(verdict))
            if time.monotonic() - told > EVERY_S:
                told = time.monotonic()
                tell(f"{done} of {len(seeds)} seeds, {len(failed)} broken, {told - began:.0f} s")
    took = time.monotonic() - began
    tell(f"{len(seeds)} seeds in {took:.1f} s, {len(failed)} broken: {failed}")
    tell(f"{lives} lives, {decisions} decisions; faults: {dict(struck.most_common())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
