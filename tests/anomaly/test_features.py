"""One definition of features, for training and for live use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.anomaly.features import FEATURE_NAMES, FEATURES, USUALS, ColdStart, columns_of, features
from guard.anomaly.measures import NAMES, Measures
from tests.anomaly.builders import FRAUD, QUIET, matrix
from tests.anomaly.table import BEGIN, END, table

COLD = ColdStart(young=dict.fromkeys(USUALS, 1.0), old=dict.fromkeys(USUALS, 2.0))
anything = st.floats(allow_nan=True, allow_infinity=True)


def of(row: Measures) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, features(columns_of(matrix(row)), COLD)[0].tolist(), strict=True))


def test_the_documented_table_is_that_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "model.md").read_text()
    told = page.partition(BEGIN)[2].partition(END)[0].strip()
    assert told == table(), "python -m tests.anomaly.table prints it: put it between the marks in docs/model.md"


def test_each_feature_has_a_name_a_unit_and_a_meaning_of_its_own() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURES)
    assert len({each.meaning for each in FEATURES}) == len(FEATURES)
    assert all(each.unit for each in FEATURES)


def test_as_usual_is_nothing() -> None:
    known = QUIET._replace(known_days=30.0, spend_hour=3.0, usual_hour=3.0, peak_calls=2.0, usual_peak_calls=2.0)
    told = of(known)
    assert told["spend_growth"] == told["concurrency_growth"] == told["new_countries"] == 0.0


def test_growth_is_a_ratio_with_a_floor() -> None:
    cents = of(QUIET._replace(known_days=30.0, spend_hour=0.30, usual_hour=0.01))
    hundreds = of(QUIET._replace(known_days=30.0, spend_hour=300.0, usual_hour=10.0))
    assert cents["spend_growth"] < 0.5
    assert hundreds["spend_growth"] > 3


def test_to_somebody_unknown_everything_is_new_so_novelty_counts_by_familiarity() -> None:
    row = QUIET._replace(new_countries=3.0)
    by_days = [of(row._replace(known_days=days))["new_countries"] for days in (0.0, 7.0, 14.0, 300.0)]
    assert by_days == pytest.approx([0.0, np.log(4) / 2, np.log(4), np.log(4)])


def test_an_unknown_account_is_compared_with_those_of_its_age() -> None:
    row = QUIET._replace(spend_hour=10.0, usual_hour=10.0)
    young, old, known = (
        of(row._replace(age_days=age, known_days=days))["spend_growth"] for age, days in ((1, 0), (900, 0), (900, 14))
    )
    assert young > old > known == 0.0


@given(st.lists(st.lists(anything, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=4))
def test_whatever_goes_in_numbers_come_out(rows: list[list[float]]) -> None:
    made = features(columns_of(np.array(rows)), COLD)
    assert np.isfinite(made).all()


def test_the_order_in_which_measures_are_named_does_not_matter() -> None:
    order = list(reversed(range(len(NAMES))))
    rows = matrix(FRAUD, QUIET)
    other = columns_of(rows[:, order], tuple(NAMES[place] for place in order))
    assert (features(other, COLD) == features(columns_of(rows), COLD)).all()
