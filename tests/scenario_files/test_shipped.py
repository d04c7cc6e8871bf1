"""Each shipped rule has its scenario file, shows in it whom it catches and whom it lets alone, and does so."""

from __future__ import annotations

from functools import cache

import pytest

from guard.commands.numbering import numbering
from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.rules.rule import Rule
from guard.scenarios.player import play
from guard.scenarios.proof import FOLDER, SUFFIX
from guard.scenarios.script import Scenario, Verdict, read_scenarios

RULES = read_rules(shipped("rules"))
FIRES = {Verdict.BLOCK, Verdict.WARN}


@cache
def scenarios(rule_id: str) -> list[Scenario]:
    """Those of a rule."""
    return read_scenarios(shipped("rules") / FOLDER / f"{rule_id}{SUFFIX}")


def expected(rule_id: str) -> set[Verdict]:
    return {each.verdict for scenario in scenarios(rule_id) for line in scenario.lines for each in line.expected}


def test_every_rule_has_its_file_and_every_file_its_rule() -> None:
    """A rule without one is a rule nobody has said the purpose of: write `rules/scenarios/<id>.txt`."""
    files = {path.name.removesuffix(SUFFIX) for path in (shipped("rules") / FOLDER).iterdir()}
    assert files == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_does_what_its_file_says(rule: Rule) -> None:
    """It catches whom it is for, and lets alone who comes close."""
    unmet = [each for scenario in scenarios(rule.id) for each in play(scenario, rule.id, RULES, numbering)]
    assert not unmet, "\n".join(map(str, unmet))


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_file_shows_both_sides(rule: Rule) -> None:
    """A rule that can block is shown to block in time; and somebody honest is shown who stays free."""
    verdicts = expected(rule.id)
    assert (Verdict.BLOCK if rule.block is not None else Verdict.WARN) in verdicts
    assert verdicts - FIRES
    bounds = [each for scenario in scenarios(rule.id) for line in scenario.lines for each in line.expected]
    assert all(each.within_ms is not None for each in bounds if each.verdict is Verdict.BLOCK)
