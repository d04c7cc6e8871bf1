"""Whoever takes a partition up reads what waits in its log before anybody is judged by what calls may have grown to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.world import World

ACCOUNTS = [f"A{number}" for number in range(300)]
GOES_ON = ACCOUNTS[0]


@pytest.fixture
def world() -> Iterator[World]:
    world = World(limit_micros=3_000_000)
    yield world
    world.close()


def say(world: World, account: str, event: str, lasted_ms: int) -> None:
    """A call of 1.00 a second has lasted so long by now."""
    body = {
        "call": f"call of {account}",
        "event": event,
        "account": account,
        "to": "+14165550100",
        "at": world.schedule.now_ms / 1_000,
        "duration_ms": lasted_ms,
        "charge": f"{lasted_ms / 1_000:.3f}",
        "rate": "60.00",
    }
    world.receive("guard/v1/sw1/calls", json.dumps(body).encode())


def test_calls_that_ended_before_a_takeover_block_nobody(world: World) -> None:
    """They ended in time, which waits in the log; the one that went on is over its limit, and is blocked."""
    first = world.start("w1")
    world.until(lambda: len(first.held) == PARTITIONS, 20_000, "w1 holds everything")
    world.add_switch("sw1")
    world.run(5_000)
    for account in ACCOUNTS:
        say(world, account, "answered", 0)
    world.run(1_300)
    world.start("w2")
    first.kill()
    world.run(300)
    for account in ACCOUNTS[1:]:
        say(world, account, "ended", 1_600)
    world.run(8_000)
    assert world.commanded == {("sw1", GOES_ON)}
    assert world.blocked() == {GOES_ON}
    assert {world.owed(account) for account in ACCOUNTS[1:]} == {1_600_000}
