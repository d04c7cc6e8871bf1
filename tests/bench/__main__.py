"""`python -m tests.bench [--only engine|rating|rules|backtest|metrics|...] [--json FILE] [--markdown FILE]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

from tests.bench import backtest, engine, latency, metrics, page, pipeline, rating, rules

PARTS = ("engine", "rating", "rules", "backtest", "metrics", "pipeline", "latency", "page")


def machine() -> str:
    """What the figures were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {system}"


LABELS = {
    "single_ratio": "durable, single reports: share of the bare consumer",
    "arrays_ratio": "durable, arrays of 100: share of the bare consumer",
    "single_durable_per_s": "durable, single: reports/s",
    "single_floor_per_s": "bare consumer, single: reports/s",
    "arrays_durable_per_s": "durable, arrays of 100: reports/s",
    "arrays_floor_per_s": "bare consumer, arrays of 100: reports/s",
    "breach_median_ms": "breach to command at 5,000 reports/s: median ms",
    "breach_p99_ms": "breach to command at 5,000 reports/s: 99th percentile ms",
    "breach_worst_ms": "breach to command at 5,000 reports/s: worst ms",
    "page_alone_median_ms": "breach to command at 10,000 reports/s, nobody reads: median ms",
    "page_read_median_ms": "the same while 20 pages and 4 programs read: median ms",
    "page_alone_p99_ms": "breach to command at 10,000 reports/s, nobody reads: 99th percentile ms",
    "page_read_p99_ms": "the same while 20 pages and 4 programs read: 99th percentile ms",
    "page_wait_median_ms": "page and API at 10,000 reports/s: median ms of an answer",
    "page_wait_p99_ms": "page and API at 10,000 reports/s: 99th percentile ms of an answer",
    "growth_ratio": "engine: time per report at 200,000 accounts over that at 1,000",
    "engine_us_1000_accounts": "engine: microseconds a report at 1,000 accounts",
    "engine_us_200000_accounts": "engine: microseconds a report at 200,000 accounts",
    "rating_us_stated": "rating: microseconds a report with stated charges and no tariff",
    "rating_us_stated_with_tariff": "rating: the same with a tariff of 50,000 prefixes, for gross",
    "rating_us_rated": "rating: rated by that tariff",
    "rating_us_rated_with_plan": "rating: rated by that tariff under a plan",
    "engine_us_with_rules": "engine: microseconds a report at 1,000 accounts with the shipped rules",
    "backtest_short_per_s": "backtest, all shipped rules: reports/s on one core",
    "backtest_long_per_s": "backtest, a history four times as long: reports/s on one core",
    "backtest_short_mib": "backtest: MiB at most",
    "backtest_memory_ratio": "backtest: memory with a history four times as long over that",
    "metrics_ms_200000_accounts": "/metrics: milliseconds of the processor at 200,000 accounts",
    "metrics_ms_1000_switches": "/metrics: milliseconds of the processor at 1,000 switches",
    "bytes_per_account": "engine: bytes of an idle account",
}
"""In the order of interest: ratios hold on other machines, figures do not."""


def markdown(figures: dict[str, float]) -> str:
    """The figures as a table."""
    alone = [name for name in figures if name.startswith(rules.FIGURE)]
    labels = LABELS | {name: f"rules: nanoseconds a report with {name.removeprefix(rules.FIGURE)}" for name in alone}
    rows = "\n".join(f"| {text} | {figures[name]:,.2f} |" for name, text in labels.items() if name in figures)
    return f"Taken on {machine()} by `python -m tests.bench`.\n\n| figure | value |\n|---|---|\n{rows}\n"


def main() -> None:
    """Run the parts and print as they come."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--only", choices=PARTS, action="append")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--markdown", type=Path)
    options = arguments.parse_args()
    wanted = options.only or PARTS
    print(machine())
    figures: dict[str, float] = {}
    if "engine" in wanted:
        figures |= engine.run(print)
    if "rating" in wanted:
        figures |= rating.run(print)
    if "rules" in wanted:
        figures |= rules.run(print)
    if "metrics" in wanted:
        figures |= metrics.run(print)
    for name, part in (("backtest", backtest), ("pipeline", pipeline), ("latency", latency), ("page", page)):
        if name in wanted:
            with tempfile.TemporaryDirectory(prefix="guard-bench-") as directory:
                figures |= part.run(print, Path(directory))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(figures))


if __name__ == "__main__":
    main()
