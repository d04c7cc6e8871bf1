"""The figures of many engines as one: sums, and counters that never fall."""

from __future__ import annotations

from guard.adapters.metrics import Exposition, initial_figures
from guard.adapters.metrics.cluster import WorkerExposition, WorkerFigures
from guard.adapters.metrics.together import Together
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from guard.core.scopes import Scopes
from guard.core.settings import Settings

NOW_MS = 1_800_000_000_000


def engine(*accounts: str) -> Engine:
    """An engine with a live call of each."""
    made = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    for account in accounts:
        made.report(
            "sw1",
            Report(
                call=f"c-{account}",
                event=Event.TICK,
                account=account,
                at_ms=NOW_MS,
                duration_ms=1_000,
                to="+16135550100",
                charge_micros=Micros(2_000_000),
                rate_micros=Micros(0),
            ),
            NOW_MS,
        )
    return made


def test_values_and_counts_are_added_up() -> None:
    figures = initial_figures((), "CAD")

    Together(figures).read([engine("A1", "A2"), engine("B1")], NOW_MS)

    assert figures.reports["sw1", "accepted"] == 3
    assert figures.accounts["active"] == 3
    assert figures.in_flight_micros["CAD"] == 6_000_000
    assert figures.switches.live_calls["sw1"] == 3
    assert figures.switches.up["sw1"] == 1
    assert b'guard_reports_total{switch="sw1",outcome="accepted"} 3' in Exposition(figures, "1").render()


def test_a_partition_that_moves_away_takes_its_values_along_and_leaves_its_counts() -> None:
    figures = initial_figures((), "CAD")
    together, going, staying = Together(figures), engine("A1", "A2"), engine("B1")
    together.read([going, staying], NOW_MS)

    together.gone(going, NOW_MS)
    together.read([staying], NOW_MS)

    assert figures.reports["sw1", "accepted"] == 3
    assert figures.accounts["active"] == 1
    assert figures.in_flight_micros["CAD"] == 2_000_000
    assert figures.switches.live_calls["sw1"] == 1


def test_nothing_is_left_of_the_values_when_all_have_gone() -> None:
    figures = initial_figures((), "CAD")
    together, going = Together(figures), engine("A1")
    together.read([going], NOW_MS)

    together.gone(going, NOW_MS)
    together.read([], NOW_MS)

    assert figures.reports["sw1", "accepted"] == 1
    assert figures.accounts["active"] == 0
    assert figures.exposure_micros["CAD"] == 0
    assert figures.switches.live_calls["sw1"] == 0


def test_a_worker_says_what_it_holds_and_how_far_behind_it_is() -> None:
    text = WorkerExposition().render(
        WorkerFigures(
            partitions=2,
            members=3,
            leases={"claimed": 5},
            behind={"7": 11, "9": 0},
            late_s=1.5,
            intents={"carried_out": 4},
            words={"said": 6},
        )
    )

    assert b"guard_worker_partitions 2\n" in text
    assert b'guard_worker_leases_total{change="claimed"} 5\n' in text
    assert b'guard_partition_lag_entries{partition="7"} 11\n' in text
    assert b"guard_worker_lag_seconds 1.5\n" in text
    assert b'guard_worker_intents_total{result="carried_out"} 4\n' in text
    assert b'guard_worker_words_total{what="said"} 6\n' in text
