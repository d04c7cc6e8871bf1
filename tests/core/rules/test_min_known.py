"""`min_known`: on guard's first day everything is new, which says nothing; of a young account it does."""

from __future__ import annotations

import pytest

from guard.core.records import Direction, Scope
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Where
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS
from guard.core.tariff import CallClass

START_MS = 1_795_305_600_000
"""2026-11-22T00:00:00Z."""
RULE = Rule(
    id="at-once",
    title="Dear calls at once",
    mode=RuleMode.ENFORCE,
    measure=Measure.CONCURRENT,
    window_ms=None,
    per=Per.COUNTRY,
    where=Where(kinds=frozenset({CallClass.INTERNATIONAL}), new_for_days=90),
    block=2,
    scope=Scope.INTERNATIONAL,
    min_rate_micros=400_000,
    known_days=1,
)


def begins(number: int, at_ms: int, opened_ms: int | None) -> Observation:
    return Observation(
        account="A1",
        at_ms=at_ms,
        what=What.BEGINS,
        call=("sw1", f"{at_ms}-{number}"),
        direction=Direction.OUTGOING,
        kind=CallClass.INTERNATIONAL,
        country="SO",
        prefix="252",
        number=f"25261234567{number}",
        dialled=f"+25261234567{number}",
        place="Somalia",
        source="",
        rate_micros=2_000_000,
        timezone="UTC",
        opened_ms=opened_ms,
    )


def levels(watch: Watch, at_ms: int, opened_ms: int | None) -> list[Level]:
    seen = [hit for number in range(2) for hit in watch.observe(begins(number, at_ms + number, opened_ms))]
    return [hit.level for hit in seen]


@pytest.mark.parametrize("opened_ms", [None, START_MS - 400 * DAY_MS, START_MS - 30 * DAY_MS])
def test_on_the_first_day_of_an_old_account_it_only_warns(opened_ms: int | None) -> None:
    assert levels(Watch([RULE]), START_MS + HOUR_MS, opened_ms) == [Level.WARN]


def test_a_young_account_is_new_itself() -> None:
    assert levels(Watch([RULE]), START_MS + HOUR_MS, START_MS - 2 * DAY_MS) == [Level.BLOCK]


def test_from_the_second_day_on_it_blocks() -> None:
    watch = Watch([RULE])
    watch.observe(begins(9, START_MS + HOUR_MS, None))
    assert levels(watch, START_MS + DAY_MS + HOUR_MS, None) == [Level.BLOCK]
