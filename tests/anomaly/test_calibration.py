"""Marks keep the promise that they were made for on further accounts, or are refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.anomaly.calibration import (
    COARSEST,
    RESERVE,
    Accounts,
    Calibration,
    Days,
    PromiseError,
    calibrate,
    design_effect,
    interval,
)


def independent(days: int, *, accounts: int = 100) -> Calibration:
    """Scores 0, 1, 2 ... spread over the accounts."""
    return calibrate(np.arange(days, dtype=np.float64), np.arange(days) % accounts)


def drawn(draw: np.random.Generator, accounts: int, days: int, alike: float) -> tuple[Days, Accounts]:
    """Days of accounts; `alike`: how much of the scatter is the account's own, the same on all of its days."""
    own = np.repeat(draw.normal(size=accounts), days) * np.sqrt(alike)
    scores = own + draw.normal(size=accounts * days) * np.sqrt(1 - alike)
    return scores, np.repeat(np.arange(accounts), days)


def test_with_independent_days_a_bound_is_that_of_clopper_and_pearson() -> None:
    calibration = independent(1_000)
    assert calibration.marks[0] == 999.0
    least = RESERVE * 1_000 * (1 - 0.05 ** (1 / 1_000))
    assert calibration.bounds[0] == pytest.approx(least), "none in 1,000: about 3, and the reserve"
    place = calibration.marks.index(989.0)
    assert calibration.bounds[place] == pytest.approx(RESERVE * 16.90, abs=0.01), "ten in 1,000"


def test_a_mark_is_the_lowest_that_keeps_the_promise() -> None:
    calibration = independent(1_000)
    assert calibration.mark(RESERVE * 3.0) == 999.0
    assert calibration.mark(RESERVE * 17.0) == 989.0
    assert calibration.mark(RESERVE * 16.8) == 990.0


def test_a_promise_that_no_mark_keeps_is_refused() -> None:
    calibration = independent(1_000)
    assert not calibration.keeps(4.5)
    with pytest.raises(PromiseError, match=r"4\.5 false .* 1,000 account-days of 100 accounts, which allow 7\.18 or"):
        calibration.mark(4.5)


@pytest.mark.parametrize("per_1000", [0.0, -1.0, 100.5, float("nan")])
def test_what_is_no_promise_is_refused(per_1000: float) -> None:
    with pytest.raises(PromiseError):
        independent(2_000).mark(per_1000)


@pytest.mark.parametrize("days", [0, 1, 8])
def test_hardly_any_days_promise_nothing(days: int) -> None:
    with pytest.raises(PromiseError, match="too few for any promise"):
        independent(days).mark(100.0)


def test_the_more_the_days_of_an_account_are_alike_the_fewer_they_are_worth() -> None:
    alone = np.array([1.0] * 10 + [0.0] * 90)
    clustered = np.array([10.0] + [0.0] * 99)
    days = np.full(100, 10.0)
    assert design_effect(alone, days) == 1.0
    assert design_effect(clustered, days) == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("alike", [0.0, 0.4])
def test_it_is_kept_by_nearly_every_training(alike: float) -> None:
    """The rate on very many further accounts exceeds the promise in about one training in twenty."""
    draw = np.random.default_rng(4)
    further, _ = drawn(draw, 20_000, 5, alike)
    marks = [calibrate(*drawn(draw, 150, 12, alike)).mark(20.0) for _ in range(40)]
    broken = sum(1_000 * float((further > mark).mean()) > 20.0 for mark in marks)
    assert broken <= 5


def test_it_is_not_kept_by_silence_alone() -> None:
    draw = np.random.default_rng(5)
    rates = [
        1_000 * float((drawn(draw, 2_000, 10, 0.3)[0] > calibrate(*drawn(draw, 300, 10, 0.3)).mark(20.0)).mean())
        for _ in range(10)
    ]
    assert 4 < np.mean(rates) < 15


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), min_size=1, max_size=300))
def test_marks_fall_while_bounds_rise(days: list[tuple[int, int]]) -> None:
    scores = np.array([score for score, _ in days], dtype=np.float64)
    accounts: npt.NDArray[np.int64] = np.array([account for _, account in days], dtype=np.int64)
    calibration = calibrate(scores, accounts)
    assert list(calibration.marks) == sorted(set(calibration.marks), reverse=True)
    assert list(calibration.bounds) == sorted(set(calibration.bounds))
    for per_1000 in (1.0, 20.0, COARSEST):
        if calibration.keeps(per_1000):
            assert 1_000 * (scores > calibration.mark(per_1000)).mean() <= per_1000


def test_an_interval_knows_that_days_are_alike() -> None:
    accounts = np.arange(1_000) % 100
    spread, crowded = np.arange(1_000) < 20, accounts < 2
    low, high = interval(spread, accounts)
    assert [low, high] == pytest.approx([12.3, 30.7], abs=0.1)
    assert interval(crowded, accounts)[0] < low < high < interval(crowded, accounts)[1]
    assert interval(np.zeros(1_000, dtype=np.bool_), accounts)[0] == 0.0
