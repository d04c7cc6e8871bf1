"""What became of webhooks, for the metrics: of all couriers here, added up by their targets.

A daemon has a courier for each target, a worker one for each target and partition. Their counters never fall: what a
courier has counted stays counted when its partition goes to another worker. All targets are there from the start, at 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from guard.adapters.metrics import Figures
from guard.shell.courier import RESULTS, Courier


class Deliveries:
    """Adds them up."""

    def __init__(self, figures: Figures, webhooks: Iterable[str]) -> None:
        """`webhooks`: names of the targets."""
        self._figures = figures
        self._webhooks = tuple(webhooks)
        self._gone: Counter[tuple[str, str]] = Counter()
        self.read(())

    def gone(self, couriers: Iterable[Courier]) -> None:
        """These deliver no more."""
        self._gone.update(_counted(couriers))

    def read(self, couriers: Iterable[Courier]) -> None:
        """How all of them stand."""
        figures, couriers = self._figures, tuple(couriers)
        figures.webhook_pending.update(dict.fromkeys(self._webhooks, 0))
        figures.webhook_dead.update(dict.fromkeys(self._webhooks, 0))
        for courier in couriers:
            figures.webhook_pending[courier.route.name] += courier.pending
            figures.webhook_dead[courier.route.name] += courier.dead
        counted = self._gone + _counted(couriers)
        for name in self._webhooks:
            for result in RESULTS:
                figures.webhook_deliveries[name, result] = counted[name, result]


def _counted(couriers: Iterable[Courier]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for courier in couriers:
        counted.update({(courier.route.name, result): count for result, count in courier.results.items()})
    return counted
