"""What the loop promises, each shown with a store and a broker that do what the test says."""

from __future__ import annotations

import asyncio
import json

from guard.core.decisions import Changes
from guard.core.records import Block, IntentResult
from tests.shell.fakes import START_MS, House

ANSWERED = (
    '{"call":"c1","event":"answered","account":"A1","to":"+25377123456","at":%.3f,"charge":"0","rate":"60.00"}'
    % (START_MS / 1_000)
)
LIMIT = '{"type":"credit","id":"c1","account":"A1","limit":"6.00"}'


def run(house: House, turns: int = 1) -> None:
    """So many turns of the loop."""

    async def turning() -> None:
        for _ in range(turns):
            await house.loop.turn()

    asyncio.run(turning())


def test_a_message_is_acknowledged_only_after_the_commit() -> None:
    """PUBACK after commit, for calls and for control."""
    house = House()
    house.report(ANSWERED)
    house.billing(LIMIT)
    run(house)
    commit = house.journal.index("commit")
    assert commit < house.journal.index("acknowledge calls 1")
    assert commit < house.journal.index("acknowledge control 1")


def test_control_is_taken_before_calls() -> None:
    """A limit that arrives together with a report is in force when the report is judged."""
    house = House()
    house.report(ANSWERED)
    house.billing(LIMIT)
    run(house)
    assert house.journal.index("drain control") < house.journal.index("drain calls")
    account = house.engine.world.accounts["A1"]
    assert account.limit_micros == 6_000_000


def test_a_failed_commit_is_tried_again_and_nothing_leaves_meanwhile() -> None:
    """Neither acknowledgement nor command leaves before the store has the batch, which is committed once."""
    house = House()
    house.store.failures = 3
    house.report(ANSWERED)
    house.billing(LIMIT)
    run(house)
    failed = [index for index, event in enumerate(house.journal) if event == "commit failed"]
    assert len(failed) == 3
    done = house.journal.index("commit")
    assert all(house.journal.index(f"acknowledge {name} 1") > done > max(failed) for name in ("calls", "control"))
    assert all(index > done for index, event in enumerate(house.journal) if event == "publish commands")
    assert len(house.store.batches) == 1
    assert house.loop.store_failure == ""


def test_a_loop_that_is_stopped_in_the_middle_of_a_batch_is_not_settled() -> None:
    """What it has applied comes again, so nothing that counts it may be stored on the way out."""
    house = House()
    house.report(ANSWERED)
    house.store.failures = 10**9

    async def stopped() -> None:
        turning = asyncio.create_task(house.loop.turn())
        for _ in range(10):
            await asyncio.sleep(0)
        turning.cancel()
        await asyncio.gather(turning, return_exceptions=True)

    asyncio.run(stopped())
    assert not house.loop.settled
    assert house.calls.acknowledged == []
    house.store.failures = 0
    run(house)
    assert house.loop.settled


def test_the_breach_leaves_as_a_command_without_another_report() -> None:
    """6.0 s after one answered report the block is published, after the commit that holds its decision."""
    house = House()
    house.billing(LIMIT)
    house.report(ANSWERED)
    run(house)
    house.clock.ms = START_MS + 5_999
    run(house)
    assert not [c for c in house.commands() if json.loads(c)["action"] == "block"]
    house.clock.ms = START_MS + 6_000
    run(house)
    (command,) = [json.loads(c) for c in house.commands() if json.loads(c)["action"] == "block"]
    assert command["account"] == "A1"
    assert command["except"] == ["911", "112", "933", "988"]
    (decision,) = house.store.batches[-1].decisions
    assert decision.at_ms == START_MS + 6_000
    assert decision.id == command["id"]


def test_a_payload_that_is_no_report_is_acknowledged_and_counted() -> None:
    """It cannot come back for ever, and it is logged without its content."""
    house = House()
    house.report("hello")
    house.report("[]")
    run(house)
    assert house.figures.refused == [("sw1", "invalid")]
    assert len(house.calls.acknowledged) == 2
    ((topic, refusal),) = house.refusals
    assert topic == "guard/v1/sw1/calls"
    assert "hello" not in refusal.rule + refusal.key


def test_a_balance_asks_the_ledger_after_what_came_before_it_is_durable() -> None:
    """The batch so far is committed, then the store is asked, then the balance enters."""
    house = House()
    at = START_MS / 1_000
    house.billing(f'{{"type":"adjustment","id":"a1","account":"A1","amount":"5.00","reason":"fee","at":{at}}}')
    house.billing(f'{{"type":"balance","id":"b1","account":"A1","owed":"83.20","as_of":{at - 60}}}')
    run(house)
    assert house.journal.index("commit") < house.journal.index("ask the ledger")
    account = house.engine.world.accounts["A1"]
    assert account.owed_micros == 88_200_000


def test_an_intent_is_answered_when_it_is_durable() -> None:
    """Whoever asked learns the result after the commit."""
    house = House()
    house.billing(LIMIT)
    run(house)

    async def asking() -> IntentResult | None:
        asked = asyncio.ensure_future(house.loop.ask(Block(account="A1", by="ana", reason="stolen")))
        await asyncio.sleep(0)
        commits = house.journal.count("commit")
        await house.loop.turn()
        assert house.journal.count("commit") == commits + 1
        return await asked

    assert asyncio.run(asking()) is IntentResult.DONE


def test_reports_in_one_array_count_alone() -> None:
    """A bad report among good ones is refused alone; the message is acknowledged once."""
    house = House()
    bad = ANSWERED.replace('"answered"', '"exploded"')
    other = ANSWERED.replace('"c1"', '"c2"')
    house.report(f"[{ANSWERED},{bad},{other}]")
    run(house)
    assert len(house.engine.world.switches["sw1"].calls) == 2
    assert house.figures.refused == [("sw1", "invalid")]
    assert "acknowledge calls 1" in house.journal


def test_junk_on_other_topics_is_acknowledged_and_moves_nothing() -> None:
    """What is on a topic of nobody's is not a report."""
    house = House()
    house.calls.arrive("guard/v1/sw1/elsewhere", b"{}")
    house.control.arrive("guard/v1/sw1/acks", b"\xff\xfe")
    run(house)
    assert house.figures.refused == []
    assert len(house.calls.acknowledged) == len(house.control.acknowledged) == 1


def test_a_stepped_clock_blocks_nobody() -> None:
    """Our own clock jumps: calls are not carried forward by it until their switch has spoken again."""
    for step_ms in (3_600_000, 600_000, -600_000):
        house = House()
        house.billing(LIMIT.replace("6.00", "600.00"))
        house.report(ANSWERED)
        run(house)
        house.clock.step(step_ms)
        house.clock.ms += 1_000
        run(house)
        house.clock.ms += 30_000
        run(house)
        account = house.engine.world.accounts["A1"]
        assert account.causes == ()
        assert account.level == 0
        # The switch's ticks, on its own clock, show how far ours is off now; the calls are carried forward again.
        for seconds, charge in ((32, "32"), (62, "62")):
            body = ANSWERED.replace('"answered"', '"tick"').replace('"charge":"0"', f'"charge":"{charge}"')
            body = body.replace(f'"at":{START_MS / 1_000:.3f}', f'"at":{START_MS / 1_000 + seconds:.3f}')
            house.report(body.replace("{", f'{{"duration_ms":{seconds * 1000},', 1))
            house.clock.ms = START_MS + step_ms + seconds * 1_000 + 100
            run(house)
        view = house.engine.picture("A1", house.clock.ms + 5_000)
        assert view is not None
        assert 66_000_000 <= view.exposure_micros <= 68_000_000


def test_after_subscribing_every_switch_gets_scopes_and_a_snapshot() -> None:
    """Guard's own start brings each known switch the whole truth."""
    house = House()
    house.report(ANSWERED)
    run(house)
    house.control.published.clear()
    house.loop.subscribed()
    run(house)
    kinds = [topic.rsplit("/", 1)[-1] for topic, _ in house.control.published]
    assert kinds.count("scopes") == 1
    (snapshot,) = [json.loads(payload) for payload in house.commands()]
    assert snapshot["action"] == "snapshot"
    assert (snapshot["part"], snapshot["of"], snapshot["blocked"]) == (1, 1, [])


async def test_it_is_idle_while_it_waits_and_only_then() -> None:
    """Whoever reads may use that moment: not a batch's, not that of a commit, not the one before a breach."""
    house = House()
    resting: list[bool] = []
    committing: list[bool] = []
    commit = house.store.commit

    async def watched(changes: Changes) -> None:
        committing.append(house.loop.idle)
        await commit(changes)

    def rests() -> None:
        now_ms = house.clock.ms
        resting.append(house.loop.idle)
        house.clock.ms = house.engine.next_wake_ms - 1
        resting.append(house.loop.idle)
        house.clock.ms = now_ms
        house.loop.arrived()
        resting.append(house.loop.idle)

    house.store.commit = watched  # type: ignore[method-assign]
    house.loop.on_rest = rests
    house.report(ANSWERED)
    house.billing(LIMIT)
    turning = asyncio.create_task(house.loop.run())
    for _ in range(20):
        await asyncio.sleep(0)
    turning.cancel()
    assert committing
    assert not any(committing)
    assert resting[:3] == [True, False, False]
