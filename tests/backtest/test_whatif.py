"""`--set`: one thing changed, or swept."""

from __future__ import annotations

import pytest

from guard.backtest.variants import Role, Variant
from guard.backtest.whatif import SettingError, changed, read_setting, with_settings
from guard.config import Config
from guard.core.rules.rule import Measure, Per, Rule, RuleMode

SAME_NUMBER = Rule(
    id="same-number",
    title="",
    mode=RuleMode.SHADOW,
    measure=Measure.CALLS,
    window_ms=900_000,
    per=Per.NUMBER,
    warn=5,
    block=10,
)
MONEY = Rule(
    id="money",
    title="",
    mode=RuleMode.SHADOW,
    measure=Measure.GROSS,
    window_ms=900_000,
    per=Per.ACCOUNT,
    block=50_000_000,
)
BASE = Variant(name="guard", title="guard", role=Role.GUARD, config=Config(), rules=(SAME_NUMBER, MONEY))


def test_a_mark_a_mode_and_limits_can_be_set() -> None:
    assert changed(BASE, "same-number", "block", "8").rules[0].block == 8
    assert changed(BASE, "same-number", "mode", "enforce").rules[0].mode is RuleMode.ENFORCE
    assert changed(BASE, "money", "block", "12.50").rules[1].block == 12_500_000
    assert changed(BASE, "limits", "default", "200").config.accounts.default_limit_micros == 200_000_000
    assert changed(BASE, "limits", "cycles", "2.5").cycles_micros == 2_500_000
    assert changed(BASE, "same-number", "block", "4").rules[0].warn is None


def test_one_value_changes_the_run_and_several_make_a_sweep() -> None:
    settings = [read_setting("limits.default=200"), read_setting("same-number.block=6, 8,12")]
    main, sweeps = with_settings(BASE, settings)
    assert main.config.accounts.default_limit_micros == 200_000_000
    assert [(each.setting, each.rules[0].block) for each in sweeps] == [("6", 6), ("8", 8), ("12", 12)]
    assert {each.config.accounts.default_limit_micros for each in sweeps} == {200_000_000}
    assert {(each.knob, each.role) for each in sweeps} == {("same-number.block", Role.WHAT_IF)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("same-number.block", "is written"),
        ("block=8", "is written"),
        ("other.block=8", "no such rule; known: money, same-number; or limits"),
        ("same-number.window=1h", "warn, block or mode"),
        ("same-number.block=many", "accepted"),
        ("same-number.warn=10", "is not below block"),
        ("limits.other=1", "default or cycles"),
        ("limits.cycles=0", "accepted"),
        ("limits.default=-1", "accepted"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_could(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        with_settings(BASE, [read_setting(text)])
