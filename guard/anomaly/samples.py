"""What a model is trained on: the rows of a history, and which of them are known to be good.

Good is a row of which nobody has reason to think otherwise: no label says fraud, no block stood, no rule had hit the
account within a day. A label that says good overrules what the rules thought. Rows are kept as 32-bit floats, 140 bytes
each: a million account-hours in 140 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.anomaly.measures import NAMES
from guard.anomaly.tracker import Row
from guard.core.settings import DAY_MS, HOUR_MS

AFTER_HIT_MS = DAY_MS
"""So long after a rule has hit an account it is not known to be good."""


class Doubt(NamedTuple):
    """A span in which an account is not known to be good, or (`good`) is known to be."""

    account: str
    start_ms: int
    end_ms: int
    good: bool = False
    fraud: bool = False
    """Whether somebody has labelled it so."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The rows of a history, in the order of their times."""

    names: tuple[str, ...]
    """Of the accounts."""
    account: npt.NDArray[np.int64]
    """Position in `names`."""
    at_ms: npt.NDArray[np.int64]
    measures: npt.NDArray[np.float32]
    good: npt.NDArray[np.bool_]
    fraud: npt.NDArray[np.bool_]
    """Labelled so."""

    def __len__(self) -> int:
        return len(self.at_ms)

    @property
    def days(self) -> npt.NDArray[np.int64]:
        """A number for each account-day (UTC)."""
        day = self.at_ms // DAY_MS
        return self.account * 100_000 + day

    def where(self, chosen: npt.NDArray[np.bool_]) -> Samples:
        """Some of the rows."""
        return Samples(
            self.names,
            self.account[chosen],
            self.at_ms[chosen],
            self.measures[chosen],
            self.good[chosen],
            self.fraud[chosen],
        )


@dataclass(slots=True)
class Collector:
    """Takes rows as they come and makes samples of them."""

    _accounts: dict[str, int] = field(default_factory=dict)
    _account: array[int] = field(default_factory=lambda: array("q"))
    _at_ms: array[int] = field(default_factory=lambda: array("q"))
    _measures: array[float] = field(default_factory=lambda: array("f"))

    def take(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        for row in rows:
            self._account.append(self._accounts.setdefault(row.account, len(self._accounts)))
            self._at_ms.append(row.at_ms)
            self._measures.extend(row.measures)

    def samples(self, doubts: Sequence[Doubt]) -> Samples:
        """All that was taken; accounts are numbered by their names, so the order of arrival does not matter."""
        names = tuple(sorted(self._accounts))
        renumbered = np.zeros(len(names), dtype=np.int64)
        for number, name in enumerate(names):
            renumbered[self._accounts[name]] = number
        taken = np.frombuffer(self._account, dtype=np.int64) if self._account else np.zeros(0, dtype=np.int64)
        account = renumbered[taken] if names else taken
        at_ms = np.array(self._at_ms, dtype=np.int64)
        measures = np.array(self._measures, dtype=np.float32).reshape(-1, len(NAMES))
        order = np.lexsort((account, at_ms))
        account, at_ms = account[order], at_ms[order]
        good, fraud = _judged(names, account, at_ms, doubts)
        return Samples(names, account, at_ms, measures[order], good, fraud)


def _judged(
    names: Sequence[str], account: npt.NDArray[np.int64], at_ms: npt.NDArray[np.int64], doubts: Sequence[Doubt]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Of each row: whether it is known to be good, and whether it is labelled fraud."""
    number = {name: place for place, name in enumerate(names)}
    good, fraud = np.ones(len(account), dtype=np.bool_), np.zeros(len(account), dtype=np.bool_)
    rows_of = {place: np.flatnonzero(account == place) for place in {number.get(each.account, -1) for each in doubts}}
    for doubt in sorted(doubts, key=lambda each: each.good):  # what is known to be good has the last word
        rows = rows_of[number.get(doubt.account, -1)]
        # A row tells of the hour before it.
        inside = (at_ms[rows] >= doubt.start_ms) & (at_ms[rows] <= doubt.end_ms + HOUR_MS)
        good[rows[inside]] = doubt.good
        fraud[rows[inside]] |= doubt.fraud
    return good, fraud
