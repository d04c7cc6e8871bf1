"""A clock that was set while guard was not there: found at the next start, if the machine still runs."""

from __future__ import annotations

import asyncio

import pytest

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from guard.core.restored import Restored
from guard.core.rows import ClockRow
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.shell.clock import since_boot
from guard.shell.clockkeeper import ClockKeeper
from tests.shell.fakes import START_MS, House, ManualClock

HOUR_MS = 3_600_000
BOOTED_MS = START_MS - HOUR_MS


class Machine:
    """Started an hour ago."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.boot = "first"

    def since_boot(self) -> tuple[str, int]:
        """Steps of the clock left out."""
        return self.boot, self.clock.monotonic_ns() // 1_000_000 - BOOTED_MS


def started(machine: Machine, left: Restored) -> tuple[Engine, ClockKeeper]:
    """A life of guard, after another one that has left this."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), machine.clock.ms)
    keeper = ClockKeeper(engine, machine.clock, machine.since_boot)
    left.kept = keeper.restored(left.kept)
    engine.restore(left, machine.clock.ms)
    keeper.compare()
    return engine, keeper


def left_by_the_first(machine: Machine) -> Restored:
    """What a life with one switch leaves."""
    engine, keeper = started(machine, Restored())
    report = Report("c1", Event.ENDED, "A1", machine.clock.ms, duration_ms=1_000, charge_micros=Micros(0))
    engine.report("sw1", report, machine.clock.ms)
    keeper.note()
    changes = engine.take()
    return Restored(accounts=changes.accounts, switches=changes.switches, kept=changes.kept)


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS, 6_000])
def test_a_step_while_guard_was_away_is_known_at_the_start(step_ms: int) -> None:
    """As if it had been seen: the switch's clock is as much further behind."""
    machine = Machine()
    left = left_by_the_first(machine)
    machine.clock.ms += 600_000
    machine.clock.step(step_ms)
    engine, _ = started(machine, left)
    assert engine.world.switches["sw1"].skew_ms == -step_ms


@pytest.mark.parametrize(("step_ms", "boot"), [(0, "first"), (4_000, "first"), (HOUR_MS, "second"), (HOUR_MS, "")])
def test_nothing_is_told_of_what_nobody_knows_or_was_no_step(step_ms: int, boot: str) -> None:
    """Time that has passed, a clock that was slewed, another start of the machine, a machine that does not say."""
    machine = Machine()
    left = left_by_the_first(machine)
    machine.clock.ms += 600_000
    machine.clock.step(step_ms)
    machine.boot = boot
    engine, _ = started(machine, left)
    assert engine.world.switches["sw1"].skew_ms == 0


def test_the_clock_is_noted_in_the_first_batch_and_after_each_step() -> None:
    """In the batch that holds what the engine made of it."""
    house, machine = House(), Machine()
    machine.clock = house.clock
    house.loop.on_clock = ClockKeeper(house.engine, house.clock, machine.since_boot).note

    async def turning() -> None:
        await house.loop.turn()
        house.clock.ms += 1_000
        await house.loop.turn()
        house.clock.step(HOUR_MS)
        await house.loop.turn()

    asyncio.run(turning())
    noted = [row.row for batch in house.store.batches for row in batch.kept if isinstance(row.row, ClockRow)]
    assert [row.ahead_ms for row in noted] == [BOOTED_MS, BOOTED_MS + HOUR_MS]


def test_steps_too_small_to_be_told_are_noted_once_they_add_up() -> None:
    """Or the next start would take their sum for a step that nobody has seen."""
    house, machine = House(), Machine()
    machine.clock = house.clock
    house.loop.on_clock = ClockKeeper(house.engine, house.clock, machine.since_boot).note

    async def turning() -> None:
        for _ in range(4):
            await house.loop.turn()
            house.clock.step(400)

    asyncio.run(turning())
    noted = [row.row for batch in house.store.batches for row in batch.kept if isinstance(row.row, ClockRow)]
    assert [row.ahead_ms for row in noted] == [BOOTED_MS, BOOTED_MS + 1_200]
    assert house.loop.clock_steps == 0


def test_this_machine_says_which_start_it_is() -> None:
    """The same twice, and time goes on."""
    (boot, before_ms), (again, after_ms) = since_boot(), since_boot()
    assert boot == again
    assert boot
    assert 0 < before_ms <= after_ms
