"""Rule files: what they may say, and what is said about everything else.

The texts that an operator sees are golden: `wrong_rules/NAME.toml` is the file, `wrong_rules/NAME.txt` what is said.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guard.config import ConfigError
from guard.config.rules import read_rules
from guard.core.records import Direction, Scope
from guard.core.rules.rule import OWN_CALLS, Measure, Per, Rule, RuleMode, Where
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.core.tariff import CallClass

WRONG = Path(__file__).parent / "wrong_rules"
SHIPPED = Path(__file__).parents[2] / "rules"
UNIT = 1_000_000

DESIGN = """
[[rule]]
id = "same-number"
title = "The same number again and again"
mode = "shadow"                      # off | shadow | enforce
measure = "calls"
window = "15m"                       # 1m to 31d; none for measures of the present
per = "number"                       # account | country | class | prefix | number | source
where = { class = ["international", "premium"], hours = "19:00-07:00", days = ["sat", "sun"], new_for = "90d" }
warn = 5
block = 10
scope = "international"
end_calls = true
release_after = ""                   # "" = an operator releases
"""


def read(directory: Path, text: str) -> tuple[Rule, ...]:
    (directory / "rules.toml").write_text(text, encoding="utf-8")
    return read_rules(directory)


def one(directory: Path, measure: str, **keys: str) -> Rule:
    lines = [f'id = "{measure}"', f'measure = "{measure}"', *(f"{key} = {value}" for key, value in keys.items())]
    (rule,) = read(directory, "[[rule]]\n" + "\n".join(lines))
    return rule


def problems(directory: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_rules(directory)
    return str(caught.value).replace(str(directory), "rules") + "\n"


def test_the_design_is_accepted_as_it_stands(tmp_path: Path) -> None:
    assert read(tmp_path, DESIGN) == (
        Rule(
            id="same-number",
            title="The same number again and again",
            mode=RuleMode.SHADOW,
            measure=Measure.CALLS,
            window_ms=15 * MINUTE_MS,
            per=Per.NUMBER,
            where=Where(
                kinds=frozenset({CallClass.INTERNATIONAL, CallClass.PREMIUM}),
                hours=(19 * 60, 7 * 60),
                days=frozenset({5, 6}),
                new_for_days=90,
            ),
            warn=5,
            block=10,
            scope=Scope.INTERNATIONAL,
            end_calls=True,
        ),
    )


def test_what_a_rule_does_not_say_is_harmless(tmp_path: Path) -> None:
    rule = one(tmp_path, "calls", window='"1h"', warn="5")
    assert (rule.title, rule.mode, rule.per, rule.scope) == ("calls", RuleMode.SHADOW, Per.ACCOUNT, Scope.ALL)
    assert (rule.where, rule.block, rule.release_after_ms, rule.end_calls) == (Where(), None, None, True)
    assert rule.where.directions == OWN_CALLS


@pytest.mark.parametrize(
    ("measure", "keys", "warn"),
    [
        ("minutes", {"window": '"1h"', "warn": "500"}, 500),
        ("net", {"window": '"1h"', "warn": '"20.5"'}, 20_500_000),
        ("rate", {"warn": '"3.00"'}, 3 * UNIT),
        ("duration", {"warn": '"2h"'}, 2 * HOUR_MS),
        ("short_share", {"window": '"1h"', "warn": '"12.5%"'}, 125_000),
        ("short_share", {"window": '"1h"', "warn": "0.15"}, 150_000),
        ("growth", {"window": '"1h"', "warn": "5", "floor": '"10.00"'}, 5 * UNIT),
        ("growth", {"window": '"1h"', "warn": '"250%"', "floor": '"10.00"'}, 2_500_000),
        ("drift", {"warn": "7.5", "floor": '"10.00"'}, 7_500_000),
    ],
)
def test_marks_are_in_the_unit_of_their_measure(tmp_path: Path, measure: str, keys: dict[str, str], warn: int) -> None:
    assert one(tmp_path, measure, **keys).warn == warn


def test_everything_in_where(tmp_path: Path) -> None:
    where = """{ class = ["premium"], country = ["SO"], not_country = ["GM"], prefix = ["252", "1900"],
                direction = ["incoming"], hours = "20:00-24:00", days = ["mon"], new_for = "30d",
                country_new_for = "60d", rung_within = "12h",
                source_new = false, account_age_under = "720h", account = ["A1"], not_account = ["A2"],
                rate_from = "0.25", min_calls = 3 }"""
    rule = one(tmp_path, "calls", window='"31d"', warn="5", where=" ".join(where.split()), release_after='"24h"')
    assert rule.where == Where(
        kinds=frozenset({CallClass.PREMIUM}),
        countries=frozenset({"SO"}),
        not_countries=frozenset({"GM"}),
        prefixes=("1900", "252"),
        directions=frozenset({Direction.INCOMING}),
        hours=(20 * 60, 24 * 60),
        days=frozenset({0}),
        new_for_days=30,
        country_new_for_days=60,
        rung_within_ms=12 * HOUR_MS,
        source_new=False,
        account_age_under_ms=30 * DAY_MS,
        accounts=frozenset({"A1"}),
        not_accounts=frozenset({"A2"}),
        rate_from_micros=250_000,
    )
    assert (rule.min_calls, rule.release_after_ms) == (3, DAY_MS)


@pytest.mark.parametrize("name", [each.stem for each in sorted(WRONG.glob("*.toml"))])
def test_every_mistake_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    shutil.copy(WRONG / f"{name}.toml", tmp_path)
    assert problems(tmp_path) == (WRONG / f"{name}.txt").read_text(encoding="utf-8")


def test_files_are_one_rule_set_and_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text(DESIGN, encoding="utf-8")
    (tmp_path / "c.toml").write_text("[[rule]", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a rule", encoding="utf-8")
    told = problems(tmp_path).splitlines()
    assert told[0].startswith('rules/b.toml:3: rule[1].id: rule "same-number": is used twice, first in a.toml')
    assert told[1].startswith("rules/c.toml:1: is not TOML")
    assert len(told) == 2


def test_rules_come_by_file_and_place(tmp_path: Path) -> None:
    second = DESIGN.replace("same-number", "another")
    (tmp_path / "b.toml").write_text(DESIGN, encoding="utf-8")
    (tmp_path / "a.toml").write_text(second + second.replace("another", "third"), encoding="utf-8")
    assert [rule.id for rule in read_rules(tmp_path)] == ["another", "third", "same-number"]


def test_a_folder_without_rules_is_an_empty_set_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    assert read_rules(tmp_path) == ()
    assert "cannot be read: No such file or directory" in problems(tmp_path / "rules")


def test_the_shipped_rules_are_in_order_and_say_what_they_are() -> None:
    rules = read_rules(SHIPPED)
    assert len(rules) >= 12
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for rule in rules:
        assert rule.title != rule.id
        assert f"`{rule.id}`" in text, f"rules/README.md: say what {rule.id} is for"
        narrow = rule.scope is not Scope.ALL or rule.release_after_ms is not None
        assert rule.block is None or narrow, f"{rule.id}: block no more than stops the loss, or lift the block again"
