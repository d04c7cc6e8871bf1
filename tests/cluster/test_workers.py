"""Workers share partitions: whatever happens to them, each has one owner, and no cent is lost or counted twice."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from guard.core.decisions import Decision
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.partitions import PARTITIONS
from guard.core.rating import Rating
from guard.core.scopes import Scopes
from guard.core.setup import Reload, Setup
from guard.wire.reports import decode_reports
from tests.cluster.traffic import Traffic
from tests.cluster.world import LEASE_MS, STORE_TAKES_MS, WorkerProcess, World

LIMIT = 8_000_000


@pytest.fixture
def world() -> Iterator[World]:
    world = World(limit_micros=LIMIT)
    yield world
    world.close()


def all_held(world: World, *workers: WorkerProcess) -> bool:
    """Each partition by one of these, and all are restored."""
    held = [part for worker in workers for part in worker.held]
    ready = all(each.restored for worker in workers for each in worker.worker.partitions)
    return sorted(held) == list(range(PARTITIONS)) and ready


def settle(world: World, traffic: Traffic) -> None:
    """Nobody calls any more, and everything has been read, decided and acknowledged."""
    traffic.stop()
    world.run(2_000)
    living = [worker for worker in world.workers if worker.alive and not worker.stopped]

    def is_quiet() -> bool:
        behind = any(each.behind for worker in living for each in worker.worker.partitions)
        return not behind and not any(row.content.pending for row in world.database.rows)

    world.until(is_quiet, 40_000, "everything is read and acknowledged")
    world.run(2_000)


def audit(world: World, traffic: Traffic) -> None:
    """What is stored and what the switch does, against what the calls say."""
    assert {account: world.owed(account) for account in traffic.owed} == dict(traffic.owed)
    over = {account for account, owed in traffic.owed.items() if owed >= LIMIT}
    assert over, "the traffic brings some over the limit"
    assert world.blocked() == over
    for switch in world.switches.values():
        assert switch.blocked() == over
        assert {account for name, account in world.commanded if name == switch.name} == over
    for row in world.database.rows:
        assert all(len(workers) == 1 for workers in row.committers.values()), "one committer an epoch"
    assert not [row for row in world.database.rows if row.content.pending], "every command is acknowledged"


def test_the_first_worker_takes_everything_and_the_switch_gets_one_snapshot(world: World) -> None:
    switch = world.add_switch("sw1")
    first = world.start("w1")

    world.until(lambda: all_held(world, first), 2_000, "one worker holds all")
    world.run(5_000)

    assert len(switch.snapshots) == 1
    assert switch.blocks.complete


def test_partitions_that_are_given_up_leave_nothing_to_the_garbage_collector(world: World) -> None:
    """It is not asked about what was restored (`guard.shell.interpreter`): nobody else would ever free them."""
    world.add_switch("sw1")
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "one worker holds all")
    gc.collect()
    gc.disable()
    try:
        second = world.start("w2")
        world.until(lambda: all_held(world, first, second), 20_000, "they share")
        world.run(5_000)
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert len(second.held) == PARTITIONS // 2


def test_a_worker_that_has_never_reached_the_log_claims_nothing_and_does_not_count(world: World) -> None:
    first, second = world.start("w1"), world.start("w2")
    second.reads = False
    world.until(lambda: all_held(world, first), 5_000, "the first has all of it")
    world.run(3_000)
    assert all_held(world, first)
    assert "w2" not in world.database.workers

    second.reads = True
    world.until(lambda: len(second.held) == PARTITIONS // 2 and all_held(world, first, second), 5_000, "halves")


def test_when_the_log_is_away_for_all_each_keeps_what_it_holds_and_claims_no_more(world: World) -> None:
    first, second, third = world.start("w1"), world.start("w2"), world.start("w3")
    world.until(lambda: all_held(world, first, second, third), 5_000, "thirds")
    first.reads = second.reads = third.reads = False
    held = len(first.held), len(second.held)
    third.kill()
    world.run(30_000)
    assert (len(first.held), len(second.held)) == held

    first.reads = second.reads = True
    world.until(lambda: all_held(world, first, second), 5_000, "they have reached it again")


def test_a_worker_that_alone_has_lost_the_log_gives_up_what_it_holds_to_those_who_read(world: World) -> None:
    world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    world.until(lambda: all_held(world, first, second), 5_000, "halves")
    traffic = Traffic(world, "sw1", Random(7), accounts=25)
    first.reads = False
    world.run(8_000)
    assert len(first.held) == PARTITIONS // 2, "an election of leaders takes so long"
    world.until(lambda: all_held(world, second), 8_000, "the other has all")
    world.run(5_000)
    assert not first.held
    assert "w1" not in world.database.workers

    first.reads = True
    world.until(lambda: len(first.held) == PARTITIONS // 2 and all_held(world, first, second), 5_000, "halves again")
    settle(world, traffic)
    audit(world, traffic)
    assert world.database.refused == 0, "partitions were handed over in order"


def test_a_worker_that_joins_gets_half_and_nothing_is_lost(world: World) -> None:
    world.add_switch("sw1")
    first = world.start("w1")
    traffic = Traffic(world, "sw1", Random(1), accounts=25)
    world.run(8_000)

    second = world.start("w2")
    world.until(lambda: len(second.held) == PARTITIONS // 2 and all_held(world, first, second), 4_000, "halves")
    assert len(first.held) == PARTITIONS // 2
    world.run(10_000)

    settle(world, traffic)
    audit(world, traffic)
    assert world.database.refused == 0, "partitions were handed over in order"


def test_what_a_killed_worker_held_goes_on_within_a_lease(world: World) -> None:
    world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    traffic = Traffic(world, "sw1", Random(2), accounts=25)
    world.run(8_000)

    first.kill()
    world.until(lambda: all_held(world, second), LEASE_MS + 2_000, "the other has everything")
    world.run(5_000)

    settle(world, traffic)
    audit(world, traffic)


def test_a_claim_that_has_to_wait_costs_no_lease_that_is_held(world: World) -> None:
    """The session of a dead worker may hold its rows until the database ends it."""
    first, second = world.start("w1"), world.start("w2")
    world.until(lambda: all_held(world, first, second), 5_000, "halves")

    second.kill()
    world.database.claims_take_ms = 10_000
    world.run(12_000)
    assert first.worker.standing.counts.lost == 0
    assert len(first.held) == PARTITIONS // 2

    world.database.claims_take_ms = 0
    world.until(lambda: all_held(world, first), 5_000, "it has everything")


def test_a_worker_that_was_frozen_past_its_lease_decides_nothing_when_it_wakes(world: World) -> None:
    world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    traffic = Traffic(world, "sw1", Random(3), accounts=25)
    world.run(8_000)

    first.freeze(6_000)
    world.run(5_900)
    assert all_held(world, second)
    world.run(3_000)
    assert first.worker.standing.counts.lost + first.worker.standing.counts.fenced > 0
    world.until(lambda: all_held(world, first, second), 5_000, "both share again")

    settle(world, traffic)
    audit(world, traffic)


def test_a_worker_that_is_told_to_stop_gives_everything_up_in_order(world: World) -> None:
    world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    traffic = Traffic(world, "sw1", Random(4), accounts=25)
    world.run(8_000)

    first.stop()
    world.until(lambda: first.stopped and all_held(world, second), 1_500, "sooner than a lease ends")

    settle(world, traffic)
    audit(world, traffic)
    assert world.database.refused == 0


def test_a_store_that_is_away_costs_the_leases_and_nothing_else(world: World) -> None:
    world.add_switch("sw1")
    first = world.start("w1")
    traffic = Traffic(world, "sw1", Random(5), accounts=25)
    world.run(8_000)

    world.database.away = True
    world.run(4_000)
    assert not first.held
    assert first.worker.standing.trouble
    world.database.away = False
    world.until(lambda: all_held(world, first), 5_000, "it has everything again")
    assert not first.worker.standing.trouble

    settle(world, traffic)
    audit(world, traffic)


def test_a_log_without_heartbeats_is_nobodys_silence_and_ends_with_a_snapshot(world: World) -> None:
    switch = world.add_switch("sw1")
    first = world.start("w1")
    traffic = Traffic(world, "sw1", Random(6), accounts=25)
    world.run(8_000)
    snapshots = len(switch.snapshots)

    world.ingest_up = False
    traffic.running = False
    world.run(120_000)
    assert not [notice for notice in world.notices if "sw1" in notice]

    world.ingest_up = True
    world.until(lambda: len(switch.snapshots) > snapshots, 10_000, "the switch is told the whole truth")
    world.run(2_000)
    assert all_held(world, first)
    assert switch.blocked() == world.blocked()


@pytest.mark.parametrize("seed", range(2))
def test_a_storm_of_joins_leaves_kills_and_freezes(world: World, seed: int) -> None:
    random = Random(100 + seed)
    for name in ("sw1", "sw2"):
        world.add_switch(name)
    workers = [world.start("w0"), world.start("w1")]
    traffic = Traffic(world, "sw1", random, accounts=40)
    for number in range(2, 10):
        world.run(random.randint(500, 3_000))
        living = [worker for worker in workers if worker.alive]
        match random.choice(("join", "join", "leave", "kill", "freeze", "reboot")):
            case "leave" if len(living) > 1:
                leaving = random.choice(living)
                leaving.stop()
                workers.remove(leaving)
            case "kill" if len(living) > 1:
                random.choice(living).kill()
            case "freeze":
                random.choice(living).freeze(random.randint(1_000, 6_000))
            case "reboot":
                world.add_switch("sw2")
            case _:
                workers.append(world.start(f"w{number}"))
    world.run(12_000)
    living = [worker for worker in workers if worker.alive]
    world.until(lambda: all_held(world, *living), 10_000, "the living share everything")

    settle(world, traffic)
    audit(world, traffic)


def test_balances_of_many_partitions_are_looked_up_beside_each_other(world: World) -> None:
    """Billing brings a whole network's at once, and each waits for the store."""
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "all")
    accounts = [f"A{number}" for number in range(400)]
    balances = [
        {"type": "balance", "id": f"b{each}", "account": each, "owed": "1.5", "as_of": "2026-11-01T00:00:00Z"}
        for each in accounts
    ]

    world.receive("guard/v1/billing", json.dumps(balances).encode())
    world.until(lambda: all(world.owed(each) == 1_500_000 for each in accounts), 150, "all are in")


async def at_once() -> None:
    """Nobody has to be told."""


def another_setup(world: World) -> Reload:
    settings = replace(world.settings, default_limit_micros=Micros(5_000_000))
    setup = Setup(settings=settings, scopes=Scopes.of_country_code("1"), rating=Rating(unknown_rate_micros=1))
    return Reload(setup=setup, by="signal", what="the limit")


def test_what_is_claimed_while_files_are_taken_up_goes_by_them_too(world: World) -> None:
    first, second = world.start("w1"), world.start("w2")
    world.until(lambda: all_held(world, first, second), 5_000, "halves")
    reload = another_setup(world)

    world.database.commits_take_ms = 4_000
    reloading = first.loop.create_task(first.worker.reload(reload, at_once))
    second.kill()
    world.until(lambda: len(first.held) == PARTITIONS, 3_500, "it has claimed the rest")
    assert not reloading.done()
    world.database.commits_take_ms = STORE_TAKES_MS
    world.until(lambda: reloading.done() and all_held(world, first), 5_000, "taken up")

    assert reloading.result()
    assert all(each.engine.world.settings is reload.setup.settings for each in first.worker.partitions)


def test_what_is_claimed_while_the_history_is_told_goes_by_the_new_files_too(world: World) -> None:
    """All have taken them up, and whoever asked has not said yet that they are in force."""
    first, second = world.start("w1"), world.start("w2")
    world.until(lambda: all_held(world, first, second), 5_000, "halves")
    reload, noted = another_setup(world), asyncio.Event()

    async def note() -> None:
        await noted.wait()

    reloading = first.loop.create_task(first.worker.reload(reload, note))
    world.run(100)
    second.kill()
    world.until(lambda: all_held(world, first), 10_000, "it has claimed the rest")
    assert not reloading.done()
    noted.set()
    world.until(reloading.done, 100, "taken up")

    assert reloading.result()
    assert all(each.engine.world.settings is reload.setup.settings for each in first.worker.partitions)


def test_a_partition_that_is_lost_while_files_are_taken_up_holds_nothing_up(world: World) -> None:
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "all")

    world.database.away = True
    reloading = first.loop.create_task(first.worker.reload(another_setup(world), at_once))
    world.until(lambda: not first.held, 3_000, "its leases have run out")
    world.run(100)

    assert reloading.done()


Told = tuple[str, str, str, int, int]


def said(decision: Decision) -> Told:
    """What a decision says; when it was made depends on when the log was read."""
    words = (decision.action.value, decision.reason.value, decision.mark)
    return (*words, decision.exposure_micros, decision.limit_micros or 0)


def alone(world: World) -> tuple[dict[str, list[Told]], dict[str, int]]:
    """The same history through one engine: what it decides about each account, and what each owes."""
    engine = Engine(world.settings, Scopes.of_country_code("1"), world.received[0][0])
    decided: dict[str, list[Told]] = {}
    for now_ms, topic, payload in world.received:
        if not topic.endswith("/calls"):
            continue
        engine.advance(now_ms)
        for report in decode_reports(payload, now_ms).reports:
            engine.report(topic.split("/")[2], report, now_ms)
        for decision in engine.take().decisions:
            decided.setdefault(decision.account, []).append(said(decision))
    return decided, {account.id: account.owed_micros for account in engine.world.accounts.values()}


def test_a_history_through_a_cluster_gives_the_decisions_and_balances_of_one_engine(world: World) -> None:
    world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    traffic = Traffic(world, "sw1", Random(7), accounts=40, rated=False)
    world.run(5_000)
    third = world.start("w3")
    world.run(5_000)
    first.kill()
    world.run(5_000)
    assert second.held | third.held == set(range(PARTITIONS))
    settle(world, traffic)

    decisions, owed = alone(world)

    clustered: dict[str, list[Told]] = {}
    for row in world.database.rows:
        for decision in row.content.decisions:
            clustered.setdefault(decision.account, []).append(said(decision))
    assert clustered == decisions
    assert {account: world.owed(account) for account in owed} == owed == dict(traffic.owed)
