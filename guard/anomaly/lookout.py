"""The lookout: a model that follows a stream of observations and says what it finds, whoever drives it.

    observe      each observation, on the caller's thread: constant work (`tracker`)
    due          the rows whose moment has come
    score        rows in, scores and findings for the engine out: may run on a thread of its own
    heed         findings that are on their way to the engine: what stands is looked at again until it has cleared

A backtest does the four inline; a daemon takes rows from `due`, scores them in batches off the money path, newest
first when it is behind, and hands the findings to the engine as inputs. Rows below the mark of accounts that do not
stand make no finding. Nothing here raises for what an account does; an error is a fault of guard's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np

from guard.anomaly.artefact import Artefact
from guard.anomaly.drift import parts_in, stability
from guard.anomaly.features import Column
from guard.anomaly.measures import Measures
from guard.anomaly.scorer import Scored, Scorer
from guard.anomaly.tracker import Row, Tracker
from guard.core.anomaly import CLEAR_PERCENT, Finding
from guard.core.records import Scope
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.usual import UsualRow

MOST_ROWS = 512
"""Scored at once: what comes of more is no quicker."""
DRIFT_ROWS, DRIFT_LEAST = 20_000, 2_000
"""Drift is told of so many of the last rows, and of no fewer: about an hour of 2,000 accounts."""
NEWCOMER_DAYS = 3
"""Of an account known for less the engine says nothing unless money is extreme."""
NARROW = 0.8
"""A scope narrower than everything must hold so much of what was spent beyond the usual."""
_THOUSANDTHS = 1_000


class Lookout:
    """A model on watch."""

    __slots__ = ("_recent", "artefact", "scorer", "tracker")

    def __init__(
        self,
        scorer: Scorer,
        tracker: Tracker | None = None,
        artefact: Artefact | None = None,
        recent: _Recent | None = None,
    ) -> None:
        self.scorer = scorer
        self.artefact = artefact
        """What it was loaded from, for people."""
        self.tracker = Tracker() if tracker is None else tracker
        self._recent = _Recent() if recent is None else recent

    def going_on(self, before: Lookout) -> Lookout:
        """This model, following what another one follows."""
        return Lookout(self.scorer, before.tracker, self.artefact, self._recent)

    def beside(self) -> Lookout:
        """This model, following accounts of its own; its last rows are those of both."""
        return Lookout(self.scorer, None, self.artefact, self._recent)

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        """For `Engine.listen`."""
        self.tracker.take(seen, profile, up)

    @property
    def next_due_ms(self) -> int | None:
        """When `due` has something to tell."""
        return self.tracker.next_due_ms

    def look(self, now_ms: int) -> list[Finding]:
        """All at once, for whoever need not be quick."""
        _, findings = self.score(self.due(now_ms))
        self.heed(findings)
        return findings

    def due(self, now_ms: int) -> list[Row]:
        """Rows to be scored."""
        return self.tracker.due(now_ms)

    def score(self, rows: Sequence[Row]) -> tuple[list[float], list[Finding]]:
        """Scores of rows, and what is to be told to the engine about them."""
        scores: list[float] = []
        found: list[Finding] = []
        for begin in range(0, len(rows), MOST_ROWS):
            some = rows[begin : begin + MOST_ROWS]
            scored = self.scorer.score(some)
            scores += [each.score for each in scored]
            found += [finding for each in scored if (finding := self._finding(each)) is not None]
            self._recent.add(self.scorer.features(some))
        return scores, found

    def drift(self) -> float:
        """The greatest stability index of a feature over the last rows; 0 as long as they are too few to tell."""
        recent = self._recent.rows()
        if sum(map(len, recent)) < DRIFT_LEAST:
            return 0.0
        model = self.scorer.model
        return max(stability(model.drift_parts, parts_in(np.concatenate(recent), model.drift_bins)))

    def take_changed(self) -> list[tuple[str, UsualRow]]:
        """What is to be stored of accounts since the last time."""
        return self.tracker.take_changed()

    def heed(self, findings: Iterable[Finding]) -> None:
        """Follow accounts that are not as usual until they are."""
        for finding in findings:
            if finding.score > finding.mark:
                self.tracker.follow(finding.account, finding.at_ms)
            elif finding.score * 100 < finding.mark * CLEAR_PERCENT:
                self.tracker.unfollow(finding.account)

    def _finding(self, scored: Scored) -> Finding | None:
        row = scored.row
        mark = self.scorer.mark_of(row.measures)
        score = 0.0 if silent(row.measures) else scored.score
        if score <= mark and not self.tracker.follows(row.account):
            return None
        plain = Finding(account=row.account, at_ms=row.at_ms, score=_whole(score), mark=_whole(mark))
        if score <= mark:
            return plain
        why = self.scorer.explain(row.measures)
        return Finding(
            account=plain.account,
            at_ms=plain.at_ms,
            score=max(plain.score, plain.mark + 1),
            mark=plain.mark,
            scope=scope_of(row.measures),
            text=why.text,
            evidence=why.evidence,
            newcomer=row.measures.known_days < NEWCOMER_DAYS,
        )


class _Recent:
    """Features of the last rows; added on threads."""

    __slots__ = ("_lock", "_rows")

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: deque[Column] = deque()

    def add(self, features: Column) -> None:
        with self._lock:
            self._rows.append(features)
            while sum(map(len, self._rows)) > DRIFT_ROWS:
                self._rows.popleft()

    def rows(self) -> list[Column]:
        with self._lock:
            return list(self._rows)


def _whole(decades: float) -> int:
    return round(decades * _THOUSANDTHS)


def silent(row: Measures) -> bool:
    """Whether nothing at all happened in the hour: that is not unusual, and no model has learned from such hours."""
    return not (row.spend_hour or row.calls or row.minutes or row.failed or row.peak_calls)


def scope_of(row: Measures) -> Scope:
    """The narrowest scope that holds what was spent beyond the usual."""
    beyond = row.spend_hour - row.usual_hour
    if beyond <= 0:
        return Scope.ALL
    if row.premium_hour >= NARROW * beyond:
        return Scope.PREMIUM
    if row.abroad_hour - row.premium_hour >= NARROW * beyond:
        return Scope.INTERNATIONAL
    return Scope.ALL
