"""Active accounts: heard of within the last 12 to 24 hours; the fuse measures itself by them, not by all it knows."""

from __future__ import annotations

from guard.core.activity import HALF_DAY_MS, Activity
from guard.core.decisions import Action
from guard.core.records import Event, Report
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import HOUR_MS, Settings
from tests.core.rules.builders import MONDAY
from tests.scenarios.stage import START_MS, Stage


def test_an_account_counts_once_and_for_at_least_half_a_day() -> None:
    """Noon and midnight UTC are when those go who have not been heard of since the one before."""
    activity = Activity()
    for _ in range(3):
        activity.note("A1", MONDAY)
        activity.note("A2", MONDAY + HALF_DAY_MS - 1)
    assert activity.count == 2
    activity.note("A1", MONDAY + HALF_DAY_MS)
    activity.note("A3", MONDAY + HALF_DAY_MS)
    assert activity.count == 3
    activity.note("A3", MONDAY + 2 * HALF_DAY_MS)
    assert activity.count == 2, "A2 has not been heard of for a whole half day"


def test_after_a_long_silence_nobody_is_active() -> None:
    activity = Activity()
    activity.note("A1", MONDAY)
    activity.note("A2", MONDAY + 3 * HALF_DAY_MS)
    assert activity.count == 1


def test_a_clock_that_is_set_back_changes_nothing() -> None:
    activity = Activity()
    activity.note("A1", MONDAY + HALF_DAY_MS)
    activity.note("A2", MONDAY)
    assert activity.count == 2


def calls(number: int) -> Rule:
    """So many calls an hour block."""
    return Rule(
        id="calls",
        title="Calls",
        mode=RuleMode.ENFORCE,
        measure=Measure.CALLS,
        window_ms=HOUR_MS,
        per=Per.ACCOUNT,
        block=number,
    )


def ring(stage: Stage, account: str, call: str) -> None:
    """A call begins and ends."""
    ended = Report(
        f"{account}-{call}", Event.ENDED, account, stage.now_ms, duration_ms=1_000, to="+14165550100", rate_micros=0
    )
    stage.report("sw1", ended)


def test_the_fuse_measures_itself_by_active_accounts_also_after_a_restart() -> None:
    """1,500 accounts that call let three blocks through; the thousands that are only known count for nothing."""
    stage = Stage(Settings(fuse_blocks=1), rules=(calls(2),))
    for number in range(1_500):
        ring(stage, f"A{number}", "first")
    assert stage.engine.world.activity.count == 1_500
    stage.restart(crash=False)
    assert stage.engine.world.activity.count == 1_500
    stage.happened.decisions.clear()
    for number in range(4):
        ring(stage, f"A{number}", "second")
    assert [each.action for each in stage.happened.decisions] == [Action.BLOCK] * 3 + [Action.HELD]
    assert stage.now_ms - START_MS < HOUR_MS
