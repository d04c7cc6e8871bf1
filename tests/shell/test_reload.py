"""A reload through the loop: one step between two batches, durable before it is told, and nothing on a mistake."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from guard.core.emergency import EmergencyNumbers
from guard.core.rating import Rating
from guard.core.rules.past import Past
from guard.core.rules.rows import DayRow
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, Settings
from guard.core.setup import Setup
from guard.ports import Mistake, NotReadyError, Reloaded, SetupRefusedError
from guard.shell.desk import Desk
from tests.shell.fakes import START_MS, FakeRead, House


def setup(settings: Settings | None = None, country_code: str = "1") -> Setup:
    """What files may say."""
    return Setup(
        settings=settings or Settings(),
        scopes=Scopes.of_country_code(country_code),
        rating=Rating(unknown_rate_micros=1_000_000),
    )


def desk_of(house: House) -> Desk:
    """A desk in front of the house."""
    return Desk(
        engine=house.engine,
        loop=house.loop,
        store=house.store,
        clock=house.clock,
        missing=lambda: "",
        metrics=lambda: b"",
        reloader=house.reloader,
    )


async def reload(house: House) -> Reloaded:
    """Ask, and let the loop turn until there is an answer."""
    task = asyncio.create_task(house.reloader.reload("ana"))
    while not task.done():
        await house.loop.turn()
        await asyncio.sleep(0.001)
    return await task


async def test_it_is_durable_before_it_is_told_and_takes_one_turn() -> None:
    house = House()
    house.report('{"call":"c1","event":"answered","account":"A1","at":1800000000,"to":"+442071234567"}')
    await house.loop.turn()
    house.reads.append(FakeRead(setup(Settings(emergency=EmergencyNumbers(("112",)))), ("emergency.numbers",)))
    assert (await reload(house)).changes == ("emergency.numbers",)
    assert house.asked_about == [["+442071234567"]], "numbers of calls that are up are looked up beforehand"
    assert house.taken_up[0].setup.settings.emergency == ("112",)
    (audit,) = [audit for batch in house.store.batches for audit in batch.audit]
    assert (audit.by, audit.what, audit.reason) == ("ana", "reload", "emergency.numbers")
    assert b'"112"' in house.commands()[-1]


async def test_nothing_changes_on_a_mistake_and_the_next_reload_may_succeed() -> None:
    house = House()
    mistake = Mistake(place="guard.toml:3", text="calls.stale_after: is no span of time")
    house.reads += [SetupRefusedError([mistake]), FakeRead(setup())]
    with pytest.raises(SetupRefusedError, match=r"guard\.toml:3: calls\.stale_after"):
        await reload(house)
    assert (house.reloader.succeeded, house.taken_up, house.store.batches) == (False, [], [])
    house.clock.ms += 5_000
    await reload(house)
    assert (house.reloader.succeeded, house.reloader.succeeded_at_ms >= START_MS + 5_000) == (True, True)


async def test_it_waits_for_a_store_that_is_away_and_is_taken_up_once() -> None:
    house = House()
    house.store.failures = 3
    house.reads.append(FakeRead(setup(), ("fuse.blocks",)))
    await reload(house)
    assert house.journal.count("commit failed") == 3
    assert len(house.taken_up) == 1


async def test_switches_are_told_what_scopes_mean_if_that_is_another_now() -> None:
    house = House()
    house.report('{"call":"c1","event":"answered","account":"A1","at":1800000000,"to":"+442071234567"}')
    await house.loop.turn()
    assert house.journal.count("publish scopes") == 1
    house.reads += [FakeRead(setup()), FakeRead(setup(country_code="44"))]
    await reload(house)
    assert house.journal.count("publish scopes") == 1
    await reload(house)
    assert house.journal.count("publish scopes") == 2
    topic, payload = [each for each in house.control.published if each[0].endswith("/scopes")][-1]
    assert topic == "guard/v1/sw1/scopes"
    assert b'"44":false' in payload


async def test_two_who_ask_at_once_each_get_their_own_one_after_the_other() -> None:
    house = House()
    house.reads += [FakeRead(setup(), ("first",)), FakeRead(setup(), ("second",))]
    tasks = [asyncio.create_task(house.reloader.reload(by)) for by in ("ana", "ben")]
    while not all(task.done() for task in tasks):
        await house.loop.turn()
        await asyncio.sleep(0.001)
    assert [(await task).changes for task in tasks] == [("first",), ("second",)]


async def test_signals_that_come_at_once_are_one_and_a_mistake_ends_nothing() -> None:
    house = House()
    began: list[str] = []
    house.reloader.on_begin = lambda: began.append("begin")
    house.reloader.on_end = lambda: began.append("end")
    running = asyncio.create_task(house.reloader.run("SIGHUP"))
    for read in (SetupRefusedError([Mistake(place="x", text="y")]), FakeRead(setup())):
        house.reads.append(read)
        house.reloader.ask()
        house.reloader.ask()
        while house.reads or house.reloader.succeeded is isinstance(read, SetupRefusedError):
            await house.loop.turn()
            await asyncio.sleep(0.001)
    running.cancel()
    assert began == ["begin", "end", "begin", "end"]
    assert [audit.by for batch in house.store.batches for audit in batch.audit] == ["SIGHUP"]


async def test_who_stops_waiting_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    monkeypatch.setattr("guard.shell.reload.WAITED_FOR_S", 0.01)
    house.reads.append(FakeRead(setup()))
    desk = desk_of(house)
    with pytest.raises(NotReadyError, match="not over yet"):
        await desk.reload("ana")
    while not house.taken_up:
        await house.loop.turn()
        await asyncio.sleep(0.001)
    assert house.taken_up


async def test_history_is_learned_through_the_same_door_and_stored_at_once() -> None:
    house = House()
    desk = desk_of(house)
    today = START_MS // DAY_MS
    past = Past(
        account="A1",
        timezone="",
        from_day=today - 20,
        until_day=today,
        days=(DayRow(today - 20, ((9, 1_000_000),), (), 0, 1),),
        by="ana",
    )
    for expected in ([18, 18], [0, 0]):
        task = asyncio.create_task(desk.learn([past, replace(past, account="A2")]))
        while not task.done():
            await house.loop.turn()
            await asyncio.sleep(0)
        assert await task == expected
    kept = [row for batch in house.store.batches for row in batch.kept if row.kind == "subject"]
    assert [row.key for row in kept] == ["A1", "A2"]
    profile = await desk.profile("A1")
    assert profile is not None
    assert (profile.known_days, profile.mature()) == (18, True)
    assert await desk.profile("A3") is None
