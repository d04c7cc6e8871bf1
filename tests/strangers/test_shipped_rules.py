"""The rules as shipped, in a small town that they were not tuned on: the dear frauds stop early, the innocent go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

import guard
from guard.cli import app
from tests.strangers.town import Town, build
from tests.strangers.trial import laid_out, orders
from tests.strangers.verdict import Verdict, judge, read

SEED = 77
DEAR = {
    "hacked exchange, night",
    "hacked exchange, weekend",
    "dearest minutes",
    "hidden among guests",
    "hidden in a call centre",
    "pumping, fast",
    "reconnaissance, then loss",
    "spread over countries",
    "takeover after a raised limit",
}
"""What empties an account in an hour."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town() -> Town:
    return build(SEED, accounts=40, count=18)


@pytest.fixture(scope="module")
def folder(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = laid_out(town, tmp_path_factory.mktemp("town"))
    result = CliRunner().invoke(app, orders(folder, "guard"), prog_name="guard")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def verdict(town: Town, folder: Path) -> Verdict:
    return judge(SEED, town, read(folder / "guard" / "decisions.ndjson"), [])


def test_no_innocent_is_blocked(verdict: Verdict) -> None:
    assert [each.block.text for each in verdict.wrong if each.block.acts] == []


@pytest.mark.parametrize("kind", sorted(DEAR))
def test_a_rule_stops_what_is_dear_at_a_small_part_of_its_worth(verdict: Verdict, kind: str) -> None:
    (fraud,) = (each for each in verdict.frauds if each.case.kind == kind)
    assert fraud.guard.block is not None
    assert fraud.guard.block.by != "credit_limit"
    assert fraud.guard.lost * 10 <= fraud.case.spent


def test_every_decision_is_one_by_the_published_schema_and_says_why(town: Town, folder: Path) -> None:
    schema = Path(guard.__file__).parent / "share" / "schemas" / "decision.json"
    decision = jsonschema_rs.Draft202012Validator(json.loads(schema.read_text()))
    decisions = told(folder)
    assert [each for each in decisions if not decision.is_valid(each)] == []
    assert all(each["text"].endswith(".") and each["currency"] == town.home.currency for each in decisions)


def test_no_decision_tells_whom_somebody_called(town: Town, folder: Path) -> None:
    called = {call.to for call in town.calls if len(call.to) > 8}
    words = {word.strip("+,.;:()") for each in told(folder) for word in json.dumps(each).replace('"', " ").split()}
    assert called.isdisjoint(words)


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "guard" / "decisions.ndjson").read_text().splitlines()]
