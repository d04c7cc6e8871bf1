"""What `/metrics` says: what the engine knows, and beside it what only the shell does.

Counters are counted where things happen; here everything else is read off at the moment of the question.
"""

from __future__ import annotations

from collections.abc import Callable

from guard import __version__
from guard.adapters.metrics import Exposition, Figures, read_off
from guard.app.deliveries import Deliveries
from guard.app.links import Links
from guard.compiled import COMPILED, kind_of_core
from guard.core.engine import Engine
from guard.core.settings import ModelMode
from guard.ports import Clock, ModelView
from guard.shell.loop import Loop
from guard.shell.reload import Reloader
from guard.shell.webhooks import PostOffice

SHOWN_DIGITS = 12
"""Of a model's digest: enough to tell one from another."""


class Gauges:
    """Reads them off."""

    def __init__(
        self,
        *,
        engine: Engine,
        figures: Figures,
        clock: Clock,
        loop: Loop,
        links: Links,
        reloader: Reloader,
        office: PostOffice,
        model: Callable[[], ModelView],
    ) -> None:
        self._engine = engine
        self._figures = figures
        self._clock = clock
        self._loop = loop
        self._links = links
        self._reloader = reloader
        self._office = office
        self._deliveries = Deliveries(figures, [courier.route.name for courier in office.couriers])
        self._model = model
        figures.core_compiled = kind_of_core() == COMPILED
        self._exposition = Exposition(figures, __version__)

    def render(self) -> bytes:
        """The Prometheus text."""
        figures, now_ms = self._figures, self._clock.now_ms()
        read_off(self._engine, figures, now_ms)
        self._links.read_off(figures.sessions)
        figures.turn_age_s = max(0, now_ms - self._loop.last_turn_ms) / 1_000
        figures.reload_succeeded = self._reloader.succeeded
        figures.reload_succeeded_at_s = self._reloader.succeeded_at_ms / 1_000
        figures.clock_steps = self._loop.clock_steps
        self._deliveries.read(self._office.couriers)
        figures.store_failing = bool(self._loop.store_failure)
        tell_model(figures, self._model())
        return self._exposition.render()


def tell_model(figures: Figures, view: ModelView) -> None:
    """How it stands with the anomaly model, for the metrics."""
    figures.model_wanted = view.mode is not ModelMode.OFF
    figures.model_refused = bool(view.wrong)
    figures.model_drift = view.drift
    trained = view.trained
    figures.model_info = {} if trained is None else {(view.mode.value, trained.name, trained.digest[:SHOWN_DIGITS]): 1}
