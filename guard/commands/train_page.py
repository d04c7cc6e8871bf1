"""The report page of a training: one file, in the style of the backtest's, with everything in it.

How scores are distributed and where the mark lies, what the promises came to, what the model would have said about the
whole history and why, the features, and how far traffic has moved from the previous model's. All text that comes from
outside is escaped; accounts are named, numbers are never part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np
import numpy.typing as npt

from guard.anomaly.artefact import Artefact, Origin
from guard.anomaly.calibration import COARSEST, PER, Calibration, PromiseError
from guard.anomaly.drift import MUCH, SLIGHT, parts_in, stability
from guard.anomaly.explain import explanation
from guard.anomaly.features import FEATURE_NAMES, FEATURES
from guard.anomaly.measures import Measures
from guard.anomaly.samples import Samples
from guard.anomaly.training import Check, Trained, daily_highest, known_rows
from guard.backtest.charts import Bars, bars
from guard.backtest.pieces import counted, section, table
from guard.commands.train_card import likeness_in_words
from guard.wire.instants import format_instant

MOST_SCORE = 20
"""Scores from here on share a bar."""
MOST_FLAGGED = 40
"""Alarms that are told."""


def page(origin: Origin, trained: Trained, samples: Samples, previous: Artefact | None, promise: float) -> str:
    """The whole page."""
    style = resources.files("guard.share").joinpath("backtest.css").read_text(encoding="utf-8")
    alarms = _alarms(trained, samples, promise)
    parts = [
        _headline(origin, trained, samples, alarms, promise),
        section("Scores", _SCORES, _scores(trained, samples)),
        section("What was promised, and what came of it", _PROMISES, _promises(trained)),
        section("Likeness to fraud", _LIKENESS, _likeness(trained)),
        section("What it would have flagged", _FLAGGED.format(promise=promise), _flagged(trained, samples, alarms)),
        section("Features", _FEATURES, _features(trained, previous)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>guard train</title><style>{style}</style></head><body><main>"
        f"<h1>Model {escape(origin.name)}</h1>{''.join(parts)}</main></body></html>\n"
    )


_SCORES = (
    "The highest score of each account-day, in decades: each is ten times rarer than the one before. Days in doubt are"
    " those that were labelled fraud, blocked, or hit by a rule, and the day after; nothing was learned from them."
)
_PROMISES = (
    "False alarms per 1,000 account-days on accounts used neither to fit nor to calibrate. The interval (95 %) takes"
    " accounts for independent, and their days for as much alike as they are."
)
_LIKENESS = (
    "What was learned from labels, and how many labelled frauds the model would have spoken of while they went on, of"
    " accounts that it was neither fitted nor calibrated on."
)
_FLAGGED = (
    "With {promise:g} false alarms per 1,000 account-days promised, over the whole history, what was learned from too."
    " The first alarm of each account-day, the rarest first."
)
_FEATURES = (
    "What the forest sees. <b>Usual</b> is the median of good account-hours, <b>high</b> what one in a hundred exceeds."
    f" <b>Moved</b> compares with the previous model: up to {SLIGHT:g} nothing has changed, above {MUCH:g} much has."
)


def _headline(origin: Origin, trained: Trained, samples: Samples, alarms: npt.NDArray[np.bool_], promise: float) -> str:
    good, doubt = samples.good & alarms, ~samples.good & alarms
    first, last = escape(str(origin.trained["first"])), escape(str(origin.trained["last"]))
    learned = f"Learned from {counted(len(samples.names), 'account')}, {first} to {last}."
    spoken = (
        f"With {promise:g} false alarms per 1,000 account-days promised it would have spoken on"
        f" {counted(_days(samples, good), 'good account-day')} of {_days(samples, samples.good):,} and on"
        f" {_days(samples, doubt):,} of {counted(_days(samples, ~samples.good), 'account-day')} in doubt."
    )
    sentences = [learned, spoken]
    for calibration, whose in ((trained.model.known, "known for two weeks"), (trained.model.strangers, "less known")):
        try:
            calibration.mark(promise)
        except PromiseError as error:
            sentences.append(f"About accounts {whose}: {escape(str(error))}.")
    return f'<p class="lead">{" ".join(sentences)}</p>'


def _days(samples: Samples, chosen: npt.NDArray[np.bool_]) -> int:
    return len(np.unique(samples.days[chosen]))


def _alarms(trained: Trained, samples: Samples, promise: float) -> npt.NDArray[np.bool_]:
    """Rows above their mark; where the promise cannot be kept, above the finest that can."""
    known, strangers = _mark(trained.model.known, promise), _mark(trained.model.strangers, promise)
    marks = np.where(known_rows(samples), known, np.maximum(known, strangers))
    return np.asarray(trained.scores > marks)


def _mark(calibration: Calibration, promise: float) -> float:
    return calibration.mark(max(promise, calibration.finest)) if calibration.keeps(COARSEST) else np.inf


def _scores(trained: Trained, samples: Samples) -> str:
    stacks = []
    for name, chosen in (("good", samples.good), ("in doubt", ~samples.good)):
        highest = np.minimum(daily_highest(samples, trained.scores, chosen)[0], MOST_SCORE).astype(np.int64)
        stacks.append((name, np.bincount(highest, minlength=MOST_SCORE + 1)))
    labels = [str(score) if score < MOST_SCORE else f"{score}+" for score in range(MOST_SCORE + 1)]
    figures = []
    for name, counts in stacks:
        drawn = bars(f"Account-days by their highest score, {name}", labels, [Bars(name, counts.tolist())])
        figures.append(f"<figure>{drawn}<figcaption>{name}: {int(counts.sum()):,} account-days</figcaption></figure>")
    rows = [
        [
            f"{score} to {score + 1}" if score < MOST_SCORE else f"{score} and more",
            *(f"{n[score]:,}" for _, n in stacks),
        ]
        for score in range(MOST_SCORE + 1)
        if any(n[score] for _, n in stacks)
    ]
    return f'<div class="charts">{"".join(figures)}</div>' + table(["Score", "Good days", "Days in doubt"], rows)


def _promises(trained: Trained) -> str:
    names = ["Accounts", "Promised", "Mark", "Account-days", "Alarms", "Realised", "95 % interval"]
    rows = []
    for whose, calibration, checks in (
        ("known for two weeks", trained.model.known, trained.checks),
        ("others", trained.model.strangers, trained.stranger_checks),
    ):
        rows += [_promise(whose, calibration, check) for check in checks]
    if not rows:
        return "<p>The history is too small to promise anything.</p>"
    labels = [f"{check.promised:g}" for check in trained.checks]
    alarms = Bars("alarms", [check.alarms for check in trained.checks])
    allowed = Bars("allowed", [round(check.promised * check.days / PER) for check in trained.checks])
    figures = "".join(
        f"<figure>{bars(title, labels, [each])}<figcaption>{title}</figcaption></figure>"
        for title, each in (
            ("Alarms, by what was promised per 1,000 account-days", alarms),
            ("Alarms that the promise allows", allowed),
        )
    )
    return f'<div class="charts">{figures}</div>' + table(names, rows)


def _promise(whose: str, calibration: Calibration, check: Check) -> list[str]:
    return [
        whose,
        f"{check.promised:g}",
        f"{calibration.mark(check.promised):.2f}",
        f"{check.days:,}",
        f"{check.alarms:,}",
        f"{check.realised:.1f}",
        f"{check.low:.1f} to {check.high:.1f}",
    ]


def _likeness(trained: Trained) -> str:
    told = f"<p>This model: {escape(likeness_in_words(trained))}.</p>"
    rows = [[f"{each.promised:g}", f"{each.frauds:,}", f"{each.found:,}"] for each in trained.finds if each.frauds]
    return told + table(["Promised", "Labelled frauds", "Spoken of"], rows) if rows else told


def _flagged(trained: Trained, samples: Samples, alarms: npt.NDArray[np.bool_]) -> str:
    rows = _first_of_days(samples, np.flatnonzero(alarms))
    rows = rows[np.argsort(-trained.scores[rows], kind="stable")]
    if not len(rows):
        return "<p>Nothing.</p>"
    told = [_alarm(trained, samples, int(row)) for row in rows[:MOST_FLAGGED]]
    more = f"<p>And {len(rows) - MOST_FLAGGED:,} more.</p>" if len(rows) > MOST_FLAGGED else ""
    return table(["Account", "When", "Score", "Known good", "Why"], told, words={1, 3, 4}) + more


def _first_of_days(samples: Samples, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    _, first = np.unique(samples.days[rows], return_index=True)
    return rows[np.sort(first)]


def _alarm(trained: Trained, samples: Samples, row: int) -> list[str]:
    model = trained.model
    measures = Measures(*samples.measures[row].tolist())
    why = explanation(measures, model.cold, lambda columns: model.scores(model.features(columns), trained.walk).voices)
    return [
        escape(samples.names[int(samples.account[row])]),
        format_instant(int(samples.at_ms[row])),
        f"{trained.scores[row]:.1f}",
        "yes" if samples.good[row] else "no",
        escape(why.text),
    ]


def _features(trained: Trained, previous: Artefact | None) -> str:
    moved = None if previous is None else _moved(trained, previous)
    rows = []
    for place, feature in enumerate(FEATURES):
        row = [
            feature.name,
            escape(feature.meaning),
            escape(feature.unit),
            feature.kind.value,
            f"{trained.model.usual[place]:.2f}",
            f"{trained.model.spreads.high[feature.name]:.2f}",
        ]
        rows.append(row if moved is None else [*row, f"{moved[place]:.3f}"])
    names = ["Feature", "Meaning", "Unit", "Counts by", "Usual", "High"]
    drift = "" if moved is None else f"<p>{_drift_in_words(moved)}</p>"
    return drift + table(names if moved is None else [*names, "Moved"], rows, words={1, 2, 3})


def _moved(trained: Trained, previous: Artefact) -> tuple[float, ...]:
    now = parts_in(trained.features, previous.model.drift_bins)
    return stability(previous.model.drift_parts, now)


def _drift_in_words(moved: Sequence[float]) -> str:
    much = [name for name, index in zip(FEATURE_NAMES, moved, strict=True) if index > MUCH]
    if not much:
        return "Traffic is as it was when the previous model was trained, as far as these features can tell."
    return f"Since the previous model was trained, much has changed in: {', '.join(much)}."
