"""What became of webhooks, for the metrics: there from the start, added up over partitions, never falling."""

from __future__ import annotations

from guard.adapters.metrics import Figures
from guard.app.deliveries import Deliveries
from guard.shell.courier import Courier
from tests.webhook.fakes import Bench, decision


async def delivered(*numbers: int) -> Courier:
    """A courier that has told its target of these decisions."""
    bench = Bench()
    await bench.open()
    await bench.outbox.decide(*[decision(number) for number in numbers])
    await bench.settled()
    return bench.courier


def counted(figures: Figures) -> dict[str, int]:
    return {result: count for (_, result), count in figures.webhook_deliveries.items()}


def test_a_target_that_is_configured_is_there_from_the_start() -> None:
    figures = Figures()
    Deliveries(figures, ["ops"])
    assert figures.webhook_deliveries == {("ops", result): 0 for result in ("delivered", "failed", "dead", "overtaken")}
    assert figures.webhook_pending == figures.webhook_dead == {"ops": 0}


async def test_the_couriers_of_all_partitions_count_together_and_what_has_gone_stays_counted() -> None:
    first, second = await delivered(1, 2), await delivered(3)
    figures = Figures()
    deliveries = Deliveries(figures, ["ops"])
    deliveries.read([first, second])
    assert counted(figures)["delivered"] == 3
    deliveries.gone([first])
    deliveries.read([second])
    assert counted(figures)["delivered"] == 3
    assert figures.webhook_pending == {"ops": 0}
