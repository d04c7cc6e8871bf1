"""A call that was taken for lost and returns goes on for the rules: it has not been made a second time."""

from __future__ import annotations

import pytest

from guard.core.records import Event, Outcome, Report
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from tests.scenarios.stage import START_MS, Stage


def rule(measure: Measure, mark: int) -> Rule:
    """Warns at that mark within a day."""
    window_ms = None if measure is Measure.CONCURRENT else DAY_MS
    return Rule(
        id=measure.value,
        title="Calls",
        mode=RuleMode.SHADOW,
        measure=measure,
        window_ms=window_ms,
        per=Per.ACCOUNT,
        warn=mark,
    )


def lost_and_back(*rules: Rule, then: Event) -> Stage:
    """Two minutes of a call, five hours of nothing, then it is heard of again at twenty minutes."""
    stage = Stage(Settings(), rules=rules)

    def say(event: Event, spoken_ms: int) -> None:
        report = Report("C1", event, "A1", stage.now_ms, duration_ms=spoken_ms, to="+14165550100", rate_micros=60_000)
        assert stage.report("sw1", report) is Outcome.ACCEPTED

    say(Event.ANSWERED, 0)
    stage.advance_to(START_MS + 2 * MINUTE_MS)
    say(Event.TICK, 2 * MINUTE_MS)
    stage.advance_to(START_MS + 5 * HOUR_MS)
    assert not stage.engine.world.switches["sw1"].calls, "it has been taken for lost"
    stage.happened.decisions.clear()
    say(then, 20 * MINUTE_MS)
    return stage


@pytest.mark.parametrize("then", [Event.TICK, Event.ENDED])
def test_it_counts_as_one_call(then: Event) -> None:
    """Calls and attempts are not counted again, minutes only as far as they have grown."""
    twice = (rule(Measure.CALLS, 2), rule(Measure.ATTEMPTS, 2), rule(Measure.MINUTES, 21))
    assert lost_and_back(*twice, then=then).happened.decisions == []
    (warned,) = lost_and_back(rule(Measure.MINUTES, 20), then=then).happened.decisions
    assert warned.rule == "minutes"


def test_it_is_up_again() -> None:
    """Measures of the present count it while it lasts."""
    stage = lost_and_back(rule(Measure.CONCURRENT, 1), then=Event.TICK)
    assert [each.rule for each in stage.happened.decisions] == ["concurrent"]
