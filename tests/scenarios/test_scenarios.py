"""Every scenario is a test; together they show everything that this release can decide.

What scenarios show is held against the engine's own lists: a new outcome, reason or notice without a scenario fails
here, and so does a decision that no list expects.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from guard.core.decisions import Action, LineKind, Mode, NoticeKind, Reason
from guard.core.records import BillingOutcome, IntentResult, Outcome
from tests.scenarios.player import Player, ScenarioFailedError, Seen
from tests.scenarios.script import Scenario, ScriptError, scenarios_of, span_ms, words_of

FILES = sorted(Path(__file__).parent.glob("*.txt"))
SCENARIOS = [scenario for path in FILES for scenario in scenarios_of(path)]

LATER = frozenset({Reason.ANOMALY})
"""What comes with the model."""

DECISIONS = frozenset(
    {
        (Action.WARN, Reason.CREDIT_LIMIT, Mode.ENFORCE),
        (Action.CLEARED, Reason.CREDIT_LIMIT, Mode.ENFORCE),
        (Action.BLOCK, Reason.CREDIT_LIMIT, Mode.ENFORCE),
        (Action.BLOCK, Reason.CREDIT_LIMIT, Mode.SHADOW),
        (Action.WARN, Reason.RULE, Mode.ENFORCE),
        (Action.WARN, Reason.RULE, Mode.SHADOW),
        (Action.CLEARED, Reason.RULE, Mode.ENFORCE),
        (Action.CLEARED, Reason.RULE, Mode.SHADOW),
        (Action.BLOCK, Reason.RULE, Mode.ENFORCE),
        (Action.BLOCK, Reason.RULE, Mode.SHADOW),
        (Action.HELD, Reason.RULE, Mode.ENFORCE),
        (Action.BLOCK, Reason.OPERATOR, Mode.ENFORCE),
        (Action.BLOCK, Reason.CLOSED, Mode.ENFORCE),
        (Action.UNBLOCK, Reason.PAYMENT, Mode.ENFORCE),
        (Action.UNBLOCK, Reason.LIMIT_RAISED, Mode.ENFORCE),
        (Action.UNBLOCK, Reason.CREDIT_LIMIT, Mode.ENFORCE),
        (Action.UNBLOCK, Reason.RELEASED, Mode.ENFORCE),
        (Action.UNBLOCK, Reason.EXPIRED, Mode.ENFORCE),
        (Action.ALLOW, Reason.OPERATOR, Mode.ENFORCE),
    }
)
"""Everything this release decides."""

CAUSES = frozenset(
    {
        ("credit_limit", "added", "credit_limit"),
        ("credit_limit", "lifted", "payment"),
        ("credit_limit", "lifted", "limit_raised"),
        ("credit_limit", "lifted", "credit_limit"),
        ("credit_limit", "lifted", "released"),
        ("rule", "added", "rule"),
        ("rule", "lifted", "released"),
        ("rule", "lifted", "expired"),
        ("operator", "added", "operator"),
        ("operator", "lifted", "released"),
        ("operator", "lifted", "expired"),
        ("closed", "added", "closed"),
        ("closed", "lifted", "released"),
    }
)
"""Every transition of the set of causes (the table in `guard.core.judge`)."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_scenario(scenario: Scenario) -> None:
    """What comes out is what the scenario says."""
    try:
        Player(scenario, Seen()).play()
    except ScenarioFailedError as error:
        if error.__cause__ is not None:
            raise
        pytest.fail(str(error), pytrace=False)


@cache
def shown() -> Seen:
    """What all scenarios show together."""
    seen = Seen()
    for scenario in SCENARIOS:
        Player(scenario, seen).play()
    return seen


def test_every_outcome_is_shown() -> None:
    """Reports, billing messages and intents: each named outcome occurs (`invalid` billing is the codec's to refuse)."""
    every = {("report", outcome.value) for outcome in Outcome}
    every |= {("billing", outcome.value) for outcome in BillingOutcome if outcome is not BillingOutcome.INVALID}
    every |= {("intent", result.value) for result in IntentResult}
    assert shown().outcomes == every


def test_every_decision_is_shown() -> None:
    """Each action with each of its reasons occurs, and no other."""
    every = {(action.value, reason.value, mode.value) for action, reason, mode in DECISIONS}
    assert shown().decisions == every
    assert {reason for _, reason, _ in DECISIONS} == set(Reason) - LATER


def test_every_transition_of_causes_is_shown() -> None:
    """Each way in which a cause comes and goes occurs."""
    assert shown().causes >= CAUSES


def test_everything_else_that_leaves_the_engine_is_shown() -> None:
    """Each notice, each kind of ledger line, each reason for quarantine occurs."""
    # That rules fail is not in the contract; `tests/core/test_rule_failures.py` makes them. The store is the shell's.
    assert shown().notices == {kind.value for kind in NoticeKind} - {NoticeKind.RULES.value, NoticeKind.STORE.value}
    assert shown().lines == {kind.value for kind in LineKind}
    assert shown().held == {"too_old", "currency", "account"}


@pytest.mark.parametrize(
    ("text", "expected"), [("6.001s", 6_001), ("1h30m", 5_400_000), ("-8d", -691_200_000), ("250ms", 250)]
)
def test_a_span_is_read_as_written(text: str, expected: int) -> None:
    """A scenario says its times in words that mean whole milliseconds."""
    assert span_ms(text) == expected


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "1.0001s", "5s x", "--5s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """A misprint in a scenario is an error, not another time."""
    with pytest.raises(ScriptError):
        span_ms(text)


def test_a_field_said_twice_is_refused() -> None:
    """The second would silently win."""
    with pytest.raises(ScriptError):
        words_of("A1 charge=1.00 charge=2.00")


@pytest.mark.parametrize(
    "line",
    [
        "0s limit A1 10.00 -> block A1 credit_limit",
        "0s adjustment A1 80.00",
        "0s adjustment A1 80.00 -> warn A1 credit_limit mark=50",
        "0s limit A1 10.00 -> refused",
        "0s limit A1 10.00 -> A1 limit=11.00",
        "0s close A1 -> block A1 closed ; sw1 block A1",
        "0s report A1 call=C1 ended duration=1s charge=1.00 -> line A1 call 2.00",
        "0s adjustment A1 1.00 -> A1 no_such_field=1",
    ],
)
def test_a_wrong_scenario_fails(line: str, tmp_path: Path) -> None:
    """The player notices what is missing, what is too much, and what differs."""
    path = tmp_path / "wrong.txt"
    path.write_text(f"== wrong\n{line}\n", encoding="utf-8")
    (scenario,) = scenarios_of(path)
    with pytest.raises(ScenarioFailedError):
        Player(scenario, Seen()).play()
