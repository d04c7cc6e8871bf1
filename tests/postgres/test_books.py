"""What a node reads of a cluster is what a daemon with the same history answers from its memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from guard.core.decisions import Audit, Changes, Decision, KeptRow, Mode
from guard.core.events import Event, Owed, Position
from guard.core.limits import review
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.pictures import totals_picture
from guard.core.records import Ack, Report
from guard.core.records import Event as CallEvent
from guard.core.settings import DAY_MS, SECOND_MS
from guard.core.views import AccountState, AccountView
from guard.ports.cluster import Member
from guard.shell.cluster.books import Books
from guard.shell.cluster.drawing import CALLS_AT_ONCE, Drawing
from guard.shell.cluster.gathering import Gathering
from guard.shell.cluster.telling import ALARMS_LOOKED_AT, Teller
from guard.shell.directory import Directory
from tests.postgres.server import PostgresServer
from tests.postgres.town import OWNER, SWITCHES, Town, town
from tests.store.kept_samples import PROFILE, held_blocks, subject
from tests.store.samples import T0, account, decision

pytestmark = pytest.mark.postgres

ALL = 10_000


class _Clock:
    """The time of the town."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def now_ms(self) -> int:
        return self._town.now_ms

    def monotonic_ns(self) -> int:
        return 0

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        await event.wait()


@dataclass
class Node:
    """Whoever reads."""

    town: Town
    teller: Teller
    gathering: Gathering
    books: Books

    async def hear(self) -> None:
        """The worker tells, and the node looks."""
        claims = [place.claim for place in self.town.places]
        await self.town.postgres.leases.renew(Member(id=OWNER, url=""), claims)
        await self.teller.tell()
        await self.gathering.look()


@asynccontextmanager
async def _node(url: str) -> AsyncIterator[Node]:
    async with town(url) as built:
        clock = _Clock(built)
        gathering = Gathering(built.postgres.board, clock)
        drawing = Drawing(lambda: built.setup, gathering)
        books = Books(built.postgres.archive, gathering, drawing, clock)
        teller = Teller(worker=OWNER, partitions=lambda: built.places, board=built.postgres.board, clock=clock)
        yield Node(built, teller, gathering, books)


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.emptied(PARTITIONS)


async def _lived(node: Node, *, seed: int = 1, acknowledged: bool = True) -> None:
    """A history with accounts in every state and calls of every kind, some of them up."""
    chance = Random(seed)
    node.town.open_accounts(120, chance)
    await node.town.commit(acknowledged=acknowledged)
    node.town.call_around(chance, minutes=4)
    await node.town.commit(acknowledged=acknowledged)
    await node.hear()


def _in_order(view: AccountView) -> AccountView:
    """Calls come back in the order in which they were answered."""
    return replace(view, live_calls=tuple(sorted(view.live_calls, key=lambda call: (call.answered_at_ms, call.call))))


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_every_account_is_drawn_as_a_daemon_draws_it(url: str, *, acknowledged: bool) -> None:
    """Also some time after its last report, while the calls that are up go on."""
    async with _node(url) as node:
        await _lived(node, acknowledged=acknowledged)
        states: set[AccountState] = set()
        confirmed: set[bool] = set()
        for _ in range(2):
            for account in node.town.accounts:
                expected = node.town.one.picture(account, node.town.now_ms)
                found = await node.books.account(account, calls=1_000)
                assert expected is not None
                assert found is not None
                assert _in_order(found) == _in_order(expected)
                states.add(expected.state)
                if expected.block is not None:
                    confirmed.add(expected.block.confirmed)
            node.town.now_ms += 20 * SECOND_MS
        assert states == set(AccountState)
        assert confirmed == {acknowledged}
        assert await node.books.account("nobody", calls=1_000) is None


async def test_what_switches_answered_is_drawn_as_a_daemon_draws_it(url: str) -> None:
    """One obeys and the other refuses some; neither has confirmed its list of blocks."""
    async with _node(url) as node:
        await _lived(node, acknowledged=False)
        obeyed = set(list(node.town.accounts)[::2])
        for engine in (node.town.one, *(place.engine for place in node.town.places)):
            for switch in (engine.world.switches[name] for name in SWITCHES):
                for command, waiting in list(switch.pending.items()):
                    ok = switch.name == SWITCHES[0] or waiting.account in obeyed
                    ack = Ack(switch=switch.name, id=command, ok=ok, error="" if ok else "no such trunk")
                    engine.control(ack, node.town.now_ms)
        await node.town.commit()
        await node.hear()
        drawn = {"confirmed": 0, "refused": 0}
        for account in node.town.accounts:
            found = await node.books.account(account, calls=0)
            assert found == node.town.one.picture(account, node.town.now_ms, 0)
            if found is not None and found.block is not None:
                drawn["confirmed" if found.block.confirmed else "refused"] += 1
                assert found.block.confirmed == (account in obeyed)
                assert found.block.errors == (() if account in obeyed else (("sw2", "no such trunk"),))
        assert min(drawn.values()) > 5


async def test_an_account_with_many_calls_is_drawn_with_all_of_them(url: str) -> None:
    """In more than one slice; shown are as many as were asked for."""
    async with _node(url) as node:
        count = 2 * CALLS_AT_ONCE + 7
        for number in range(count):
            at_ms = node.town.now_ms + number
            call = Report(f"c{number:04d}", CallEvent.ANSWERED, "busy", at_ms, to="+25377123456")
            node.town.report(SWITCHES[number % 2], call)
        await node.town.commit()
        await node.hear()
        node.town.now_ms += 30 * SECOND_MS
        expected = node.town.one.picture("busy", node.town.now_ms)
        assert expected is not None
        assert expected.live_call_count == count
        assert await node.books.account("busy", calls=1_000) == expected
        some = await node.books.account("busy", calls=5)
        assert some is not None
        assert some.live_calls == expected.live_calls[:5]


async def test_a_partition_that_nobody_holds_is_drawn_as_it_was_stored(url: str) -> None:
    """Nothing is carried forward, because nobody knows what has happened since."""
    async with _node(url) as node:
        await _lived(node)
        before = {each: await node.books.account(each, calls=0) for each in node.town.accounts}
        await node.town.postgres.leases.leave(OWNER)
        await node.gathering.look()
        node.town.now_ms += 60 * SECOND_MS
        for account, known in before.items():
            later = await node.books.account(account, calls=0)
            assert later is not None
            assert known is not None
            assert later.exposure_micros <= known.exposure_micros
            assert later.burn_micros_per_minute == 0 or later.use


async def test_lists_are_those_of_a_daemon(url: str) -> None:
    async with _node(url) as node:
        await _lived(node)
        directory = Directory(node.town.one.world.accounts)
        asked: list[tuple[AccountState | None, str]] = [(state, "") for state in (None, *AccountState)]
        asked += [(None, text) for text in ("ACME", "straße", "müLLER & s", "Ζω", "007", "éclair", "nothing has this")]
        asked += [(AccountState.BLOCKED, "a00")]
        for state, text in asked:
            expected = [account.id for account in await directory.find(text, state, "", ALL)]
            assert [view.account for view in await _all_accounts(node, state, text)] == expected, (state, text)
            assert expected or text == "nothing has this"


async def _all_accounts(node: Node, state: AccountState | None, query: str) -> list[AccountView]:
    """A page at a time."""
    found: list[AccountView] = []
    after = ""
    while page := await node.books.accounts(state=state, query=query, limit=7, after=after):
        found += page
        after = page[-1].account
    return found


async def test_pictures_in_lists_are_those_of_the_accounts_without_their_calls(url: str) -> None:
    async with _node(url) as node:
        await _lived(node)
        for view in await node.books.accounts(state=None, query="", limit=ALL, after=""):
            assert view == node.town.one.picture(view.account, node.town.now_ms, 0)


async def test_whoever_was_blocked_last_comes_first(url: str) -> None:
    async with _node(url) as node:
        await _lived(node)
        blocked = node.town.one.world.in_state[AccountState.BLOCKED].values()
        ranked = sorted(((min(cause.since_ms for cause in each.causes), each.id) for each in blocked), reverse=True)
        pages = [await node.books.newly_blocked(query="", limit=5, skip=skip) for skip in (0, 5, 10)]
        assert [view.account for page in pages for view in page] == [account for _, account in ranked[:15]]
        found = await node.books.newly_blocked(query="STRASSE", limit=50, skip=0)
        assert found == []
        found = await node.books.newly_blocked(query="straßE", limit=50, skip=0)
        assert found
        named = {each.id for each in blocked if "straße" in f"{each.id} {each.name.lower()}"}
        assert [view.account for view in found] == [each for _, each in ranked if each in named]


async def test_those_near_their_limit_come_first(url: str) -> None:
    async with _node(url) as node:
        await _lived(node)
        engine, now_ms = node.town.one, node.town.now_ms
        soon = [(at_ms, each) for at_ms, each in engine.soonest(ALARMS_LOOKED_AT, now_ms) if at_ms <= now_ms + DAY_MS]
        expected = [each for _, each in soon if engine.world.accounts[each].state is not AccountState.BLOCKED]
        found = [view.account for view in await node.books.at_risk(limit=ALL, skip=0)]
        assert len(expected) > 5
        assert found[: len(expected)] == expected
        warned = {each for each in engine.world.in_state[AccountState.WARNED] if each not in expected}
        assert set(found[len(expected) :]) == warned
        assert [view.account for view in await node.books.at_risk(limit=3, skip=2)] == found[2:5]


async def test_the_limit_review_is_that_of_a_daemon(url: str) -> None:
    async with _node(url) as node:
        await _lived(node)
        accounts = node.town.one.world.accounts
        reviewed = [review(accounts[each], node.town.now_ms) for each in sorted(accounts)]
        expected = [each for each in reviewed if each is not None]
        found: list[Any] = []
        after: str | None = ""
        while after is not None:
            page, after = await node.books.limit_review(after=after, limit=3)
            found += page
        assert found == expected
        assert expected


# -- what the workers tell


async def test_the_whole_is_the_sum_of_its_partitions(url: str) -> None:
    """Each partition rounds to a millionth by itself, so the sums may differ by as many."""
    async with _node(url) as node:
        await _lived(node)
        expected, found = totals_picture(node.town.one.world, node.town.now_ms), node.gathering.totals()
        assert found.accounts == expected.accounts
        assert found.live_calls == expected.live_calls > 50
        for mine, theirs in zip(found.currencies, expected.currencies, strict=True):
            assert mine.currency == theirs.currency
            assert abs(mine.exposure_micros - theirs.exposure_micros) <= PARTITIONS
            assert abs(mine.in_flight_micros - theirs.in_flight_micros) <= PARTITIONS
            assert mine.burn_micros_per_minute == theirs.burn_micros_per_minute
        switches = {view.name: view for view in node.gathering.switches()}
        assert set(switches) == {"sw1", "sw2"}
        for name, view in switches.items():
            switch = node.town.one.world.switches[name]
            assert view.live_calls == len(switch.calls)
            assert (view.up, view.synced, view.lagging) == (True, True, False)
        assert node.gathering.behind() == []
        assert node.gathering.gaps() == []


async def test_what_is_missing_is_said(url: str, server: PostgresServer) -> None:
    async with _node(url) as node:
        assert "has not been read yet" in node.gathering.gaps()[0]
        await node.hear()
        assert node.gathering.gaps() == []
        given_up = [place.claim for place in node.town.places if place.claim.part in {3, 17, 40, 41, 80, 200, 201}]
        await node.town.postgres.leases.release(OWNER, given_up)
        await node.gathering.look()
        (gap,) = node.gathering.gaps()
        assert gap.startswith("7 of 256 partitions have no owner (3, 17, 40, 41, 80 and 2 more): nothing is decided")
        await node.town.postgres.leases.leave(OWNER)
        await node.gathering.look()
        assert "249 of 256 partitions are being taken over" in " ".join(node.gathering.gaps())


# -- what the rules have kept


async def _store(node: Node, account_id: str, *kept: KeptRow, decisions: tuple[Decision, ...] = ()) -> None:
    """Rows of the partition of an account, which is there."""
    changes = Changes(accounts=[account(account_id)], kept=list(kept), decisions=list(decisions))
    await node.town.places[partition_of(account_id)].store.commit(changes)


async def test_what_is_held_anywhere_is_shown_the_oldest_first(url: str) -> None:
    async with _node(url) as node:
        for account_id, ids in (("A1", ("h3", "h9")), ("B2", ("h1",)), ("C3", ("h5",))):
            await _store(node, account_id, held_blocks(*ids, account=account_id))
        views = await node.books.held(None)
        assert [(view.id, view.account) for view in views] == [("h1", "B2"), ("h3", "A1"), ("h5", "C3"), ("h9", "A1")]
        assert {view.name for view in views} == {"Acme Ltd"}
        assert [view.id for view in await node.books.held("A1")] == ["h3", "h9"]
        assert await node.books.held("D4") == []
        found = await node.books.held_of("h5")
        assert found == views[2]
        assert await node.books.held_of("h7") is None


async def test_what_is_usual_for_an_account(url: str) -> None:
    async with _node(url) as node:
        await _store(node, "A1", subject("A1"))
        await _store(node, "B2")
        profile = await node.books.profile("A1")
        assert profile is not None
        assert profile.row() == PROFILE
        assert await node.books.profile("B2") is None
        assert await node.books.profile("nobody") is None


# -- webhooks

HOOK, OTHER = "https://hooks.example/1", "https://hooks.example/2"


async def _owe(node: Node, account_id: str, number: int, *, dead: bool, webhook: str = HOOK) -> str:
    """A decision of an account that a webhook has not got; its event."""
    told = decision(number, account_id, id=f"{account_id}-{number}", mode=Mode.ENFORCE)
    await _store(node, account_id, decisions=(told,))
    outbox = node.town.places[partition_of(account_id)].store.outbox
    await outbox.open([HOOK, OTHER])
    owed = Owed(event=Event(number=number, told=told), due_ms=T0, since_ms=T0, attempts=3, dead=dead, error="503")
    await outbox.owe(webhook, [owed], Position(number, 0))
    return told.id


async def test_what_webhooks_are_owed_by_all_partitions_is_one_list(url: str) -> None:
    async with _node(url) as node:
        dead = [await _owe(node, name, 1, dead=True) for name in ("A1", "B2", "C3", "D4")]
        other = await _owe(node, "E5", 1, dead=True, webhook=OTHER)
        pending = await _owe(node, "F6", 1, dead=False)
        found: list[tuple[str, str]] = []
        after = ("", "")
        while page := await node.books.deliveries(webhook=None, dead=True, after=after, limit=2):
            found += [(each.webhook, each.owed.event.id) for each in page]
            after = found[-1]
        assert found == [*((HOOK, each) for each in dead), (OTHER, other)]
        (waiting,) = await node.books.deliveries(webhook=HOOK, dead=False, after=("", ""), limit=9)
        assert (waiting.owed.event.id, waiting.owed.error) == (pending, "503")
        (only,) = await node.books.deliveries(webhook=OTHER, dead=True, after=("", ""), limit=9)
        assert only.owed.event.id == other


async def test_dead_letters_of_all_partitions_are_sent_again_by_one_word(url: str) -> None:
    async with _node(url) as node:
        dead = [await _owe(node, name, 1, dead=True) for name in ("A1", "B2", "C3")]
        audit = Audit("", T0 + 5, "ana", "resend_webhook", "the receiver is back")
        assert await node.books.revive(HOOK, dead[1], audit) == 1
        assert await node.books.revive(HOOK, "none of these", audit) == 0
        assert await node.books.revive(HOOK, None, audit) == 2
        assert await node.books.deliveries(webhook=None, dead=True, after=("", ""), limit=9) == []
        due = await node.books.deliveries(webhook=None, dead=False, after=("", ""), limit=9)
        assert [(each.owed.due_ms, each.owed.attempts) for each in due] == [(T0 + 5, 0)] * 3
        history = await node.books.records.last_audits("", 9)
        assert [(each.by, each.what) for each in history.items] == [("ana", "resend_webhook")] * 2
