"""What concerns all partitions happens once: the fuse opens for all of them, and on-call hears of a switch once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from guard.core.decisions import Action
from guard.core.fuses import HOME
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import CloseFuse, IntentResult
from guard.core.settings import MINUTE_MS
from tests.cluster.world import LOG_TAKES_MS, STORE_TAKES_MS, WorkerProcess, World
from tests.core.rules.builders import rule

BOUND = 20
THERE_AND_BACK_MS = 2 * (2 * LOG_TAKES_MS + LOG_TAKES_MS + STORE_TAKES_MS)
"""A word and its answer, each appended and read, by a loop that may just have begun to say and store a batch."""


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.rules = (rule("calls", warn=None, block=1),)
    world.settings = replace(world.settings, fuse_window_ms=MINUTE_MS, blind_carry_ms=30 * MINUTE_MS)
    yield world
    world.close()


def start(world: World, *names: str) -> list[WorkerProcess]:
    """These workers share everything."""
    workers = [world.start(name) for name in names]

    def share() -> bool:
        held = [part for worker in workers for part in worker.held]
        return len(held) == PARTITIONS and all(worker.held for worker in workers) and ready(world)

    world.until(share, 10_000, "they share everything")
    return workers


def ready(world: World) -> bool:
    return all(each.restored for worker in world.workers if worker.alive for each in worker.worker.partitions)


def say(world: World, event: str, account: str, call: str, duration_ms: int = MINUTE_MS) -> None:
    """A report about a call of sw1, now."""
    report = {
        "call": call,
        "event": event,
        "account": account,
        "to": "+252612345678",
        "at": world.schedule.now_ms / 1_000,
        "duration_ms": duration_ms,
        "charge": "0",
    }
    world.receive("guard/v1/sw1/calls", json.dumps(report).encode())


def decided(world: World, action: Action) -> list[str]:
    rows = world.database.rows
    return [each.account for row in rows for each in row.content.decisions if each.action is action]


def told(world: World, start: str) -> list[str]:
    return [notice for notice in world.notices if notice.startswith(start)]


def accounts_wait(world: World) -> set[str]:
    workers = [worker for worker in world.workers if worker.alive]
    engines = [each.engine for worker in workers for each in worker.worker.partitions]
    return {held.account for engine in engines for held in engine.held()}


@pytest.mark.parametrize("killed", [False, True])
def test_a_wrong_rule_blocks_no_more_than_the_bound_and_what_was_on_its_way(world: World, killed: bool) -> None:  # noqa: FBT001
    world.add_switch("sw1")
    home, other = sorted(start(world, "w1", "w2"), key=lambda worker: HOME not in worker.held)
    customers = [f"A{number}" for number in range(500)]
    for number, customer in enumerate(customers):
        if killed and number == 250:
            other.kill()
        say(world, "ended", customer, f"c{number}")
        world.run(1)
    world.until(lambda: len(home.held) == PARTITIONS or not killed, 10_000, "all are held")
    world.until(lambda: ready(world), 10_000, "all are restored")
    world.run(2_000)

    blocked = set(decided(world, Action.BLOCK))
    assert BOUND <= len(blocked) <= BOUND + THERE_AND_BACK_MS
    assert accounts_wait(world) == set(customers) - blocked
    assert world.blocked() == blocked == world.switches["sw1"].blocked()
    assert len(told(world, "The fuse is open")) == 1

    world.run(MINUTE_MS)
    assert len(told(world, "The fuse has closed by itself")) == 1
    assert len(told(world, "The fuse")) == 2
    assert accounts_wait(world) == set(customers) - blocked


def test_the_home_of_the_fuse_dies_while_it_counts(world: World) -> None:
    world.add_switch("sw1")
    first, second = start(world, "w1", "w2")
    home, other = (first, second) if HOME in first.held else (second, first)
    customers = [f"A{number}" for number in range(60)]
    for number, customer in enumerate(customers):
        if number == BOUND // 2:
            home.kill()
        say(world, "ended", customer, f"c{number}")
        world.run(1)
    world.until(lambda: len(other.held) == PARTITIONS and ready(world), 10_000, "the other has everything")
    world.run(5_000)

    # While nobody held the home each partition went on by itself; none of these accounts shares one with four others.
    blocked = set(decided(world, Action.BLOCK))
    assert accounts_wait(world) | blocked == set(customers)
    assert len(told(world, "The fuse is open")) == 1
    assert all(each.engine.fuse_open for each in other.worker.partitions)


def test_an_operator_closes_the_fuse_of_all(world: World) -> None:
    world.add_switch("sw1")
    (worker,) = start(world, "w1")
    for number in range(60):
        say(world, "ended", f"A{number}", f"c{number}")
        world.run(1)
    world.run(100)
    assert all(each.engine.fuse_open for each in worker.worker.partitions)

    home = next(each for each in worker.worker.partitions if each.claim.part == HOME)
    loop = home._loop
    assert loop is not None
    asking = worker.loop.create_task(loop.ask(CloseFuse(by="ana", reason="the rule is off")))
    world.until(asking.done, 1_000, "it is closed")
    world.run(100)

    assert asking.result() is IntentResult.DONE
    assert not any(each.engine.fuse_open for each in worker.worker.partitions)
    assert len(told(world, "The fuse was closed by ana")) == 1


@pytest.mark.parametrize("killed", [False, True])
def test_a_switch_that_dies_with_calls_up_in_many_partitions_is_told_once(world: World, killed: bool) -> None:  # noqa: FBT001
    world.rules = ()
    world.settings = replace(world.settings, stale_after_ms=10_000)
    world.add_switch("sw1")
    first, second = start(world, "w1", "w2")
    customers = [f"A{number}" for number in range(150)]
    assert len({partition_of(customer) for customer in customers}) > 100
    for number, customer in enumerate(customers):
        say(world, "answered", customer, f"c{number}", duration_ms=0)
    world.run(9_000)
    if killed:
        home = first if partition_of("sw1") in first.held else second
        home.kill()
    world.run(15_000)
    (silent,) = told(world, "Switch sw1")
    assert "silent for" in silent

    say(world, "tick", customers[0], "c0", duration_ms=25_000)
    world.run(5_000)
    assert told(world, "Switch sw1")[1:] == ["Switch sw1 is heard again."]
