"""Real workers that join, leave and die faster than anybody can settle; and a short form of the soak."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.rig import Rig, open_rig
from tests.cluster.soak import ACCOUNTS, rest, soak

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

CHANGES, MOST_CHANGES = 14, 60
MOST = 4
"""Workers at a time."""


def change(rig: Rig, random: Random) -> None:
    """Somebody comes, goes or dies; nobody is waited for."""
    living = rig.living
    kinds = ["join"] if len(living) == 1 else ["leave", "kill"] if len(living) == MOST else ["join", "leave", "kill"]
    match random.choice(kinds):
        case "join":
            rig.join()
        case "leave":
            random.choice(living).end()
        case _:
            random.choice(living).kill()


def test_in_a_storm_of_joins_and_leaves_each_partition_has_one_committer_an_epoch(tmp_path: Path) -> None:
    random = Random(5)
    with open_rig(tmp_path) as rig:
        rig.join()
        rig.settle("the start")
        with rig.traffic(seed=5) as traffic:
            for number in range(MOST_CHANGES):
                # A machine that is busy moves fewer partitions between one change and the next.
                if number >= CHANGES and rig.audit.epochs() > 3 * PARTITIONS:
                    break
                change(rig, random)
                rest(random.uniform(0.3, 2.0))
            rig.settle("the storm")
            rig.verdict(traffic)
        assert rig.audit.epochs() > 3 * PARTITIONS, "they have changed hands"


def test_a_soak_in_short(tmp_path: Path) -> None:
    soaked = soak(tmp_path, minutes=0.8, seed=3, every_s=2, say=logging.getLogger(__name__).info)
    soaked.check()
    assert len(soaked.owed) > ACCOUNTS // 2
