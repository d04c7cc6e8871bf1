"""Retention: a run after the start and once a day, in small steps with pauses, and again soon when it could not end."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from guard.adapters.log import set_up_logging
from guard.adapters.metrics.figures import Figures
from guard.core.privacy import Deleted
from guard.core.settings import DAY_MS, HOUR_MS
from guard.ports import StoreError
from guard.shell import retention
from guard.shell.retention import Retention
from tests.shell.fakes import START_MS, ManualClock

STEP_MS = 50


@dataclass
class PaperRun:
    """A run whose steps take time."""

    store: PaperDetails
    steps: list[Deleted]
    scrubs: int = 3

    async def step(self) -> Deleted:
        """The next."""
        self.store.clock.ms += STEP_MS
        self.store.began_ms.append(self.store.clock.ms)
        if self.store.failures:
            self.store.failures -= 1
            raise StoreError("the disk is full")
        return self.steps.pop(0)

    async def scrub(self) -> bool:
        """Some."""
        self.scrubs -= 1
        return self.scrubs > 0

    async def empty_log(self) -> bool:
        """As often as somebody is reading."""
        self.store.readers -= 1
        return self.store.readers < 0


@dataclass
class PaperDetails:
    """A store that says what it was asked for."""

    clock: ManualClock
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    began_ms: list[int] = field(default_factory=list)
    failures: int = 0
    readers: int = 0
    waiting: bool = False

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> PaperRun:
        """A run of three steps."""
        self.asked.append((now_ms, keep_ms))
        steps = [Deleted(lines=500, more=True), Deleted(lines=7, reports=2, more=True), Deleted(waiting=self.waiting)]
        self.waiting = False
        return PaperRun(self, steps)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
def store() -> PaperDetails:
    return PaperDetails(ManualClock())


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def until(retention: Retention, store: PaperDetails, runs: int) -> None:
    """Let it work until so many runs have begun and the last of them has ended."""
    task = asyncio.create_task(retention.run())
    for _ in range(10_000):
        await asyncio.sleep(0)
        if len(store.asked) > runs:
            break
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_run_is_counted_and_told_once(store: PaperDetails, log: io.StringIO) -> None:
    figures = Figures()
    worker = Retention(store=store, clock=store.clock, keep_ms=lambda: 90 * DAY_MS, figures=figures)
    await worker.run_once()
    assert store.asked == [(START_MS, 90 * DAY_MS)]
    assert figures.details_deleted == {"lines": 507, "decisions": 0, "reports": 2, "profiles": 0}
    (line,) = lines(log)
    assert (line["event"], line["lines"], line["reports"], line["keep_days"]) == ("call-details-deleted", 507, 2, 90)
    assert (line["steps"], line["longest_step_ms"], line["log_emptied"]) == (3, STEP_MS, True)


async def test_a_step_is_followed_by_several_times_its_length_of_pause(store: PaperDetails, log: io.StringIO) -> None:
    await Retention(store=store, clock=store.clock, keep_ms=lambda: None, figures=Figures()).run_once()
    gaps = [later - earlier for earlier, later in zip(store.began_ms, store.began_ms[1:], strict=False)]
    assert gaps == [STEP_MS * (1 + retention.SHARE)] * 2
    assert lines(log)[0]["keep_days"] is None


async def test_the_log_is_emptied_when_nobody_reads_it(store: PaperDetails, log: io.StringIO) -> None:
    store.readers = 3
    await Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures()).run_once()
    assert lines(log)[0]["log_emptied"] is True
    store.readers = 1_000
    await Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures()).run_once()
    assert lines(log)[1]["log_emptied"] is False


@pytest.mark.usefixtures("log")
async def test_there_is_a_run_soon_after_the_start_and_then_each_day(store: PaperDetails) -> None:
    await until(Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures()), store, 3)
    first, second, third = (now_ms for now_ms, _ in store.asked[:3])
    assert first == START_MS + retention.FIRST_AFTER_MS
    assert all(DAY_MS <= gap < DAY_MS + HOUR_MS for gap in (second - first, third - second))


@pytest.mark.usefixtures("log")
async def test_an_account_that_is_to_be_forgotten_does_not_wait_for_tomorrow(store: PaperDetails) -> None:
    worker = Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures())
    store.waiting = True
    worker.tell()
    await until(worker, store, 2)
    first, second = (now_ms for now_ms, _ in store.asked[:2])
    assert first < START_MS + retention.FIRST_AFTER_MS
    assert second - first < 2 * retention.FIRST_AFTER_MS


@pytest.mark.usefixtures("log")
async def test_nor_does_it_wait_because_the_store_was_in_trouble_before(
    store: PaperDetails, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures())
    store.failures = 1
    wait = store.clock.wait

    async def told(event: asyncio.Event, ms: int) -> None:
        if ms == retention.AGAIN_AFTER_MS:
            worker.tell()
        await wait(event, ms)

    monkeypatch.setattr(store.clock, "wait", told)
    await until(worker, store, 2)
    first, second = (now_ms for now_ms, _ in store.asked[:2])
    assert second - first < 2 * retention.FORGET_AFTER_MS


async def test_a_store_in_trouble_is_left_alone_for_some_minutes(store: PaperDetails, log: io.StringIO) -> None:
    store.failures = 1
    await until(Retention(store=store, clock=store.clock, keep_ms=lambda: DAY_MS, figures=Figures()), store, 2)
    first, second = (now_ms for now_ms, _ in store.asked[:2])
    assert retention.AGAIN_AFTER_MS <= second - first < retention.AGAIN_AFTER_MS + retention.FIRST_AFTER_MS
    assert [line["event"] for line in lines(log)][:2] == ["call-details-kept", "call-details-deleted"]
