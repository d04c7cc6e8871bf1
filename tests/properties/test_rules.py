"""The rules in the engine: the same calls give the same decisions, whether or not guard was stopped in between."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from guard.core.money import Micros
from guard.core.records import Direction, Event, Report, Scope
from guard.core.rules.rule import Per, RuleMode
from guard.core.settings import MINUTE_MS, Settings
from tests.core.rules.builders import UNIT, rule
from tests.scenarios.stage import Stage

RULES = (
    rule("calls", window_ms=2 * MINUTE_MS, warn=2, block=4, per=Per.NUMBER, scope=Scope.INTERNATIONAL),
    rule("numbers", window_ms=MINUTE_MS, warn=2, block=3, mode=RuleMode.SHADOW),
    rule("attempts", window_ms=MINUTE_MS, warn=3, block=6, mode=RuleMode.SHADOW),
    rule("gross", window_ms=5 * MINUTE_MS, warn=2 * UNIT, block=5 * UNIT),
    rule("concurrent", warn=2, block=3, end_calls=False),
    rule("duration", warn=20_000, block=60_000, mode=RuleMode.SHADOW),
    rule("accounts", window_ms=3 * MINUTE_MS, warn=2, block=3, mode=RuleMode.SHADOW),
)
SETTINGS = Settings(fuse_blocks=2, fuse_window_ms=2 * MINUTE_MS, default_limit_micros=Micros(10**12))
NUMBERS = ("+252612345678", "+252612345679", "+16135550100")

Step = tuple[int, int, Event, int, Direction]
"""Milliseconds since the one before, which call, what, to which number, which way."""

steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 900, 20_000, 70_000]),
        st.integers(0, 9),
        st.sampled_from([Event.ANSWERED, Event.ANSWERED, Event.TICK, Event.ENDED, Event.FAILED]),
        st.integers(0, len(NUMBERS) - 1),
        st.sampled_from([Direction.OUTGOING, Direction.OUTGOING, Direction.FORWARDED, Direction.INCOMING]),
    ),
    max_size=60,
)


def play(made: list[Step], stops: frozenset[int]) -> tuple[list[tuple[object, ...]], Stage]:
    """What rules decide about these calls; guard is stopped and started before some of the steps."""
    stage = Stage(SETTINGS, rules=RULES)
    began: dict[int, int] = {}
    for number, (after_ms, call, event, to, direction) in enumerate(made):
        stage.advance_to(stage.now_ms + after_ms)
        if number in stops:
            stage.restart(crash=False)
            stage.subscribed()
        duration_ms = stage.now_ms - began.setdefault(call, stage.now_ms)
        report = Report(
            f"c{call}",
            event,
            f"A{call % 3}",
            stage.now_ms,
            duration_ms,
            to=NUMBERS[to],
            charge_micros=Micros(duration_ms * 50),
            direction=direction,
        )
        stage.report("sw1", report)
    return [
        (each.at_ms, each.account, each.rule, each.key, each.action, each.mode, each.mark, each.text, each.evidence)
        for each in stage.store.decisions
    ], stage


@given(steps)
@settings(max_examples=60, deadline=None)
def test_the_same_calls_give_the_same_decisions(made: list[Step]) -> None:
    once, first = play(made, frozenset())
    again, second = play(made, frozenset())
    assert once == again
    assert [decision.id for decision in first.store.decisions] == [decision.id for decision in second.store.decisions]


@given(steps, st.frozensets(st.integers(0, 59), max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_stop_and_a_start_change_nothing(made: list[Step], stops: frozenset[int]) -> None:
    """Windows, marks, evidence, causes, the fuse and what it holds: all of it goes on where it was."""
    through, uninterrupted = play(made, frozenset())
    stopped, restarted = play(made, stops)
    assert stopped == through
    assert restarted.engine.held() == uninterrupted.engine.held()
    assert restarted.engine.fuse_open == uninterrupted.engine.fuse_open
    for account in uninterrupted.engine.world.accounts.values():
        other = restarted.engine.world.accounts[account.id]
        assert other.causes == account.causes
