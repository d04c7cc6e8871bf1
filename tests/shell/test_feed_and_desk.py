"""The decisions topic resumes where the broker left off; the desk answers without walking through everybody."""

from __future__ import annotations

import asyncio
import contextlib
import json

from guard.core.records import Release
from guard.core.views import AccountState
from guard.shell.desk import Desk
from guard.shell.feed import Feed
from tests.shell.fakes import START_MS, House


def spend(house: House, account: str, charge: str) -> None:
    """An ended call of that charge."""
    at = START_MS / 1_000
    house.report(
        f'{{"call":"{account}","event":"ended","account":"{account}","at":{at},"duration_ms":1000,"charge":"{charge}"}}'
    )


def turn(house: House) -> None:
    """One turn of the loop."""
    asyncio.run(house.loop.turn())


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


def feed_for(house: House, seconds: float, published: int = 0) -> None:
    """Run the feed for a moment of real time; its own pauses are virtual."""

    async def running() -> None:
        feed = Feed(
            store=house.store,
            publisher=house.control,
            topics=house.topics,
            clock=house.clock,
            published=published,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await feed.run()

    asyncio.run(running())


def decisions_published(house: House) -> list[str]:
    """Ids on the decisions topic."""
    topic = house.topics.decisions
    return [json.loads(payload)["id"] for name, payload in house.control.published if name == topic]


def test_every_decision_reaches_the_topic_in_order_and_the_store_learns_it() -> None:
    """What the broker has is noted, so that a restart does not begin at the beginning."""
    house = House()
    spend(house, "A1", "60.00")
    spend(house, "A2", "200.00")
    turn(house)
    feed_for(house, 0.2)
    stored = [decision.id for batch in house.store.batches for decision in batch.decisions]
    assert len(stored) == 2
    assert decisions_published(house) == stored
    assert house.store.published_to == 2


def test_a_feed_resumes_after_the_last_decision_the_broker_had() -> None:
    """Those before are not published again."""
    house = House()
    spend(house, "A1", "60.00")
    spend(house, "A2", "200.00")
    turn(house)
    feed_for(house, 0.2, published=1)
    stored = [decision.id for batch in house.store.batches for decision in batch.decisions]
    assert decisions_published(house) == stored[1:]


def test_without_a_broker_nothing_is_noted_as_published() -> None:
    """The store keeps the decisions until there is one."""
    house = House()
    spend(house, "A1", "60.00")
    turn(house)
    house.control.connected = False
    feed_for(house, 0.05)
    assert house.store.published_to == 0
    house.control.connected = True
    feed_for(house, 0.2)
    assert len(decisions_published(house)) == 1


def test_the_desk_pages_through_accounts_in_the_order_of_their_ids() -> None:
    """After an id come the ones behind it, up to the limit."""
    house = House()
    for account in ("C", "A", "B", "D"):
        spend(house, account, "1.00")
    turn(house)
    desk = desk_of(house)
    first = [view.account for view in asyncio.run(desk.accounts(state=None, query="", limit=2, after=""))]
    rest = [view.account for view in asyncio.run(desk.accounts(state=None, query="", limit=9, after="B"))]
    assert (first, rest) == (["A", "B"], ["C", "D"])


def test_the_desk_finds_by_state_and_by_part_of_an_id() -> None:
    """The rare states are found without walking through the others."""
    house = House()
    spend(house, "calm", "1.00")
    spend(house, "warm", "60.00")
    spend(house, "hot", "100.00")
    turn(house)
    desk = desk_of(house)

    def found(state: AccountState | None, query: str = "") -> list[str]:
        return [view.account for view in asyncio.run(desk.accounts(state=state, query=query, limit=9, after=""))]

    assert found(AccountState.WARNED) == ["warm"]
    assert found(AccountState.BLOCKED) == ["hot"]
    assert found(AccountState.CLOSED) == []
    assert found(None, "AR") == ["warm"]


def test_the_states_follow_the_accounts() -> None:
    """An account that is released leaves the blocked ones."""
    house = House()
    spend(house, "hot", "100.00")
    turn(house)
    release = Release(account="hot", by="ana", reason="promised", until_ms=START_MS + 60_000)

    async def releasing() -> None:
        asked = asyncio.ensure_future(house.loop.ask(release))
        await asyncio.sleep(0)
        await house.loop.turn()
        await asked

    asyncio.run(releasing())
    desk = desk_of(house)
    assert asyncio.run(desk.accounts(state=AccountState.BLOCKED, query="", limit=9, after="")) == []
    (view,) = asyncio.run(desk.accounts(state=AccountState.WARNED, query="", limit=9, after=""))
    assert view.allow_until_ms == START_MS + 60_000


def test_a_loop_that_does_not_turn_is_not_healthy() -> None:
    """Health is judged by the last turn."""
    house = House()
    desk = desk_of(house)
    turn(house)
    assert desk.healthy() == ""
    house.clock.ms += 60_000
    assert "has not turned for 60 s" in desk.healthy()


def test_a_daemon_whose_store_takes_nothing_is_not_ready() -> None:
    """For as long as a batch waits for it, and then it is."""
    house = House()
    desk = desk_of(house)
    house.store.failures = 2
    house.billing('{"type":"credit","id":"c1","account":"A1","limit":"6.00"}')

    async def turning() -> list[str]:
        turned = asyncio.create_task(house.loop.turn())
        seen = []
        while not turned.done():
            await asyncio.sleep(0)
            seen.append(desk.ready())
        return seen

    seen = asyncio.run(turning())
    assert any("the disk is full" in reason for reason in seen)
    assert desk.ready() == ""
