"""`guard backtest`: what guard would have done with calls that have been made. No daemon, no broker.

Files are read and sorted once; then guard, the what-ifs and the peers run over the same history, each in a process of
its own. Three files come of it: `decisions.ndjson` (every decision of the main run), `summary.json`, `report.html`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from guard.anomaly.refusal import ArtefactError
from guard.backtest.history import Sorter
from guard.backtest.inputs import Bill, Span, read_billing, read_labels
from guard.backtest.page import page
from guard.backtest.summary import Json, Read, summary
from guard.backtest.variants import Job, Outcome, Role, Variant, run_all
from guard.backtest.whatif import Setting, SettingError, read_setting, with_settings
from guard.commands.backtest_table import comparison_text
from guard.commands.configured import configuration
from guard.commands.histories import judge_lines, progress_bars, sorted_history
from guard.commands.output import FAILED, WRONG, CommandError
from guard.commands.records import map_of
from guard.config import Config, ConfigError
from guard.config.problems import RejectedError
from guard.config.rules import read_rules
from guard.config.values import duration_ms
from guard.core.engine import Engine
from guard.core.rules.rule import Rule
from guard.core.settings import ModelMode
from guard.models import lookout_of, model_mode, with_model
from guard.replay.reportfiles import FileError
from guard.replay.reportfiles import Tally as Lines
from guard.setup import rating_of, rules_of, scopes_of
from guard.shell.interpreter import settle_interpreter


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
    model: ModelMode | None = None
    """None: as configured, if the configuration names a model; else off."""


def backtest(options: BacktestOptions) -> None:
    """Read, run, tell."""
    settle_interpreter()
    config = configuration(options.config)
    config = with_model(config, _mode(options, config))
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
            history = sorted_history(sorter, options.reports, cdr_map)
            read = Read(
                history=history,
                reports=sorter.tally,
                billing=billing,
                bills=len(bills),
                spans=spans,
                release_after_ms=release_after_ms,
            )
            judge_lines(sorter.tally, "reports", "nothing was run")
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


# -- what is run


def _variants(options: BacktestOptions, config: Config) -> list[Variant]:
    """The main run first, then what-ifs, then peers."""
    try:
        rating_of(config)
        lookout_of(config)
        rules = rules_of(config)
        other = None if options.against is None else read_rules(options.against)
        settings = [read_setting(text) for text in options.settings]
        plain = Variant(name="guard", title="guard", role=Role.GUARD, config=config, rules=rules)
        main, sweeps = with_settings(plain, settings)
    except (ArtefactError, ConfigError, SettingError) as error:
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


def _mode(options: BacktestOptions, config: Config) -> ModelMode:
    return model_mode(config) if options.model is None else options.model


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
            make_lookout=lookout_of,
            decisions=options.out / "decisions.ndjson" if variant.role is Role.GUARD else None,
        )
        for variant in variants
    ]
    with progress_bars() as progress:
        tasks = [progress.add_task(variant.title, total=read.history.count) for variant in variants]

        def told(done: Sequence[int]) -> None:
            for task, count in zip(tasks, done, strict=True):
                progress.update(task, completed=count)

        return run_all(jobs, told)


# -- what is read


def _inputs(options: BacktestOptions) -> tuple[list[Bill], Lines, tuple[Span, ...]]:
    lines = Lines()
    bills = [] if options.billing is None else read_billing(options.billing, lines)
    judge_lines(lines, "billing messages", "nothing was run")
    spans = () if options.labels is None else read_labels(options.labels, options.cases)
    return bills, lines, spans


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
        f"{run['blocks']} blocks of {run['accounts_blocked']} accounts, {_rightly(told)}",
    ]
    if fraud["spans"]:
        lines.append(
            f"{fraud['caught']} of {fraud['spans']} frauds blocked; lost {fraud['loss_before']} before"
            f" and {fraud['loss_after']} after the block"
        )
    table = comparison_text(told["comparison"], currency)
    lines += ["", *table.splitlines(), ""] if table else []
    lines.append(f"{out / 'report.html'}, summary.json, decisions.ndjson")
    sys.stdout.write("\n".join(lines) + "\n")


def _rightly(told: Json) -> str:
    """How many of the blocked were innocent, where anybody has said who is."""
    if told["labels"]:
        return f"{told['guard']['false_accounts']} innocent by a rule"
    return "rightly or not (--labels tells)"
