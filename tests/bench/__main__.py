"""`python -m tests.bench [--only PART]... [--json FILE] [--markdown FILE]`: prints as it goes, some twenty minutes.

A part that fails is told and costs only its own figures. The JSON has every figure under its name, with what it means,
how long each part took, and what all was taken on; the Markdown is the table of `BENCHMARKS.md`.

Everything runs on the sources of the core. Parts that live by its speed run once more on the compiled core, where one
has been built (`scripts/compile`): their figures stand beside the others, and without a build they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from guard import __version__
from guard.compiled import ASKED, BUILDS, COMPILED, INTERPRETED, PACKAGE, key_of
from tests.bench.labels import ON_COMPILED, in_order, label_of
from tests.bench.parts import OF_THE_CORE, PARTS, figures_of


def machine() -> str:
    """What the figures were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {system}"


def measure(part: str, core: str = INTERPRETED) -> dict[str, float]:
    """The figures of one part on one of the cores; of one that fails none, and why.

    Each has a process of its own: the system counts what a parent held among what its children held at most.
    """
    os.environ[ASKED] = core
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
            return own.submit(figures_of, part).result()
    except (Exception, SystemExit):  # noqa: BLE001 -- boundary: minutes of figures must not be lost for one
        traceback.print_exc()
        print(f"{part}: failed", file=sys.stderr)
        return {}


def markdown(figures: Mapping[str, float]) -> str:
    """The figures as a table."""
    rows = "\n".join(f"| {label_of(name)} | {figures[name]:,.2f} |" for name in in_order(figures))
    return f"Taken on {machine()} by `python -m tests.bench`.\n\n| figure | value |\n|---|---|\n{rows}\n"


def as_json(figures: Mapping[str, float], seconds: Mapping[str, float], load_before: float) -> str:
    """The same for programs."""
    document = {
        "machine": machine(),
        "load_before": round(load_before, 2),
        "guard": __version__,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {part: round(took, 1) for part, took in seconds.items()},
        "figures": {name: figures[name] for name in in_order(figures)},
        "means": {name: label_of(name) for name in in_order(figures)},
    }
    return json.dumps(document, indent=1) + "\n"


def main() -> int:
    """Run the parts and print as they come; 1 when one of them failed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--only", choices=PARTS, action="append", metavar="PART", help=", ".join(PARTS))
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--markdown", type=Path)
    options = arguments.parse_args()
    load_before = os.getloadavg()[0]
    print(f"{machine()}; load {load_before:.2f}")
    figures: dict[str, float] = {}
    seconds: dict[str, float] = {}
    failed = False
    for part in options.only or PARTS:
        began = time.monotonic()
        found = measure(part)
        seconds[part] = time.monotonic() - began
        print(f"({part}: {seconds[part]:.0f} s)", flush=True)
        figures |= found
        failed = failed or not found
        if part in OF_THE_CORE and (BUILDS / key_of(PACKAGE / "core")).is_dir():
            print(f"{part}, on the compiled core:")
            found = measure(part, COMPILED)
            figures |= {name + ON_COMPILED: figure for name, figure in found.items()}
            failed = failed or not found
        # Written after each part: whoever ends it half way keeps the half.
        if options.json:
            options.json.write_text(as_json(figures, seconds, load_before))
        if options.markdown:
            options.markdown.write_text(markdown(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
