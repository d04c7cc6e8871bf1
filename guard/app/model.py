"""The anomaly model's place in the daemon: the one that runs, the one that a reload has read, and why there is none.

A model that cannot be used does not keep guard from starting: limits and rules go on without it, and whoever looks is
told why. A reload that names one is refused as a whole, like any other mistake in the files, and the old one goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog

from guard.adapters.metrics import Figures
from guard.anomaly.artefact import Artefact
from guard.anomaly.lookout import Lookout
from guard.anomaly.refusal import ArtefactError
from guard.config import Config
from guard.core.decisions import KeptRow
from guard.core.rules.usual import UsualRow
from guard.core.settings import ModelMode
from guard.models import daemons_lookout, model_folder, model_mode
from guard.ports import Model, ModelView, Trained
from guard.shell.sentinel import Sentinel


class ModelRoom:
    """Keeps what the sentinel drives."""

    def __init__(self, config: Config) -> None:
        self._log = structlog.get_logger("guard").bind()
        self._config = config
        self._next: Lookout | None = None
        self.refused = ""
        """Why the one that was read last cannot be used; empty: it can."""
        self.lookout = self._first(config)

    @property
    def mode(self) -> ModelMode:
        """What the configuration in force wants."""
        return model_mode(self._config)

    def _first(self, config: Config) -> Lookout | None:
        try:
            lookout = daemons_lookout(config)
        except ArtefactError as error:
            self.refused = str(error)
            self._log.warning(
                "model-refused", text=str(error), effect="the anomaly model is off; limits and rules go on"
            )
            return None
        if lookout is not None:
            self._log.info("model", mode=config.model.mode.value, dir=str(model_folder(config)))
        return lookout

    def restored(self, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
        """The same rows; what is usual for accounts goes to the model on the way."""
        return followed(self.lookout, kept)

    def read(self, config: Config) -> None:
        """Read the one that a reload names; `ArtefactError` if it cannot be used. It may be called on any thread."""
        try:
            self._next = daemons_lookout(config, self.lookout)
        except ArtefactError as error:
            self.refused = str(error)
            raise
        self.refused = ""

    def take_up(self, config: Config) -> Lookout | None:
        """Go on with what was read last."""
        self._config, self.lookout = config, self._next
        return self.lookout

    def forget(self, account: str) -> None:
        """Let go of what is usual for an account."""
        if self.lookout is not None:
            self.lookout.tracker.forget(account)

    def view(self, sentinel: Sentinel, figures: Figures) -> ModelView:
        """How it stands, for whoever looks."""
        return self.view_of(sentinel.model, sentinel.failure, figures)

    def view_of(self, at_work: Model | None, failure: str, figures: Figures) -> ModelView:
        """The same; `at_work`: what scores, if anything does."""
        lookout = self.lookout
        trained = None if lookout is None or lookout.artefact is None else _trained(lookout, lookout.artefact)
        return ModelView(
            mode=self.mode,
            folder=str(model_folder(self._config)),
            false_alarms_per_1000_account_days=self._config.model.false_alarms_per_1000_account_days,
            trained=trained,
            up=at_work is not None,
            wrong=failure or self.refused,
            scored=figures.model_rows["scored"],
            skipped=figures.model_rows["skipped"],
            lag_s=figures.model_lag_s,
            drift=0.0 if at_work is None else at_work.drift(),
        )


def followed(lookout: Lookout | None, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
    """The same rows; what is usual for accounts goes to the model on the way."""
    for row in kept:
        if lookout is not None and isinstance(row.row, UsualRow):
            lookout.tracker.restore(row.key, row.row)
        yield row


def _trained(lookout: Lookout, artefact: Artefact) -> Trained:
    """Facts of a manifest; its numbers are checked when it is loaded, what is only told to people is not."""
    told = artefact.origin.trained
    accounts = told.get("accounts")
    return Trained(
        name=artefact.origin.name,
        digest=artefact.digest,
        first=str(told.get("first", "")),
        last=str(told.get("last", "")),
        accounts=accounts if isinstance(accounts, int) else 0,
        mark=lookout.scorer.mark,
        silence=lookout.scorer.silence,
    )
