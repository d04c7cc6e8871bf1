"""What the figures say of an engine: the same as the engine's own pictures, without a walk over accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.adapters.metrics import Figures, Probe, catalog, initial_figures, read_off
from guard.adapters.metrics.probe import EVERY_MS, room_of
from guard.core.decisions import Command
from guard.core.engine import Engine
from guard.core.expectation import HOURS_OF_WEEK
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import Ack, Event, Report, SwitchStatus
from guard.core.restored import Restored
from guard.core.rows import ExpectationRow, SwitchRow
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.switches import Silence
from tests.shell.fakes import START_MS, ManualClock

MINUTE_MS = 60_000


@pytest.fixture
def engine() -> Engine:
    scopes, settings = Scopes.of_country_code("1"), Settings()
    rating = Rating(unknown_rate_micros=settings.unknown_rate_micros, kind_of=scopes.kind_of)
    return Engine(settings, scopes, START_MS, rating=rating)


def tick(account: str, *, charge: int, rate: int, duration_ms: int = 1_000) -> Report:
    return Report(
        f"call of {account}",
        Event.TICK,
        account,
        START_MS,
        duration_ms,
        to="+16135550100",
        charge_micros=Micros(charge),
        rate_micros=rate,
    )


def read(engine: Engine, now_ms: int = START_MS) -> Figures:
    figures = initial_figures((), "CAD")
    read_off(engine, figures, now_ms)
    return figures


def test_money_in_flight_grows_as_fast_as_the_burn_rate_says(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=350_000, rate=2_100_000), START_MS)
    engine.report("sw2", tick("A2", charge=1_000_000, rate=900_000), START_MS)
    engine.advance(START_MS)
    now, later = read(engine), read(engine, START_MS + MINUTE_MS)
    assert now.in_flight_micros == {"CAD": 1_350_000}
    assert now.burn_micros == {"CAD": 3_000_000}
    assert later.in_flight_micros["CAD"] - now.in_flight_micros["CAD"] == now.burn_micros["CAD"]
    assert now.exposure_micros == now.in_flight_micros


def test_each_outcome_is_counted_under_its_own_name(engine: Engine) -> None:
    """A switch counts them in a dict of its own; reading takes their order for granted."""
    engine.report("sw1", tick("A1", charge=0, rate=0), START_MS)
    switch = engine.world.switches["sw1"]
    for number, outcome in enumerate(switch.outcomes, 10):
        switch.outcomes[outcome] = number
    expected = {("sw1", outcome.value): number for outcome, number in switch.outcomes.items()}
    assert read(engine).reports == {("sw1", "accepted"): 1, **expected}


def test_a_switch_that_goes_down_is_down_and_blind_and_still_has_its_calls(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=0, rate=1_000_000), START_MS)
    engine.control(SwitchStatus(switch="sw1", up=False), START_MS + 2_500)
    held = read(engine, START_MS + 4_000).switches
    assert (held.up["sw1"], held.blind["sw1"], held.live_calls["sw1"]) == (0, 1, 1)
    assert held.age_s["sw1"] == 1.5


@pytest.mark.parametrize("silence", Silence)
def test_each_silence_has_a_number_of_its_own(engine: Engine, silence: Silence) -> None:
    engine.report("sw1", tick("A1", charge=0, rate=0), START_MS)
    engine.world.switches["sw1"].silence = silence
    held = read(engine).switches
    shown = {
        Silence.CALLS_UP: held.blind["sw1"],
        Silence.UNUSUAL: held.unusual["sw1"],
        Silence.ABSENT: held.absent["sw1"],
    }
    assert [told for told, number in shown.items() if number] == [silence]


def test_what_is_usual_of_a_switch_is_shown_once_learned(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=0, rate=0), START_MS)
    assert read(engine).switches.usual_calls == {"sw1": 0}
    row = ExpectationRow(usual=(12_500,) * HOURS_OF_WEEK, learned=(2,) * HOURS_OF_WEEK)
    engine.world.switches["sw1"].expectation.restore(row)
    assert read(engine).switches.usual_calls == {"sw1": 12}


def test_a_switch_that_is_absent_is_not_waited_for_in_the_total(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=200_000_000, rate=0), START_MS)
    engine.world.switches["sw1"].silence = Silence.ABSENT
    figures = read(engine, START_MS + 60_000)
    assert (figures.commands_unconfirmed, figures.command_age_s, figures.switches.unconfirmed) == (0, 0, {"sw1": 1})


def test_after_a_restart_a_switch_is_as_old_as_its_last_report(engine: Engine) -> None:
    row = SwitchRow(name="sw1", up=True, first_heard_ms=START_MS - 90_000, last_heard_ms=START_MS - 3_000, skew_ms=0)
    engine.restore(Restored(switches=[row]), START_MS)
    assert read(engine).switches.age_s == {"sw1": 3}


def test_a_command_counts_as_unconfirmed_until_the_switch_has_confirmed_it(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=200_000_000, rate=0), START_MS)
    (sent,) = (send.message for send in engine.take().sends if isinstance(send.message, Command))
    waiting = read(engine, START_MS + 700)
    assert (waiting.commands_unconfirmed, waiting.switches.unconfirmed) == (1, {"sw1": 1})
    assert waiting.command_age_s == 0.7
    engine.control(Ack(switch="sw1", id=sent.id, ok=True, at_ms=START_MS), START_MS)
    done = read(engine, START_MS + 800)
    assert (done.commands_unconfirmed, done.command_age_s) == (0, 0)


def test_a_switch_that_is_down_does_not_count_in_the_total_but_in_its_own(engine: Engine) -> None:
    engine.report("sw1", tick("A1", charge=200_000_000, rate=0), START_MS)
    engine.control(SwitchStatus(switch="sw1", up=False), START_MS)
    figures = read(engine)
    assert (figures.commands_unconfirmed, figures.switches.unconfirmed) == (0, {"sw1": 1})


async def test_the_probe_sees_how_late_it_is_woken_and_how_big_the_store_is(tmp_path: Path) -> None:
    store = tmp_path / "guard.db"
    store.write_bytes(b"x" * 1_000)
    store.with_name("guard.db-wal").write_bytes(b"x" * 24)
    figures = initial_figures((), "CAD")
    clock = LateClock(late_ms=30, times=3)
    with pytest.raises(Enough):
        await Probe(figures, clock, room_of(store)).run()
    assert figures.store_bytes == 1_024
    assert figures.store_free_bytes > 0
    bound = catalog.LOOP_BUCKETS.index(0.05)
    assert figures.loop_lag.counts[bound] == 3
    assert clock.asked_ms == [EVERY_MS] * 4


async def test_a_store_that_is_not_there_is_0_bytes(tmp_path: Path) -> None:
    figures = initial_figures((), "CAD")
    with pytest.raises(Enough):
        await Probe(figures, LateClock(late_ms=0, times=0), room_of(tmp_path / "nowhere" / "guard.db")).run()
    assert (figures.store_bytes, figures.store_free_bytes) == (0, 0)


class Enough(Exception):  # noqa: N818 -- not an error: it ends the test
    """The clock has been asked often enough."""


class LateClock(ManualClock):
    """Wakes everybody so much too late, so many times."""

    def __init__(self, *, late_ms: int, times: int) -> None:
        super().__init__()
        self.asked_ms: list[int] = []
        self._late_ms = late_ms
        self._times = times

    async def sleep(self, ms: int) -> None:
        self.asked_ms.append(ms)
        if len(self.asked_ms) > self._times:
            raise Enough
        await super().sleep(ms + self._late_ms)
