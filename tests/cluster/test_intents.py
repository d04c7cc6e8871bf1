"""What operators ask for at one node is carried out by whoever decides, once, in time, and is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from guard.core.partitions import partition_of
from guard.core.records import Block, Forget, Intent, IntentResult, Note, Release
from guard.core.rules.past import Past
from guard.core.settings import DAY_MS
from guard.ports import NotReadyError
from guard.ports.cluster import Entry
from guard.shell.cluster.asking import AGAIN_MS, WITHIN_S, Asking
from guard.shell.cluster.carrying import ANSWER, KEPT_MS, TOO_LATE_MS
from guard.wire.intents import TOPIC, Answer, Wish, decode_asked, encode_asked
from tests.cluster.test_workers import all_held
from tests.cluster.world import LEASE_MS, VirtualClock, WorkerBus, WorkerLog, WorkerProcess, World

BLOCK = Block(account="A1", by="ana", reason="stolen phone")


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


class Node:
    """The asking side of a process."""

    def __init__(self, world: World, process: WorkerProcess, name: str = "node1") -> None:
        self.name = name
        self._loop = process.loop
        bus, log = WorkerBus(world, process.loop), WorkerLog(world, process.loop)
        self.asking = Asking(log=log, bus=bus, clock=VirtualClock(world.schedule), node=name)
        self._listening = self._loop.create_task(self._listen())

    async def _listen(self) -> None:
        async with self.asking.listening():
            await asyncio.Event().wait()

    def ask(self, part: int, wish: Wish) -> asyncio.Task[Answer]:
        """Ask for it; the task ends with the answer."""
        return self._loop.create_task(self.asking.ask(part, wish))

    def wish(self, intent: Intent) -> asyncio.Task[Answer]:
        """Ask for what concerns an account."""
        account = "" if isinstance(intent, Note) else getattr(intent, "account", "")
        return self.ask(partition_of(account), intent)

    def leave(self) -> None:
        self._listening.cancel()


def known(world: World, account: str = "A1") -> None:
    """There is such an account."""
    world.receive("guard/v1/billing", b'{"type":"account","id":"m-%s","account":"%s"}' % ((account.encode(),) * 2))


def answered(world: World, task: asyncio.Task[Answer], within_ms: int = 6_000) -> Answer:
    world.until(task.done, within_ms, "an answer")
    return task.result()


def closely(world: World, reached: Callable[[], bool]) -> None:
    """Let time pass to the very millisecond at which it is so."""
    for _ in range(1_000):
        if reached():
            return
        world.run(1)
    raise AssertionError("it never comes to that")


def carried_out(world: World, account: str = "A1") -> list[str]:
    """What the history says was done to it by hand."""
    return [each.what for each in world.database.rows[partition_of(account)].content.audit if each.account == account]


def decided(world: World, account: str = "A1") -> list[str]:
    row = world.database.rows[partition_of(account)]
    return [each.action.value for each in row.content.decisions if each.account == account]


def asked_in_log(world: World, account: str = "A1") -> list[Entry]:
    entries = world.log.entries[partition_of(account)]
    return [each for each in entries if any(message.topic == TOPIC for message in each.messages)]


def test_an_intent_at_one_node_is_carried_out_by_the_worker_that_holds_the_account(world: World) -> None:
    switch = world.add_switch("sw1")
    first, second = world.start("w1"), world.start("w2")
    known(world)
    world.until(lambda: all_held(world, first, second), 5_000, "both share")
    stranger = second if partition_of("A1") in first.held else first
    node = Node(world, stranger)

    assert answered(world, node.wish(BLOCK)).outcome() is IntentResult.DONE
    assert carried_out(world) == ["block"], "it is durable when it is answered"
    world.run(1_000)
    assert switch.blocked() == {"A1"}

    assert answered(world, node.wish(Release(account="A1", by="ana", reason="found"))).outcome() is IntentResult.DONE
    world.run(1_000)
    assert switch.blocked() == set()
    node.leave()


def test_what_cannot_be_done_is_said(world: World) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    gone = Block(account="nobody", by="ana", reason="x")
    assert answered(world, node.wish(gone)).outcome() is IntentResult.UNKNOWN_ACCOUNT
    forget = Forget(account="A1", by="ana", reason="asked to be")
    assert answered(world, node.wish(forget)).outcome() is IntentResult.NOT_CLOSED
    node.leave()


def test_the_same_intent_twice_in_the_log_is_carried_out_once_and_answered_twice(world: World) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    heard: list[bytes] = []
    world.listeners.setdefault(ANSWER.format(node="n"), []).append((first.loop, heard.append))
    note = Note(by="ana", what="drill", reason="monday")
    payload = encode_asked(id_="n-1", node="n", at_ms=world.schedule.now_ms, wish=note)
    for _ in range(2):
        world.log.add(7, [(TOPIC, payload)])
    world.run(500)
    world.log.add(7, [(TOPIC, payload)])
    world.run(500)
    assert [each.what for each in world.database.rows[7].content.audit] == ["drill"]
    assert len(heard) == 3
    assert len(set(heard)) == 1, "each gets the answer of the first"


def test_the_next_owner_knows_what_was_carried_out(world: World) -> None:
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    note = Note(by="ana", what="drill", reason="monday")
    payload = encode_asked(id_="n-1", node="n", at_ms=world.schedule.now_ms, wish=note)
    world.log.add(7, [(TOPIC, payload)])
    world.run(500)
    first.kill()
    second = world.start("w2")
    world.until(lambda: all_held(world, second), LEASE_MS + 5_000, "the other holds all")
    world.log.add(7, [(TOPIC, payload)])
    world.run(500)
    assert [each.what for each in world.database.rows[7].content.audit] == ["drill"]


@pytest.mark.parametrize("commits_take_ms", [1, 50])
def test_a_worker_that_dies_after_it_was_asked_costs_time_and_nothing_else(world: World, commits_take_ms: int) -> None:
    """It dies when the intent is in the log: before its commit, or after it and before the answer arrives."""
    first, second = world.start("w1"), world.start("w2")
    known(world)
    world.until(lambda: all_held(world, first, second), 5_000, "both share")
    owner, other = (first, second) if partition_of("A1") in first.held else (second, first)
    world.database.commits_take_ms = commits_take_ms
    node = Node(world, other)
    asked = node.wish(BLOCK)
    closely(world, lambda: bool(asked_in_log(world)))
    if commits_take_ms == 1:
        closely(world, lambda: bool(carried_out(world)))
    owner.kill()
    assert bool(carried_out(world)) is (commits_take_ms == 1)
    assert not asked.done()

    assert answered(world, asked).outcome() is IntentResult.DONE
    assert (carried_out(world), decided(world)) == (["block"], ["block"])
    node.leave()


def test_an_answer_that_is_lost_is_asked_for_again(world: World) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    world.run(10)
    subject = ANSWER.format(node="node1")
    listeners = world.listeners.pop(subject)
    asked = node.wish(BLOCK)
    world.run(AGAIN_MS // 2)
    assert carried_out(world) == ["block"]
    assert not asked.done()
    world.listeners[subject] = listeners

    assert answered(world, asked, AGAIN_MS).outcome() is IntentResult.DONE
    assert (carried_out(world), decided(world)) == (["block"], ["block"])
    node.leave()


def test_what_is_read_too_late_is_not_carried_out(world: World) -> None:
    """All workers are away: the operator is told that nothing was confirmed, and nothing happens an hour later."""
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    world.run(1_000)
    node = Node(world, first, "node1")
    world.run(100)
    payload = encode_asked(id_="n-1", node="node1", at_ms=world.schedule.now_ms, wish=BLOCK)
    first.stop()
    world.until(lambda: first.stopped, 5_000, "it has stopped")
    world.log.add(partition_of("A1"), [(TOPIC, payload)])
    world.run(TOO_LATE_MS)
    second = world.start("w2")
    world.until(lambda: all_held(world, second), 5_000, "another holds all")
    world.run(2_000)
    assert carried_out(world) == []
    assert second.intents.too_late == 1
    node.leave()


def test_without_an_owner_the_operator_is_told_in_time(world: World) -> None:
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    world.run(10)
    world.database.away = True
    world.run(4_000)
    asked = node.wish(BLOCK)
    world.until(asked.done, int(WITHIN_S * 1_000) + 100, "an answer")
    assert isinstance(asked.exception(), NotReadyError)
    world.database.away = False
    node.leave()


def test_what_was_carried_out_is_remembered_for_a_while_and_not_for_ever(world: World) -> None:
    first = world.start("w1")
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    world.run(10)
    kept = world.database.rows[7].content.kept

    def note(number: int) -> None:
        answered(world, node.ask(7, Note(by="ana", what=f"drill {number}", reason="")))

    note(1)
    note(2)
    assert [kind for kind, _ in kept if kind == "carried"] == ["carried"] * 2
    world.run(KEPT_MS + 1_000)
    note(3)
    assert [kind for kind, _ in kept if kind == "carried"] == ["carried"]
    node.leave()


def test_history_is_learned_where_the_accounts_are(world: World) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    today = world.schedule.now_ms // DAY_MS
    past = Past(account="A1", timezone="UTC", from_day=today - 20, until_day=today - 2, days=())
    answer = answered(world, node.ask(partition_of("A1"), (past,)))
    assert answer.days == (18,)
    again = answered(world, node.ask(partition_of("A1"), (past,)))
    assert again.days == (0,)
    node.leave()


def test_a_wish_of_another_version_is_answered_and_not_carried_out(world: World) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    world.run(10)
    real = encode_asked(id_="node1-1", node="node1", at_ms=world.schedule.now_ms, wish=BLOCK)
    newer = real.replace(b"block", b"blokk")
    read = decode_asked(newer)
    assert read is not None
    assert read.wish is None
    heard: list[bytes] = []
    listen: list[tuple[object, Callable[[bytes], None]]] = world.listeners[ANSWER.format(node="node1")]  # type: ignore[assignment]
    listen.append((first.loop, heard.append))
    world.log.add(partition_of("A1"), [(TOPIC, newer), (TOPIC, b"\xc1")])
    world.run(500)
    assert carried_out(world) == []
    assert b"another version" in heard[0]
    assert first.intents.unknown == 2
    node.leave()


def test_a_log_that_takes_nothing_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.start("w1")
    known(world)
    world.until(lambda: all_held(world, first), 5_000, "one holds all")
    node = Node(world, first)
    world.run(10)
    append, refused = WorkerLog.append, [1] * 3

    async def refuses_at_first(
        self: WorkerLog, part: int, messages: Sequence[tuple[str, bytes]], *, name: str = ""
    ) -> bool:
        if refused:
            refused.pop()
            return False
        return await append(self, part, messages, name=name)

    monkeypatch.setattr(WorkerLog, "append", refuses_at_first)
    assert answered(world, node.wish(BLOCK), 1_000).outcome() is IntentResult.DONE
    node.leave()


def test_more_than_people_can_have_clicked_do_not_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.shell.cluster.asking.WAITING", 2)
    first = world.start("w1")
    node = Node(world, first)
    asked = [node.wish(BLOCK) for _ in range(3)]
    world.run(1)
    assert [task.done() for task in asked] == [False, False, True]
    assert "too many" in str(asked[2].exception())
    world.until(lambda: all(task.done() for task in asked), 6_000, "the others are answered")
    node.leave()
