"""Accounts of thirty partitions call one number: the cluster decides as a single daemon does, whoever dies then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from guard.core.decisions import Decision
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import Outcome
from guard.core.rules.across import home_of
from guard.core.rules.lanes import Compiled
from guard.core.settings import MINUTE_MS
from guard.wire.reports import decode_reports
from tests.cluster.test_workers import all_held
from tests.cluster.world import WorkerProcess, World
from tests.core.rules.builders import rule
from tests.scenarios.stage import Stage

NUMBER = "+252612345678"
WANGIRI = rule("accounts", warn=3, block=8, window_ms=2 * MINUTE_MS)
(COUNTER,) = Compiled([WANGIRI]).counters
HOME = home_of(COUNTER, NUMBER[1:])
ACCOUNTS = [f"A{number}" for number in range(30)]
CALLS = "guard/v1/sw1/calls"


@pytest.fixture
def world() -> Iterator[World]:
    world = World(limit_micros=10**12)
    world.settings = replace(world.settings, fuse_blocks=1_000)
    world.rules = (WANGIRI,)
    yield world
    world.close()


def holder(world: World, part: int) -> WorkerProcess:
    return next(worker for worker in world.workers if worker.alive and part in worker.held)


def say(world: World, account: str, event: str, lasts_ms: int = 0, to: str = NUMBER) -> None:
    at_ms = world.schedule.now_ms
    report = {
        "call": f"{account} {to}",
        "event": event,
        "account": account,
        "to": to,
        "at": f"{at_ms // 1_000}.{at_ms % 1_000:03}",
        "duration_ms": lasts_ms,
        "charge": "0.01",
        "rate": "0.00",
    }
    world.receive(CALLS, msgspec.json.encode(report))


def call(world: World, account: str, *, short: bool) -> None:
    """One call begins; one that is short is over before the next."""
    say(world, account, "answered")
    world.run(300)
    if short:
        say(world, account, "ended", 300)
    world.run(700)


def is_read(world: World) -> bool:
    living = [worker for worker in world.workers if worker.alive]
    return all_held(world, *living) and not any(each.behind for worker in living for each in worker.worker.partitions)


def decided(world: World) -> list[tuple[str, ...]]:
    return brief([each for row in world.database.rows for each in row.content.decisions])


def brief(decisions: list[Decision]) -> list[tuple[str, ...]]:
    return sorted((d.account, d.action.value, d.rule, d.key, d.mode.value, d.mark, d.scope.value) for d in decisions)


def alone(world: World) -> list[tuple[str, ...]]:
    """What a single daemon decides of all that the switch has said."""
    stage = Stage(world.settings, rules=world.rules, now_ms=world.received[0][0])
    for at_ms, topic, payload in world.received:
        if topic == CALLS:
            stage.advance_to(at_ms)
            for report in decode_reports(payload, at_ms).reports:
                assert stage.report("sw1", report) is Outcome.ACCEPTED
    stage.advance_to(world.schedule.now_ms)
    return brief(stage.happened.decisions)


def test_the_accounts_lie_apart() -> None:
    assert len({HOME, *map(partition_of, ACCOUNTS)}) > 25


@pytest.mark.parametrize("killed_at", [None, 2, 7, 20])
def test_the_cluster_decides_as_a_single_daemon(world: World, killed_at: int | None) -> None:
    world.add_switch("sw1")
    world.start("w1")
    world.start("w2")
    world.until(lambda: all_held(world, *world.workers), 5_000, "halves")
    for number, account in enumerate(ACCOUNTS):
        if number == killed_at:
            # In the middle of its work on this very call, for the home's owner.
            say(world, account, "answered")
            world.run(6)
            holder(world, HOME).kill()
            world.until(lambda: is_read(world), 10_000, "the other has everything")
            say(world, account, "ended", 10_000)
        else:
            call(world, account, short=number % 3 == 0)
    world.run(2_000)

    expected = alone(world)
    blocked = [account for account, action, *_ in expected if action == "block"]
    assert decided(world) == expected
    assert len(blocked) > 25
    assert world.blocked() == set(blocked)
    assert world.switches["sw1"].blocked() == set(blocked)


def test_marks_outlive_all_workers_and_clear_in_their_time(world: World) -> None:
    world.add_switch("sw1")
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "all")
    for account in ACCOUNTS[:9]:
        call(world, account, short=True)
    first.kill()
    second = world.start("w2")
    world.until(lambda: all_held(world, second), 10_000, "all")
    call(world, ACCOUNTS[9], short=True)
    assert decided(world) == alone(world)

    world.run(3 * MINUTE_MS)
    call(world, ACCOUNTS[10], short=True)
    assert decided(world) == alone(world)
    assert [each[:2] for each in decided(world) if each[1] in {"warn", "cleared"}] == [
        ("A2", "cleared"),
        ("A2", "warn"),
    ]
    left = [row.kind for part in world.database.rows for row in part.content.kept.values() if row.kind == "crowd"]
    assert len(left) == 1, "of the first crowd nothing is left in the store"


def test_a_log_that_is_away_holds_the_batch_up_and_nothing_is_lost(world: World) -> None:
    world.add_switch("sw1")
    worker = world.start("w1")
    world.until(lambda: all_held(world, worker), 5_000, "all")
    world.log.away = True
    for account in ACCOUNTS[:9]:
        call(world, account, short=False)
    failing = [each for each in worker.worker.partitions if each.store_failure]
    assert len(failing) >= 9
    assert "NATS" in failing[0].store_failure
    assert decided(world) == []

    world.log.away = False
    world.until(lambda: is_read(world), 20_000, "everything is read")
    world.run(10_000)
    assert not any(each.store_failure for each in worker.worker.partitions)
    assert world.blocked() == set(ACCOUNTS[:9])
    assert len(decided(world)) == 10, "one warning, and each blocked once"


def test_without_such_rules_nothing_is_said(world: World) -> None:
    world.rules = (rule("calls", warn=3, block=8),)
    world.add_switch("sw1")
    worker = world.start("w1")
    world.until(lambda: all_held(world, worker), 5_000, "all")
    call(world, "A1", short=True)
    said = [
        message.topic
        for part in range(PARTITIONS)
        for entry in world.log.entries[part]
        for message in entry.messages
        if message.topic.startswith("$")
    ]
    assert said == []
