"""`guard simulate --record FILE` without a broker: history in event time, as fast as it can be drawn.

The files that come of it are named in `guard.replay.recorder`. The same options write the same bytes: the history
begins on a fixed day unless told otherwise, and nothing of the machine or its clock goes into it.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from guard.commands.output import WRONG, CommandError
from guard.commands.simulate import SimulateOptions, read_scenarios, recording, staged
from guard.core.money import format_money
from guard.replay.cases.library import default_mix
from guard.replay.recorder import Recorder
from guard.replay.weeks import DAY_MS
from guard.replay.world import Script, World

HISTORY_ACCOUNTS = 200
TELL_EVERY_REPORTS = 20_000


def write_history(options: SimulateOptions, path: Path) -> None:
    """Draw the days and write them."""
    for option, given in (("--rate", options.rate), ("--seconds", options.seconds)):
        if given is not None:
            raise CommandError(f"{option}: only with --broker; history takes --days and --accounts", WRONG)
    accounts = options.accounts or HISTORY_ACCOUNTS
    scenarios = read_scenarios(options.scenarios) if options.scenarios else default_mix(accounts, options.seed)
    script = Script(
        seed=options.seed,
        accounts=accounts,
        scenarios=scenarios,
        start_ms=round(datetime.combine(options.start, datetime.min.time(), UTC).timestamp()) * 1_000,
        days=options.days,
        switch=options.switch,
        priced=options.priced,
    )
    world = staged(script)
    began = time.perf_counter()
    with recording(path) as recorder:
        _play(world, recorder, options.days)
        recorder.finish(world.cases, world.simulation.switch.truth, script.start_ms)
    _summary(world, recorder, time.perf_counter() - began, billing=options.billing)


def _play(world: World, recorder: Recorder, days: int) -> None:
    """Every event into the files, with a bar that shows how far it is."""
    start_ms = world.script.start_ms
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    with progress:
        task = progress.add_task("simulating", total=days * DAY_MS)
        began = time.perf_counter()
        for at_ms, switch, report in world.events(recorder.bills):
            recorder.report(switch, report)
            if recorder.count % TELL_EVERY_REPORTS == 0:
                _tell(progress, task, at_ms - start_ms, recorder.count / (time.perf_counter() - began))


def _tell(progress: Progress, task: TaskID, offset_ms: int, rate: float) -> None:
    day = offset_ms // DAY_MS + 1
    progress.update(task, completed=offset_ms, description=f"day {day}, {rate:,.0f} reports a second")


def _summary(world: World, recorder: Recorder, took_s: float, *, billing: bool) -> None:
    truth = world.simulation.switch.truth
    accounts = truth.accounts().values()
    frauds = {case.id for case in world.cases if case.fraud}
    lost = sum(part.spent_micros for (case, _), part in truth.cases().items() if case in frauds)
    sys.stdout.write(
        f"{recorder.count:,} reports of {sum(each.calls for each in accounts):,} calls in {took_s:.0f} s;"
        f" {len(frauds)} frauds worth {format_money(lost)}, {len(world.cases) - len(frauds)} surprises\n"
        f"{recorder.path}, {recorder.billing.name}, {recorder.labels.name}, {recorder.cases.name},"
        f" {recorder.tariff.name}, {recorder.plans.name}\n"
    )
    told = f" --billing {recorder.billing}" if billing else ""
    sys.stdout.write(f"next: guard backtest --reports {recorder.path}{told} --labels {recorder.labels} --out out\n")
