"""The model that guard ships loads, keeps the promise of the configuration, and tells a fraud from a quiet hour."""

from __future__ import annotations

from guard.anomaly.artefact import load
from guard.anomaly.scorer import Scorer
from guard.anomaly.tracker import Row
from guard.config import Config
from guard.models import model_folder
from tests.anomaly.builders import FRAUD, QUIET

CALM = QUIET._replace(
    known_days=60.0, age_days=400.0, spend_hour=0.3, usual_hour=0.3, calls=4.0, usual_calls=8.0, numbers=3.0,
    usual_numbers=6.0, minutes=9.0, usual_minutes=30.0, peak_calls=1.0, usual_peak_calls=2.0, ended=4.0,
    top_rate=0.03, usual_top_rate=0.04, spend_today=1.0, usual_today=2.0, active_hours=8.0,
)  # fmt: skip


def test_it_keeps_the_promise_that_is_the_default() -> None:
    artefact = load(model_folder(Config()))
    promise = Config().model.false_alarms_per_1000_account_days
    scorer = Scorer(artefact.model, artefact.walk, promise)
    fraud, calm = scorer.score([Row("F", 0, FRAUD), Row("C", 0, CALM)])
    assert fraud.score > scorer.mark_of(FRAUD)
    assert calm.score < scorer.mark / 2
    assert "called at 2.10 a minute" in scorer.explain(FRAUD).text


def test_its_card_says_what_it_was_trained_on_and_what_came_of_its_promises() -> None:
    folder = model_folder(Config())
    trained = load(folder).origin.trained
    known, strangers = trained["checks"]["known"], trained["checks"]["strangers"]
    promise = Config().model.false_alarms_per_1000_account_days
    for checks in (known, strangers):
        assert promise in [check["promised"] for check in checks], "what is the default can be promised of all"
    for check in (*known, *strangers):
        assert 1_000 * check["alarms"] / check["account_days"] <= check["promised"], check
    card = (folder / "card.md").read_text()
    assert f"seed {trained['seed']}" in card
    assert "Not good for" in card
