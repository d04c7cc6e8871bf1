"""What playing scenario files finds: expectations that are not met, and what `guard check` says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from guard.cli import app
from guard.commands.numbering import numbering
from guard.config.rules import read_rules
from guard.scenarios.proof import Proof, prove

RULES = """
[[rule]]
id = "again"
mode = "MODE"
measure = "calls"
window = "15m"
per = "number"
where = { class = ["international"] }
warn = 3
block = 5

[[rule]]
id = "dear"
measure = "gross"
window = "1h"
block = "50.00"
"""
SOMALIA = "to=+252612345678 every=1m lasts=10m rate=1.00"


def folder(tmp_path: Path, *lines: str, mode: str = "shadow") -> Path:
    """Two rules, and a file of scenarios for the first."""
    rules = tmp_path / "rules"
    (rules / "scenarios").mkdir(parents=True)
    (rules / "own.toml").write_text(RULES.replace("MODE", mode))
    (rules / "scenarios" / "again.txt").write_text("\n".join(("== they call", *lines)) + "\n")
    return rules


def proved(rules: Path) -> Proof:
    return prove(rules, read_rules(rules), numbering)


def check(tmp_path: Path) -> Result:
    config = tmp_path / "guard.toml"
    config.write_text('[rules]\ndir = "rules"\n')
    return CliRunner().invoke(app, ["check", "--config", str(config)], prog_name="guard")


@pytest.mark.parametrize(
    "expected",
    ["block", "block within=4m", "block before=10.01", "block within=5m before=12.00 ; block", "warn", "block ; free"],
)
def test_an_expectation_that_is_met(tmp_path: Path, expected: str) -> None:
    """The fifth call is four minutes after the first, when 10.00 have been spent (4 + 3 + 2 + 1)."""
    calls = 3 if expected == "warn" else 5
    proof = proved(folder(tmp_path, f"mon 10:00 A calls {calls} {SOMALIA} -> {expected}".replace(" ; free", "")))
    assert proof.problems == []
    assert (proof.files, proof.scenarios) == (1, 1)


@pytest.mark.parametrize(
    ("calls", "expected", "got"),
    [
        (5, "block within=3m", "block by again after 240 s and 10.00 spent (Would block"),
        (5, "block before=10.00", "block by again after 240 s and 10.00 spent"),
        (4, "block", "warn by again after 120 s and 3.00 spent (Would warn"),
        (2, "block", "nothing of it"),
        (2, "warn", "nothing of it"),
        (5, "warn", "block by again"),
        (5, "no block", "block by again"),
        (3, "silent", "warn by again"),
        (5, "free", "block by again"),
    ],
)
def test_an_expectation_that_is_not_met(tmp_path: Path, calls: int, expected: str, got: str) -> None:
    """It says where, which rule, what was expected and what came, when and for how much."""
    rules = folder(tmp_path, f"mon 10:00 A calls {calls} {SOMALIA} -> {expected}")
    (problem,) = proved(rules).problems
    place = rules / "scenarios" / "again.txt"
    assert problem.startswith(f"{place}:2: rule again: they call: expected {expected}; got {got}")


def test_free_is_about_every_rule(tmp_path: Path) -> None:
    """Somebody honest is not helped by being caught by another one."""
    rules = folder(tmp_path, "mon 10:00 A calls 1 to=+14165550100 lasts=59m rate=1.00 -> silent ; free")
    (problem,) = proved(rules).problems
    assert "expected free; got block by dear" in problem


@pytest.mark.parametrize("mode", ["off", "shadow", "enforce"])
def test_the_mode_of_a_rule_does_not_matter(tmp_path: Path, mode: str) -> None:
    """One that is off is tried before it is armed; one that enforces does not end the scenario's calls."""
    lines = (f"mon 10:00 A calls 5 {SOMALIA} -> block", f"mon 12:00 A calls 5 {SOMALIA} -> block")
    assert proved(folder(tmp_path, *lines, mode=mode)).problems == []


def test_an_expectation_is_about_the_accounts_of_its_line(tmp_path: Path) -> None:
    rules = folder(
        tmp_path, f"mon 10:00 A calls 5 {SOMALIA} -> block", f"mon 10:00 B calls 2 {SOMALIA} -> silent ; free"
    )
    assert proved(rules).problems == []


def test_a_country_that_there_is_not(tmp_path: Path) -> None:
    rules = folder(tmp_path, f"mon 10:00 A calls 5 {SOMALIA} -> block")
    path = rules / "scenarios" / "again.txt"
    path.write_text("country XX\n" + path.read_text())
    (problem,) = proved(rules).problems
    assert problem == f'{path}: country: "XX" is no country with telephone numbers'


def test_classes_are_those_of_the_numbering_plan_or_of_the_scenarios_tariff(tmp_path: Path) -> None:
    """A number at home for whoever is there; a tariff in the file says otherwise."""
    line = "mon 10:00 A calls 5 to=+442079460123 every=1m lasts=1m rate=1.00"
    rules = folder(tmp_path, f"{line} -> block")
    path = rules / "scenarios" / "again.txt"
    assert proved(rules).problems == []
    path.write_text(f"country GB\n== at home\n{line} -> silent\n== abroad\ntariff 44 international\n{line} -> block\n")
    assert proved(rules).problems == []


def test_check_plays_them(tmp_path: Path) -> None:
    """It counts what it played, and names the rules about which nothing is said."""
    rules = folder(tmp_path, f"mon 10:00 A calls 5 {SOMALIA} -> block within=5m")
    (rules / "scenarios" / "gone.txt").write_text("")
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1:] == [
        "rules: 2 rules, 0 enforce",
        "scenarios: 1 file, 1 scenario, 1 expectation, all met",
        "note: rules without a file of scenarios: dear",
        f"note: {rules / 'scenarios' / 'gone.txt'}: no rule has this id; the file was not played",
    ]


def test_check_fails_where_a_rule_no_longer_does_what_its_file_says(tmp_path: Path) -> None:
    """Wrong input: exit 2, every problem in one go, a mistake in another file among them."""
    rules = folder(tmp_path, f"mon 10:00 A calls 4 {SOMALIA} -> block")
    (rules / "scenarios" / "dear.txt").write_text("== x\nmon 10:00 A calls 1\n")
    result = check(tmp_path)
    assert result.exit_code == 2
    again, dear = result.stderr.splitlines()
    assert again.startswith(f"guard: {rules / 'scenarios' / 'again.txt'}:2: rule again: they call: expected block; got")
    assert dear == f"guard: {rules / 'scenarios' / 'dear.txt'}:2: does not say where to; accepted: to=+252612345678"
