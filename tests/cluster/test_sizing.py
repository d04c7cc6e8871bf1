"""The model and the simulation that say what a large cluster needs: each against what can be said without them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.failing import Failing, simulate
from tests.bench.sizing import Carrier, Costs, held_against, sizes

CALM = Failing(
    workers=8,
    reports_a_s=20_000,
    report_s=100e-6,
    database_report_s=10e-6,
    database_cores=4,
    unowned_s=2.5,
    restoring_s=0.15,
    step_s=0.05,
    ends_at_s=30.0,
)


def test_a_death_is_followed_by_a_queue_as_old_as_the_pause_and_the_queue_drains() -> None:
    seconds = {second.at_s: second for second in simulate(CALM, seed=1)}
    assert seconds[10].worst_s < 0.1
    paused_s = max(second.worst_s for second in seconds.values())
    assert CALM.unowned_s < paused_s < CALM.unowned_s + 3
    assert seconds[30].worst_s < 0.1
    assert seconds[30].waiting < 2 * seconds[10].waiting


def test_the_same_seed_tells_the_same_story() -> None:
    assert list(simulate(CALM, seed=7)) == list(simulate(CALM, seed=7))


def test_workers_with_more_to_do_than_they_can_fall_behind() -> None:
    crowded = replace(CALM, report_s=500e-6, ends_at_s=9.0)
    waiting = [second.waiting for second in simulate(crowded, seed=1)]
    assert waiting == sorted(waiting)
    # 16,000 of 20,000 a second can be taken, and each turn takes some more.
    assert waiting[-1] - waiting[0] > 8 * 4_000


def test_twice_the_reports_need_twice_the_workers_and_as_much_memory() -> None:
    costs, one = Costs(cluster_workers_1_guard_us=30.0, cluster_file_guard_us=20.0), Carrier(busy=0.6)
    two = replace(one, reports_a_s=2 * one.reports_a_s)
    assert (sizes(costs, one).workers, sizes(costs, two).workers) == (10, 20)
    bare = costs.takeover_bare_mib * 2**20
    held = [size.workers * (size.worker_bytes - bare) for size in (sizes(costs, one), sizes(costs, two))]
    assert held[0] == pytest.approx(held[1])


def test_a_backlog_is_caught_up_by_what_is_left_of_the_processors() -> None:
    # At a half there is as much left as is needed: ten minutes take ten minutes.
    assert sizes(Costs(cluster_workers_1_guard_us=30.0), Carrier(busy=0.5)).caught_up_s == pytest.approx(600)


def test_on_two_cores_all_that_a_report_costs_counts_and_one_worker_is_one_thread() -> None:
    figures = {
        "cluster_workers_1_guard_us": 40.0,
        "cluster_workers_1_database_us": 6.0,
        "cluster_workers_1_log_us": 4.0,
    }
    figures |= {
        "cluster_workers_1_per_s": 25_000.0,
        "cluster_workers_2_per_s": 40_000.0,
        "cluster_workers_4_per_s": 32_000.0,
    }
    assert list(held_against(figures)) == [
        "1 worker: predicted 25,000, measured 25,000 reports/s (+0%)",
        "2 workers: predicted 40,000, measured 40,000 reports/s (+0%)",
        "4 workers: predicted 40,000, measured 32,000 reports/s (+25%)",
    ]
