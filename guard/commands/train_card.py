"""The card of a model, for people: what it learned from, what it promises, what it is and is not good for.

Also what the manifest says about the training, and the rows whose scores a model must come to wherever it is loaded.
Nothing here depends on the day or the machine: the same training gives the same bytes.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.anomaly.artefact import Origin
from guard.anomaly.calibration import COARSEST, CONFIDENCE, RESERVE, Calibration
from guard.anomaly.features import FEATURES, VERSION
from guard.anomaly.likeness import FEWEST_FRAUDS, TREES
from guard.anomaly.samples import Samples
from guard.anomaly.training import CALIBRATE_PART, FIT_PART, FIT_UNTIL, Check, Trained
from guard.wire.instants import format_instant

EXAMPLES = 24
"""Rows of the history, from the most ordinary to the rarest, whose scores are kept."""
_EXTREME = 1e9
"""And one row in which everything is as large as this: it must neither fail nor be ordinary."""


def examples_of(samples: Samples, trained: Trained) -> npt.NDArray[np.float64]:
    """Rows to try a loaded model on."""
    order = np.argsort(trained.scores, kind="stable")
    places = order[np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).astype(np.int64)]
    rows = samples.measures[places].astype(np.float64)
    return np.vstack([rows, np.full((1, rows.shape[1]), _EXTREME), np.zeros((1, rows.shape[1]))])


def trained_on(samples: Samples, trained: Trained, first_ms: int, last_ms: int) -> dict[str, Any]:
    """For the manifest: where the model comes from and how its promises were kept."""
    return {
        "first": format_instant(first_ms),
        "last": format_instant(last_ms),
        "accounts": len(samples.names),
        "rows": len(samples),
        "good_rows": int(samples.good.sum()),
        "fitted_rows": trained.fitted_rows,
        "trees": trained.recipe.trees,
        "rows_of_a_tree": trained.recipe.samples,
        "seed": trained.recipe.seed,
        "untold": sorted(trained.recipe.untold),
        "labelled_frauds": trained.labelled,
        "likeness": trained.likeness is not None,
        "finds": [{"promised": each.promised, "frauds": each.frauds, "found": each.found} for each in trained.finds],
        "checks": {
            "known": [_check(each) for each in trained.checks],
            "strangers": [_check(each) for each in trained.stranger_checks],
        },
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "promised": check.promised,
        "account_days": check.days,
        "alarms": check.alarms,
        "low": round(check.low, 3),
        "high": round(check.high, 3),
    }


def likeness_in_words(trained: Trained) -> str:
    """Whether it knows what fraud looks like, or why not."""
    if trained.likeness is None:
        return (
            f"no likeness to fraud: {trained.labelled} accounts with hours labelled fraud to learn from, at least"
            f" {FEWEST_FRAUDS} (guard train --labels)"
        )
    return (
        f"likeness to fraud: {TREES} boosted trees, grown on the labelled hours of {trained.labelled:,} accounts"
        " against good ones"
    )


def card(origin: Origin, trained: Trained, promise: float) -> str:
    """The card, in Markdown."""
    told = origin.trained
    known, strangers = trained.model.known, trained.model.strangers
    checks = "\n".join(_row(each) for each in trained.checks) or "| none can be made | | | |"
    finds = "\n".join(f"| {each.promised:g} | {each.found} of {each.frauds} |" for each in trained.finds)
    others = "\n".join(_row(each) for each in trained.stranger_checks) or "| none can be made | | | |"
    return f"""# Model `{origin.name}`

Finds accounts that do not behave as good accounts do, nor as they themselves usually do, and says in what.

## Learned from

* {told["rows"]:,} account-hours (looked at every five minutes) of {told["accounts"]:,} accounts, {told["first"]} to
  {told["last"]}; {told["good_rows"]:,} of them known to be good: not labelled fraud, not blocked, not hit by a rule
  within a day.
* Fitted on {trained.fitted_rows:,} of them: {FIT_PART} % of the accounts, the first {FIT_UNTIL:.0%} of the time.
* Calibrated on {CALIBRATE_PART - FIT_PART} % of the accounts, none of them fitted on: {known.days:,} account-days of
  {known.accounts:,} accounts known for two weeks, and {strangers.days:,} account-days before that.
* Isolation forest of {told["trees"]} trees on {told["rows_of_a_tree"]} rows each, {len(FEATURES)} features of version
  {VERSION}, seed {told["seed"]}. Novelty and magnitude have scores of their own beside it (docs/model.md).
* {_sentence(likeness_in_words(trained))}
* Not told by the history, and not looked at: {", ".join(told["untold"]) or "nothing"}.

## Promises, and what came of them on accounts that nobody had seen

A mark is set so that further accounts exceed it no more often than was promised: {CONFIDENCE:.0%} sure, accounts
being what is counted, as the days of one are much alike, and {RESERVE:g} times over, as another history
has other surprises. The intervals (95 %) count accounts too.

Accounts known for two weeks; {_finest(known)}:

| promised per 1,000 account-days | alarms | account-days | realised (95 % interval) |
|---|---|---|---|
{checks}

Accounts known for less; {_finest(strangers)}, with a finer one the model does not speak of them:

| promised per 1,000 account-days | alarms | account-days | realised (95 % interval) |
|---|---|---|---|
{others}

Accounts with hours labelled fraud that nobody had seen, and how many of them it would have spoken of meanwhile:

| promised per 1,000 account-days | spoken of |
|---|---|
{finds or "| none can be made | |"}

Unless the configuration says otherwise guard works with {promise:g}.

## Good for

* Telling what no rule was written for: much that is new at once, spend, price, concurrency, minutes or failed attempts
  far beyond the account's own past.
* Telling early what is like labelled fraud, if it was trained with labels.
* Warning. By itself it blocks only where money grows at a price that matters (`[model] min_rate`, `min_in_flight`) and
  a second sign says the same.

## Not good for

* Accounts that have always been abused: what is usual for them is learned as usual.
* Frauds that nobody has labelled, as far as the likeness goes; the other parts may see them, and later.
* A history with more surprises than the one it was calibrated on: promises are about accounts like those.
* Traffic unlike that of its training. Watch its drift; train it on your own history (`guard train`).
* Deciding alone about a person: it says that something is unusual, not that it is fraud.
"""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _row(check: Check) -> str:
    return (
        f"| {check.promised:g} | {check.alarms:,} | {check.days:,} |"
        f" {check.realised:.1f} ({check.low:.1f} to {check.high:.1f}) |"
    )


def _finest(calibration: Calibration) -> str:
    if not calibration.keeps(COARSEST):
        return "no promise can be made"
    return f"the finest promise is {ceil(calibration.finest * 100) / 100:g}"
