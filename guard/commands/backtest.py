"""`guard backtest`: what guard would have done with calls that have been made. No daemon, no broker.

Files are read and sorted once; then guard, the what-ifs and the peers run over the same history, each in a process of
its own. Three files come of it: `decisions.ndjson` (every decision of the main run), `summary.json`, `report.html`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from guard.app import rating_of, rules_of, scopes_of
from guard.backtest.history import History, Sorter
from guard.backtest.inputs import Bill, Span, read_billing, read_labels
from guard.backtest.page import page
from guard.backtest.summary import Json, Read, summary
from guard.backtest.variants import Job, Outcome, Role, Variant, run_all
from guard.backtest.whatif import Setting, SettingError, read_setting, with_settings
from guard.commands.configured import configuration
from guard.commands.output import FAILED, WRONG, CommandError, say
from guard.config import CdrSection, Config, ConfigError
from guard.config.problems import RejectedError
from guard.config.rules import read_rules
from guard.config.values import duration_ms
from guard.core.engine import Engine
from guard.core.rules.rule import Rule
from guard.replay.cdr import ASTERISK, CONTRACT, FREESWITCH, CdrMap
from guard.replay.reportfiles import MAX_BAD_PERCENT, FileError
from guard.replay.reportfiles import Tally as Lines
from guard.shell.interpreter import settle_interpreter

READY_MAPS = {"contract": CONTRACT, "asterisk": ASTERISK, "freeswitch": FREESWITCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What is to be run over what."""

    reports: Sequence[Path]
    billing: Path | None
    labels: Path | None
    cases: Path | None
    config: Path | None
    out: Path
    release_after: str
    record_format: str | None
    """None: the map of the configuration, if it has one, else the contract's."""
    settings: Sequence[str]
    against: Path | None
    peers: bool


def backtest(options: BacktestOptions) -> None:
    """Read, run, tell."""
    config = configuration(options.config)
    variants = _variants(options, config)
    cdr_map = map_of(config.cdr, options.record_format)
    try:
        release_after_ms = duration_ms(options.release_after)
    except RejectedError as error:
        raise CommandError(f"--release-after: {error.found}; accepted: {error.accepted}", WRONG) from error
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        with Sorter(options.out) as sorter:
            bills, billing, spans = _inputs(options)
            history = _sorted(sorter, options.reports, cdr_map)
            read = Read(
                history=history,
                reports=sorter.tally,
                billing=billing,
                bills=len(bills),
                spans=spans,
                release_after_ms=release_after_ms,
            )
            _judge_lines(sorter.tally, "reports")
            if not history.count:
                raise CommandError("there are no reports in these files", WRONG)
            outcomes = _run(options, variants, read, tuple(bills))
        told = summary(read, outcomes)
        _write(options.out, told, outcomes[0])
    except FileError as error:
        raise CommandError(str(error), WRONG) from error
    except OSError as error:
        raise CommandError(f"{options.out}: {error.strerror or error}", FAILED) from error
    _tell(told, options.out)


def make_engine(config: Config, rules: tuple[Rule, ...], now_ms: int) -> Engine:
    """The engine of the daemon, as it would have begun at a time."""
    settle_interpreter()
    rating = rating_of(config)
    return Engine(config.settings(), scopes_of(config, rating), now_ms, rating=rating, rules=rules)


def map_of(section: CdrSection, wanted: str | None) -> CdrMap:
    """Where call records say what: the ready map that is asked for, else the configuration's, else the contract's."""
    if wanted is None and section.columns:
        return CdrMap(
            columns=section.columns, header=section.header, delimiter=section.delimiter, timezone=section.timezone
        )
    ready = READY_MAPS[wanted or "contract"]
    return replace(ready, timezone=section.timezone) if ready.foreign else ready


# -- what is run


def _variants(options: BacktestOptions, config: Config) -> list[Variant]:
    """The main run first, then what-ifs, then peers."""
    try:
        rating_of(config)
        rules = rules_of(config)
        other = None if options.against is None else read_rules(options.against)
        settings = [read_setting(text) for text in options.settings]
        plain = Variant(name="guard", title="guard", role=Role.GUARD, config=config, rules=rules)
        main, sweeps = with_settings(plain, settings)
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error
    except SettingError as error:
        raise CommandError(str(error), WRONG) from error
    variants = [main]
    if main is not plain:
        changes = ", ".join(f"{each.knob} = {each.values[0]}" for each in _single(settings))
        variants = [
            replace(main, title=f"guard with {changes}"),
            replace(plain, name="as-configured", title="guard as configured", role=Role.WHAT_IF),
        ]
    variants += sweeps
    if other is not None:
        title = f"guard with the rules of {options.against}"
        variants.append(replace(main, name="against", title=title, role=Role.WHAT_IF, rules=other))
    return variants + (_peers(main) if options.peers else [])


def _single(settings: Iterable[Setting]) -> Iterator[Setting]:
    return (setting for setting in settings if len(setting.values) == 1)


def _peers(main: Variant) -> list[Variant]:
    peer = replace(main, role=Role.PEER, rules=())
    return [
        replace(peer, name="limit-in-flight", title="Limit, with calls in flight"),
        replace(peer, name="limit-at-hang-up", title="Limit at hang-up", at_hang_up=True),
        replace(peer, name="counters", title="Counters (OpenSIPS fraud_detection)", counters=True),
    ]


def _run(options: BacktestOptions, variants: Sequence[Variant], read: Read, bills: tuple[Bill, ...]) -> list[Outcome]:
    jobs = [
        Job(
            variant=variant,
            history=read.history,
            bills=bills,
            spans=read.spans,
            release_after_ms=read.release_after_ms,
            make_engine=make_engine,
            decisions=options.out / "decisions.ndjson" if variant.role is Role.GUARD else None,
        )
        for variant in variants
    ]
    with _progress() as progress:
        tasks = [progress.add_task(variant.title, total=read.history.count) for variant in variants]

        def told(done: Sequence[int]) -> None:
            for task, count in zip(tasks, done, strict=True):
                progress.update(task, completed=count)

        return run_all(jobs, told)


# -- what is read


def _inputs(options: BacktestOptions) -> tuple[list[Bill], Lines, tuple[Span, ...]]:
    lines = Lines()
    bills = [] if options.billing is None else read_billing(options.billing, lines)
    _judge_lines(lines, "billing messages")
    spans = () if options.labels is None else read_labels(options.labels, options.cases)
    return bills, lines, spans


def _sorted(sorter: Sorter, files: Sequence[Path], cdr_map: CdrMap) -> History:
    with _progress() as progress:
        for file in files:
            task = progress.add_task(f"reading {file.name}", total=file.stat().st_size if file.is_file() else None)
            already = sorter.tally.reports

            def told(tally: Lines, task: TaskID = task, already: int = already) -> None:
                progress.update(task, completed=tally.bytes_read(), reports=tally.reports - already)

            sorter.add(file, cdr_map, told)
            progress.update(task, completed=file.stat().st_size, reports=sorter.tally.reports - already)
        return sorter.history()


def _judge_lines(lines: Lines, what: str) -> None:
    """Tell the bad lines; too many of them stop everything (contract 3)."""
    for problem in lines.problems:
        say(problem)
    if lines.bad > len(lines.problems):
        say(f"and {lines.bad - len(lines.problems)} more bad lines")
    if lines.too_bad:
        raise CommandError(
            f"{lines.bad} of {lines.lines} lines of {what} are bad, more than {MAX_BAD_PERCENT} %: nothing was run",
            WRONG,
        )


# -- what is told


def _write(out: Path, told: Json, main: Outcome) -> None:
    (out / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    (out / "report.html").write_text(page(told, main.tally), encoding="utf-8")


def _tell(told: Json, out: Path) -> None:
    run, history = told["guard"], told["history"]
    fraud, currency = run["fraud"], history["currency"]
    lines = [
        f"{history['reports']:,} reports of {history['accounts']:,} accounts over {history['days']} days",
        f"owed {run['owed']}, prevented {run['prevented']} {currency}".rstrip(),
        f"{run['blocks']} blocks of {run['accounts_blocked']} accounts, {run['false_accounts']} innocent by a rule",
    ]
    if fraud["spans"]:
        lines.append(
            f"{fraud['caught']} of {fraud['spans']} frauds blocked; lost {fraud['loss_before']} before"
            f" and {fraud['loss_after']} after the block"
        )
    lines.append(f"{out / 'report.html'}, summary.json, decisions.ndjson")
    sys.stdout.write("\n".join(lines) + "\n")


class _Rate(ProgressColumn):
    """Reports a second."""

    def render(self, task: Task) -> Text:
        """The present speed, as soon as there is one."""
        reports = task.fields.get("reports", task.completed)
        return Text(f"{reports / task.elapsed:,.0f}/s" if task.elapsed and reports else "")


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        yield progress
