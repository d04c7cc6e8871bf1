"""A fault in the rules: the money goes on, on-call is told once, and the account begins anew for the rules."""

from __future__ import annotations

import pytest

from guard.core.decisions import NoticeKind
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Outcome, Report
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.rules.watch import Watch
from guard.core.scopes import Scopes
from guard.core.settings import Settings

NOW_MS = 1_800_000_000_000
RULE = Rule(
    id="calls",
    title="Calls",
    mode=RuleMode.SHADOW,
    measure=Measure.CALLS,
    window_ms=900_000,
    per=Per.ACCOUNT,
    warn=2,
)


def call(number: int) -> Report:
    """A call of 1.00 that has ended."""
    return Report(f"c{number}", Event.ENDED, "A1", NOW_MS, 60_000, to="+252612345678", charge_micros=Micros(1_000_000))


@pytest.mark.interpreted
def test_what_rules_get_wrong_does_not_stop_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is posted; the failure is counted each time and told once."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, rules=(RULE,))

    def broken(_watch: Watch, _seen: Observation) -> None:
        raise ZeroDivisionError("a share of nothing")

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "observe", broken)
        assert [engine.report("sw1", call(number), NOW_MS) for number in range(3)] == [Outcome.ACCEPTED] * 3
    changes = engine.take()
    assert engine.world.accounts["A1"].owed_micros == 3_000_000
    assert [line.amount_micros for line in changes.ledger] == [1_000_000] * 3
    told = [notice for notice in changes.notices if notice.kind is NoticeKind.RULES]
    assert [notice.account for notice in told] == ["A1"]
    assert "ZeroDivisionError" in told[0].text
    assert engine.rule_failures >= 3
    # They see what comes next.
    for number in range(3, 5):
        engine.report("sw1", call(number), NOW_MS)
    assert [decision.rule for decision in engine.take().decisions] == ["calls"]
