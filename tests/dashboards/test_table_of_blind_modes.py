"""The runbook's table of blind modes against what there is: its words, their defaults, its metrics, its alerts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guard.config import Config, ConfigError, load_config
from tests.dashboards import written
from tests.dashboards.written import names_in

HEADING = "## When something is away: the blind modes\n"
UNIT = written.DASHBOARDS.parent / "systemd" / "guard.service"
WORD = re.compile(r'`([^`]+)`(?: \("([^"]+)")?')
"""A word in the configuration, and perhaps its default."""


def table() -> list[list[str]]:
    """The rows, without their heads."""
    text = written.RUNBOOK.read_text().split(HEADING, 1)[1].strip().split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()[2:]]


EACH = pytest.mark.parametrize("row", table(), ids=lambda row: row[0].strip("| "))


def loaded(tmp_path: Path, text: str) -> Config:
    """The configuration of a file that says this."""
    path = tmp_path / "guard.toml"
    path.write_text(text)
    return load_config(path)


def asked_for(expr: str) -> set[str]:
    """Metrics that an expression comes down to, through the recording rules."""
    rules = {rule.name: rule.expr for rule in written.rules() if not rule.alert}
    names = names_in(expr)
    return {
        each.removesuffix("_bucket").removesuffix("_count")
        for name in names
        for each in (asked_for(rules[name]) if name in rules else {name})
    }


@EACH
def test_a_row_says_five_things(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)


@EACH
def test_every_alert_of_a_row_is_about_its_metrics(row: list[str]) -> None:
    metrics = names_in(row[3]) | ({"up"} if "`up`" in row[3] else set())
    alerts = {rule.name: rule for rule in written.alerts()}
    named = re.findall(r"\[(Guard\w+)\]", row[4])
    assert named
    for name in named:
        found = asked_for(alerts[name].expr) | ({"up"} if re.search(r"\bup\b", alerts[name].expr) else set())
        # Guard itself is watched by `up`, and by how old its last turn is.
        assert found & (metrics | {"guard_turn_age_seconds"}), f"{name} asks for {found}, the table says {metrics}"


@EACH
def test_the_words_of_a_row_exist_and_their_defaults_are_those(row: list[str], tmp_path: Path) -> None:
    """A mode without a word says why it has none."""
    words = WORD.findall(row[2])
    assert words or row[2].startswith("none: ")
    section = ""
    for word, default in words:
        if word.endswith("="):
            assert word in UNIT.read_text(), f"{word} is not in the unit"
            continue
        stated = re.fullmatch(r"(\[+[A-Za-z.]+\]+)? ?([a-z_]*)", word)
        assert stated, word
        section = stated[1] or section
        if default:
            given = loaded(tmp_path, f'{section}\n{stated[2]} = "{default}"\n')
            assert given == loaded(tmp_path, f"{section}\n"), f"{default} is not the default of {word}"
        elif stated[2]:
            with pytest.raises(ConfigError) as refused:
                loaded(tmp_path, f"{section}\n{stated[2]} = []\n")
            assert "unknown" not in str(refused.value)
