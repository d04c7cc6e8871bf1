"""The lookout says what is not as usual, in the narrowest scope, until it is as usual again."""

from __future__ import annotations

from typing import Any

import pytest

from guard.anomaly.lookout import Lookout, scope_of
from guard.anomaly.recent import STEP_MS
from guard.anomaly.scorer import Scorer
from guard.anomaly.tracker import Row
from guard.core.records import Scope
from guard.core.rules.local import day_of
from guard.core.rules.profile import Profile
from guard.core.settings import HOUR_MS
from guard.core.tariff import CallClass
from tests.anomaly.builders import FRAUD, QUIET, START_MS, seen, trained


def lookout() -> Lookout:
    made = trained()
    return Lookout(Scorer(made.model, made.walk, 20.0))


def test_only_what_is_not_as_usual_is_found() -> None:
    rows = [Row("A", START_MS, FRAUD), Row("B", START_MS, QUIET._replace(known_days=30.0, age_days=300.0))]
    scores, (found,) = lookout().score(rows)
    assert len(scores) == 2
    assert (found.account, found.at_ms, found.scope) == ("A", START_MS, Scope.INTERNATIONAL)
    assert found.score > found.mark > 0
    assert "usually" in found.text
    assert found.evidence


@pytest.mark.parametrize(
    ("abroad", "premium", "scope"),
    [(0.0, 0.0, Scope.ALL), (60.0, 0.0, Scope.ALL), (95.0, 0.0, Scope.INTERNATIONAL), (95.0, 95.0, Scope.PREMIUM)],
)
def test_the_narrowest_scope_that_holds_the_loss(abroad: float, premium: float, scope: Scope) -> None:
    row = QUIET._replace(spend_hour=101.0, usual_hour=1.0, abroad_hour=abroad, premium_hour=premium)
    assert scope_of(row) is scope


def test_an_alarm_stands_until_the_account_is_as_usual_again() -> None:
    watching = lookout()
    profile = Profile(day_of(START_MS) - 40)
    abroad: dict[str, Any] = {"country": "SO", "kind": CallClass.INTERNATIONAL, "number": "25261555", "prefix": "252"}
    for minute in range(5):
        at_ms = START_MS + minute * 60_000
        watching.observe(seen(at_ms, gross_micros=90_000_000, rate_micros=22_000_000, **abroad), profile, 9)
    found = []
    for step in range(1, 40):
        found += watching.look(START_MS + step * STEP_MS)
    above = [each for each in found if each.score > each.mark]
    assert above[0].at_ms == START_MS + STEP_MS
    assert above[-1].at_ms <= START_MS + HOUR_MS + STEP_MS
    assert found[-1].score * 100 < found[-1].mark * 90
    assert found[-1].at_ms <= START_MS + HOUR_MS + 2 * STEP_MS
    assert not watching.tracker.follows("A")
