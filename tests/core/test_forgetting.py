"""Forgetting an account: what goes, what stays, when it is refused, and what the next call under its id is to guard."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from guard.core.accounts import Account
from guard.core.decisions import Action, Audit, Changes, Command, CommandAction, KeptRow, Reason
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    CardMessage,
    CardStatus,
    CloseMessage,
    Credit,
    Direction,
    Event,
    Forget,
    IntentResult,
    Outcome,
    Report,
    SwitchStatus,
)
from guard.core.restored import Restored
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, Settings
from guard.core.views import AccountState

NOW_MS = 1_800_000_000_000
CALLED = "+25377123456"
FORGET = Forget(account="A1", by="ana", reason="asked to be forgotten")
RULE = Rule(id="calls", title="", mode=RuleMode.SHADOW, measure=Measure.CALLS, per=Per.NUMBER, window_ms=DAY_MS, warn=1)


def report(call: str, event: Event, at_ms: int, *, charge_micros: int = 1_000_000) -> Report:
    return Report(
        call=call,
        event=event,
        account="A1",
        at_ms=at_ms,
        duration_ms=60_000,
        to=CALLED,
        charge_micros=Micros(charge_micros),
        direction=Direction.OUTGOING,
    )


def an_engine() -> Engine:
    """An engine with a switch, and A1: a customer of some years, with a call behind it."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, rules=[RULE])
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    limit = Credit(limit_micros=Micros(500_000_000))
    who = AccountMessage(
        id="m", account="A1", credit=limit, name="Acme Ltd", opened="2024-05-01", timezone="America/Toronto"
    )
    engine.billing(who, NOW_MS)
    engine.billing(CardMessage(id="k", account="A1", status=CardStatus.EXPIRED, expires="2026-12"), NOW_MS)
    engine.report("sw1", report("c1", Event.ENDED, NOW_MS), NOW_MS)
    return engine


def closed() -> Engine:
    """The same, closed by billing."""
    engine = an_engine()
    engine.billing(CloseMessage(id="z", account="A1"), NOW_MS + 1)
    engine.take()
    return engine


def account(engine: Engine) -> Account:
    return engine.world.accounts["A1"]


def commands(changes: Changes) -> list[Command]:
    return [send.message for send in changes.sends if isinstance(send.message, Command)]


def restarted(engine: Engine, kept: Iterable[KeptRow] = ()) -> Engine:
    """Another engine that was given what the first has stored."""
    again = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, rules=[RULE])
    restored = Restored(accounts=[account(engine).row()], kept=iter(kept), switches=[])
    again.restore(restored, NOW_MS + 4)
    return again


def test_who_it_was_goes_and_what_it_owes_stays() -> None:
    engine = closed()
    command, decisions = account(engine).command, account(engine).decisions
    assert engine.intent(FORGET, NOW_MS + 2) is IntentResult.DONE
    found = account(engine)
    books = found.books
    assert (found.name, found.opened, found.forgotten) == ("", "", True)
    assert books is not None
    assert books.card is None
    assert (found.owed_micros, found.currency, found.state) == (1_000_000, "CAD", AccountState.CLOSED)
    assert (found.command, found.decisions) == (command, decisions)
    assert engine.profile("A1") is None
    changes = engine.take()
    assert changes.audit == [Audit("A1", NOW_MS + 2, "ana", "forget", "asked to be forgotten")]
    assert changes.forgotten == [("A1", NOW_MS + 2, 1)]
    assert changes.kept == [KeptRow(kind, "A1", None) for kind in ("subject", "suspicion", "usual")]
    assert not changes.ledger
    assert not changes.decisions
    assert not changes.sends


def test_what_rules_knew_is_not_stored_after_all() -> None:
    """Not with the same batch, nor when guard stops."""
    engine = an_engine()
    engine.billing(CloseMessage(id="z", account="A1"), NOW_MS + 1)
    engine.intent(FORGET, NOW_MS + 2)
    kept = [*engine.take().kept, *engine.keepsakes().kept]
    assert [row for row in kept if row.key == "A1" and row.row is not None] == []


def test_only_a_closed_account_without_calls_can_be_forgotten() -> None:
    engine = an_engine()
    before = account(engine).row()
    assert engine.intent(FORGET, NOW_MS + 2) is IntentResult.NOT_CLOSED
    engine.report("sw1", report("c2", Event.TICK, NOW_MS + 3), NOW_MS + 3)
    engine.billing(CloseMessage(id="z", account="A1"), NOW_MS + 4)
    assert engine.intent(FORGET, NOW_MS + 5) is IntentResult.CALLS_UP
    assert not engine.take().forgotten
    assert account(engine).name == before.name
    engine.report("sw1", report("c2", Event.ENDED, NOW_MS + 6, charge_micros=2_000_000), NOW_MS + 6)
    assert engine.intent(FORGET, NOW_MS + 7) is IntentResult.DONE
    unknown = Forget(account="A2", by="ana", reason="x")
    assert engine.intent(unknown, NOW_MS + 7) is IntentResult.UNKNOWN_ACCOUNT


def test_once_more_changes_nothing_but_is_in_the_history() -> None:
    engine = closed()
    engine.intent(FORGET, NOW_MS + 2)
    engine.take()
    before = account(engine).row()
    assert engine.intent(FORGET, NOW_MS + 3) is IntentResult.DONE
    assert account(engine).row() == before
    assert len(engine.take().audit) == 1


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("event", [Event.FAILED, Event.TICK, Event.ENDED])
def test_a_later_call_opens_it_anew_like_one_that_nobody_has_spoken_of(event: Event, restart: bool) -> None:  # noqa: FBT001
    """Under the default limit, free to call, and owing what it owed."""
    engine = closed()
    engine.intent(FORGET, NOW_MS + 2)
    changes = engine.take()
    if restart:
        engine = restarted(engine, changes.kept[:0])
        assert account(engine).forgotten
    seq = account(engine).seq
    assert engine.report("sw1", report("n1", event, NOW_MS + 5), NOW_MS + 5) is Outcome.ACCEPTED
    found = account(engine)
    assert (found.forgotten, found.closed, found.provisional) == (False, False, True)
    assert (found.state, found.limit_source) == (AccountState.ACTIVE, "default")
    assert found.limit_micros == Settings().default_limit_micros
    assert found.owed_micros == (2_000_000 if event is Event.ENDED else 1_000_000)
    changes = engine.take()
    (decision,) = [each for each in changes.decisions if each.action is Action.UNBLOCK]
    assert (decision.reason, "forgotten" in decision.text) == (Reason.RELEASED, True)
    assert {each.action for each in commands(changes)} == {CommandAction.UNBLOCK}
    assert {each.seq for each in commands(changes)} == {seq + 1}


def test_what_it_owes_counts_against_the_default_limit() -> None:
    """Even an attempt that costs nothing opens it, and finds it blocked."""
    engine = an_engine()
    engine.billing(AdjustmentMessage(id="a", account="A1", amount_micros=Micros(200_000_000)), NOW_MS + 1)
    engine.billing(CloseMessage(id="z", account="A1"), NOW_MS + 1)
    engine.intent(FORGET, NOW_MS + 2)
    engine.take()
    engine.report("sw1", report("n1", Event.FAILED, NOW_MS + 5), NOW_MS + 5)
    assert [cause.reason for cause in account(engine).causes] == [Reason.CREDIT_LIMIT]
    assert commands(engine.take())[-1].action is CommandAction.BLOCK


def test_a_report_that_comes_again_opens_nothing() -> None:
    engine = closed()
    engine.intent(FORGET, NOW_MS + 2)
    assert engine.report("sw1", report("c1", Event.ENDED, NOW_MS), NOW_MS + 3) is Outcome.DUPLICATE
    assert engine.report("sw1", report("o", Event.ENDED, NOW_MS - 30 * DAY_MS), NOW_MS + 3) is Outcome.TOO_OLD
    assert account(engine).forgotten


def test_billing_opens_it_by_its_own_word() -> None:
    engine = closed()
    engine.intent(FORGET, NOW_MS + 2)
    limit = Credit(limit_micros=Micros(7_000_000))
    engine.billing(AccountMessage(id="m2", account="A1", name="Zenith Inc", credit=limit), NOW_MS + 3)
    found = account(engine)
    assert (found.forgotten, found.closed, found.provisional, found.name) == (False, False, False, "Zenith Inc")
    assert found.limit_micros == 7_000_000
