"""A partition that nobody can take up must not keep a switch that has just started from its blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from guard.core.partitions import PARTITIONS, partition_of
from guard.core.restored import Restored
from guard.ports import StoreError
from tests.cluster.world import PartOfStore, World

ACCOUNTS = [f"A{number}" for number in range(8)]
SICK = next(part for part in range(PARTITIONS) if part not in {*map(partition_of, ACCOUNTS), partition_of("sw1")})


@pytest.fixture
def world() -> Iterator[World]:
    world = World(limit_micros=1_000_000)
    yield world
    world.close()


def make_sick(monkeypatch: pytest.MonkeyPatch, sick: int) -> None:
    whole = PartOfStore.restore

    async def restore(store: PartOfStore) -> Restored:
        if store._claim.part == sick:
            raise StoreError("a row is broken")
        return await whole(store)

    monkeypatch.setattr(PartOfStore, "restore", restore)


@pytest.mark.parametrize("sick", [SICK, partition_of("sw1")], ids=["any", "the switch's home"])
def test_a_switch_that_starts_anew_is_told_each_block(world: World, monkeypatch: pytest.MonkeyPatch, sick: int) -> None:
    make_sick(monkeypatch, sick)
    world.add_switch("sw1")
    world.start("w1")
    world.run(4_000)
    for account in ACCOUNTS:
        at_ms = world.schedule.now_ms
        report = {
            "call": account,
            "event": "tick",
            "account": account,
            "to": "+16135550100",
            "at": f"{at_ms // 1_000}.{at_ms % 1_000:03}",
            "duration_ms": 60_000,
            "charge": "2.00",
            "rate": "0",
        }
        world.receive("guard/v1/sw1/calls", json.dumps(report).encode())
    world.run(3_000)
    assert world.switches["sw1"].blocked() == set(ACCOUNTS)

    switch = world.add_switch("sw1")
    world.until(lambda: switch.blocked() == set(ACCOUNTS), 10_000, "it knows all blocks again")

    assert not switch.snapshots, "a part of the truth is never said to be the whole"
    monkeypatch.undo()
    world.until(lambda: bool(switch.snapshots), 20_000, "somebody has taken it up, and the whole is there")
    assert switch.blocked() == set(ACCOUNTS)
