"""`guard train`: a model of what good accounts do, from history: report files, or the store of a daemon.

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

from guard.adapters.sqlite.past import past_of
from guard.anomaly.artefact import Artefact, Origin, Written, load, save
from guard.anomaly.calibration import PromiseError
from guard.anomaly.features import columns_of
from guard.anomaly.forest import graph_of
from guard.anomaly.model import WIDTH, Walkers
from guard.anomaly.refusal import ArtefactError
from guard.anomaly.runtime import Runtime
from guard.anomaly.samples import AFTER_HIT_MS, Collector, Doubt, Samples
from guard.anomaly.tracker import Tracker
from guard.anomaly.training import Check, Recipe, Trained, TrainingError
from guard.anomaly.training import train as fit
from guard.backtest.history import EARLIEST_MS, History, Sorter
from guard.backtest.inputs import Bill, Span, read_billing, read_labels
from guard.backtest.replay import Assumptions, Replay
from guard.backtest.tally import Tally
from guard.commands.backtest import make_engine
from guard.commands.configured import configuration
from guard.commands.histories import judge_lines, progress_bars, sorted_history
from guard.commands.output import FAILED, WRONG, CommandError
from guard.commands.records import map_of
from guard.commands.train_adopt import CURRENT, adopt, new_folder
from guard.commands.train_card import card, examples_of, likeness_in_words, trained_on
from guard.commands.train_page import page
from guard.commands.train_store import UNTOLD, accounts_of, take_calls
from guard.config import Config, ConfigError
from guard.core.anomaly import Finding
from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.settings import DAY_MS, ModelMode
from guard.ports import StoreError
from guard.replay.reportfiles import FileError
from guard.replay.reportfiles import Tally as Lines
from guard.setup import rules_of

REPORT = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What is to be learned from, and where to."""

    reports: Sequence[Path]
    store: Path | None
    """In place of reports: of a daemon, which may be running on it."""
    billing: Path | None
    labels: Path | None
    previous: Path | None
    seed: int
    record_format: str | None
    config: Path | None
    out: Path
    adopt: bool
    """Into a new folder of `out`; the link `out`/current points to it if the model passes its checks."""


def train(options: TrainOptions) -> None:
    """Read, play, fit, write, tell."""
    if bool(options.reports) == (options.store is not None):
        raise CommandError("what is to be learned from: either --reports FILE or --store FILE", WRONG)
    if options.store is not None and str(options.store).startswith("postgresql:"):
        raise CommandError("--store: a database is not learned from; give the file of a daemon, or --reports", WRONG)
    if options.store is not None and options.billing is not None:
        raise CommandError("--billing goes with --reports: a store knows its accounts", WRONG)
    config = configuration(options.config)
    try:
        previous = _previous(options)
        options.out.mkdir(parents=True, exist_ok=True)
        spans = () if options.labels is None else read_labels(options.labels)
        with Sorter(options.out) as sorter:
            told = _from_files(sorter, options, config) if options.store is None else _from_store(sorter, options.store)
            if not told.history.count:
                raise CommandError("there are no calls to learn from", WRONG)
            samples = _samples(config, told, spans)
        recipe = Recipe(seed=options.seed, promise=config.model.false_alarms_per_1000_account_days, untold=told.untold)
        trained = fit(samples, recipe, _say)
        out = new_folder(options.out, told.history.last_ms) if options.adopt else options.out
        _write(out, trained, samples, told.history, previous)
        if options.adopt:
            adopt(out, trained, previous)
    except (FileError, ArtefactError, TrainingError, ConfigError, StoreError) as error:
        raise CommandError(str(error), WRONG) from error
    except OSError as error:
        raise CommandError(f"{options.out}: {error.strerror or error}", FAILED) from error


def _previous(options: TrainOptions) -> Artefact | None:
    if options.previous is not None:
        return load(options.previous)
    current = options.out / CURRENT
    return load(current) if options.adopt and current.exists() else None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A history, and what else is known of it."""

    history: History
    bills: Sequence[Bill]
    doubts: Sequence[Doubt] = ()
    """By what was decided at the time."""
    untold: frozenset[str] = frozenset()
    """Features of which it knows nothing."""


def _from_files(sorter: Sorter, options: TrainOptions, config: Config) -> Told:
    cdr_map = map_of(config.cdr, options.record_format)
    lines = Lines()
    bills = [] if options.billing is None else read_billing(options.billing, lines)
    judge_lines(lines, "billing messages", "nothing was learned")
    history = sorted_history(sorter, options.reports, cdr_map)
    judge_lines(sorter.tally, "reports", "nothing was learned")
    return Told(history=history, bills=bills)


def _from_store(sorter: Sorter, store: Path) -> Told:
    with past_of(store) as past:
        take_calls(past, sorter)
        history, doubting = sorter.history(), _Doubting()
        for decision in past.decisions():
            doubting.take(decision)
        return Told(history=history, bills=accounts_of(past), doubts=doubting.doubts(history.last_ms), untold=UNTOLD)


def _samples(config: Config, told: Told, spans: Sequence[Span]) -> Samples:
    """Play the history through the engine; what rules or limits stop, now or then, is not known to be good."""
    config = replace(config, model=replace(config.model, mode=ModelMode.OFF))
    history = told.history
    start_ms = min([history.first_ms, *(bill.at_ms for bill in told.bills if bill.at_ms > EARLIEST_MS)])
    engine = make_engine(config, rules_of(config), start_ms)
    gatherer = _Gatherer()
    doubts = [Doubt(span.account, span.start_ms, span.end_ms, not span.fraud, span.fraud) for span in spans]
    doubting = _Doubting()
    placed = [Bill(max(start_ms, bill.at_ms), bill.message) for bill in told.bills]
    with progress_bars() as progress:
        task = progress.add_task("playing the history", total=history.count)
        done: Callable[[int], None] = lambda count: progress.update(task, completed=count)  # noqa: E731
        Replay(engine, history, placed, Tally(()), Assumptions(), doubting.take, lookout=gatherer).run(done)
    return gatherer.rows.samples([*doubts, *told.doubts, *doubting.doubts(history.last_ms)])


class _Doubting:
    """Gathers spans of which decisions say that they may not be good.

    What a model has merely said is not among them: a model that learns only from what its predecessor found ordinary
    finds ever less ordinary.
    """

    def __init__(self) -> None:
        self._doubts: list[Doubt] = []
        self._blocked: dict[str, int] = {}
        """Who is, and since when."""

    def take(self, decision: Decision) -> None:
        """A decision, in the order of their times."""
        account, at_ms = decision.account, decision.at_ms
        if decision.reason is Reason.RULE and decision.action in {Action.WARN, Action.BLOCK, Action.HELD}:
            self._doubts.append(Doubt(account, at_ms, at_ms + AFTER_HIT_MS))
        if decision.action is Action.BLOCK and decision.mode is Mode.ENFORCE:
            self._blocked.setdefault(account, at_ms)
        elif decision.action is Action.UNBLOCK and account in self._blocked:
            self._doubts.append(Doubt(account, self._blocked.pop(account), at_ms + DAY_MS))

    def doubts(self, last_ms: int) -> list[Doubt]:
        """All of them, of a history that ends then."""
        return self._doubts + [Doubt(account, since_ms, last_ms) for account, since_ms in self._blocked.items()]


# -- what comes of it


def _write(out: Path, trained: Trained, samples: Samples, history: History, previous: Artefact | None) -> None:
    graph = graph_of(trained.forest, WIDTH)
    likeness = None if trained.likeness is None else graph_of(trained.likeness, WIDTH)
    walk = Walkers(Runtime(graph, WIDTH), None if likeness is None else Runtime(likeness, WIDTH))
    examples = examples_of(samples, trained)
    scores = trained.model.scores(trained.model.features(columns_of(examples)), walk).total
    origin = Origin(name=out.resolve().name, trained=trained_on(samples, trained, history.first_ms, history.last_ms))
    promise = trained.recipe.promise
    written = Written(
        graph=graph,
        likeness=likeness,
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
    lines = [learned, likeness_in_words(trained), *map(_in_words, trained.checks)]
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
