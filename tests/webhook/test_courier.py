"""A courier brings everything that is owed, at least once, whatever the target and the store do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.decisions import Action, Mode, NoticeKind
from guard.core.events import Event
from guard.core.incidents import incident_of
from guard.core.settings import DAY_MS, HOUR_MS
from guard.ports import Sent
from guard.shell.backoff import next_attempt_ms
from guard.shell.courier import AGAIN_MS, MOST_OWED, RETRIES, WINDOW
from guard.shell.webhooks import PostOffice
from tests.webhook.fakes import START_MS, Bench, FakeTarget, MemoryOutbox, VirtualClock, decision, notice

REFUSED = Sent("answered 500")


def failing(times: int) -> Callable[[Event, int], Sent]:
    """Each event is refused so often."""
    tried: dict[str, int] = {}

    def answer(event: Event, _at_ms: int) -> Sent:
        tried[event.id] = tried.get(event.id, 0) + 1
        return REFUSED if tried[event.id] <= times else Sent()

    return answer


# -- what is told


async def test_a_new_webhook_is_told_what_happens_and_not_the_history() -> None:
    bench = Bench()
    await bench.outbox.decide(decision(1), notice(1))
    await bench.open()
    await bench.outbox.decide(decision(2), notice(2))
    await bench.settled()
    assert [event.number for event in bench.target.got] == [2, 2]


async def test_only_the_events_that_it_wants_and_nothing_that_is_only_recorded() -> None:
    bench = Bench(events=("block", "fuse"))
    await bench.open()
    await bench.outbox.decide(
        decision(1, action=Action.WARN),
        decision(2, mode=Mode.SHADOW),
        decision(3),
        notice(1, NoticeKind.FUSE),
        notice(2, NoticeKind.BLIND),
    )
    await bench.settled()
    assert [event.type for event in bench.target.got] == ["fuse", "block"]


async def test_the_first_attempt_is_made_at_once() -> None:
    bench = Bench()
    bench.target.pause = lambda _event: asyncio.sleep(0)
    await bench.open()
    await bench.outbox.decide(*(decision(number, f"A{number}") for number in range(1, 101)))
    await bench.settled()
    assert {at_ms for _, at_ms in bench.target.asked} == {START_MS}
    assert bench.target.most_flying == WINDOW


async def test_events_of_one_account_arrive_in_their_order_and_never_together() -> None:
    bench = Bench()
    flying: set[str] = set()

    async def pause(event: Event) -> None:
        assert event.subject not in flying
        flying.add(event.subject)
        for _ in range(event.number % 5):
            await asyncio.sleep(0)
        flying.discard(event.subject)

    bench.target.pause = pause
    await bench.open()
    await bench.outbox.decide(*(decision(number, f"A{number % 3}") for number in range(1, 61)))
    await bench.settled()
    for account in range(3):
        got = [event.number for event in bench.target.got if event.subject == f"account A{account}"]
        assert got == sorted(got)
    assert len(bench.target.got) == 60


# -- when it is not taken


async def test_what_is_refused_comes_again_under_its_id_by_the_schedule() -> None:
    bench = Bench(answer=failing(3))
    await bench.open()
    await bench.outbox.decide(told := decision(1))
    await bench.settled()
    assert {event for event, _ in bench.target.asked} == {told.id}
    due_ms, moments = START_MS, []
    for attempts in range(1, 5):
        moments.append(due_ms)
        due_ms = next_attempt_ms(told.id, attempts, START_MS, due_ms, 0) or 0
    assert [at_ms for _, at_ms in bench.target.asked] == moments
    assert bench.courier.results == {"delivered": 1, "failed": 3, "dead": 0, "overtaken": 0}


async def test_a_target_that_asks_to_be_left_alone_is() -> None:
    bench = Bench(answer=lambda _event, at_ms: Sent() if at_ms > START_MS else Sent("answered 429", 600_000))
    await bench.open()
    await bench.outbox.decide(decision(1))
    await bench.settled()
    assert [at_ms - START_MS for _, at_ms in bench.target.asked] == [0, 600_000]


async def test_after_a_day_it_is_a_dead_letter_which_can_be_sent_again() -> None:
    bench = Bench(answer=lambda _event, _at_ms: REFUSED)
    await bench.open()
    await bench.outbox.decide(told := decision(1))
    await bench.until(lambda: bench.courier.dead == 1 and not bench.courier._changed)
    assert bench.target.asked[-1][1] == START_MS + DAY_MS
    [letter] = await bench.outbox.deliveries(webhook=None, dead=True, after=("", ""), limit=9)
    assert (letter.owed.event.id, letter.owed.error) == (told.id, "answered 500")
    bench.target.answer = lambda _event, _at_ms: Sent()
    office = PostOffice(bench.outbox, bench.clock, [(bench.route, bench.target)])
    [bench.courier] = office.couriers
    assert await office.resend("elsewhere", None, by="ana", reason="mended") is None
    assert await office.resend("ops", None, by="ana", reason="mended") == 1
    await bench.settled()
    assert [event.id for event in bench.target.got] == [told.id]
    assert bench.courier.dead == 0
    [audit] = bench.outbox.audits
    assert (audit.by, audit.what, audit.reason) == ("ana", "resend_webhook ops", "mended")


async def test_an_order_to_resend_reaches_a_courier_that_is_at_work() -> None:
    bench = Bench(answer=lambda _event, at_ms: REFUSED if at_ms <= START_MS + DAY_MS else Sent())
    await bench.open()
    await bench.outbox.decide(decision(1))
    office = PostOffice(bench.outbox, bench.clock, [(bench.route, bench.target)])
    [bench.courier] = office.couriers
    asked: list[asyncio.Task[int | None]] = []

    def resend() -> bool:
        if office.couriers[0].dead and not bench.courier._changed and not asked:
            bench.clock.ms += 1
            asked.append(asyncio.create_task(office.resend("ops", None, by="ana", reason="mended")))
        return bool(bench.target.got)

    await bench.until(resend)
    assert await asked[0] == 1


async def test_new_events_do_not_wait_behind_old_ones_that_fail() -> None:
    """Retries take half of the attempts under way at most; the newest is tried in the very moment it happens."""
    bench = Bench(answer=lambda event, _at_ms: REFUSED if event.number <= 500 else Sent())
    never = asyncio.Event()

    async def pause(event: Event) -> None:
        tried = [each for each, _ in bench.target.asked].count(event.id)
        if event.number <= 500 and tried > 1:
            await never.wait()

    bench.target.pause = pause
    await bench.open()
    await bench.outbox.decide(*(decision(number, f"A{number}") for number in range(1, 501)))
    await bench.until(lambda: bench.target.flying == RETRIES)
    await bench.outbox.decide(decision(501, "B1"))
    bench.courier.tell()
    at_ms = bench.clock.ms
    await bench.until(lambda: bool(bench.target.got))
    assert bench.target.asked[-1][1] - at_ms <= 5_000


async def test_after_an_outage_the_first_success_brings_the_rest() -> None:
    """Hours into the back-off: not an hour later, but at most a minute after it was last tried."""
    back_ms = START_MS + 6 * HOUR_MS
    bench = Bench(answer=lambda _event, at_ms: REFUSED if at_ms < back_ms else Sent())
    await bench.open()
    await bench.outbox.decide(*(decision(number, f"A{number}") for number in range(1, 101)))
    await bench.settled()
    got_ms = [at_ms for _, at_ms in bench.target.asked if at_ms >= back_ms]
    assert len(got_ms) == 100
    assert max(got_ms) - min(got_ms) <= AGAIN_MS
    assert bench.courier.view().failing_since_ms is None


async def test_what_an_event_has_been_overtaken_by_is_not_opened_again() -> None:
    """At a target that keeps matters open: the block fails, the unblock arrives, the block does not come back."""
    bench = Bench(
        answer=lambda event, _at_ms: REFUSED if event.type == "block" else Sent(),
        incident=lambda event: incident_of(event).matter,
    )
    await bench.open()
    await bench.outbox.decide(
        decision(1), decision(2, action=Action.UNBLOCK), decision(3, "A2"), decision(4, action=Action.WARN, mark="80")
    )
    await bench.until(lambda: bench.courier.results["failed"] > 5)
    assert [event.type for event in bench.target.got] == ["unblock", "warn"]
    assert bench.courier.results["overtaken"] == 1
    assert {event for event, _ in bench.target.asked[4:]} == {decision(3, "A2").id}


async def test_a_clock_that_was_set_back_does_not_put_off_what_is_due() -> None:
    bench = Bench(answer=failing(1))
    await bench.open()
    await bench.outbox.decide(decision(1))
    await bench.until(lambda: bench.courier.results["failed"] == 1)
    bench.clock.ms -= DAY_MS
    bench.courier.tell()
    await bench.settled()
    assert bench.target.asked[-1][1] - (START_MS - DAY_MS) < HOUR_MS


# -- bounds


async def test_a_target_that_is_away_costs_a_bounded_number_of_rows() -> None:
    bench = Bench(answer=lambda _event, _at_ms: REFUSED)
    await bench.open()
    await bench.outbox.decide(*(decision(number, f"A{number}") for number in range(1, 5_001)))
    await bench.until(lambda: bench.courier.results["failed"] >= MOST_OWED)
    assert MOST_OWED <= bench.courier.pending < MOST_OWED + 400
    assert len(bench.outbox.rows) == bench.courier.pending
    bench.target.answer = lambda _event, _at_ms: Sent()
    await bench.settled()
    assert {event.number for event in bench.target.got} == set(range(1, 5_001))


async def test_what_nobody_wants_moves_the_position_now_and_then() -> None:
    bench = Bench(events=("held",))
    await bench.open()
    await bench.outbox.decide(*(decision(number) for number in range(1, 2_601)))
    await bench.until(lambda: bench.courier._position.decision == 2_600)
    assert bench.outbox.positions["ops"].decision == 2_000


async def test_one_target_that_hangs_delays_no_other() -> None:
    clock, outbox = VirtualClock(), MemoryOutbox()
    hanging, quick = FakeTarget(), FakeTarget()
    never = asyncio.Event()

    async def pause(_event: Event) -> None:
        await never.wait()

    hanging.pause = pause
    route = Bench().route
    office = PostOffice(
        outbox,
        clock,
        [(route, hanging), (type(route)(name="chat", kind="generic", events=route.events), quick)],
    )
    await office.open()
    await outbox.decide(*(decision(number, f"A{number}") for number in range(1, 301)))
    running = asyncio.create_task(office.run())
    for _ in range(20_000):
        await asyncio.sleep(0)
        if len(quick.got) == 300:
            break
    running.cancel()
    await asyncio.wait({running})
    assert len(quick.got) == 300
    assert not hanging.got


# -- restarts


async def test_what_a_removed_webhook_was_owed_goes() -> None:
    bench = Bench(answer=lambda _event, _at_ms: REFUSED)
    await bench.open()
    await bench.outbox.decide(decision(1))
    await bench.until(lambda: bench.courier.results["failed"] > 0)
    assert await bench.outbox.open(["else"]) == {"ops": 1}
    assert not bench.outbox.rows


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_everything_arrives_however_often_target_store_and_daemon_fail(data: st.DataObject) -> None:
    """At least once each, nothing that was not decided, and after the last failure nothing is left over."""
    luck = data.draw(st.lists(st.booleans(), max_size=60))
    kills = data.draw(st.integers(0, 4))
    counts = data.draw(st.lists(st.integers(0, 40), min_size=kills + 1, max_size=kills + 1))

    def answer(_event: Event, _at_ms: int) -> Sent:
        return Sent() if not luck or luck.pop() else REFUSED

    async def story() -> None:
        bench = Bench(answer=answer)
        await bench.open()
        number = 0
        for count in counts:
            await bench.outbox.decide(
                *(decision(each, f"A{each % 7}") for each in range(number + 1, number + count + 1)), notice(number)
            )
            number += count
            bench.outbox.failures = data.draw(st.integers(0, 3))
            bench.restarted()
            turns = data.draw(st.integers(0, 60))
            left = [turns]

            def enough(left: list[int] = left) -> bool:
                left[0] -= 1
                return left[0] < 0

            await bench.until(enough)
        bench.restarted()
        await bench.settled()
        wanted = {told.id for told in bench.outbox.decisions} | {told.id for told in bench.outbox.notices}
        assert {event.id for event in bench.target.got} == wanted
        assert not bench.outbox.rows

    asyncio.run(story())
