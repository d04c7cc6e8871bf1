"""Training learns from what is good, keeps its promise on what it has not seen, and says when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from guard.anomaly.drift import MUCH, parts_in, stability
from guard.anomaly.features import FEATURE_NAMES, columns_of
from guard.anomaly.samples import Doubt
from guard.anomaly.tracker import Row
from guard.anomaly.training import Recipe, TrainingError, check_of, daily_highest, known_rows, scores_of, train
from guard.core.settings import DAY_MS, HOUR_MS
from tests.anomaly.builders import FRAUD, QUIET, START_MS, history, samples_of, trained

SMALL = Recipe(seed=1, trees=20)


@pytest.mark.parametrize("known", ["for two weeks", "for less"])
def test_the_promise_is_kept_on_further_accounts(known: str) -> None:
    made = trained()
    unseen = samples_of(history(99, accounts=150))
    scores = scores_of(unseen, made.model, made.walk)
    well_known = known == "for two weeks"
    highest, accounts = daily_highest(unseen, scores, known_rows(unseen) == well_known)
    for promised in (20.0, 50.0, 100.0):
        check = check_of(made.model.known if well_known else made.model.strangers, promised, highest, accounts)
        assert check is not None
        assert check.low <= check.realised <= promised
        assert check.days > 1_000


def test_what_the_history_tells_nothing_of_counts_for_nothing() -> None:
    rows = [row._replace(measures=row.measures._replace(failed=0.0)) for row in history(7, accounts=60, days=25)]
    blind = train(samples_of(rows), Recipe(seed=1, trees=20, untold=frozenset({"failed_share", "failed_growth"})))
    plain = np.array([QUIET._replace(known_days=30.0, calls=4.0)], dtype=np.float64)
    failing = np.array([QUIET._replace(known_days=30.0, calls=4.0, failed=90.0)], dtype=np.float64)
    model, walk = blind.model, blind.walk
    assert (
        model.scores(model.features(columns_of(failing)), walk).total
        == pytest.approx(model.scores(model.features(columns_of(plain)), walk).total)
    )  # fmt: skip
    moved = stability(model.drift_parts, parts_in(model.features(columns_of(failing)), model.drift_bins))
    assert [moved[FEATURE_NAMES.index(name)] for name in ("failed_share", "failed_growth")] == [0.0, 0.0]


def test_what_is_not_known_to_be_good_teaches_nothing() -> None:
    rows = history(7)
    spoilt = [*rows, *(Row(f"A{number:03}", START_MS + 3 * DAY_MS + 1, FRAUD) for number in range(30))]
    doubts = tuple(Doubt(f"A{number:03}", START_MS + 3 * DAY_MS + 1, START_MS + 3 * DAY_MS + 1) for number in range(30))
    samples = samples_of(spoilt, doubts)
    assert (~samples.good).sum() >= 30
    plain = samples_of(spoilt)
    assert plain.good.all()
    assert (
        train(samples, SMALL).model.spreads.high["spend_growth"]
        < train(plain, SMALL).model.spreads.high["spend_growth"]
    )


def test_a_label_that_says_good_has_the_last_word() -> None:
    rows = history(7, accounts=2, days=2)
    hit = Doubt("A000", START_MS, START_MS + 2 * DAY_MS)
    good = Doubt("A000", START_MS, START_MS + DAY_MS - 2 * HOUR_MS, good=True)
    for doubts in ((hit, good), (good, hit)):
        samples = samples_of(rows, doubts)
        first = (samples.account == 0) & (samples.at_ms < START_MS + DAY_MS)
        assert samples.good[first].all()
        assert not samples.good[(samples.account == 0) & ~first].all()


def test_the_order_of_arrival_does_not_matter() -> None:
    rows = history(7, accounts=60, days=20)
    assert train(samples_of(rows), SMALL).model == train(samples_of(rows[::-1]), SMALL).model


def test_accounts_little_known_have_a_mark_of_their_own() -> None:
    made = trained()
    assert made.model.strangers.days > 100
    assert made.model.strangers.marks != made.model.known.marks


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no calls that accounts would pay for"),
        (history(1, accounts=5, days=1), "shorter than two days"),
        (history(1, accounts=5, days=10), "good rows to learn from, at least 1000: more accounts or a longer history"),
    ],
)
def test_too_little_history_is_told(rows: list[Row], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        train(samples_of(rows), SMALL)


def test_traffic_that_has_changed_is_told_by_feature() -> None:
    made = trained()
    same = parts_in(made.features, made.model.drift_bins)
    assert max(stability(made.model.drift_parts, same)) == 0.0
    moved = made.features.copy()
    moved[:, 0] += 3.0
    index = stability(made.model.drift_parts, parts_in(moved, made.model.drift_bins))
    assert index[0] > MUCH
    assert max(index[1:]) == 0.0
