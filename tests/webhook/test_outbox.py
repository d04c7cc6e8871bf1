"""What every outbox promises: the one in the store, and the one that couriers are tested with."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from guard.adapters.sqlite import open_store
from guard.adapters.sqlite import outbox as sqlite_outbox
from guard.adapters.sqlite.keeper import Keeper
from guard.core.decisions import Audit, Changes, Decision, Mode, Notice, NoticeKind
from guard.core.events import Event, Owed, Position
from guard.ports import Outbox, StoreError
from tests.store.stores import Opening, PostgresOpening, SqliteOpening
from tests.webhook.fakes import START_MS, MemoryOutbox, decision, notice

AUDIT = Audit("", START_MS + 9, "ana", "resend_webhook ops", "mended")


@dataclass
class Place:
    """An outbox, and how things come to happen in its history."""

    outbox: Outbox
    decide: Callable[..., Awaitable[None]]


@asynccontextmanager
async def _memory() -> AsyncIterator[Place]:
    outbox = MemoryOutbox()
    yield Place(outbox, outbox.decide)


@asynccontextmanager
async def _stored(opening: Opening) -> AsyncIterator[Place]:
    async with opening() as store:

        async def decide(*told: Decision | Notice) -> None:
            decisions = [each for each in told if isinstance(each, Decision)]
            notices = [each for each in told if isinstance(each, Notice)]
            await store.commit(Changes(decisions=decisions, notices=notices))

        yield Place(store.outbox, decide)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    match request.param:
        case "memory":
            opening = _memory()
        case "sqlite":
            opening = _stored(SqliteOpening(tmp_path))
        case _:
            opening = _stored(PostgresOpening(request.getfixturevalue("postgres_server").emptied()))
    async with opening as opened:
        yield opened


def owed(number: int, told: Decision | Notice | None = None, **more: object) -> Owed:
    event = Event(number=number, told=decision(number) if told is None else told)
    return Owed(event=event, due_ms=START_MS, since_ms=START_MS, **more)  # type: ignore[arg-type]


async def test_events_come_by_position_without_what_is_only_recorded(place: Place) -> None:
    await place.decide(decision(1), decision(2, mode=Mode.SHADOW), decision(3), notice(2), notice(9))
    events, position = await place.outbox.after(Position(0, 0), 100)
    assert [(event.type, event.number, event.at_ms - START_MS) for event in events] == [
        ("block", 1, 1),
        ("blind", 1, 2),
        ("block", 3, 3),
        ("blind", 2, 9),
    ]
    assert position == Position(3, 2)
    assert await place.outbox.after(position, 100) == ([], position)
    events, position = await place.outbox.after(Position(0, 0), 1)
    assert ([event.number for event in events], position) == ([1, 1], Position(1, 1))


async def test_a_notice_comes_back_as_it_was_told(place: Place) -> None:
    told = notice(5, NoticeKind.FUSE, over=True)
    await place.decide(told)
    [event], _ = await place.outbox.after(Position(0, 0), 9)
    assert (event.told, event.id) == (told, told.id)


async def test_a_new_webhook_begins_here_and_one_that_stays_goes_on(place: Place) -> None:
    await place.decide(decision(1))
    await place.outbox.open(["ops"])
    await place.decide(decision(2), notice(1))
    assert await place.outbox.open(["ops", "chat"]) == {}
    assert await place.outbox.position("ops") == Position(1, 0)
    assert await place.outbox.position("chat") == Position(2, 1)


async def test_what_is_owed_is_there_until_it_is_settled(place: Place) -> None:
    await place.decide(decision(1), decision(2), notice(1))
    await place.outbox.open(["ops", "chat"])
    rows = [owed(1), owed(2), owed(1, notice(1))]
    await place.outbox.owe("ops", rows, Position(2, 1))
    assert await place.outbox.pending("ops") == sorted(rows, key=lambda row: row.event.id)
    assert await place.outbox.pending("chat") == []
    assert await place.outbox.position("ops") == Position(2, 1)
    again = owed(2, attempts=1, tried_ms=START_MS, error="answered 500")
    await place.outbox.settle("ops", [rows[0].event.id], [again])
    assert again in await place.outbox.pending("ops")
    assert await place.outbox.counts() == {"ops": (2, 0)}
    assert await place.outbox.open([]) == {"chat": 0, "ops": 2}
    assert await place.outbox.counts() == {}


async def test_dead_letters_are_listed_by_webhook_and_time_a_page_at_a_time(place: Place) -> None:
    await place.decide(*(decision(number) for number in range(1, 5)))
    await place.outbox.open(["ops", "chat"])
    for webhook in ("ops", "chat"):
        rows = [owed(number, dead=number > 2, error="x") for number in range(1, 5)]
        await place.outbox.owe(webhook, [], Position(4, 0))
        await place.outbox.settle(webhook, [], rows)

    async def listed(webhook: str | None, after: tuple[str, str], limit: int) -> list[tuple[str, int]]:
        found = await place.outbox.deliveries(webhook=webhook, dead=True, after=after, limit=limit)
        return [(each.webhook, each.owed.event.number) for each in found]

    assert await listed(None, ("", ""), 9) == [("chat", 3), ("chat", 4), ("ops", 3), ("ops", 4)]
    assert await listed(None, ("chat", decision(4).id), 1) == [("ops", 3)]
    assert await listed("ops", ("", ""), 9) == [("ops", 3), ("ops", 4)]
    assert await place.outbox.counts() == {"chat": (2, 2), "ops": (2, 2)}


async def test_dead_letters_are_revived_one_or_all(place: Place) -> None:
    await place.decide(*(decision(number) for number in range(1, 4)))
    await place.outbox.open(["ops"])
    await place.outbox.settle("ops", [], [owed(number, dead=True, attempts=33) for number in range(1, 4)])
    assert await place.outbox.revive("ops", decision(2).id, AUDIT) == 1
    assert await place.outbox.revive("ops", decision(2).id, AUDIT) == 0
    [revived] = await place.outbox.pending("ops")
    assert (revived.event.number, revived.attempts, revived.due_ms) == (2, 0, AUDIT.at_ms)
    assert await place.outbox.revive("ops", None, AUDIT) == 2
    assert await place.outbox.counts() == {"ops": (3, 0)}


# -- the store's own


async def test_an_operators_order_is_in_the_history(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        await store.commit(Changes(decisions=[decision(1)]))
        await store.outbox.open(["ops"])
        await store.outbox.settle("ops", [], [owed(1, dead=True)])
        await store.outbox.revive("ops", None, AUDIT)
        assert await store.last_audits("", 9) == [AUDIT]


async def test_notices_alone_are_a_batch(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        await store.commit(Changes(notices=[notice(1)]))
    async with open_store(tmp_path / "guard.db") as store:
        assert len((await store.outbox.after(Position(0, 0), 9))[0]) == 1


async def test_a_batch_that_is_committed_again_tells_its_notice_once(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        batch = Changes(notices=[notice(1)])
        task = store.commit(batch)
        await task
        attempt = store._writer.submit(lambda keeper: keeper._attempt).result()
        assert attempt is not None
        attempt.heard = False
        await store.commit(batch)
        assert len((await store.outbox.after(Position(0, 0), 9))[0]) == 1


async def test_only_the_newest_notices_and_dead_letters_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_outbox, "NOTICES_KEPT", 3)
    monkeypatch.setattr(sqlite_outbox, "DEAD_KEPT", 2)
    async with open_store(tmp_path / "guard.db") as store:
        await store.outbox.open(["ops"])
        for number in range(1, 6):
            await store.commit(Changes(notices=[notice(number)]))
            await store.outbox.settle("ops", [], [owed(number, notice(number), dead=True)])
        events, _ = await store.outbox.after(Position(0, 0), 9)
        assert [event.number for event in events] == [3, 4, 5]
        dead = await store.outbox.deliveries(webhook=None, dead=True, after=("", ""), limit=9)
        assert [each.owed.event.number for each in dead] == [4, 5]


async def test_what_is_noted_beside_the_batches_is_not_synced_and_batches_are(tmp_path: Path) -> None:
    """A sync for each delivery would be a sync that somebody's block waits for."""
    async with open_store(tmp_path / "guard.db") as store:
        during = [
            store._writer.submit(partial(Keeper.write, work=_synchronous, synced=synced)).result()
            for synced in (False, True)
        ]
        after = store._writer.submit(lambda keeper: _synchronous(keeper._connection)).result()
    assert during == [1, 2]
    assert after == 2


def _synchronous(connection: sqlite3.Connection) -> int:
    level: int = connection.execute("PRAGMA synchronous").fetchone()[0]
    return level


async def test_a_note_that_fails_leaves_the_writer_fit_for_the_next_batch(tmp_path: Path) -> None:
    async with open_store(tmp_path / "guard.db") as store:
        with pytest.raises(StoreError, match="no such table"):
            await store.outbox._write(lambda connection: connection.execute("DELETE FROM absent"), synced=False)
        await store.commit(Changes(decisions=[decision(1)]))
        assert len(await store.decisions(account=None, after=0, limit=9)) == 1
