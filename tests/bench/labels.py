"""What the figures mean, in the order of interest: ratios hold on other machines, figures do not."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench import rules

LABELS = {
    "single_of_floor": "durable, single reports: share of the floor pipeline",
    "arrays_of_floor": "durable, arrays of 100: share of the floor pipeline",
    "single_of_bare": "durable, single reports: share of the bare consumer",
    "arrays_of_bare": "durable, arrays of 100: share of the bare consumer",
    "growth_million_ratio": "engine with rules: time per report at 1,000,000 accounts over that at 1,000",
    "hot_account_ratio": "engine with rules: time per report when one account has 30 % of the calls, over that without",
    "growth_ratio": "engine: time per report at 200,000 accounts over that at 1,000",
    "single_durable_per_s": "durable, single: reports/s",
    "single_floor_per_s": "floor pipeline, single: reports/s",
    "single_bare_per_s": "bare consumer, single: reports/s",
    "arrays_durable_per_s": "durable, arrays of 100: reports/s",
    "arrays_floor_per_s": "floor pipeline, arrays of 100: reports/s",
    "arrays_bare_per_s": "bare consumer, arrays of 100: reports/s",
    **{
        f"ingest_{shape}_{nodes}_{figure}": f"ingest, {what}, log on {where}: {text}"
        for shape, what in (("single", "single"), ("arrays", "arrays of 100"))
        for nodes, where in ((1, "one NATS server"), (3, "three NATS servers"))
        for figure, text in (
            ("per_s", "reports/s"),
            ("us", "microseconds of its processor a report"),
            ("entry_us", "microseconds of the servers' processor an entry"),
            ("entry_reports", "reports an entry"),
        )
    },
    **{
        f"breach_{per_s}_{name}": f"breach to command at {per_s:,} reports/s: {text}"
        for per_s in (1_000, 5_000, 20_000)
        for name, text in (
            ("median_ms", "median ms"),
            ("p99_ms", "99th percentile ms"),
            ("worst_ms", "worst ms"),
            ("core_percent", "% of a core that the daemon takes"),
            ("mib", "MiB that the daemon holds"),
        )
    },
    **{
        f"page_{turn}_{name}_ms": f"{text}: {measure}"
        for turn, text in (
            ("alone", "breach to command at 10,000 reports/s, nobody reads"),
            ("read", "the same while 20 pages and 4 programs read"),
            ("beside", "the same while they read from another daemon on the same machine"),
            ("again", "the same, nobody reads, again"),
        )
        for name, measure in (("median", "median ms"), ("p99", "99th percentile ms"), ("worst", "worst ms"))
    },
    "page_wait_median_ms": "page and API at 10,000 reports/s: median ms of an answer",
    "page_wait_p99_ms": "page and API at 10,000 reports/s: 99th percentile ms of an answer",
    "page_wait_worst_ms": "page and API at 10,000 reports/s: worst ms of an answer",
    "engine_us_1000_accounts": "engine: microseconds a report at 1,000 accounts",
    "engine_us_200000_accounts": "engine: microseconds a report at 200,000 accounts",
    "engine_us_with_rules": "engine: microseconds a report at 1,000 accounts with the shipped rules",
    "growth_us_1000_accounts": "engine with rules, 10,000 calls: microseconds a report at 1,000 accounts",
    "growth_us_1000000_accounts": "engine with rules, 10,000 calls: microseconds a report at 1,000,000 accounts",
    "hot_account_us": "engine with rules, 10,000 calls: microseconds a report when one account has 30 % of them",
    "rating_us_stated": "rating: microseconds a report with stated charges and no tariff",
    "rating_us_stated_with_tariff": "rating: the same with a tariff of 50,000 prefixes, for gross",
    "rating_us_rated": "rating: rated by that tariff",
    "rating_us_rated_with_plan": "rating: rated by that tariff under a plan",
    "codec_us_single": "codec: microseconds a single report",
    "codec_us_arrays": "codec: microseconds a report in arrays of 100",
    "codec_us_payment": "codec: microseconds a payment",
    "codec_us_command": "codec: microseconds a command",
    **{
        f"store_{name}_{size}_a_commit": f"store, {size:,} reports a commit: {text}"
        for size in (1, 50, 500, 5_000)
        for name, text in (("per_s", "reports/s"), ("ms", "ms a commit"))
    },
    **{
        f"restart_{name}_{accounts}_accounts": f"restart with {accounts:,} accounts: {text}"
        for accounts in (200_000, 1_000_000)
        for name, text in (("s", "seconds to ready"), ("mib", "MiB when ready"))
    },
    "backtest_short_per_s": "backtest, all shipped rules: reports/s on one core",
    "backtest_long_per_s": "backtest, a history four times as long: reports/s on one core",
    "backtest_short_mib": "backtest: MiB at most",
    "backtest_memory_ratio": "backtest: memory with a history four times as long over that",
    **{
        f"cluster_{key}_{figure}": f"a backlog of arrays through {what}: {text}"
        for key, what in (
            ("file", "the daemon, file"),
            ("postgres", "the daemon, PostgreSQL"),
            ("workers_1", "one worker"),
            ("workers_2", "two workers"),
            ("workers_4", "four workers"),
        )
        for figure, text in (
            ("per_s", "reports/s"),
            ("guard_us", "microseconds of guard's processor a report"),
            ("database_us", "microseconds of PostgreSQL's processor a report"),
            ("log_us", "microseconds of NATS' processor a report"),
            ("wal_bytes", "bytes of WAL a report"),
            ("lost", "leases lost on the way"),
        )
    },
    "cluster_2_over_1": "two workers over one, on two cores that all share",
    "cluster_4_over_1": "four workers over one, on two cores that all share",
    **{
        f"cluster_breach_{per_s}_{name}_ms": f"breach to command through a cluster at {per_s:,} reports/s: {text} ms"
        for per_s in (500, 1_000, 2_000)
        for name, text in (("median", "median"), ("p99", "99th percentile"), ("worst", "worst"))
    },
    **{
        f"cluster_breach_{per_s}_{part}_percent": f"the same: % of a core that {what}"
        for per_s in (500, 1_000, 2_000)
        for part, what in (("workers", "two workers take"), ("database", "PostgreSQL takes"), ("log", "NATS takes"))
    },
    **{f"cluster_breach_{per_s}_wal_bytes": "the same: bytes of WAL a report" for per_s in (500, 1_000, 2_000)},
    **{
        f"cluster_{blow}_{name}_s": f"{what}: seconds that a partition stands still, {text}"
        for blow, what in (
            ("worker", "a worker is killed"),
            ("frozen", "a worker freezes"),
            ("node", "a NATS node is killed"),
            ("database", "PostgreSQL crashes and starts again"),
        )
        for name, text in (("median", "median"), ("worst", "worst"))
    },
    "cluster_database_start_s": "of which PostgreSQL needs to be there again: seconds",
    **{
        f"takeover_{name}": f"a worker takes over: {text}"
        for name, text in (
            ("bare_s", "seconds from its start to 256 empty partitions"),
            ("bare_guard_s", "of its processor"),
            ("bare_database_s", "of the database's processor"),
            ("bare_mib", "MiB then"),
            ("whole_s", "seconds with accounts and calls"),
            ("whole_mib", "MiB then"),
            ("account_us", "microseconds of its processor an account"),
            ("account_database_us", "microseconds of the database's processor an account"),
            ("account_bytes", "bytes an account"),
            ("step_ms", "ms of the longest step, in a partition of 40,000 accounts"),
            ("call_us", "microseconds of its processor a call, up or remembered"),
            ("call_database_us", "microseconds of the database's processor a call"),
            ("call_bytes", "bytes a call"),
        )
    },
    "metrics_ms_200000_accounts": "/metrics: milliseconds of the processor at 200,000 accounts",
    "metrics_ms_1000_switches": "/metrics: milliseconds of the processor at 1,000 switches",
    "bytes_per_account": "engine: bytes of an idle account",
    "bytes_per_calling_account": "engine: bytes that an account adds which calls under the rules",
}


ON_COMPILED = "_on_compiled"
"""Ends the name of a figure that was taken on the compiled core."""


def label_of(name: str) -> str:
    """What a figure means; its name where nobody has said."""
    if name.endswith(ON_COMPILED):
        return f"{label_of(name.removesuffix(ON_COMPILED))} (compiled core)"
    if name.startswith(rules.FIGURE):
        return f"rules: nanoseconds a report with {name.removeprefix(rules.FIGURE)}"
    return LABELS.get(name, name)


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the order of interest, those without a label last; that of the compiled core comes after."""
    place = {name: nth for nth, name in enumerate(LABELS)}
    return sorted(
        names, key=lambda name: (place.get(name.removesuffix(ON_COMPILED), len(place)), name.endswith(ON_COMPILED))
    )
