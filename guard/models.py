"""The anomaly model of a configuration: the one that it names, or that guard ships, verified and ready to look out.

`guard check`, the start and the backtest go through the same function, so what the one accepts the others do. A model
runs where the configuration names its folder; without a word about it there is none yet.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from guard.anomaly.refusal import ArtefactError
from guard.config import Config
from guard.config.shipped import shipped
from guard.core.settings import ModelMode

if TYPE_CHECKING:
    from guard.anomaly.lookout import Lookout

DEFAULT = "default"


def model_folder(config: Config) -> Path:
    """Where the model is."""
    return shipped("models") / DEFAULT if config.model.dir is None else config.model.dir


def model_mode(config: Config) -> ModelMode:
    """What the model is to do, unless somebody says so."""
    return ModelMode.OFF if config.model.dir is None else config.model.mode


def with_model(config: Config, mode: ModelMode) -> Config:
    """The same configuration with the model in that mode."""
    return replace(config, model=replace(config.model, mode=mode))


def daemons_lookout(config: Config, before: Lookout | None = None) -> Lookout | None:
    """The model that a daemon runs by its configuration; what `before` follows it follows on."""
    model = lookout_of(with_model(config, model_mode(config)))
    return model if model is None or before is None else model.going_on(before)


def lookout_of(config: Config) -> Lookout | None:
    """The model of a configuration, ready to look out; None: it is off. `ArtefactError` if it cannot be used."""
    if config.model.mode is ModelMode.OFF:
        return None
    # numpy comes with it, which takes a tenth of a second: who has no model need not wait.
    from guard.anomaly.artefact import load  # noqa: PLC0415
    from guard.anomaly.calibration import PromiseError  # noqa: PLC0415
    from guard.anomaly.lookout import Lookout  # noqa: PLC0415
    from guard.anomaly.scorer import Scorer  # noqa: PLC0415

    folder = model_folder(config)
    artefact = load(folder)
    try:
        scorer = Scorer(artefact.model, artefact.walk, config.model.false_alarms_per_1000_account_days)
    except PromiseError as error:
        raise ArtefactError(f"{folder}: [model] false_alarms_per_1000_account_days: {error}") from error
    return Lookout(scorer, artefact=artefact)
