"""Calibration: from the operator's words, false alarms per 1,000 account-days, to the mark that a score must exceed.

What is counted is the highest score of each account-day, of good accounts that the model has not seen. For each mark
that these scores could be, an upper bound of the rate at which further accounts would exceed it is worked out, and a
promise takes the lowest mark up to which all bounds keep it. As the rate can only fall when the mark rises, the promise
then holds with the confidence of one bound (risk-controlling sets, Bates et al. 2021), and not only on average.

**Accounts, not days, are what is drawn.** The days of one account are much alike, so 2,000 days of 100 accounts say
less than 2,000 days of 2,000. How much less is the design effect (Kish 1965): the variance of the rate with accounts as
clusters, over the one that independent days would have. The bound is that of Clopper and Pearson for so many fewer days
and alarms (Korn & Graubard 1998). A handful of alarms cannot show how they cluster: with fewer than `TELLING` the
design effect is at least the one at the first mark with so many.

**Another history is another draw.** An earthquake, a season, a new provider strike many accounts at once, and no bound
over the accounts of one history knows how much worse the next one is. A promise is as good as the surprises of the
history that it was made on: one without any promises what no year keeps. So `models/default` is calibrated on a history
that is full of them, and beyond that each bound is raised (`RESERVE`), because days with more of them will come.

A promise that no mark keeps is refused. Only days on which an account called are counted: silent ones raise no alarm,
so per day of the calendar the rate is lower still.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.float64]
"""A number for each account-day."""
Accounts = npt.NDArray[np.int64]
"""Whose each account-day is."""

PER = 1_000
"""Account-days that the promise is about."""
COARSEST = 100.0
"""False alarms per 1,000 account-days: more than that is no promise."""
CONFIDENCE = 0.95
"""With which a promise is kept on further accounts."""
RESERVE = 2.4
"""For what another history has in store."""
TELLING = 10
"""Alarms that show how they cluster."""
EVERY_MARK = 40
"""So many of the highest scores are all marks; below them each is a fiftieth further down."""
_STEP = 1.02


class PromiseError(ValueError):
    """The promise cannot be kept; the text says which could be."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Marks, descending, and how many false alarms per 1,000 account-days each makes at most, ascending."""

    days: int
    accounts: int
    marks: tuple[float, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def finest(self) -> float:
        """The finest promise, in false alarms per 1,000 account-days."""
        return self.bounds[0] if self.bounds else math.inf

    def keeps(self, per_1000: float) -> bool:
        """Whether some mark keeps the promise."""
        return self.finest <= per_1000

    def mark(self, per_1000: float) -> float:
        """An alarm is a score above this."""
        if not 0 < per_1000 <= COARSEST:
            raise PromiseError(f"{per_1000:g} false alarms per 1,000 account-days: from above 0 to {COARSEST:g}")
        kept = sum(bound <= per_1000 for bound in self.bounds)
        if not kept:
            raise PromiseError(
                f"{per_1000:g} false alarms per 1,000 account-days cannot be promised: the model is calibrated on"
                f" {self.days:,} account-days of {self.accounts:,} accounts, {self._allowed()}: train it on"
                " more history"
            )
        return self.marks[kept - 1]

    def _allowed(self) -> str:
        if self.finest > COARSEST:
            return "which are too few for any promise"
        return f"which allow {math.ceil(self.finest * 100) / 100:g} or more"


def calibrate(highest: Days, accounts: Accounts) -> Calibration:
    """From the highest score of each good account-day, and whose day it is."""
    count = len(np.unique(accounts))
    marks: list[float] = []
    bounds: list[float] = []
    least_effect = _effect_of_the_telling(highest, accounts)
    for mark in _marks(highest):
        alarms, days = _by_account(highest > mark, accounts)
        effect = design_effect(alarms, days)
        if alarms.sum() < TELLING:
            effect = max(effect, least_effect)
        bound = PER * RESERVE * _upper(float(alarms.sum()), len(highest), effect)
        bound = max(bound, bounds[-1] if bounds else 0.0)
        if bound > COARSEST:
            break
        if bounds and bound == bounds[-1]:
            marks.pop()
            bounds.pop()
        marks.append(mark)
        bounds.append(bound)
    return Calibration(len(highest), count, tuple(marks), tuple(bounds))


def design_effect(alarms: Days, days: Days) -> float:
    """By how much fewer the days are worth than independent ones; alarms and days of each account."""
    total, count = float(days.sum()), len(days)
    rate = float(alarms.sum()) / total if total else 0.0
    if not 0 < rate < 1 or count < 2:  # noqa: PLR2004 -- the variance of one account is none
        return 1.0
    clustered = count / (count - 1) * float(((alarms - rate * days) ** 2).sum()) / total**2
    return max(1.0, clustered * total / (rate * (1 - rate)))


def interval(alarmed: npt.NDArray[np.bool_], accounts: Accounts) -> tuple[float, float]:
    """Per 1,000 account-days: between which the rate lies with 95 %, accounts being clusters of days."""
    from scipy.stats import beta  # noqa: PLC0415 -- comes with scikit-learn, and is needed only in training

    alarms, days = _by_account(alarmed, accounts)
    effect = design_effect(alarms, days)
    total, count = float(days.sum()) / effect, float(alarms.sum()) / effect
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, total - count)) if count < total else 1.0
    return PER * low, PER * high


def _upper(alarms: float, days: int, effect: float) -> float:
    """One-sided, at `CONFIDENCE`."""
    from scipy.stats import beta  # noqa: PLC0415 -- see above

    count, total = alarms / effect, days / effect
    return float(beta.ppf(CONFIDENCE, count + 1, total - count)) if count < total else 1.0


def _marks(highest: Days) -> Iterator[float]:
    """Scores to try as marks, from the highest down; of equal ones one."""
    distinct = np.unique(highest)[::-1]
    place = 0
    while place < len(distinct):
        yield float(distinct[place])
        place = place + 1 if place < EVERY_MARK else max(place + 1, math.ceil(place * _STEP))


def _effect_of_the_telling(highest: Days, accounts: Accounts) -> float:
    """The design effect at the first mark with enough alarms."""
    if len(highest) <= TELLING:
        return 1.0
    alarms, days = _by_account(highest >= np.sort(highest)[-TELLING], accounts)
    return design_effect(alarms, days)


def _by_account(alarmed: npt.NDArray[np.bool_], accounts: Accounts) -> tuple[Days, Days]:
    """Alarms and days of each account."""
    days = np.bincount(accounts)
    alarms = np.bincount(accounts, weights=alarmed.astype(np.float64), minlength=len(days)).astype(np.float64)
    known = days > 0
    return alarms[known], days[known].astype(np.float64)
