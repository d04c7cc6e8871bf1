"""The sentinel keeps the model out of the way of the money: newest first, bounded, and off at its first fault."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from guard.core.anomaly import Finding
from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.usual import UsualRow
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.shell import sentinel as module
from guard.shell.sentinel import GRACE_MS, LOOK_EVERY_MS, Sentinel
from tests.anomaly.builders import seen
from tests.shell.fakes import START_MS, ManualClock


class Row(NamedTuple):
    account: str
    at_ms: int


@dataclass
class FakeModel:
    """Finds every account whose name begins with F; fails when told to."""

    rows: list[Row] = field(default_factory=list)
    scored: list[list[Row]] = field(default_factory=list)
    heeded: list[Finding] = field(default_factory=list)
    changed: list[tuple[str, UsualRow]] = field(default_factory=list)
    observed: int = 0
    fails: bool = False

    @property
    def next_due_ms(self) -> int | None:
        return self.rows[0].at_ms if self.rows else None

    def observe(self, told: Observation, profile: Profile, up: int) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.observed += 1

    def due(self, now_ms: int) -> list[Row]:
        due = [row for row in self.rows if row.at_ms <= now_ms]
        self.rows = [row for row in self.rows if row.at_ms > now_ms]
        return due

    def score(self, rows: Sequence[Any]) -> tuple[list[float], list[Finding]]:
        if self.fails:
            raise ZeroDivisionError
        self.scored.append(list(rows))
        bad = [row for row in rows if row.account[0] == "F"]
        found = [Finding(account=row.account, at_ms=row.at_ms, score=2, mark=1) for row in bad]
        return [1.0] * len(rows), found

    def heed(self, findings: Sequence[Finding]) -> None:
        self.heeded += findings

    def take_changed(self) -> list[tuple[str, UsualRow]]:
        changed, self.changed = self.changed, []
        return changed

    def drift(self) -> float:
        return 0.0


@dataclass
class FakeFigures:
    scored: int = 0
    skipped: int = 0
    lag_s: float = -1.0
    model_up: bool = False

    def model_scored(self, scores: Sequence[float], lag_s: float) -> None:
        self.scored += len(scores)
        self.lag_s = lag_s

    def model_skipped(self, rows: int) -> None:
        self.skipped += rows


class Post:
    """A sentinel with everything that it talks to."""

    def __init__(self) -> None:
        self.model, self.figures, self.clock = FakeModel(), FakeFigures(), ManualClock()
        self.heard = asyncio.Event()
        self.told: list[tuple[list[Finding], list[KeptRow]]] = []
        engine = Engine(Settings(), Scopes.of_country_code("1"), START_MS)

        async def tell(findings: Sequence[Finding], kept: Sequence[KeptRow]) -> None:
            self.told.append((list(findings), list(kept)))
            self.heard.set()

        self.sentinel = Sentinel(engine=engine, clock=self.clock, figures=self.figures, tell=tell)
        self.sentinel.swap(self.model)

    def observe(self, at_ms: int) -> None:
        self.sentinel.observe(seen(at_ms), Profile(0), 1)


async def test_rows_wait_until_something_later_was_observed() -> None:
    post = Post()
    post.model.rows = [Row("F1", START_MS)]
    post.observe(START_MS + GRACE_MS - 1)
    await post.sentinel.turn()
    assert post.model.scored == []
    post.observe(START_MS + GRACE_MS - 1 + LOOK_EVERY_MS)
    await post.sentinel.turn()
    assert post.model.scored == [[Row("F1", START_MS)]]
    ((findings, kept),) = post.told
    assert [finding.account for finding in findings] == ["F1"]
    assert kept == []
    assert post.model.heeded == findings


async def test_what_is_as_usual_is_nobodys_business() -> None:
    post = Post()
    post.model.rows = [Row("A", START_MS)]
    post.observe(START_MS + GRACE_MS)
    await post.sentinel.turn()
    assert post.figures.scored == 1
    assert post.told == []


async def test_the_newest_come_first_and_of_an_account_nothing_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    post = Post()
    post.model.rows = [Row(name, START_MS + number) for number, name in enumerate(("A", "B", "C", "A", "D"))]
    post.observe(START_MS + GRACE_MS + 10)
    for _ in range(3):
        await post.sentinel.turn()
    assert [[row.account for row in batch] for batch in post.model.scored] == [["A", "D"], ["B", "C"]]
    assert post.figures.skipped == 1, "A was looked at later than that already"


async def test_behind_the_oldest_are_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    post = Post()
    post.model.rows = [Row(f"A{number}", START_MS + number) for number in range(8)]
    post.observe(START_MS + GRACE_MS + 10)
    await post.sentinel.turn()
    assert post.figures.skipped == 5
    assert [row.account for row in post.model.scored[0]] == ["A5", "A6", "A7"]


async def test_what_is_usual_is_stored_with_it() -> None:
    post = Post()
    row = UsualRow((1, 2, 3, 4), 5, ())
    post.model.changed = [("A", row)]
    post.model.rows = [Row("A", START_MS)]
    post.observe(START_MS + GRACE_MS)
    await post.sentinel.turn()
    assert post.told == [([], [KeptRow("usual", "A", row)])]


async def test_a_fault_while_observing_switches_it_off_and_raises_nothing() -> None:
    post = Post()
    post.model.fails = True
    post.observe(START_MS)
    assert post.sentinel.model is None
    assert not post.figures.model_up
    post.model.fails = False
    post.observe(START_MS)
    assert post.model.observed == 0, "off until the next start or reload"


async def test_a_fault_while_scoring_switches_it_off_and_the_daemon_goes_on() -> None:
    post = Post()
    post.model.rows = [Row("F", START_MS)]
    post.observe(START_MS + GRACE_MS)
    post.model.fails = True
    task = asyncio.create_task(post.sentinel.run())
    async with asyncio.timeout(10):
        while post.sentinel.model is not None:
            await post.clock.sleep(1)
    assert not post.figures.model_up
    assert not task.done(), "its task does not end, or the others would"
    task.cancel()


async def test_a_reload_goes_on_with_another_model_or_with_none() -> None:
    post, other = Post(), FakeModel()
    post.sentinel.swap(other)
    post.observe(START_MS)
    assert (post.model.observed, other.observed) == (0, 1)
    post.sentinel.swap(None)
    post.observe(START_MS)
    assert other.observed == 1
    assert not post.figures.model_up


async def test_where_nothing_comes_any_more_the_clock_says_when() -> None:
    post = Post()
    post.model.rows = [Row("F", START_MS)]
    task = asyncio.create_task(post.sentinel.run())
    async with asyncio.timeout(10):
        await post.heard.wait()
    task.cancel()
    assert post.clock.ms >= START_MS + GRACE_MS
    assert 0 <= post.figures.lag_s <= 12
