"""The third stranger's histories are what they claim to be, and no longer than a backtest of a minute or two."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest

import guard
from tests.strangers.paper import reports
from tests.strangers.third import frauds, slyness, surprises
from tests.strangers.third.folk import KINDS
from tests.strangers.third.stage import HISTORY
from tests.strangers.third.town import build
from tests.strangers.town import Town

SCHEMAS = Path(guard.__file__).parent / "share" / "schemas"
MOST_REPORTS = 2_000_000
OF_NEWCOMERS = {"never meant to pay", "in its first week", "busts out", "ramp"}
"""Frauds that do not wait for a past: there is none, or they grow out of it."""


@pytest.fixture(scope="module")
def town() -> Town:
    return build(9)


def test_a_seed_makes_the_same_history(town: Town) -> None:
    again = build(9)
    assert (town.calls, town.bills, town.cases) == (again.calls, again.bills, again.cases)


def test_every_report_and_every_bill_is_one_by_the_published_schemas(town: Town) -> None:
    report, bill = (
        jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))
        for name in ("report", "billing")
    )
    lines = list(reports(town.calls[::100], town.home))
    assert [line for line in lines if not report.is_valid(json.loads(line))] == []
    assert [each for each in town.bills if not bill.is_valid(each)] == []


def test_a_town_is_of_a_size_that_a_backtest_takes_a_minute_or_two_for(town: Town) -> None:
    ticks = sum(call.lasts_ms // (call.style.tick_s * 1000) + 2 for call in town.calls)
    assert len(town.calls) < ticks < MOST_REPORTS


def test_all_kinds_of_customers_live_there(town: Town) -> None:
    assert {each.kind for each in town.people} == {each.name for each in KINDS}


def test_everything_happens_that_is_told_of(town: Town) -> None:
    told = {(each.kind, each.fraud) for each in town.cases}
    assert len({kind for kind, fraud in told if fraud}) == len(frauds.ALL) + len(slyness.ALL)
    assert len({kind for kind, fraud in told if not fraud}) >= len(surprises.ALL)


def test_no_customer_is_part_of_two_stories(town: Town) -> None:
    parts = Counter(each.account for each in town.cases)
    assert [account for account, count in parts.items() if count > 1] == []


def test_what_counts_on_a_past_has_one(town: Town) -> None:
    fortnight_ms = min(each.at_ms for each in town.calls) + (HISTORY - 2) * 86_400_000
    early = {each.kind for each in town.cases if each.fraud and each.start_ms < fortnight_ms}
    assert early <= OF_NEWCOMERS
