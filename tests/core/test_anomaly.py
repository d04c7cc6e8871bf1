"""The model raises its voice, money decides what is done, and without findings all is as if there were no model."""

from __future__ import annotations

import pytest

from guard.core.anomaly import Finding
from guard.core.decisions import Action, Decision, Evidence, Mode, Reason
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    Allow,
    CloseMessage,
    Credit,
    CreditMessage,
    Event,
    Forget,
    IntentResult,
    Release,
    Report,
    Scope,
)
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, MINUTE_MS, ModelMode, Settings

START_MS = 1_788_220_800_000
TEXT = "spent 41.20 in the last hour, usually 0.30 on a Saturday night"


class Desk:
    """An engine with one account that calls at a price."""

    def __init__(self, mode: ModelMode = ModelMode.ENFORCE, rules: tuple[Rule, ...] = (), **settings: int) -> None:
        told = Settings(model_mode=mode, default_limit_micros=1_000_000_000, **settings)  # type: ignore[arg-type]
        self.engine = Engine(told, Scopes.of_country_code("1"), START_MS, rules=rules)
        self.now_ms = START_MS
        self.call(0, 0)

    def call(self, rate: int, charge: int, *, minute: int = 0, name: str = "c1") -> None:
        """A call abroad goes on."""
        self.now_ms = max(self.now_ms, START_MS + minute * MINUTE_MS)
        report = Report(
            name,
            Event.TICK if minute else Event.ANSWERED,
            "A",
            self.now_ms,
            minute * MINUTE_MS,
            "+25261555",
            Micros(charge),
            rate,
        )
        self.engine.advance(self.now_ms)
        self.engine.report("sw1", report, self.now_ms)

    def find(self, score: int = 20_000, *, minute: int = 1, newcomer: bool = False) -> None:
        self.now_ms = max(self.now_ms, START_MS + minute * MINUTE_MS)
        evidence = (Evidence(what="spend", value="spent 41.20 in the last hour", threshold="usually 0.30"),)
        finding = Finding(
            account="A",
            at_ms=self.now_ms,
            score=score,
            mark=10_000,
            scope=Scope.INTERNATIONAL,
            text=TEXT,
            evidence=evidence,
            newcomer=newcomer,
        )
        self.engine.find(finding, self.now_ms)

    def said(self) -> list[Decision]:
        return [each for each in self.engine.take().decisions if each.reason is Reason.ANOMALY]

    def causes(self) -> list[Reason]:
        return [cause.reason for cause in self.engine.world.accounts["A"].causes]


def kinds(decisions: list[Decision]) -> list[tuple[Action, Mode]]:
    return [(each.action, each.mode) for each in decisions]


def test_where_no_money_grows_it_warns() -> None:
    desk = Desk()
    desk.find()
    (said,) = desk.said()
    assert (said.action, said.mode, said.mark, said.rule) == (Action.WARN, Mode.ENFORCE, "warn", "")
    assert said.text == f"Warning: {TEXT}."
    assert said.evidence[0].threshold == "usually 0.30"
    assert desk.causes() == []


def test_where_money_grows_at_a_price_that_matters_it_blocks_in_its_scope() -> None:
    desk = Desk()
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=2)
    (said,) = desk.said()
    assert (said.action, said.mode, said.scope) == (Action.BLOCK, Mode.ENFORCE, Scope.INTERNATIONAL)
    assert said.text == f"Blocked (international calls): {TEXT}."
    assert desk.causes() == [Reason.ANOMALY]


@pytest.mark.parametrize(
    ("rate", "charge", "action"),
    [
        (3_999_999, 9_000_000, Action.WARN),
        (4_000_000, 3_999_999, Action.WARN),
        (4_000_000, 4_000_000, Action.BLOCK),
    ],
)
def test_what_is_dear_needs_no_second_look(rate: int, charge: int, action: Action) -> None:
    desk = Desk()
    desk.call(rate, charge, minute=2)
    desk.find(minute=2)
    assert [each.action for each in desk.said()] == [action]


@pytest.mark.parametrize(
    ("rate", "charge", "actions"),
    [
        (1_999_999, 9_000_000, [Action.WARN]),
        (2_000_000, 1_999_999, [Action.WARN]),
        (2_000_000, 2_000_000, [Action.WARN, Action.BLOCK]),
    ],
)
def test_the_price_that_matters_is_two_numbers(rate: int, charge: int, actions: list[Action]) -> None:
    desk = Desk()
    desk.find(minute=1)
    desk.call(rate, charge, minute=6)
    desk.find(minute=6)
    assert [each.action for each in desk.said()] == actions


def test_high_twice_in_a_row_is_a_second_sign() -> None:
    desk = Desk()
    desk.call(2_000_000, 2_500_000, minute=2)
    desk.find(minute=2)
    desk.find(score=9_500, minute=7)
    desk.find(minute=12)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE)], "between the two it was not"
    desk.find(minute=17)
    assert kinds(desk.said()) == [(Action.BLOCK, Mode.ENFORCE)]


def test_a_mark_of_a_rule_that_stands_is_a_second_sign() -> None:
    shadow, calls = RuleMode.SHADOW, Measure.CALLS
    rule = Rule(id="calls", title="", mode=shadow, measure=calls, window_ms=HOUR_MS, per=Per.NUMBER, warn=1)
    desk = Desk(rules=(rule,))
    desk.call(2_000_000, 2_500_000, minute=2)
    desk.find(minute=2)
    assert kinds(desk.said()) == [(Action.BLOCK, Mode.ENFORCE)]


@pytest.mark.parametrize("mode", [ModelMode.SHADOW, ModelMode.ENFORCE])
def test_of_a_newcomer_nothing_is_said_unless_money_is_extreme(mode: ModelMode) -> None:
    desk = Desk(mode)
    desk.call(19_900_000, 90_000_000, minute=2)
    for minute in (2, 7):
        desk.find(minute=minute, newcomer=True)
    assert desk.said() == []
    assert "suspicion" not in [row.kind for row in desk.engine.keepsakes().kept]
    desk.call(20_000_000, 200_000_000, minute=12)
    desk.find(minute=12, newcomer=True)
    assert [each.action for each in desk.said()] == [Action.BLOCK]


def test_nothing_is_left_of_an_account_that_is_forgotten() -> None:
    desk = Desk()
    desk.find(minute=1)
    over = Report("c1", Event.ENDED, "A", desk.now_ms, 60_000, "+25261555", Micros(0))
    desk.engine.report("sw1", over, desk.now_ms)
    desk.engine.billing(CloseMessage(id="z", account="A"), desk.now_ms)
    assert desk.engine.intent(Forget(account="A", by="ana", reason="asked for"), desk.now_ms) is IntentResult.DONE
    desk.find(minute=6)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE)] * 2, "it is said as for the first time"


def test_in_shadow_everything_is_only_recorded() -> None:
    desk = Desk(ModelMode.SHADOW)
    desk.find()
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=2)
    desk.find(score=100, minute=3)
    said = desk.said()
    assert kinds(said) == [(Action.WARN, Mode.SHADOW), (Action.BLOCK, Mode.SHADOW), (Action.CLEARED, Mode.SHADOW)]
    assert said[0].text == f"Would warn: {TEXT}."
    assert said[1].text == f"Would block (international calls): {TEXT}."
    assert desk.causes() == []


def test_switched_off_a_finding_is_nothing() -> None:
    desk = Desk(ModelMode.OFF)
    desk.find()
    assert desk.said() == []


def test_an_account_that_nobody_knows_is_nothing() -> None:
    desk = Desk()
    desk.engine.find(Finding(account="B", at_ms=desk.now_ms, score=2, mark=1, text=TEXT), desk.now_ms)
    assert desk.said() == []


def test_it_is_said_once_a_crossing() -> None:
    desk = Desk()
    for minute in (1, 6, 11):
        desk.find(minute=minute)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE)]


def test_a_warning_stands_until_the_score_is_well_below_the_mark() -> None:
    desk = Desk()
    desk.find()
    desk.find(score=9_000, minute=6)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE)], "at 90 % it still stands"
    desk.find(score=8_999, minute=11)
    desk.find(score=0, minute=16)
    assert kinds(desk.said()) == [(Action.CLEARED, Mode.ENFORCE)]
    desk.find(minute=21)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE)]


def test_a_warning_becomes_a_block_when_money_begins_to_grow() -> None:
    desk = Desk()
    desk.find()
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=6)
    assert kinds(desk.said()) == [(Action.WARN, Mode.ENFORCE), (Action.BLOCK, Mode.ENFORCE)]


def test_a_block_lifts_on_no_payment_and_on_no_lower_score() -> None:
    desk = Desk()
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=2)
    desk.find(score=0, minute=7)
    desk.engine.billing(CreditMessage(id="c1", account="A", credit=Credit(limit_micros=None)), desk.now_ms)
    assert desk.causes() == [Reason.ANOMALY]


def test_an_operator_releases_it_and_it_is_recorded_while_he_allows() -> None:
    desk = Desk()
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=2)
    desk.engine.intent(Release(account="A", by="ana", reason="known to us"), desk.now_ms)
    assert desk.causes() == []
    desk.said()
    desk.find(minute=7)
    assert desk.said() == [], "it was said before, and is allowed now"
    desk.now_ms += 2 * HOUR_MS
    desk.call(2_100_000, 260_000_000, minute=130, name="c2")
    desk.find(minute=131)
    assert desk.causes() == [Reason.ANOMALY], "the allowance is over, and the model still finds what it found"


def test_while_an_operator_allows_a_block_is_recorded() -> None:
    desk = Desk()
    desk.call(4_100_000, 8_200_000, minute=2)
    until_ms = desk.now_ms + HOUR_MS
    desk.engine.intent(Allow(account="A", by="ana", reason="move", until_ms=until_ms), desk.now_ms)
    desk.find(minute=2)
    (said,) = desk.said()
    assert (said.action, said.mode) == (Action.BLOCK, Mode.SHADOW)
    assert said.text == f"Not blocked, because an operator allows it: {TEXT}."
    desk.call(2_100_000, 150_000_000, minute=70)
    desk.find(minute=70)
    assert kinds(desk.said()) == [(Action.BLOCK, Mode.ENFORCE)]


def test_a_block_goes_through_the_fuse() -> None:
    desk = Desk(fuse_blocks=0)
    desk.engine.billing(AccountMessage(id="m1", account="A"), desk.now_ms)
    desk.call(4_100_000, 8_200_000, minute=2)
    desk.find(minute=2)
    desk.find(minute=7)
    (said,) = desk.said()
    assert (said.action, said.mode) == (Action.HELD, Mode.ENFORCE)
    (held,) = desk.engine.held()
    assert (held.reason, held.rule) == (Reason.ANOMALY, "")
    assert desk.causes() == []


@pytest.mark.parametrize(("mode", "suspicions"), [(ModelMode.SHADOW, 0), (ModelMode.ENFORCE, 1)])
def test_only_a_model_that_is_enforced_makes_a_profile_wait(mode: ModelMode, suspicions: int) -> None:
    """What rules find usual must not hang on a model that is only being tried."""
    desk = Desk(mode)
    desk.find()
    assert [row.kind for row in desk.engine.keepsakes().kept].count("suspicion") == suspicions
