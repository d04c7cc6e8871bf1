"""Rules in the tally and the summary: hits, false blocks, overlap, what one alone has caught, shadow."""

from __future__ import annotations

from typing import Any

from guard.backtest.summary import fraud, rules_told, run
from guard.backtest.tally import GRACE_MS, POINTS, Curve, Tally
from guard.backtest.variants import Outcome, Role, Variant
from guard.config import Config
from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.money import Micros
from guard.core.records import Scope
from tests.backtest.histories import HOUR, MINUTE, T0, span


def decision(account: str, at_ms: int, rule: str, **more: Any) -> Decision:
    stated: dict[str, Any] = {
        "number": 1,
        "id": "x",
        "at_ms": T0 + at_ms,
        "account": account,
        "action": Action.BLOCK,
        "scope": Scope.INTERNATIONAL,
        "mode": Mode.ENFORCE,
        "reason": Reason.RULE,
        "rule": rule,
        "exposure_micros": Micros(5),
        "limit_micros": None,
        "currency": "CAD",
        "text": "",
    }
    return Decision(**(stated | more))


def test_a_block_by_a_rule_is_false_unless_a_fraud_explains_it() -> None:
    tally = Tally([span("A", 0, HOUR), span("B", 0, HOUR, fraud=False)])
    tally.decided(decision("A", HOUR + GRACE_MS, "r"))
    tally.decided(decision("A", HOUR + GRACE_MS + 1, "r"))
    tally.decided(decision("B", MINUTE, "r"))
    tally.decided(decision("C", MINUTE, "r", mode=Mode.SHADOW))
    assert {name: entry.false_blocks for name, entry in tally.accounts.items()} == {"A": 1, "B": 1, "C": 0}
    assert tally.rules["r"].false_accounts == {"A", "B", "C"}


def test_a_rule_in_shadow_catches_nothing_and_shows_what_it_would_have_spared() -> None:
    tally = Tally([span("A", 0, HOUR)])
    tally.charged("A", T0 + MINUTE, 10)
    tally.decided(decision("A", 2 * MINUTE, "r", mode=Mode.SHADOW))
    tally.charged("A", T0 + 3 * MINUTE, 20)
    tally.decided(decision("A", 4 * MINUTE, "", reason=Reason.CREDIT_LIMIT))
    tally.charged("A", T0 + 5 * MINUTE, 40)
    tally.prevented("A", T0 + 6 * MINUTE, 80)
    told = fraud(tally.spans)
    assert (told["caught"], told["caught_with_shadow"], told["median_s_to_block"]) == (1, 1, 240)
    assert (told["loss_before"], told["loss_before_with_shadow"]) == ("0.00003", "0.00001")
    assert (told["loss_after"], told["prevented"]) == ("0.00004", "0.00008")


def test_a_fraud_that_begins_under_a_block_was_blocked_at_once() -> None:
    tally = Tally([span("A", HOUR, 2 * HOUR)])
    tally.decided(decision("A", 0, "r"))
    tally.prevented("A", T0 + HOUR + 1, 5)
    assert fraud(tally.spans)["median_s_to_block"] == 0
    tally.free("A")
    tally.charged("A", T0 + HOUR + 2, 7)
    assert fraud(tally.spans)["loss_after"] == "0.000007"


def test_overlap_and_what_a_rule_alone_has_caught() -> None:
    tally = Tally([span("A", 0, HOUR), span("B", 0, HOUR)])
    for account, rule in (("A", "r"), ("A", "s"), ("B", "r"), ("C", "s")):
        tally.decided(decision(account, MINUTE, rule))
    told = {each["rule"]: each for each in rules_told(tally)}
    assert (told["r"]["frauds"], told["r"]["alone"], told["r"]["overlap"]) == (2, 1, {"s": 1})
    assert (told["s"]["frauds"], told["s"]["alone"], told["s"]["false_accounts"]) == (1, 0, 1)


def test_without_labels_a_rule_is_alone_on_accounts() -> None:
    tally = Tally()
    for account, rule in (("A", "r"), ("A", "s"), ("B", "r")):
        tally.decided(decision(account, MINUTE, rule))
    assert {each["rule"]: each["alone"] for each in rules_told(tally)} == {"r": 1, "s": 0}


def test_innocent_accounts_are_told_per_2000_account_days() -> None:
    tally = Tally([span("A", 0, HOUR)])
    tally.decided(decision("B", MINUTE, "r"))
    variant = Variant(name="guard", title="guard", role=Role.GUARD, config=Config())
    told = run(Outcome(variant, tally), account_days=4_000)
    assert told["false_accounts_per_2000_account_days"] == "0.500"


def test_a_held_block_is_counted_apart() -> None:
    tally = Tally()
    tally.decided(decision("A", 0, "r", action=Action.HELD))
    assert (tally.accounts["A"].held, tally.accounts["A"].blocks) == (1, 0)


def test_a_curve_thins_itself_and_keeps_its_ends() -> None:
    curve = Curve()
    for minute in range(5_000):
        curve.add(minute * MINUTE, minute, 0)
    assert len(curve.points) <= POINTS
    assert curve.points[0] == (0, 0, 0)
    assert curve.points[-1][0] > 4_800 * MINUTE
