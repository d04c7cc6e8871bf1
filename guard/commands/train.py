"""`guard train`: a model of what good accounts do, from history. No daemon, no broker.

The history is played through the daemon's own engine, as in a backtest, with the model off and the rules as
configured: what the engine observes is what the model will see live. What was labelled fraud, blocked, or hit by a
rule is not learned from. Then the model is fitted, calibrated, checked on what it has not seen, and written with a
report.

scikit-learn is imported here and nowhere else, when the fitting begins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guard.anomaly.artefact import Artefact, ArtefactError, Origin, Written, load, save
from guard.anomaly.calibration import PromiseError
from guard.anomaly.features import columns_of
from guard.anomaly.forest import graph_of
from guard.anomaly.model import WIDTH
from guard.anomaly.runtime import Runtime
from guard.anomaly.samples import AFTER_HIT_MS, Collector, Doubt, Samples
from guard.anomaly.tracker import Tracker
from guard.anomaly.training import Check, Recipe, Trained, TrainingError
from guard.anomaly.training import train as fit
from guard.backtest.history import EARLIEST_MS, History, Sorter
from guard.backtest.inputs import Bill, Span, read_billing, read_labels
from guard.backtest.replay import Assumptions, Replay
from guard.backtest.tally import BY_RULE, Tally
from guard.commands.backtest import make_engine
from guard.commands.configured import configuration
from guard.commands.histories import judge_lines, progress_bars, sorted_history
from guard.commands.output import FAILED, WRONG, CommandError
from guard.commands.records import map_of
from guard.commands.train_card import card, examples_of, trained_on
from guard.commands.train_page import page
from guard.config import Config, ConfigError
from guard.core.anomaly import Finding
from guard.core.decisions import Action, Decision, Mode
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.settings import DAY_MS, ModelMode
from guard.replay.reportfiles import FileError
from guard.replay.reportfiles import Tally as Lines
from guard.setup import rules_of

REPORT = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What is to be learned from, and where to."""

    reports: Sequence[Path]
    billing: Path | None
    labels: Path | None
    previous: Path | None
    seed: int
    record_format: str | None
    config: Path | None
    out: Path


def train(options: TrainOptions) -> None:
    """Read, play, fit, write, tell."""
    config = configuration(options.config)
    cdr_map = map_of(config.cdr, options.record_format)
    try:
        previous = None if options.previous is None else load(options.previous)
        options.out.mkdir(parents=True, exist_ok=True)
        lines = Lines()
        bills = [] if options.billing is None else read_billing(options.billing, lines)
        judge_lines(lines, "billing messages", "nothing was learned")
        spans = () if options.labels is None else read_labels(options.labels)
        with Sorter(options.out) as sorter:
            history = sorted_history(sorter, options.reports, cdr_map)
            judge_lines(sorter.tally, "reports", "nothing was learned")
            if not history.count:
                raise CommandError("there are no reports in these files", WRONG)
            samples = _samples(config, history, bills, spans)
        trained = fit(samples, Recipe(seed=options.seed), _say)
        _write(options.out, trained, samples, history, previous, config)
    except (FileError, ArtefactError, TrainingError, ConfigError) as error:
        raise CommandError(str(error), WRONG) from error
    except OSError as error:
        raise CommandError(f"{options.out}: {error.strerror or error}", FAILED) from error


# -- what is learned from


class _Gatherer:
    """In place of a model: looks when a model would, keeps what it sees, and finds nothing."""

    def __init__(self) -> None:
        self._tracker = Tracker()
        self.rows = Collector()

    @property
    def next_due_ms(self) -> int | None:
        return self._tracker.next_due_ms

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        self._tracker.take(seen, profile, up)

    def look(self, now_ms: int) -> Sequence[Finding]:
        self.rows.take(self._tracker.due(now_ms))
        return ()


def _samples(config: Config, history: History, bills: Sequence[Bill], spans: Sequence[Span]) -> Samples:
    """Play the history through the engine; what its rules or limits stop is not known to be good."""
    config = replace(config, model=replace(config.model, mode=ModelMode.OFF))
    start_ms = min([history.first_ms, *(bill.at_ms for bill in bills if bill.at_ms > EARLIEST_MS)])
    engine = make_engine(config, rules_of(config), start_ms)
    gatherer = _Gatherer()
    doubts = [Doubt(span.account, span.start_ms, span.end_ms, not span.fraud) for span in spans]
    blocked: dict[str, int] = {}

    def decided(decision: Decision) -> None:
        doubts.extend(_doubts(decision, blocked))

    placed = [Bill(max(start_ms, bill.at_ms), bill.message) for bill in bills]
    with progress_bars() as progress:
        task = progress.add_task("playing the history", total=history.count)
        told: Callable[[int], None] = lambda done: progress.update(task, completed=done)  # noqa: E731
        Replay(engine, history, placed, Tally(()), Assumptions(), decided, lookout=gatherer).run(told)
    doubts += [Doubt(account, since_ms, history.last_ms) for account, since_ms in blocked.items()]
    return gatherer.rows.samples(doubts)


def _doubts(decision: Decision, blocked: dict[str, int]) -> list[Doubt]:
    """Spans of which a decision says that they may not be good; `blocked` holds who is, and since when."""
    account, at_ms = decision.account, decision.at_ms
    doubts = []
    if decision.reason in BY_RULE and decision.action in {Action.WARN, Action.BLOCK, Action.HELD}:
        doubts.append(Doubt(account, at_ms, at_ms + AFTER_HIT_MS))
    if decision.action is Action.BLOCK and decision.mode is Mode.ENFORCE:
        blocked.setdefault(account, at_ms)
    elif decision.action is Action.UNBLOCK and account in blocked:
        doubts.append(Doubt(account, blocked.pop(account), at_ms + DAY_MS))
    return doubts


# -- what comes of it


def _write(
    out: Path, trained: Trained, samples: Samples, history: History, previous: Artefact | None, config: Config
) -> None:
    graph = graph_of(trained.forest, WIDTH)
    runtime = Runtime(graph, WIDTH)
    examples = examples_of(samples, trained)
    scores = trained.model.scores(trained.model.features(columns_of(examples)), runtime).total
    origin = Origin(name=out.resolve().name, trained=trained_on(samples, trained, history.first_ms, history.last_ms))
    promise = config.model.false_alarms_per_1000_account_days
    written = Written(
        graph=graph,
        card=card(origin, trained, promise),
        examples=examples.tolist(),
        scores=scores.tolist(),
    )
    digest = save(out, trained.model, origin, written)
    load(out)  # what has been written must load
    (out / REPORT).write_text(page(origin, trained, samples, previous, promise), encoding="utf-8")
    _tell(out, digest, trained, promise)


def _tell(out: Path, digest: str, trained: Trained, promise: float) -> None:
    known, strangers = trained.model.known, trained.model.strangers
    learned = (
        f"learned from {trained.fitted_rows:,} account-hours; calibrated on {known.days:,} account-days of accounts"
        f" known for two weeks and {strangers.days:,} of others"
    )
    lines = [learned, *map(_in_words, trained.checks)]
    for calibration, whose in ((known, "accounts known for two weeks"), (strangers, "other accounts")):
        try:
            calibration.mark(promise)
        except PromiseError as error:
            lines.append(f"with this history, about {whose}: {error}")
    lines.append(f"{out}: model {digest[:12]}, {REPORT}")
    sys.stdout.write("\n".join(lines) + "\n")


def _in_words(check: Check) -> str:
    return (
        f"promised {check.promised:g} false alarms per 1,000 account-days: {check.alarms} in {check.days:,} unseen,"
        f" {check.realised:.1f} (95 %: {check.low:.1f} to {check.high:.1f})"
    )


def _say(step: str) -> None:
    sys.stderr.write(f"fitting: {step}\n")
