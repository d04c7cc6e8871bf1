"""The second stranger's histories are what they claim to be, and charge as their switches do."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

import guard
from tests.strangers.paper import reports
from tests.strangers.places import Place
from tests.strangers.second import frauds, surprises
from tests.strangers.second.land import EXCHANGES, Billed, Terms
from tests.strangers.second.town import build
from tests.strangers.town import Town

SCHEMAS = Path(guard.__file__).parent / "share" / "schemas"
SIZE = {"accounts": 110, "count": 19}


@pytest.fixture(scope="module")
def town() -> Town:
    return build(10, **SIZE)


def test_a_seed_makes_the_same_history(town: Town) -> None:
    again = build(10, **SIZE)
    assert (town.calls, town.bills, town.cases) == (again.calls, again.bills, again.cases)


def test_every_report_and_every_bill_is_one_by_the_published_schemas(town: Town) -> None:
    report, bill = (
        jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))
        for name in ("report", "billing")
    )
    lines = list(reports(town.calls[::50], town.home))
    assert [line for line in lines if not report.is_valid(json.loads(line))] == []
    assert [each for each in town.bills if not bill.is_valid(each)] == []


def test_everything_happens_that_is_told_of(town: Town) -> None:
    told = {(each.kind, each.fraud) for each in town.cases}
    assert len({kind for kind, fraud in told if fraud}) == len(frauds.ALL)
    assert len({kind for kind, fraud in told if not fraud}) == len(surprises.ALL)


def test_some_customers_billing_never_speaks_of(town: Town) -> None:
    told = {each["account"] for each in town.bills if each["type"] == "account"}
    assert 0 < len({each.account for each in town.people} - told) < len(town.people) // 4


@pytest.mark.parametrize(
    ("terms", "after_s", "charge"),
    [
        (Terms(0, 0), 0, 0),
        (Terms(0, 0), 31, 310_000),
        (Terms(30_000, 0), 0, 30_000),
        (Terms(50_000, 30), 0, 350_000),
        (Terms(50_000, 30), 45, 500_000),
        (Terms(0, 60), 90, 900_000),
    ],
)
def test_connection_fees_and_minimums_fall_due_at_once(terms: Terms, after_s: int, charge: int) -> None:
    style = EXCHANGES[0].style
    place = Place("GN", "rented", "22466", 7, 600_000)
    call = Billed("A", style, 0, 120_000, place.prefix, place.rate, "+1", "", terms=terms)
    assert call.charge(after_s * 1_000) == charge


def test_nothing_is_charged_for_what_is_not_answered_or_free() -> None:
    style, terms = EXCHANGES[0].style, Terms(50_000, 60)
    assert Billed("A", style, 0, 0, "1", 600_000, "+1", "", terms=terms).cost == 0
    assert Billed("A", style, 0, 60_000, "1", 0, "+1", "", terms=terms).cost == 0
