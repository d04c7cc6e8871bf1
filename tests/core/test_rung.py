"""Whom the rules take to have rung: calls that came in from abroad and were not talked on."""

from __future__ import annotations

import pytest

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import Direction, Event, Report
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Where
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, Settings

NOW_MS = 1_767_571_200_000
DEAR = "+37129123456"


def engine() -> Engine:
    """One call back is enough."""
    scopes = Scopes.of_country_code("1")
    rule = Rule(
        id="bait",
        title="Bait",
        mode=RuleMode.SHADOW,
        measure=Measure.ACCOUNTS,
        window_ms=HOUR_MS,
        per=Per.RANGE,
        where=Where(rung_within_ms=HOUR_MS),
        block=1,
    )
    rating = Rating(unknown_rate_micros=1_000_000, kind_of=scopes.kind_of)
    return Engine(Settings(), scopes, NOW_MS, rating=rating, rules=(rule,))


def comes_in(of: Engine, caller: str, lasts_ms: int | None) -> None:
    """A call to the account; None: nobody answers."""
    to, way = "+14165550100", Direction.INCOMING
    if lasts_ms is None:
        of.report("sw1", Report("in", Event.FAILED, "A1", NOW_MS, 0, to, direction=way, caller=caller), NOW_MS)
        return
    for event, after_ms in ((Event.ANSWERED, 0), (Event.ENDED, lasts_ms)):
        at_ms = NOW_MS + after_ms
        of.report("sw1", Report("in", event, "A1", at_ms, after_ms, to, direction=way, caller=caller), at_ms)


def called_back(of: Engine) -> list[str]:
    """What is decided about a call to the number an hour's quarter later."""
    at_ms = NOW_MS + HOUR_MS // 4
    of.report("sw1", Report("out", Event.ANSWERED, "A1", at_ms, 0, DEAR, rate_micros=Micros(900_000)), at_ms)
    return [decision.rule for decision in of.take().decisions]


@pytest.mark.parametrize("lasts_ms", [None, 0, 1_500, 6_000])
def test_a_call_that_nobody_talked_on_is_a_ring(lasts_ms: int | None) -> None:
    of = engine()
    comes_in(of, DEAR, lasts_ms)
    assert called_back(of) == ["bait"]


def test_a_call_that_was_talked_on_is_none() -> None:
    of = engine()
    comes_in(of, DEAR, 7_000)
    assert called_back(of) == []


@pytest.mark.parametrize("caller", ["", "anonymous", "+14165550199", "+49301234567"])
def test_nor_is_one_of_somebody_else(caller: str) -> None:
    of = engine()
    comes_in(of, caller, None)
    assert called_back(of) == []
