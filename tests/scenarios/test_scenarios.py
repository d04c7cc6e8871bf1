"""Every scenario is a test; together they show everything that this release can decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.core.decisions import LineKind, NoticeKind
from guard.core.records import BillingOutcome, IntentResult, Outcome
from tests.scenarios.player import Player, ScenarioFailedError, Seen
from tests.scenarios.script import Scenario, scenarios_of

FILES = sorted(Path(__file__).parent.glob("*.txt"))
SCENARIOS = [scenario for path in FILES for scenario in scenarios_of(path)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_scenario(scenario: Scenario) -> None:
    """What comes out is what the scenario says."""
    try:
        Player(scenario, Seen()).play()
    except ScenarioFailedError as error:
        if error.__cause__ is not None:
            raise
        pytest.fail(str(error), pytrace=False)
