"""Calibration: from the operator's words, false alarms per 1,000 account-days, to the mark that a score must exceed.

Split conformal prediction on the highest score of each account-day of good accounts that the model has not seen, at
times it has not seen: of the n highest scores and the next day's all orders are equally likely, so the next one
exceeds the k-th smallest with a probability of at most 1 - k / (n + 1) (Vovk et al. 2005; Bates et al. 2023 for
outliers). Taken is the daily highest, because the hours of a day are not independent; days of one account are not
either, so a report tells the realised rate on further accounts with its interval.

A promise finer than 1 / (n + 1) cannot be kept by n days, and is refused. Only days on which an account called are
counted: silent ones raise no alarm, so per day of the calendar the rate is lower still.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PER = 1_000
"""Account-days that the promise is about."""
COARSEST = 100.0
"""False alarms per 1,000 account-days: more than that is no promise."""
MOST_DAYS = 50_000
"""Used of a longer history: fine enough for one false alarm in 50,000 account-days."""


class PromiseError(ValueError):
    """The promise cannot be kept; the text says which could be."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The highest daily scores of good account-days: how many days there were, and the largest, descending."""

    days: int
    highest: tuple[float, ...]

    @property
    def finest(self) -> float:
        """The finest promise, in false alarms per 1,000 account-days."""
        return PER / (self.days + 1)

    def mark(self, per_1000: float) -> float:
        """An alarm is a score above this."""
        if not 0 < per_1000 <= COARSEST:
            raise PromiseError(f"{per_1000:g} false alarms per 1,000 account-days: from above 0 to {COARSEST:g}")
        rank = math.ceil((self.days + 1) * (1 - per_1000 / PER) - 1e-9)
        if rank > self.days:
            raise PromiseError(
                f"{per_1000:g} false alarms per 1,000 account-days cannot be promised: the model is calibrated on"
                f" {self.days} account-days, which allow {math.ceil(self.finest * 1_000) / 1_000:g} or more: train it"
                " on more history"
            )
        return self.highest[self.days - rank]

    def expected(self, score: float) -> float:
        """False alarms per 1,000 account-days with that score as the mark, at most."""
        above = sum(each > score for each in self.highest)
        return PER * (above + 1) / (self.days + 1)


def calibrate(daily_highest: Iterable[float]) -> Calibration:
    """From the highest score of each good account-day."""
    scores = sorted(daily_highest, reverse=True)
    kept = math.ceil((len(scores) + 1) * COARSEST / PER)
    return Calibration(len(scores), tuple(scores[:kept]))
