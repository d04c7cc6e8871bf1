"""`guard check` and `guard run` with tariff and plans: what they found, and every mistake in every file."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.config import load_config
from guard.core.records import Scope
from guard.core.tariff import CallClass
from guard.setup import rating_of, scopes_of
from tests.cli.conftest import Guard

TARIFF = """prefix,name,class,rate
1,Canada and USA,domestic,0.02
4930,Our office in Berlin,onnet,0
49,Germany,international,0.05
870,Inmarsat,premium,9.9
"""
RULE = '[[rule]]\nid = "hot"\nmode = "enforce"\nmeasure = "calls"\nwindow = "1h"\nblock = 9\n'
PLANS = '[[plan.office.quota]]\nclass = ["domestic"]\nminutes = 100\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with tariff and plans, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tariff.csv").write_text(TARIFF)
    (tmp_path / "plans.toml").write_text(PLANS)
    path = tmp_path / "guard.toml"
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULE)
    path.write_text(
        '[tariff]\nfile = "tariff.csv"\nunknown_rate = "2.5"\n[plans]\nfile = "plans.toml"\n[rules]\ndir = "rules"\n'
    )
    return path


def test_what_was_found_is_said(guard: Guard, config: Path) -> None:
    """A tariff that was cut in half on its way has no errors; who reads the count sees it."""
    result = guard("check")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "guard.toml: no errors; 0 tokens",
            "tariff.csv: 4 prefixes, dearest 9.90 a minute to 870 (Inmarsat)",
            "plans.toml: 1 plan",
            "rules: 1 rule, 1 enforce",
            "note: rules without a file of scenarios: hot",
        ],
    )


def test_what_does_nothing_is_noted(guard: Guard, config: Path) -> None:
    config.with_name("plans.toml").write_text(PLANS.replace("domestic", "onnet"))
    result = guard("check")
    assert result.exit_code == 0
    assert "plans.toml: note: office/quota:onnet covers class onnet, which is free without a plan" in result.stdout


def test_the_mistakes_of_all_files_are_told_at_once(guard: Guard, config: Path) -> None:
    config.write_text(config.read_text() + '[fuse]\nblocks = "many"\n[numbers]\ncountry = "XX"\n')
    config.with_name("tariff.csv").write_text(TARIFF.replace("0.05", "0,05").replace("premium", "expensive"))
    config.with_name("plans.toml").write_text(PLANS.replace("100", '"100"'))
    config.with_name("tokens.toml").write_text("[token.ana]\nrole = 'king'\n")
    config.with_name("rules").joinpath("own.toml").write_text(RULE.replace("calls", "cals"))
    result = guard("check")
    assert result.exit_code == 2
    assert result.stdout == ""
    places = [line.removeprefix("guard: ").partition(": ")[0] for line in result.stderr.splitlines()]
    assert places[:5] == ["guard.toml:9", "guard.toml", "tariff.csv:4", "tariff.csv:5", "plans.toml:3"]
    assert "numbers.country" in result.stderr
    assert "token.ana" in result.stderr
    assert "rule[1].measure" in result.stderr


def test_run_tells_them_too_and_does_not_start(guard: Guard, config: Path) -> None:
    config.with_name("tariff.csv").write_text(TARIFF.replace("premium", "expensive"))
    config.with_name("plans.toml").write_text("[plan\n")
    result = guard("run")
    assert result.exit_code == 2
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == ["guard", "guard"]
    assert "tariff.csv:5: class" in result.stderr
    assert "plans.toml:1: is not TOML" in result.stderr
    assert not config.with_name("guard.db").exists()


def test_the_daemon_rates_by_what_was_checked(config: Path) -> None:
    """Tariff, plans, the reading of numbers and the rate of what nobody knows, in one object."""
    rating = rating_of(load_config(config))
    canada, germany = rating.place("(613) 555-0100"), rating.place("011 49 89 123456")
    assert (canada.digits, canada.destination.kind) == ("16135550100", CallClass.DOMESTIC)
    assert (germany.digits, germany.destination.rate_micros) == ("4989123456", 50_000)
    assert rating.cover("office", canada) is not None
    assert rating.cover("office", germany) is None
    assert rating.place("+999").destination.rate_micros == 2_500_000


def test_scopes_are_made_from_the_tariff(config: Path) -> None:
    settings = load_config(config)
    scopes = scopes_of(settings, rating_of(settings))
    assert [scopes.covers(Scope.INTERNATIONAL, number) for number in ("4989", "4930", "1613", "1264")] == [
        True,
        False,
        False,
        True,
    ]
    assert scopes.covers(Scope.PREMIUM, "870555")
