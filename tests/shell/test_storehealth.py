"""A store that is slow or short of room is told of once, and so is that it is well again."""

from __future__ import annotations

from guard.core.decisions import Notice, NoticeKind
from guard.core.settings import SECOND_MS
from guard.shell.storehealth import CALM_MS, StoreHealth
from tests.shell.fakes import House, ManualClock

MB = 10**6


class Case:
    """A store health, and what it tells."""

    def __init__(self, slow_after_ms: int = SECOND_MS, min_free_bytes: int = 500 * MB) -> None:
        self.clock = ManualClock()
        self.told: list[Notice] = []
        self.health = StoreHealth(
            self.clock, slow_after_ms=slow_after_ms, min_free_bytes=min_free_bytes, tell=self.told.append
        )

    def texts(self) -> list[str]:
        """What was told since the last time of asking; an end begins with `over`."""
        told, self.told[:] = list(self.told), []
        assert all(notice.kind is NoticeKind.STORE for notice in told)
        return [f"over: {notice.text}" if notice.over else notice.text for notice in told]


WELL = "over: The store is quick again and has room."


def test_a_slow_commit_is_told_once_until_there_was_none_for_a_while() -> None:
    case = Case()
    case.health.committed(SECOND_MS)
    assert case.texts() == []
    case.health.committed(SECOND_MS + 500)
    [text] = case.texts()
    assert text.startswith("The store is slow: a commit took 1.5 s, and every command waits for its commit.")
    case.clock.ms += CALM_MS - 1
    case.health.committed(5 * SECOND_MS)
    case.clock.ms += CALM_MS - 1
    case.health.look(10**12)
    assert case.texts() == []
    case.clock.ms += 1
    case.health.look(10**12)
    assert case.texts() == [WELL]


def test_too_little_room_is_told_once_until_there_is_a_tenth_more() -> None:
    case = Case()
    case.health.look(500 * MB)
    assert case.texts() == []
    case.health.look(499 * MB)
    case.health.look(300 * MB)
    [text] = case.texts()
    assert text.startswith("The store has 499 MB of room left, less than [store] min_free (500 MB)")
    case.health.look(549 * MB)
    assert case.texts() == []
    case.health.look(550 * MB)
    assert case.texts() == [WELL]


def test_two_reasons_are_one_matter_that_ends_with_the_last() -> None:
    case = Case()
    case.health.committed(2 * SECOND_MS)
    case.health.look(0)
    assert len(case.texts()) == 2
    case.clock.ms += CALM_MS
    case.health.look(0)
    assert case.texts() == []
    case.health.look(10**12)
    assert case.texts() == [WELL]


def test_an_operator_can_turn_both_off() -> None:
    case = Case(slow_after_ms=0, min_free_bytes=0)
    case.health.committed(60 * SECOND_MS)
    case.health.look(0)
    assert case.texts() == []


async def test_a_commit_that_had_to_be_tried_again_counts_with_its_waiting() -> None:
    """Once the store takes batches again, on-call is told by webhook, too, that it did not."""
    house = House()
    took: list[int] = []
    house.loop.on_commit = took.append
    house.store.failures = 3
    house.report('{"call":"c","event":"failed","account":"A1","to":"+16135550100","at":1800000000}')
    await house.loop.turn()
    assert took == [100 + 200 + 400]
