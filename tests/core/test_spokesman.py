"""What many partitions know of one matter on-call hears once, and once that it is over, whoever dies in between."""

from __future__ import annotations

import pytest

from guard.core.decisions import Notice, NoticeKind
from guard.core.expectation import HOURS_OF_WEEK, Expectation
from guard.core.neighbours import CallsBrought, Matter, SwitchSilent
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.plans import Plan
from guard.core.rating import Rating
from guard.core.records import AccountMessage, Block, Scope
from guard.core.settings import HOUR_MS, MINUTE_MS, SECOND_MS, Settings
from guard.core.setup import Reload, Setup
from tests.core.parts import Parts, accounts

SWITCH = "sw1"
HOME = partition_of(SWITCH)


def with_calls_up(count: int) -> tuple[Parts, list[str]]:
    """That many partitions with a call of the switch each, and its home, which has none."""
    parts = Parts()
    elsewhere = [part for part in range(PARTITIONS) if part != HOME][:count]
    customers = [accounts(1, of=part)[0] for part in elsewhere]
    parts.part(HOME)
    for number, customer in enumerate(customers):
        parts.of(customer)
        parts.tick(customer, f"c{number}")
    parts.mention(SWITCH)
    return parts, customers


def told(parts: Parts, kind: NoticeKind) -> list[Notice]:
    return [notice for notice in parts.notices if notice.kind is kind]


def overs(parts: Parts, kind: NoticeKind) -> list[bool]:
    return [notice.over for notice in told(parts, kind)]


@pytest.mark.parametrize("crash", [False, True])
def test_a_switch_that_falls_silent_with_calls_up_in_many_partitions_is_told_once(crash: bool) -> None:  # noqa: FBT001
    parts, customers = with_calls_up(60)
    parts.twice = crash
    for second in range(10):
        parts.run(20 * SECOND_MS)
        if crash:
            parts.crash(HOME)
            parts.crash(partition_of(customers[second]))
    (notice,) = told(parts, NoticeKind.BLIND)
    assert notice.switch == SWITCH
    assert notice.text.endswith("with calls up; what they cost is carried forward by estimate.")

    parts.mention(SWITCH)
    parts.run(MINUTE_MS)
    assert overs(parts, NoticeKind.BLIND) == [False, True]


def test_a_switch_that_goes_down_with_calls_up_elsewhere_is_told_once() -> None:
    parts, _ = with_calls_up(20)
    parts.run(SECOND_MS)
    parts.status(SWITCH, up=False)
    parts.run(10 * SECOND_MS)
    parts.status(SWITCH, up=True)
    parts.run(10 * SECOND_MS)

    down, back = told(parts, NoticeKind.BLIND)
    assert (down.over, back.over) == (False, True)
    assert "is down" in down.text


def test_what_was_on_its_way_when_the_switch_spoke_again_is_nothing() -> None:
    parts, _ = with_calls_up(1)
    parts.run(10 * SECOND_MS)
    said_ms = parts.now_ms
    parts.run(SECOND_MS)
    parts.mention(SWITCH)
    home = parts.part(HOME).engine
    home.hear(3, SwitchSilent(switch=SWITCH, at_ms=said_ms), parts.now_ms)
    parts.turn(HOME)
    assert told(parts, NoticeKind.BLIND) == []


def with_blocks(count: int) -> tuple[Parts, list[int]]:
    """That many partitions with a command each, which no switch has answered yet."""
    parts, customers = with_calls_up(count)
    for customer in customers:
        block = Block(account=customer, scope=Scope.ALL, until_ms=None, by="ana", reason="test")
        parts.intent(partition_of(customer), block)
    return parts, [partition_of(customer) for customer in customers]


@pytest.mark.parametrize("crash", [False, True])
def test_commands_that_wait_in_many_partitions_are_told_once(crash: bool) -> None:  # noqa: FBT001
    parts, numbers = with_blocks(30)
    parts.twice = crash
    parts.run(40 * SECOND_MS)
    if crash:
        parts.crash(HOME)
    (notice,) = told(parts, NoticeKind.UNCONFIRMED)
    assert notice.switch == SWITCH
    for number in numbers[1:]:
        parts.acknowledge(number)
    if crash:
        parts.crash(HOME)
        parts.crash(numbers[1])
    parts.run(10 * SECOND_MS)
    assert overs(parts, NoticeKind.UNCONFIRMED) == [False], "one still waits"
    if crash:
        parts.crash(numbers[0])
    parts.acknowledge(numbers[0])
    parts.run(10 * SECOND_MS)

    assert overs(parts, NoticeKind.UNCONFIRMED) == [False, True]


def test_a_batch_that_was_never_stored_leaves_no_matter_open() -> None:
    parts, (number, *_) = with_blocks(1)
    parts.run(29 * SECOND_MS)
    parts.now_ms += 2 * SECOND_MS
    parts.part(number).engine.advance(parts.now_ms)
    parts.turn(number, lost=True)
    parts.crash(number)
    parts.acknowledge(number)
    parts.run(MINUTE_MS)

    assert told(parts, NoticeKind.UNCONFIRMED) == []
    assert not [word for _, _, word in parts.words if isinstance(word, Matter)]


def test_a_partition_that_was_put_back_to_an_earlier_day_is_still_listened_to() -> None:
    """The home has heard its words of the days after from the log."""
    parts, (number, *_) = with_blocks(1)
    parts.run(40 * SECOND_MS)
    parts.acknowledge(number)
    parts.run(MINUTE_MS)
    assert overs(parts, NoticeKind.UNCONFIRMED) == [False, True]

    del parts.part(number).store.kept["spoken", ""]
    parts.crash(number)
    parts.acknowledge(number)
    (customer,) = set(accounts(2, of=number)) - set(parts.part(number).engine.world.accounts)
    parts.tick(customer)
    parts.intent(number, Block(account=customer, scope=Scope.ALL, until_ms=None, by="ana", reason="test"))
    parts.run(40 * SECOND_MS)
    assert overs(parts, NoticeKind.UNCONFIRMED) == [False, True, False]


def test_what_waits_for_an_hour_is_told_again_once() -> None:
    parts, _ = with_blocks(5)
    home = parts.part(HOME).engine
    parts.run(40 * SECOND_MS)

    def again(sender: int, at_ms: int) -> None:
        text = f"Switch {SWITCH} has not acknowledged a command for 30 s."
        word = Matter(
            number=at_ms,
            matter="unconfirmed",
            about=SWITCH,
            kind="unconfirmed",
            switch=SWITCH,
            account="",
            text=text,
            over=False,
            at_ms=at_ms,
        )
        home.hear(sender, word, at_ms)
        parts.turn(HOME)

    for sender in range(3):
        again(sender, parts.now_ms + HOUR_MS + sender)
    assert overs(parts, NoticeKind.UNCONFIRMED) == [False, False]


def test_refusals_of_many_partitions_are_told_a_hundred_times_an_hour() -> None:
    parts, numbers = with_blocks(130)
    for number in numbers:
        parts.acknowledge(number, error="no such account")
    parts.run(20 * SECOND_MS)
    assert len(told(parts, NoticeKind.REFUSED)) == 100
    assert all(notice.account for notice in told(parts, NoticeKind.REFUSED))


def test_unknown_accounts_beyond_the_share_of_several_partitions_are_told_once_and_their_end_once() -> None:
    parts = Parts(Settings(max_provisional=1))
    parts.part(HOME)
    numbers = [part for part in range(20) if part != HOME]
    share = 5
    for number in numbers:
        for customer in accounts(share + 1, of=number):
            parts.call(customer)
    parts.run(20 * SECOND_MS)
    assert overs(parts, NoticeKind.QUARANTINED) == [False]

    for number in numbers:
        parts.crash(number)
        for customer in accounts(share, of=number):
            parts.of(customer).billing(AccountMessage(id=f"m{customer}", account=customer), parts.now_ms)
        parts.turn(number)
    parts.run(20 * SECOND_MS)
    assert overs(parts, NoticeKind.QUARANTINED) == [False, True]


def test_partitions_that_hear_no_ingest_are_one_matter() -> None:
    parts, _ = with_calls_up(30)
    parts.part(partition_of("broker"))
    for number, part in parts.parts.items():
        part.engine.cut_off(parts.now_ms)
        parts.turn(number)
    parts.run(80 * SECOND_MS)
    for number, part in parts.parts.items():
        part.engine.subscribed(parts.now_ms)
        parts.turn(number)
    parts.mention(SWITCH)
    parts.run(20 * SECOND_MS)

    assert overs(parts, NoticeKind.BLIND) == [False, True]
    assert "No ingest has been heard" in parts.notices[0].text


def test_a_plan_that_is_gone_is_told_once_whoever_has_it() -> None:
    plan = Plan("office", "Office", quotas=(), discounts=())
    parts = Parts(rating=Rating(unknown_rate_micros=1, plans={"office": plan}))
    engine = parts.part(partition_of("office")).engine
    for customer in accounts(40):
        message = AccountMessage(id=f"m{customer}", account=customer, plan="office")
        parts.of(customer).billing(message, parts.now_ms)
    gone = Setup(settings=parts.settings, scopes=engine.world.scopes, rating=Rating(unknown_rate_micros=1))
    for number in list(parts.parts):
        parts.part(number).engine.reload(Reload(setup=gone, by="signal", what="plans"), parts.now_ms)
        parts.turn(number)
    parts.run(20 * SECOND_MS)

    (notice,) = told(parts, NoticeKind.PLAN)
    assert notice.text.startswith("The plan 'office' is no longer configured and accounts have it")


def test_what_all_saw_of_an_hour_is_learned_at_the_home() -> None:
    parts, customers = with_calls_up(3)
    home = parts.part(HOME).engine
    hour = parts.now_ms // HOUR_MS + 1
    parts.run((hour * HOUR_MS) - parts.now_ms + MINUTE_MS)
    for customer in customers:
        for _ in range(4):
            parts.call(customer)
    parts.run(2 * HOUR_MS)

    brought = {(sender, word.calls) for sender, _, word in parts.words if isinstance(word, CallsBrought)}
    assert {(partition_of(customer), 4) for customer in customers} <= brought
    row = home.world.switches[SWITCH].expectation.row()
    assert (row.usual[hour % HOURS_OF_WEEK], row.learned[hour % HOURS_OF_WEEK]) == (12_000, 1)


def test_what_is_said_twice_or_too_late_of_an_hour_counts_for_nothing() -> None:
    expectation = Expectation()
    expectation.await_others(9, spoilt=False)
    expectation.note(late=False)
    expectation.await_others(10, spoilt=False)
    for _ in range(2):
        expectation.add(7, 10, 5, late=False)
    expectation.add(8, 9, 100, late=False)
    assert expectation.learn_of_all()
    assert expectation.row().usual[10] == 6_000

    expectation.await_others(11, spoilt=False)
    expectation.add(7, 11, 5, late=True)
    assert not expectation.learn_of_all(), "a backlog belongs to other hours"
