"""A switch's clock that is set forward must not make its other calls look older, and dearer, than they are."""

from __future__ import annotations

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from guard.core.scopes import Scopes
from guard.core.settings import Settings

NOW_MS = 1_800_000_000_000
JUMP_MS = 600_000


def answered(call: str, account: str, at_ms: int) -> Report:
    """A call of 0.30 a second that begins."""
    return Report(
        call, Event.ANSWERED, account, at_ms, to="+25377123456", rate_micros=18_000_000, charge_micros=Micros(0)
    )


def exposure(engine: Engine, account: str, now_ms: int) -> int:
    """What an account's calls have come to, in micros."""
    view = engine.picture(account, now_ms)
    assert view is not None
    return view.exposure_micros


def test_a_call_keeps_its_age_when_the_clock_of_its_switch_is_set_forward() -> None:
    """One report in the new time, of another call, changes nothing about a call from before."""
    engine = Engine(Settings(default_limit_micros=Micros(100_000_000)), Scopes.of_country_code("1"), NOW_MS)
    engine.report("sw1", answered("before", "A1", NOW_MS), NOW_MS)
    later_ms = NOW_MS + 60_000
    engine.advance(later_ms)
    assert exposure(engine, "A1", later_ms) == 18_000_000
    engine.report("sw1", answered("after", "A2", later_ms + JUMP_MS), later_ms)
    assert exposure(engine, "A1", later_ms) == 18_000_000
    assert exposure(engine, "A2", later_ms) == 0
    engine.advance(later_ms + 10_000)
    assert exposure(engine, "A1", later_ms + 10_000) == 21_000_000
    assert exposure(engine, "A2", later_ms + 10_000) == 3_000_000
    assert engine.world.accounts["A1"].causes == ()
    total = engine.world.switches["sw1"].total("CAD")
    assert total.value_scaled(later_ms + 10_000) == 24_000_000 * 60_000
