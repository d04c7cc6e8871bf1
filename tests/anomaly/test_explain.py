"""A score is told as a sentence with what is usual, and only with what moved it."""

from __future__ import annotations

import re

import pytest

from guard.anomaly.explain import MOST_TOPICS
from guard.anomaly.measures import Measures
from guard.anomaly.scorer import Scorer
from tests.anomaly.builders import FRAUD, QUIET, history, trained

CALM = QUIET._replace(
    known_days=60.0, age_days=500.0, hour_of_week=5 * 24 + 2.0, usual_hour=0.3, usual_calls=6.0, usual_numbers=5.0,
    usual_minutes=20.0, usual_peak_calls=2.0, usual_top_rate=0.04, usual_failed=3.0, usual_today=2.0, active_hours=8.0,
)  # fmt: skip


def told(row: Measures) -> str:
    made = trained()
    return Scorer(made.model, made.walk, 20.0).explain(row).text


def test_spend_is_told_with_what_is_usual_at_that_time_of_the_week() -> None:
    row = CALM._replace(spend_hour=41.2, spend_today=3.0, calls=5.0, numbers=4.0, ended=5.0)
    assert told(row).startswith("spent 41.20 in the last hour, usually 0.30 on a Saturday night")


def test_novelty_is_told_as_what_it_is() -> None:
    row = CALM._replace(spend_hour=0.4, calls=3.0, numbers=3.0, new_countries=3.0, new_numbers=3.0)
    assert "3 countries never called before" in told(row)


def test_one_is_one() -> None:
    assert "1 country never called before" in told(CALM._replace(calls=1.0, numbers=1.0, new_countries=1.0))


def test_calls_at_once_are_told_with_the_usual_most() -> None:
    row = CALM._replace(peak_calls=40.0, calls=6.0, numbers=5.0)
    assert told(row).startswith("had 40 calls up at once, usually at most 2")


def test_an_account_that_nobody_knows_is_compared_with_its_like() -> None:
    row = CALM._replace(spend_hour=900.0, known_days=0.5, age_days=500.0, usual_hour=0.0)
    assert re.search(r"spent 900\.00 in the last hour, accounts as little known usually \d+\.\d\d on a", told(row))


def test_minutes_of_a_day_are_told_with_the_usual_most() -> None:
    row = CALM._replace(minutes_today=1_900.0, usual_minutes_today=60.0, calls=3.0, numbers=3.0)
    assert told(row).startswith("spoke for 1,900 minutes today, usually at most 60 on a whole day")


def test_money_on_new_places_is_told_though_this_hour_has_none() -> None:
    row = CALM._replace(new_day=48.0)
    assert "spent 48.00 in 24 hours on destinations never called before" in told(row)


def test_money_from_strange_addresses_is_told() -> None:
    row = CALM._replace(source_hour=9.5, spend_hour=9.5)
    assert "spent 9.50 in the last hour from addresses never seen before" in told(row)


def test_what_did_not_move_the_score_is_not_told() -> None:
    text = told(CALM._replace(spend_hour=500.0, failed=2.0, short=1.0, ended=3.0, calls=3.0, numbers=3.0))
    assert "failed" not in text
    assert "six seconds" not in text


@pytest.mark.parametrize("number", range(40))
def test_never_a_bare_number_and_never_a_called_one(number: int) -> None:
    row = history(23, accounts=8, days=1)[number].measures._replace(spend_hour=7.0 + number)
    made = trained()
    why = Scorer(made.model, made.walk, 20.0).explain(row)
    clauses = why.text.split("; ")
    assert 1 <= len(clauses) <= MOST_TOPICS
    assert all(re.search(r"[a-z]{3}", clause) for clause in clauses)
    assert not re.search(r"\d{7}", why.text)
    assert len(why.evidence) in {len(clauses), 0}
    assert "nan" not in why.text


def test_each_clause_stands_as_evidence_with_its_usual() -> None:
    made = trained()
    why = Scorer(made.model, made.walk, 20.0).explain(FRAUD)
    spent = next(each for each in why.evidence if each.what == "spend")
    assert spent.value == "spent 412.00 in the last hour"
    assert spent.threshold == "usually 0.30 on a Saturday night"
