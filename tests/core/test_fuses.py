"""One fuse for all partitions: it lets through what a daemon's would, but for what is on its way, and tells once."""

from __future__ import annotations

from random import Random

import pytest

from guard.core.blocking import MOST_HELD
from guard.core.decisions import Action, Notice, NoticeKind
from guard.core.fuses import AHEAD, HOME, FuseHome, FuseShare
from guard.core.neighbours import FuseSaid, FuseStands
from guard.core.partitions import PARTITIONS, partition_of, share_of
from guard.core.records import Approve, CloseFuse, IntentResult
from guard.core.rules.fuse import Fuse
from guard.core.rules.rule import Rule
from guard.core.settings import MINUTE_MS, Settings
from guard.core.setup import Reload, Setup
from tests.core.parts import Parts, accounts
from tests.core.rules.builders import rule

BOUND = 20
NOW = 1_790_000_000_000


def wrong_rule() -> Rule:
    """It blocks whoever calls."""
    return rule("calls", warn=None, block=1)


def parts_of_all(window_ms: int = 10 * MINUTE_MS) -> Parts:
    """All partitions, under a rule that blocks whoever calls."""
    parts = Parts(Settings(fuse_window_ms=window_ms), rules=(wrong_rule(),))
    for number in range(PARTITIONS):
        parts.part(number)
    return parts


def told(parts: Parts) -> list[Notice]:
    """What on-call heard of the fuse."""
    return [notice for notice in parts.notices if notice.kind is NoticeKind.FUSE]


def decided(parts: Parts, action: Action) -> list[str]:
    return [decision.account for decision in parts.decisions if decision.action is action]


def waits(parts: Parts) -> set[str]:
    """Accounts that are held for an operator."""
    return {held.account for part in parts.parts.values() for held in part.engine.held()}


def test_a_wrong_rule_in_all_partitions_blocks_the_bound_and_what_was_on_its_way() -> None:
    parts = parts_of_all(window_ms=MINUTE_MS)
    customers = accounts(500)
    for customer in customers:
        parts.call(customer)
        parts.run(1)

    blocked = decided(parts, Action.BLOCK)
    on_their_way = 2 * parts.hop_ms
    assert BOUND <= len(blocked) <= BOUND + on_their_way
    assert waits(parts) | set(blocked) == set(customers)
    assert [notice.over for notice in told(parts)] == [False]
    assert all(part.engine.fuse_open for part in parts.parts.values())

    asked_ms = parts.now_ms - 1
    parts.run(MINUTE_MS + 100)
    opened, closed = told(parts)
    assert (opened.over, closed.over, closed.at_ms) == (False, True, asked_ms + MINUTE_MS)
    assert not any(part.engine.fuse_open for part in parts.parts.values())
    assert waits(parts) == set(customers) - set(blocked), "what is held stays held"


def test_all_at_the_same_moment_each_partition_lets_a_few_through() -> None:
    parts = parts_of_all()
    customers = accounts(2_000)
    for customer in customers:
        parts.call(customer)
    parts.run(1_000)

    assert len(decided(parts, Action.BLOCK)) <= PARTITIONS * AHEAD + BOUND
    assert [notice.over for notice in told(parts)] == [False]


def test_a_reload_asks_first_so_that_no_more_than_the_bound_are_blocked() -> None:
    parts = Parts(rules=(rule("calls", warn=None, block=2),))
    customers = accounts(300)
    for number in range(PARTITIONS):
        parts.part(number)
    for customer in customers:
        parts.call(customer)
    setup = Setup(
        settings=parts.settings,
        scopes=parts.part(0).engine.world.scopes,
        rating=parts.part(0).engine.world.rating,
        rules=(rule("calls", warn=None, block=1),),
    )
    for number in range(PARTITIONS):
        parts.part(number).engine.reload(Reload(setup=setup, by="signal", what="the rules"), parts.now_ms)
        parts.turn(number)
    assert decided(parts, Action.BLOCK) == []
    parts.run(1_000)

    assert len(decided(parts, Action.BLOCK)) == BOUND
    assert len(waits(parts)) == len(customers) - BOUND
    assert [notice.over for notice in told(parts)] == [False]


def test_that_it_is_open_as_was_said_in_a_time_that_has_never_been_is_put_right_by_the_home() -> None:
    """A store that was put back: the log has what the home said after that, and the home knows nothing of it."""
    parts = Parts(rules=(wrong_rule(),))
    home, there, elsewhere = (parts.part((HOME + number) % PARTITIONS).engine for number in range(3))
    never = FuseStands(number=7, open_since_ms=parts.now_ms, passed=0, judged=0, granted=0)
    for engine in (there, elsewhere):
        engine.hear(HOME, never, parts.now_ms)
        assert engine.fuse_open

    for part in (1, 2):
        for customer in accounts(2, of=(HOME + part) % PARTITIONS):
            parts.call(customer)
            parts.run(1_000)

    assert not any(engine.fuse_open for engine in (home, there, elsewhere))
    assert len(decided(parts, Action.HELD)) == 2, "of each of the two the first; then it has asked"
    assert len(decided(parts, Action.BLOCK)) == 2


def test_a_few_blocks_are_not_held_up_and_more_of_one_partition_wait_for_a_word() -> None:
    parts = Parts(rules=(wrong_rule(),))
    parts.part(HOME)
    here = accounts(AHEAD + 3, of=(HOME + 1) % PARTITIONS)
    for customer in here:
        parts.call(customer)
    assert decided(parts, Action.BLOCK) == here[:AHEAD]
    assert decided(parts, Action.HELD) == here[AHEAD:]

    parts.run(2 * parts.hop_ms)
    assert decided(parts, Action.BLOCK) == here
    assert waits(parts) == set()
    assert told(parts) == []
    for customer in here:
        assert parts.of(customer).world.accounts[customer].causes


def test_what_waits_for_a_word_while_nobody_holds_the_home_gets_it_afterwards() -> None:
    parts = Parts(rules=(wrong_rule(),))
    parts.part(HOME)
    parts.away.add(HOME)
    here = accounts(AHEAD + 2, of=(HOME + 1) % PARTITIONS)
    for customer in here:
        parts.call(customer)
    parts.run(MINUTE_MS)
    assert waits(parts) == set(here[AHEAD:])
    held = parts.of(here[AHEAD]).held(here[AHEAD])[0]
    approve = Approve(account=held.account, held=held.id, until_ms=None, by="ana", reason="it is fraud")
    assert parts.intent(partition_of(held.account), approve) is IntentResult.DONE

    parts.away.clear()
    parts.run(100)
    assert waits(parts) == set()
    assert decided(parts, Action.BLOCK) == here, "approved once, let through once"


@pytest.mark.parametrize("seed", range(4))
def test_partitions_and_home_may_die_at_any_batch_and_words_come_twice(seed: int) -> None:
    random = Random(seed)
    parts = parts_of_all()
    parts.twice = seed % 2 == 1
    customers = accounts(80)
    for customer in customers:
        parts.call(customer, lost=random.random() < 0.3)
        parts.run(random.choice((0, 1, 2)))
        if random.random() < 0.2:
            parts.crash(HOME)
        if random.random() < 0.2:
            parts.crash(partition_of(random.choice(customers)))
    parts.run(30_000)

    blocked = decided(parts, Action.BLOCK)
    assert len(set(blocked)) == len(blocked)
    assert BOUND <= len(blocked) <= BOUND + 2 * (2 * parts.hop_ms), (
        "about two come in the time of a word and its answer"
    )
    assert waits(parts) | set(blocked) == set(customers)
    assert waits(parts).isdisjoint(blocked)
    assert [notice.over for notice in told(parts)] == [False]


def test_of_many_that_are_held_in_a_partition_those_that_may_still_pass_do_not_lapse() -> None:
    parts = Parts(rules=(wrong_rule(),))
    parts.part(HOME)
    parts.away.add(HOME)
    here = accounts(AHEAD + 40, of=(HOME + 1) % PARTITIONS)
    for customer in here:
        parts.call(customer)
    assert waits(parts) == set(here[AHEAD:])
    parts.away.clear()
    parts.run(100)
    assert decided(parts, Action.BLOCK) == here[:BOUND]

    assert waits(parts) == set(here[BOUND:])
    (last,) = accounts(len(here) + 1, of=(HOME + 1) % PARTITIONS)[len(here) :]
    parts.call(last)
    assert waits(parts) == {*here[-share_of(MOST_HELD) + 1 :], last}


def test_an_operator_closes_it_for_all() -> None:
    parts = parts_of_all()
    for customer in accounts(60):
        parts.call(customer)
        parts.run(1)
    assert parts.part(0).engine.fuse_open

    assert parts.intent(HOME, CloseFuse(by="ana", reason="the rule is off")) is IntentResult.DONE
    parts.run(50)

    assert not any(part.engine.fuse_open for part in parts.parts.values())
    opened, closed = told(parts)
    assert (opened.over, closed.over) == (False, True)
    assert "ana" in closed.text


def test_a_partition_that_was_away_hears_that_it_is_open_before_it_decides() -> None:
    parts = parts_of_all()
    late = accounts(1, of=7)[0]
    parts.away.add(7)
    for customer in accounts(80):
        if partition_of(customer) != 7:
            parts.call(customer)
            parts.run(1)
    parts.away.clear()
    parts.crash(7)
    parts.run(1)
    parts.call(late)

    assert late in decided(parts, Action.HELD)


def test_the_bound_grows_with_the_active_accounts_of_all() -> None:
    settings = Settings(fuse_blocks=1)
    home = FuseHome(Fuse(settings.fuse_blocks, settings.fuse_window_ms))
    for part in range(10):
        home.hear(part, said(active=300), NOW)
    assert home.active == 3_000
    home.hear(0, said(passed=6, active=300), NOW)
    assert not home.fuse.open
    home.hear(1, said(passed=1, active=300), NOW)
    assert home.fuse.open


def said(**fields: int) -> FuseSaid:
    stated = {"passed": 0, "wished": 0, "held": 0, "active": 0, "standing": 0, "at_ms": NOW} | fields
    return FuseSaid(**stated, waits=False)


def test_active_accounts_are_said_when_they_have_changed_by_an_eighth() -> None:
    share = FuseShare()
    assert share.say(8, NOW) is None
    assert share.say(9, NOW) is not None
    assert share.say(18, NOW) is None
    assert share.say(1_000, NOW) is not None
    assert share.say(1_100, NOW) is None
    assert share.say(850, NOW) is not None


def test_a_partition_that_waits_says_so_again() -> None:
    share = FuseShare()
    assert share.admit(NOW)
    word = share.say(0, NOW)
    assert word is not None
    assert word.waits
    assert share.say(0, NOW + 9_999) is None
    assert share.next_due_ms == NOW + 10_000
    assert share.say(0, NOW + 10_000) == FuseSaid(
        passed=1, wished=0, held=0, active=0, waits=True, standing=0, at_ms=NOW
    )
    share.hear(stands(passed=1))
    assert not share.waits
    assert share.next_due_ms is None


def stands(number: int = 0, open_since_ms: int | None = None, **fields: int) -> FuseStands:
    stated = {"passed": 0, "judged": 0, "granted": 0} | fields
    return FuseStands(number=number, open_since_ms=open_since_ms, **stated)


def test_a_late_word_opens_nothing_again() -> None:
    share = FuseShare()
    share.hear(stands(number=1, open_since_ms=NOW))
    share.hear(stands(number=2))
    share.hear(stands(number=1, open_since_ms=NOW))
    assert share.open_since_ms is None


def test_of_what_was_left_to_the_home_the_first_pass_and_the_rest_stays() -> None:
    share = FuseShare()
    for held in ("h1", "h2", "h3", "h4"):
        share.hold(held)
    assert share.hear(stands(judged=1, granted=1)) == ["h1"]
    assert share.hear(stands(judged=1, granted=1)) == []
    assert share.hear(stands(number=1, open_since_ms=NOW, judged=4, granted=2)) == ["h2"]
    assert not share.waits


def test_the_home_may_have_heard_more_than_was_stored() -> None:
    share = FuseShare()
    share.hold("h1")
    assert share.hear(stands(judged=5, granted=3)) == ["h1"]
    share.hold("h2")
    share.hold("h3")
    assert share.hear(stands(judged=5, granted=3)) == ["h2", "h3"]


@pytest.mark.parametrize(("bound", "share"), [(0, 0), (1, 5), (1_000, 12), (50_000, 252), (100_000, 467)])
def test_a_partitions_share_of_a_bound(bound: int, share: int) -> None:
    assert share_of(bound) == share
