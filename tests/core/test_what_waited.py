"""After a start what waits at the broker comes first: nobody is blocked for what a call that has ended would cost."""

from __future__ import annotations

import pytest

from guard.core.decisions import Action, Reason
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, PaymentMessage, PaymentStatus, Report, SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.switches import QUIET_MS
from tests.scenarios.store import DictStore

BEGAN_MS = 1_800_000_000_000
LIMIT_MICROS = 3_000_000
SUBSCRIBED_MS = BEGAN_MS + 4_000
"""A second after all would have reached their limit."""
ACCOUNTS = [f"A{number}" for number in range(1, 21)]


def said(account: str, event: Event, at_ms: int) -> Report:
    """A call of 1.00 a second."""
    lasted_ms = at_ms - BEGAN_MS
    return Report(
        f"call of {account}",
        event,
        account,
        at_ms,
        to="+14165550100",
        duration_ms=lasted_ms,
        charge_micros=Micros(lasted_ms * 1_000),
        rate_micros=60_000_000,
    )


def restarted() -> Engine:
    """It died a moment after all calls had begun, and has just been started again."""
    settings, scopes = Settings(default_limit_micros=Micros(LIMIT_MICROS)), Scopes.of_country_code("1")
    before, store = Engine(settings, scopes, BEGAN_MS), DictStore()
    before.subscribed(BEGAN_MS)
    for account in ACCOUNTS:
        before.report("sw1", said(account, Event.ANSWERED, BEGAN_MS), BEGAN_MS)
    store.commit(before.take())
    engine = Engine(settings, scopes, SUBSCRIBED_MS)
    engine.restore(store.restored(), SUBSCRIBED_MS)
    return engine


def decided(engine: Engine) -> list[tuple[Action, str]]:
    """Since the last time."""
    return [(each.action, each.account) for each in engine.take().decisions]


def run(engine: Engine, from_ms: int, to_ms: int) -> None:
    """Let time pass, looking whenever the engine asks."""
    while (due_ms := engine.next_wake_ms) <= to_ms:
        engine.advance(max(from_ms, due_ms))
    engine.advance(to_ms)


@pytest.mark.parametrize("told", [True, False], ids=["subscribed", "delivered before that is told"])
def test_the_first_of_the_reports_that_waited_says_nothing_about_the_others(*, told: bool) -> None:
    """They are young, and all calls ended in time: whichever is read first, nobody is warned or blocked."""
    engine = restarted()
    if told:
        engine.subscribed(SUBSCRIBED_MS)
    now_ms = SUBSCRIBED_MS
    for account in ACCOUNTS:
        engine.report("sw1", said(account, Event.ENDED, BEGAN_MS + 1_400), now_ms)
        run(engine, now_ms, now_ms + 50)
        now_ms += 50
    engine.subscribed(now_ms)
    run(engine, now_ms, now_ms + 60_000)
    assert decided(engine) == []


def test_a_report_that_was_sent_since_proves_that_all_has_been_read() -> None:
    """A switch's reports come in the order in which it sent them: whoever is over the limit is blocked at once."""
    engine = restarted()
    engine.subscribed(SUBSCRIBED_MS)
    engine.report("sw1", said("A1", Event.ENDED, BEGAN_MS + 1_400), SUBSCRIBED_MS + 10)
    assert decided(engine) == []
    engine.report("sw1", said("A2", Event.TICK, SUBSCRIBED_MS + 15), SUBSCRIBED_MS + 20)
    assert sorted(account for action, account in decided(engine) if action is Action.BLOCK) == sorted(ACCOUNTS[1:])


def test_whoever_is_over_the_limit_is_blocked_when_no_more_comes() -> None:
    """Two seconds after the last of what waited, with nothing sent since."""
    engine = restarted()
    engine.subscribed(SUBSCRIBED_MS)
    last_ms = SUBSCRIBED_MS + 100
    for account in ACCOUNTS[1:]:
        engine.report("sw1", said(account, Event.ENDED, BEGAN_MS + 1_400), last_ms)
    run(engine, last_ms, last_ms + QUIET_MS - 1)
    assert decided(engine) == []
    run(engine, last_ms + QUIET_MS, last_ms + QUIET_MS)
    assert decided(engine) == [(Action.BLOCK, "A1")]


def test_our_clock_set_back_does_not_make_all_reports_old() -> None:
    """Then the moment of the subscription lies ahead of everything that is said; it is no moment any more."""
    engine = restarted()
    engine.subscribed(SUBSCRIBED_MS)
    step_ms = -3_600_000
    now_ms = SUBSCRIBED_MS + step_ms
    engine.clock_stepped(now_ms, step_ms)
    engine.advance(now_ms)
    engine.report("sw1", said("A1", Event.TICK, SUBSCRIBED_MS + 10), now_ms + 10)
    assert not engine.world.switches["sw1"].lagging


def test_a_call_that_began_and_ended_meanwhile_blocks_nobody() -> None:
    """Its switch had no call up when guard died; both of its reports wait, and the first is four seconds old."""
    settings, scopes = Settings(default_limit_micros=Micros(LIMIT_MICROS)), Scopes.of_country_code("1")
    before, store = Engine(settings, scopes, BEGAN_MS), DictStore()
    before.control(SwitchStatus(switch="sw1", up=True), BEGAN_MS - 1_000)
    store.commit(before.take())
    engine = Engine(settings, scopes, SUBSCRIBED_MS)
    engine.restore(store.restored(), SUBSCRIBED_MS)
    engine.subscribed(SUBSCRIBED_MS)
    engine.report("sw1", said("A1", Event.ANSWERED, BEGAN_MS), SUBSCRIBED_MS)
    engine.report("sw1", said("A1", Event.ENDED, BEGAN_MS + 1_400), SUBSCRIBED_MS)
    run(engine, SUBSCRIBED_MS, SUBSCRIBED_MS + 60_000)
    assert decided(engine) == []


# -- money that comes meanwhile


def blocked_and_restarted() -> Engine:
    """The account was blocked at its limit, its call went on, and nothing has been read yet since the restart."""
    settings = Settings(default_limit_micros=Micros(LIMIT_MICROS))
    scopes, store = Scopes.of_country_code("1"), DictStore()
    before = Engine(settings, scopes, BEGAN_MS)
    before.subscribed(BEGAN_MS)
    before.report("sw1", said("A1", Event.ANSWERED, BEGAN_MS), BEGAN_MS)
    before.report("sw1", said("A1", Event.TICK, BEGAN_MS + 2_000), BEGAN_MS + 2_000)
    run(before, BEGAN_MS + 2_000, BEGAN_MS + 3_500)
    changes = before.take()
    assert [each.action for each in changes.decisions if each.account == "A1"][-1] is Action.BLOCK
    store.commit(changes)
    engine = Engine(settings, scopes, SUBSCRIBED_MS + 10_000)
    engine.restore(store.restored(), SUBSCRIBED_MS + 10_000)
    engine.subscribed(SUBSCRIBED_MS + 10_000)
    engine.take()
    return engine


def paid(micros: int, at_ms: int, *, pending: bool = False) -> PaymentMessage:
    status = PaymentStatus.PENDING if pending else PaymentStatus.POSTED
    return PaymentMessage(id="p1", account="A1", amount_micros=Micros(micros), method="eft", status=status, at_ms=at_ms)


def test_a_payment_that_counts_nothing_lifts_no_block_while_the_backlog_is_read() -> None:
    """All that is known to have been said is 2.00 of 3.00, and 14.00 is what it has come to."""
    engine, now_ms = blocked_and_restarted(), SUBSCRIBED_MS + 10_000
    engine.billing(paid(1_000_000, now_ms, pending=True), now_ms)
    engine.report("sw1", said("A1", Event.TICK, now_ms + 10), now_ms + 10)
    run(engine, now_ms + 10, now_ms + 5_000)
    assert decided(engine) == []


def test_a_payment_that_is_enough_whatever_the_call_has_come_to_lifts_at_once() -> None:
    engine, now_ms = blocked_and_restarted(), SUBSCRIBED_MS + 10_000
    engine.billing(paid(50_000_000, now_ms), now_ms)
    assert decided(engine)[0] == (Action.UNBLOCK, "A1")


def test_a_payment_of_which_that_is_not_sure_lifts_when_the_backlog_has_been_read() -> None:
    """The call had ended at 2.00, so what was paid is enough; and it is the payment that lifts the block."""
    engine, now_ms = blocked_and_restarted(), SUBSCRIBED_MS + 10_000
    engine.billing(paid(1_000_000, now_ms), now_ms)
    assert decided(engine) == []
    engine.report("sw1", said("A1", Event.ENDED, BEGAN_MS + 2_500), now_ms + 10)
    run(engine, now_ms + 10, now_ms + 5_000)
    (unblocked,) = [each for each in engine.take().decisions if each.action is Action.UNBLOCK]
    assert unblocked.reason is Reason.PAYMENT
