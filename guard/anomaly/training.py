"""Training: from the rows of a history to a model and what can be said about it. The same input, the same model.

    accounts in three parts, by a hash of their names; the span in two, at `FIT_UNTIL` of it
    fit        part 1, first span     cold start, spreads, forest, rarities
    likeness   part 1, whole span     good hours, against labelled ones of parts 1 and 2, if enough accounts have any
    calibrate  part 2, whole span     highest score of each good account-day -> the marks
    check      part 3, whole span     what the promise comes to on accounts that nobody has seen, and how many labelled
                                      frauds among them would have been spoken of

Accounts known for less than two weeks are calibrated and checked apart, because to somebody unknown much is new. Days
of the second span are part of what is calibrated, so that a model that ages badly gets marks that allow for it. Only
rows that are known to be good are used. The forest is grown on at most so many rows of one account, so that who calls
most does not say what is ordinary. scikit-learn grows all trees and is needed nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from guard.anomaly.calibration import PER, Accounts, Calibration, calibrate, interval
from guard.anomaly.drift import bins_of
from guard.anomaly.features import USUALS, YOUNG_DAYS, ColdStart, Column, columns_of, features
from guard.anomaly.forest import Forest, floor32, mean_path
from guard.anomaly.likeness import FEWEST_FRAUDS, Hours, likeness_of
from guard.anomaly.measures import NAMES
from guard.anomaly.model import Model, Walkers, isolation, usual_features
from guard.anomaly.parts import Rarity, as_rare_as, rarity_of, spreads_of
from guard.anomaly.samples import Samples
from guard.core.rules.rule import LEARNING_DAYS
from guard.core.settings import DAY_MS

FIT_UNTIL = 0.6
FIT_PART, CALIBRATE_PART = 30, 85
"""Per cent of the accounts: below the first they are fitted on, below the second calibrated on, which takes most."""
ROWS_OF_ONE = 200
"""Of one account that the forest is grown on."""
KNOWN_DAYS = 7
"""Rows of accounts known for less are fitted on only if there are too few others."""
FEWEST_ROWS = 1_000
COLD_QUANTILE = 0.9
"""Of what unknown accounts do: so much of it is taken for usual."""


class TrainingError(ValueError):
    """The history does not suffice; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train."""

    seed: int = 1
    trees: int = 100
    samples: int = 256
    """Rows that each tree is grown on."""
    promise: float = 5.0
    """False alarms per 1,000 account-days that it is to work with; checked beside the usual ones."""
    untold: frozenset[str] = frozenset()
    """Features of which the history tells nothing: they count for nothing, whatever is seen live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the promise came to on accounts and days that were used for nothing else."""

    promised: float
    """False alarms per 1,000 account-days."""
    days: int
    alarms: int
    low: float
    high: float
    """95 % interval of the rate per 1,000 account-days, accounts being clusters of days."""

    @property
    def realised(self) -> float:
        """False alarms per 1,000 account-days."""
        return PER * self.alarms / self.days if self.days else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """How many accounts with a labelled fraud would have been spoken of while it went on."""

    promised: float
    frauds: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model with its forest, and what was seen on the way."""

    model: Model
    forest: Forest
    likeness: Forest | None
    """None: too few accounts are labelled fraud."""
    labelled: int
    """Accounts of which hours labelled fraud were learned from, or would have been."""
    recipe: Recipe
    fitted_rows: int
    checks: tuple[Check, ...]
    """Of accounts that are well known."""
    stranger_checks: tuple[Check, ...]
    """Of accounts known for less than two weeks."""
    finds: tuple[Find, ...]
    """Of labelled frauds of accounts that nobody had seen."""
    scores: Column
    """Of all rows of the history."""
    features: Column
    """Of the rows that were fitted on."""

    @property
    def walk(self) -> Walkers:
        """Its trees, by numpy."""
        return Walkers(self.forest.rows, None if self.likeness is None else self.likeness.rows)


def train(samples: Samples, recipe: Recipe, told: Callable[[str], None] = lambda _step: None) -> Trained:
    """Fit, calibrate, check."""
    part = _parts(samples)
    split_ms = _split_ms(samples)
    early = samples.at_ms < split_ms
    told("what is usual")
    cold = cold_start(samples.where(samples.good & early & (part < FIT_PART)))
    fitted = features(columns_of(_fit_rows(samples, part, early, recipe.seed)), cold)
    told("the forest")
    forest = grow(fitted, recipe)
    model = _fit(fitted, forest, cold, recipe.untold)
    told("likeness to fraud")
    labelled, trees, likeness_rarity = _likeness(samples, part, model, forest, recipe)
    model = replace(model, likeness_rarity=likeness_rarity)
    told("scores")
    scores = scores_of(samples, model, Walkers(forest.rows, None if trees is None else trees.rows))
    told("calibration")
    marked = samples.good & (part >= FIT_PART) & (part < CALIBRATE_PART)
    unseen = samples.good & (part >= CALIBRATE_PART)
    groups = (known_rows(samples), ~known_rows(samples))
    known, strangers = (calibrate(*daily_highest(samples, scores, marked & of)) for of in groups)
    if not known.days and not strangers.days:
        raise TrainingError("no good account-days are left for the calibration: more accounts or a longer history")
    promises = sorted({*PROMISES, recipe.promise})
    checks = [
        tuple(check_of(calibration, promised, *daily_highest(samples, scores, unseen & of)) for promised in promises)
        for calibration, of in zip((known, strangers), groups, strict=True)
    ]
    model = replace(model, known=known, strangers=strangers)
    frauds = samples.fraud & (part >= CALIBRATE_PART)
    return Trained(
        model=model,
        forest=forest,
        likeness=trees,
        labelled=labelled,
        recipe=recipe,
        fitted_rows=len(fitted),
        checks=tuple(check for check in checks[0] if check is not None),
        stranger_checks=tuple(check for check in checks[1] if check is not None),
        finds=tuple(_find(samples, scores, model, frauds, promised) for promised in promises if known.keeps(promised)),
        scores=scores,
        features=fitted,
    )


# -- the parts of the history


def _parts(samples: Samples) -> npt.NDArray[np.int64]:
    """Of each row: the hundredth of all accounts that its account falls into."""
    hundredths = [int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % 100 for name in samples.names]
    return np.array(hundredths, dtype=np.int64)[samples.account]


def _split_ms(samples: Samples) -> int:
    if not len(samples):
        raise TrainingError("the history has no calls that accounts would pay for")
    first, last = int(samples.at_ms[0]), int(samples.at_ms[-1])
    if last - first < 2 * DAY_MS:
        raise TrainingError("the history is shorter than two days: what is usual cannot be learned from it")
    return int(first + (last - first) * FIT_UNTIL)


def cold_start(good: Samples) -> ColdStart:
    """What accounts do that nobody knows yet: young ones, and old ones."""
    columns = columns_of(good.measures.astype(np.float64))
    unknown = columns["known_days"] < LEARNING_DAYS
    young = columns["age_days"] < YOUNG_DAYS

    def usual(of: npt.NDArray[np.bool_]) -> dict[str, float]:
        chosen = unknown & of if (unknown & of).sum() >= FEWEST_ROWS else unknown
        if not chosen.any():
            chosen = np.ones(len(unknown), dtype=np.bool_)
        return {
            name: _usual(good, columns[done], chosen, of_days=name != "usual_hour") for name, done in USUALS.items()
        }

    return ColdStart(young=usual(young), old=usual(~young))


def _usual(good: Samples, done: Column, chosen: npt.NDArray[np.bool_], *, of_days: bool) -> float:
    """What nine of ten hours come to at most; of what is a highest of the day, nine of ten days."""
    values = daily_highest(good, done, chosen)[0] if of_days else done[chosen]
    return float(np.quantile(values, COLD_QUANTILE)) if len(values) else 0.0


def _fit_rows(
    samples: Samples, part: npt.NDArray[np.int64], early: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.float64]:
    """Rows to fit on: good, early, of the first part of the accounts, not too many of one."""
    columns = columns_of(samples.measures.astype(np.float64))
    mine = samples.good & early & (part < FIT_PART)
    known = mine & (columns["known_days"] >= KNOWN_DAYS)
    chosen = known if known.sum() >= FEWEST_ROWS else mine
    if chosen.sum() < FEWEST_ROWS:
        raise TrainingError(
            f"{int(chosen.sum())} good rows to learn from, at least {FEWEST_ROWS}: more accounts or a longer history"
        )
    return samples.measures[_not_too_many(samples, chosen, np.random.default_rng(seed))].astype(np.float64)


def _not_too_many(samples: Samples, chosen: npt.NDArray[np.bool_], draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Places of the chosen rows, at most `ROWS_OF_ONE` of an account, which are drawn."""
    kept: list[npt.NDArray[np.int64]] = []
    for account in np.unique(samples.account[chosen]):
        rows = np.flatnonzero(chosen & (samples.account == account))
        if len(rows) > ROWS_OF_ONE:
            rows = np.sort(draw.choice(rows, ROWS_OF_ONE, replace=False))
        kept.append(rows)
    return np.concatenate(kept)


# -- what is fitted


def grow(rows: Column, recipe: Recipe) -> Forest:
    """An isolation forest on rows of features."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - a second to import, and needed nowhere else

    count = min(recipe.samples, len(rows))
    grown = IsolationForest(n_estimators=recipe.trees, max_samples=count, random_state=recipe.seed, n_jobs=1)
    grown.fit(rows.astype(np.float32))
    return flattened(grown)


def flattened(grown: object) -> Forest:
    """scikit-learn's trees, one after the other, each leaf with its whole path length."""
    feature, threshold, left, right, length, roots = [], [], [], [], [], []
    begin = 0
    estimators = grown.estimators_  # type: ignore[attr-defined] # scikit-learn has no types
    for estimator, columns in zip(estimators, grown.estimators_features_, strict=True):  # type: ignore[attr-defined]
        tree = estimator.tree_
        inner = tree.children_left >= 0
        roots.append(begin)
        feature.append(np.where(inner, columns[np.maximum(tree.feature, 0)], -1))
        threshold.append(floor32(np.where(inner, tree.threshold, 0.0)))
        left.append(np.where(inner, tree.children_left + begin, -1))
        right.append(np.where(inner, tree.children_right + begin, -1))
        length.append(_lengths(tree.children_left, tree.children_right, tree.n_node_samples))
        begin += tree.node_count
    return Forest(
        feature=np.concatenate(feature).astype(np.int64),
        threshold=np.concatenate(threshold),
        left=np.concatenate(left).astype(np.int64),
        right=np.concatenate(right).astype(np.int64),
        length=np.concatenate(length).astype(np.float32),
        roots=np.array(roots, dtype=np.int64),
        samples=int(grown.max_samples_),  # type: ignore[attr-defined]
    )


def _lengths(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Column:
    """Path length at each node: its depth and the mean length of what was not split further."""
    depth = np.zeros(len(left))
    for node in range(len(left)):  # a parent comes before its children
        if left[node] >= 0:
            depth[left[node]] = depth[right[node]] = depth[node] + 1
    return np.asarray(depth + np.array([mean_path(int(count)) for count in rows]))


def _fit(fitted: Column, forest: Forest, cold: ColdStart, untold: frozenset[str]) -> Model:
    spreads = spreads_of(fitted, untold)
    lengths = forest.rows(fitted)
    edges, parts = bins_of(fitted, untold)
    return Model(
        cold=cold,
        usual=usual_features(fitted),
        unit=forest.unit,
        spreads=spreads,
        forest_rarity=rarity_of(isolation(lengths, forest.unit)),
        novelty_rarity=rarity_of(spreads.novelty(fitted)),
        magnitude_rarity=rarity_of(spreads.magnitude(fitted)),
        known=Calibration(0, 0),
        strangers=Calibration(0, 0),
        drift_bins=edges,
        drift_parts=parts,
    )


def _likeness(
    samples: Samples, part: npt.NDArray[np.int64], model: Model, forest: Forest, recipe: Recipe
) -> tuple[int, Forest | None, Rarity | None]:
    """How many accounts are labelled, and what was learned of that; None: they are too few."""
    known = samples.measures[:, NAMES.index("known_days")] >= KNOWN_DAYS
    good = samples.good & known & (part < FIT_PART)
    fraud = samples.fraud & (part < CALIBRATE_PART)
    labelled = len(np.unique(samples.account[fraud]))
    if labelled < FEWEST_FRAUDS or not good.any():
        return labelled, None, None
    draw = np.random.default_rng(recipe.seed)

    def hours(chosen: npt.NDArray[np.bool_]) -> Hours:
        rows = _not_too_many(samples, chosen, draw)
        measures = samples.measures[rows].astype(np.float64)
        return Hours(rows=model.features(columns_of(measures)), accounts=samples.account[rows])

    ordinary = hours(good)
    grown = likeness_of(ordinary, hours(fraud), recipe.seed)
    sums = model.scores(ordinary.rows, Walkers(forest.rows)).total
    return labelled, grown.trees, as_rare_as(grown.good, sums)


def scores_of(samples: Samples, model: Model, walk: Walkers) -> Column:
    """Scores of all rows, some thousands at a time."""
    chunks = [samples.measures[begin : begin + 4_096] for begin in range(0, len(samples), 4_096)]
    scored = [model.scores(model.features(columns_of(chunk.astype(np.float64))), walk).total for chunk in chunks]
    return np.concatenate(scored) if scored else np.zeros(0)


# -- calibration and check


def known_rows(samples: Samples) -> npt.NDArray[np.bool_]:
    """Rows of accounts that are well known."""
    return np.asarray(samples.measures[:, NAMES.index("known_days")] >= LEARNING_DAYS)


def daily_highest(samples: Samples, scores: Column, chosen: npt.NDArray[np.bool_]) -> tuple[Column, Accounts]:
    """The highest score of each account-day among some of the rows, and whose day it is."""
    days = samples.days[chosen]
    if not len(days):
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    order = np.argsort(days, kind="stable")
    starts = np.flatnonzero(np.diff(days[order], prepend=-1))
    return np.asarray(np.maximum.reduceat(scores[chosen][order], starts)), samples.account[chosen][order][starts]


def _find(samples: Samples, scores: Column, model: Model, frauds: npt.NDArray[np.bool_], promised: float) -> Find:
    """What of the labelled hours is above the marks; where nothing can be promised of newer accounts, nothing is."""
    mark = model.known.mark(promised)
    strangers = max(mark, model.strangers.mark(promised)) if model.strangers.keeps(promised) else np.inf
    found = frauds & (scores > np.where(known_rows(samples), mark, strangers))
    accounts = samples.account
    return Find(promised=promised, frauds=len(np.unique(accounts[frauds])), found=len(np.unique(accounts[found])))


PROMISES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""False alarms per 1,000 account-days that a report speaks of."""


def check_of(calibration: Calibration, promised: float, highest: Column, accounts: Accounts) -> Check | None:
    """What a promise comes to; None: it cannot be made."""
    if not calibration.keeps(promised):
        return None
    alarmed = highest > calibration.mark(promised)
    low, high = interval(alarmed, accounts) if len(alarmed) else (0.0, float(PER))
    return Check(promised=promised, days=len(alarmed), alarms=int(alarmed.sum()), low=low, high=high)
