"""An engine that is taken apart leaves the garbage collector nothing."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.engine import Engine
from guard.wire.reports import decode_reports
from tests.bench.engine import engine_with
from tests.bench.recorded import REPORTS_A_CALL, recorded

STEPS_AT_LEAST = 4


@pytest.fixture(autouse=True)
def _collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def grown(accounts: int) -> Engine:
    """In the middle of their calls, some of which are over and remembered."""
    engine = engine_with(0, read_rules(shipped("rules")))
    load = recorded(accounts * 3 * REPORTS_A_CALL, time.time() - 600, accounts=accounts)
    now_ms = time.time_ns() // 1_000_000
    engine.advance(now_ms)
    for each in load[: len(load) * 3 // 4]:
        for report in decode_reports(each.payload, now_ms).reports:
            engine.report("sw1", report, now_ms)
    engine.take()
    return engine


def left_over(accounts: int) -> int:
    """Objects that are there after an engine with so many has gone, and were not before."""
    engine = grown(accounts)
    rating, rules = engine.world.rating, engine.rules
    gc.collect()
    with_it = len(gc.get_objects())
    steps = sum(1 for _ in engine.dismantling())
    assert steps >= STEPS_AT_LEAST, "others may run in between"
    assert not engine.world.accounts
    assert not engine.world.switches
    del engine
    freed = with_it - len(gc.get_objects())
    assert freed > accounts * 10, "most of it went by itself"
    found = gc.collect()
    assert rating is not None, "all partitions of a worker share it, so it stays"
    assert rules
    return found


def test_nothing_is_left_over() -> None:
    assert left_over(100) == 0
    assert left_over(1_000) == 0


def test_nothing_is_given_away_of_what_had_been_stored() -> None:
    engine = grown(20)
    assert len(engine.world.accounts) == 20
    for _ in engine.dismantling():
        pass
    assert engine.picture("A0000000", 0) is None
    with pytest.raises(AttributeError):
        engine.take()
