"""One anomaly model at work in many partitions: what was learned is shared, what is usual for an account is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from guard.adapters.metrics import Figures
from guard.anomaly.recent import STEP_MS
from guard.anomaly.refusal import ArtefactError
from guard.app.model_of_partitions import PartitionModel, WorkersModel
from guard.core.anomaly import Finding
from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.rules.local import day_of
from guard.core.rules.profile import Profile
from guard.core.settings import ModelMode
from guard.core.tariff import CallClass
from guard.shell.sentinel import GRACE_MS
from tests.anomaly.builders import START_MS, seen
from tests.app.test_model_room import SHIPPED, Broken, wanting
from tests.shell.fakes import House, ManualClock

ABROAD: dict[str, Any] = {"country": "SO", "kind": CallClass.INTERNATIONAL, "number": "25261555", "prefix": "252"}


class Post:
    """A worker's model, and what its partitions have found."""

    def __init__(self) -> None:
        self.clock, self.figures = ManualClock(), Figures()
        self.model = WorkersModel(SHIPPED, self.clock, self.figures)
        self.engines: dict[int, Engine] = {}
        self.found: dict[int, list[Finding]] = {}

    def claim(self, part: int) -> PartitionModel:
        self.engines[part] = House().engine
        self.found[part] = []
        return self.model.of(part, self.engines[part])

    async def score(self, part: int, side: PartitionModel) -> None:
        """What is due now, once."""
        done = asyncio.Event()

        async def find(findings: Sequence[Finding], _kept: Sequence[KeptRow]) -> None:
            self.found[part] += findings
            done.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(side.run(find))
        async with asyncio.timeout(10):
            await done.wait()
        task.cancel()


def defraud(side: PartitionModel, account: str) -> None:
    """An account that is known for long calls where it never has, and dearly."""
    profile = Profile(day_of(START_MS) - 40)
    for minute in range(5):
        at_ms = START_MS + minute * 60_000
        side.sentinel.observe(
            seen(at_ms, account=account, gross_micros=90_000_000, rate_micros=22_000_000, **ABROAD), profile, 9
        )


def test_what_was_learned_is_read_once_and_what_is_followed_is_each_partitions_own() -> None:
    post = Post()
    one, other = post.claim(3), post.claim(7)
    assert one.lookout is not None
    assert other.lookout is not None
    assert one.lookout.scorer is other.lookout.scorer
    assert one.lookout.artefact is other.lookout.artefact
    assert one.lookout.tracker is not other.lookout.tracker
    assert post.model.view().up


async def test_a_finding_goes_to_the_partition_of_its_account_and_is_the_daemons() -> None:
    alone, post = Post(), Post()
    whole, one, other = alone.claim(0), post.claim(3), post.claim(7)
    for side in (whole, one):
        defraud(side, "A")
    for side in (whole, other):
        defraud(side, "B")
    for each in (alone, post):
        each.clock.ms = START_MS + STEP_MS + GRACE_MS + 1
    await alone.score(0, whole)
    await post.score(3, one)
    await post.score(7, other)
    assert {finding.account for finding in post.found[3]} == {"A"}
    assert {finding.account for finding in post.found[7]} == {"B"}
    assert sorted(map(repr, alone.found[0])) == sorted(map(repr, [*post.found[3], *post.found[7]]))


def test_a_reload_goes_on_with_what_each_partition_knows() -> None:
    post = Post()
    sides = [post.claim(3), post.claim(7)]
    trackers = [side.lookout.tracker for side in sides if side.lookout is not None]
    post.model.read(SHIPPED)
    post.model.take_up(SHIPPED)
    assert [side.lookout.tracker for side in sides if side.lookout is not None] == trackers
    off = wanting(Path(SHIPPED.model.dir or ""), ModelMode.OFF)
    post.model.read(off)
    post.model.take_up(off)
    assert [side.sentinel.model for side in sides] == [None, None]
    assert not post.model.view().up


def test_a_wrong_one_is_refused_and_the_old_one_goes_on(tmp_path: Path) -> None:
    post = Post()
    side = post.claim(3)
    with pytest.raises(ArtefactError):
        post.model.read(wanting(tmp_path / "nowhere"))
    assert side.sentinel.model is not None
    assert "nowhere" in post.model.view().wrong


def test_a_fault_in_one_partition_is_told_and_does_not_end_the_others() -> None:
    post = Post()
    one, other = post.claim(3), post.claim(7)
    one.sentinel.swap(cast("Any", Broken()))
    one.sentinel.observe(cast("Any", None), cast("Any", None), 0)
    view = post.model.view()
    assert not view.up
    assert view.wrong.startswith("ZeroDivisionError")
    assert other.sentinel.model is not None
    post.model.gone(3, post.engines[3])
    assert post.model.view().up


def test_a_partition_that_was_claimed_anew_stays_when_its_old_self_goes() -> None:
    post = Post()
    post.claim(3)
    old = post.engines[3]
    side = post.claim(3)
    post.model.gone(3, old)
    post.model.read(SHIPPED)
    before = side.lookout
    post.model.take_up(SHIPPED)
    assert side.lookout is not before
