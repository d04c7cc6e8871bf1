"""Marks keep the promise that they were made for, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.anomaly.calibration import Calibration, PromiseError, calibrate


def test_the_mark_is_a_rank_among_good_days() -> None:
    calibration = calibrate(float(score) for score in range(1, 1_000))
    assert calibration.days == 999
    assert calibration.mark(1.0) == 999.0, "one in 1,000: above all 999 that were seen"
    assert calibration.mark(2.0) == 998.0
    assert calibration.mark(100.0) == 900.0


def test_a_promise_finer_than_the_history_is_refused() -> None:
    calibration = calibrate(float(score) for score in range(499))
    assert calibration.finest == 2.0
    assert calibration.mark(2.0) == 498.0
    with pytest.raises(PromiseError, match=r"1\.9 false alarms .* 499 account-days, which allow 2 or more"):
        calibration.mark(1.9)


@pytest.mark.parametrize("per_1000", [0.0, -1.0, 100.5, float("nan")])
def test_what_is_no_promise_is_refused(per_1000: float) -> None:
    with pytest.raises(PromiseError):
        calibrate(float(score) for score in range(2_000)).mark(per_1000)


@pytest.mark.parametrize("days", [0, 1, 8])
def test_hardly_any_days_promise_nothing(days: int) -> None:
    with pytest.raises(PromiseError):
        calibrate(float(score) for score in range(days)).mark(100.0)


@given(st.integers(9, 3_000), st.floats(0.05, 100.0))
def test_a_promise_is_kept_or_refused_at_the_edge(days: int, per_1000: float) -> None:
    calibration = calibrate(float(score) for score in range(days))
    if per_1000 < calibration.finest - 1e-9:
        with pytest.raises(PromiseError):
            calibration.mark(per_1000)
    elif per_1000 > calibration.finest + 1e-9:
        above = sum(score > calibration.mark(per_1000) for score in range(days))
        # Of n + 1 days in any order the next is above the mark with this probability (exchangeability).
        assert 1_000 * (above + 1) / (days + 1) <= per_1000 + 1e-6


def test_on_average_the_rate_is_the_one_that_was_promised() -> None:
    draw = np.random.default_rng(4)
    rates = []
    for _ in range(300):
        calibration = calibrate(draw.normal(size=200).tolist())
        rates.append(float((draw.normal(size=2_000) > calibration.mark(50.0)).mean()) * 1_000)
    assert 45 <= np.mean(rates) <= 52


def test_a_score_in_the_operators_words() -> None:
    calibration = Calibration(999, tuple(float(score) for score in range(999, 800, -1)))
    assert calibration.expected(1_000.0) == 1.0
    assert calibration.expected(989.0) == 11.0
