"""The strangers' histories are what they claim: repeatable, in the words of the contract, true to their labels."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

import guard
from tests.strangers.paper import MINUTE, STYLES, Call, reports
from tests.strangers.town import Town, build, labels, write

SCHEMAS = Path(guard.__file__).parent / "share" / "schemas"


@pytest.fixture(scope="module")
def town() -> Town:
    return build(5, accounts=40, count=7)


def schema(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))


def test_a_seed_makes_the_same_history_and_another_seed_another(town: Town) -> None:
    again, other = build(5, accounts=40, count=7), build(6, accounts=40, count=7)
    assert (town.calls, town.bills, town.cases) == (again.calls, again.bills, again.cases)
    assert (town.calls, town.bills, town.cases) != (other.calls, other.bills, other.cases)


def test_every_report_and_every_bill_is_one_by_the_published_schemas(town: Town) -> None:
    report, bill = schema("report"), schema("billing")
    lines = list(reports(town.calls[::20], town.home))
    assert [line for line in lines if not report.is_valid(json.loads(line))] == []
    assert [each for each in town.bills if not bill.is_valid(each)] == []
    assert {json.loads(line)["switch"] for line in lines} == {each.name for each in STYLES}


def test_labels_are_the_spans_of_what_was_called(town: Town) -> None:
    spans = {(each.account, each.name): (each.start_ms, each.end_ms) for each in town.cases}
    for call in town.calls:
        if call.case:
            start_ms, end_ms = spans[call.account, call.case]
            assert start_ms <= call.at_ms <= call.ends_ms < end_ms
    assert len(list(labels(town))) == len(town.cases)
    assert {label for *_, label in labels(town)} == {"fraud", "good"}


def test_nobody_is_both_a_victim_and_surprising(town: Town) -> None:
    frauds = {each.account for each in town.cases if each.fraud}
    assert frauds
    assert frauds.isdisjoint(each.account for each in town.cases if not each.fraud)


def test_the_files_are_those_that_a_backtest_takes(town: Town, tmp_path: Path) -> None:
    hour = replace(town, calls=town.calls[:500])
    write(hour, tmp_path)
    with gzip.open(tmp_path / "reports.ndjson.gz", "rt") as reported:
        assert list(reported) == [line + "\n" for line in reports(hour.calls, hour.home)]
    with (tmp_path / "labels.csv").open() as file:
        assert next(csv.reader(file)) == ["account", "start", "end", "label"]
    case = json.loads((tmp_path / "cases.ndjson").read_text().splitlines()[0])
    assert {"case", "scenario", "label", "account", "start", "end"} <= case.keys()


def test_a_started_step_is_charged_and_no_more_than_the_call(town: Town) -> None:
    call = Call("A", STYLES[1], 0, 10 * MINUTE + 1, "4420", 600_000, "", "")
    assert [call.charge(ms) for ms in (0, 1, 6_000, 6_001)] == [0, 60_000, 60_000, 120_000]
    assert call.charge(99 * MINUTE) == call.cost == 6_060_000
