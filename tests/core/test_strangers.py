"""Accounts that billing has not spoken of: how many a switch may open, what becomes of more, and when it is over."""

from __future__ import annotations

from dataclasses import replace

from guard.core.decisions import KeptRow, Notice, NoticeKind
from guard.core.engine import Engine
from guard.core.events import Event as Told
from guard.core.incidents import incident_of
from guard.core.money import Micros
from guard.core.noticeboard import MOST_AN_HOUR
from guard.core.records import (
    AccountMessage,
    Ack,
    Block,
    CloseMessage,
    Event,
    Forget,
    Outcome,
    PaymentMessage,
    PaymentStatus,
    Report,
    SwitchStatus,
)
from guard.core.restored import Restored
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, Settings, SwitchSettings
from guard.core.setup import Reload, Setup
from guard.core.world import MAX_SWITCHES

NOW_MS = 1_800_000_000_000
FEW = Settings(max_provisional=20, max_provisional_per_switch=10)


def an_engine(settings: Settings = FEW) -> Engine:
    return Engine(settings, Scopes.of_country_code("1"), NOW_MS)


def ended(account: str, charge: int = 1_000_000, *, at_ms: int = NOW_MS) -> Report:
    """A call of the account's that is over, under an id of its own."""
    return Report(f"of-{account}", Event.ENDED, account, at_ms, 60_000, "+16135550100", Micros(charge))


def flooded(settings: Settings = FEW) -> Engine:
    """Ten accounts are open, all that sw1 may open."""
    engine = an_engine(settings)
    for number in range(10):
        assert engine.report("sw1", ended(f"X{number}"), NOW_MS) is Outcome.ACCEPTED
    engine.take()
    return engine


def notices(engine: Engine) -> list[Notice]:
    return engine.take().notices


def test_one_more_is_held_back_and_kept_and_on_call_is_told_once() -> None:
    engine = flooded()
    for number in (10, 11, 12):
        assert engine.report("sw1", ended(f"X{number}"), NOW_MS) is Outcome.QUARANTINED
    changes = engine.take()
    assert [(held.account, held.rule, held.charge_micros) for held in changes.quarantine] == [
        ("X10", "strangers", 1_000_000),
        ("X11", "strangers", 1_000_000),
        ("X12", "strangers", 1_000_000),
    ]
    (notice,) = changes.notices
    assert (notice.kind, notice.switch, notice.account, notice.over) == (NoticeKind.QUARANTINED, "sw1", "", False)
    assert "sw1 has named 10 accounts that billing has not spoken of" in notice.text
    assert len(engine.world.accounts) == engine.world.strangers.count == 10
    assert engine.world.switches["sw1"].outcomes[Outcome.QUARANTINED] == 3


def test_known_accounts_and_other_switches_go_on_as_before() -> None:
    engine = flooded()
    assert engine.report("sw1", ended("X10"), NOW_MS) is Outcome.QUARANTINED
    more = Report("second", Event.ENDED, "X3", NOW_MS, 60_000, "+16135550100", Micros(2_000_000))
    assert engine.report("sw1", more, NOW_MS) is Outcome.ACCEPTED
    assert engine.world.accounts["X3"].owed_micros == 3_000_000
    assert engine.report("sw2", ended("Y1"), NOW_MS) is Outcome.ACCEPTED


def test_all_switches_together_have_a_bound_too() -> None:
    engine = flooded()
    outcomes = [engine.report(f"other{number % 5}", ended(f"Y{number}"), NOW_MS) for number in range(11)]
    assert outcomes == [Outcome.ACCEPTED] * 10 + [Outcome.QUARANTINED]
    assert engine.world.strangers.count == 20


def test_a_report_that_is_too_old_opens_no_more_either() -> None:
    engine = flooded()
    old_ms = NOW_MS - 8 * 24 * HOUR_MS
    assert engine.report("sw1", ended("X10", at_ms=old_ms), NOW_MS) is Outcome.TOO_OLD
    assert engine.report("sw2", ended("Y1", at_ms=old_ms), NOW_MS) is Outcome.TOO_OLD
    assert "X10" not in engine.world.accounts
    assert "Y1" in engine.world.accounts


def test_what_was_held_back_is_made_up_for_when_billing_opens_the_account() -> None:
    """Reports are cumulative: the next one says all that the ones before it said."""
    engine = flooded()
    tick = Report("C1", Event.TICK, "X10", NOW_MS, 30_000, "+16135550100", Micros(500_000))
    assert engine.report("sw1", tick, NOW_MS) is Outcome.QUARANTINED
    engine.billing(AccountMessage(id="m1", account="X10"), NOW_MS)
    assert engine.report("sw1", replace(tick, duration_ms=60_000, charge_micros=Micros(1_000_000)), NOW_MS) is (
        Outcome.ACCEPTED
    )
    view = engine.picture("X10", NOW_MS)
    assert view is not None
    assert (view.exposure_micros, view.provisional) == (1_000_000, False)


def test_it_is_over_when_billing_has_spoken_of_enough_and_told_so() -> None:
    engine = flooded()
    engine.report("sw1", ended("X10"), NOW_MS)
    engine.take()
    engine.billing(AccountMessage(id="m0", account="X0"), NOW_MS)
    assert notices(engine) == [], "one more or less is no news"
    engine.billing(AccountMessage(id="m1", account="X1"), NOW_MS)
    (over,) = notices(engine)
    assert (over.kind, over.switch, over.over) == (NoticeKind.QUARANTINED, "sw1", True)
    assert engine.report("sw1", ended("X10"), NOW_MS) is Outcome.ACCEPTED


def test_who_is_a_stranger_is_counted_through_billing_forgetting_and_a_restart() -> None:
    engine = an_engine()
    engine.billing(AccountMessage(id="m1", account="A1"), NOW_MS)
    engine.billing(AccountMessage(id="m2", account="A1", name="Acme"), NOW_MS)
    assert engine.world.strangers.count == 0
    paid = PaymentMessage(
        id="p1", account="A2", amount_micros=Micros(1), method="card", status=PaymentStatus.POSTED, at_ms=NOW_MS
    )
    engine.billing(paid, NOW_MS)
    assert engine.world.strangers.count == 1
    engine.billing(CloseMessage(id="z1", account="A1"), NOW_MS)
    engine.intent(Forget(account="A1", by="ana", reason="asked"), NOW_MS)
    engine.report("sw1", ended("A1"), NOW_MS)
    assert engine.world.strangers.count == 2
    rows = engine.take().accounts
    again = an_engine()
    again.restore(Restored(accounts=rows), NOW_MS)
    assert again.world.strangers.count == 2


def test_a_bound_of_none_means_that_billing_opens_every_account() -> None:
    engine = an_engine(Settings(max_provisional=0))
    assert engine.report("sw1", ended("A1"), NOW_MS) is Outcome.QUARANTINED
    engine.billing(AccountMessage(id="m1", account="A1"), NOW_MS)
    assert engine.report("sw1", ended("A1"), NOW_MS) is Outcome.ACCEPTED


# -- switches


def full_of_switches() -> Engine:
    engine = an_engine()
    for number in range(MAX_SWITCHES):
        engine.control(SwitchStatus(switch=f"sw{number}", up=True), NOW_MS)
    engine.take()
    return engine


def test_a_switch_too_many_is_counted_and_told_of_once() -> None:
    engine = full_of_switches()
    for name in ("one-more", "one-more", "and-another"):
        assert engine.report(name, ended("A1"), NOW_MS) is Outcome.INVALID
    (notice,) = notices(engine)
    assert (notice.kind, notice.switch) == (NoticeKind.BLIND, "one-more")
    assert engine.world.unheard == 3


def named(engine: Engine, name: str) -> Reload:
    """The same files, but for a switch that is named in them."""
    declared, world = replace(FEW, switches={name: SwitchSettings()}), engine.world
    setup = Setup(settings=declared, scopes=world.scopes, rating=world.rating, rules=())
    return Reload(setup=setup, by="ana", what="switches")


def blind(engine: Engine) -> list[tuple[str, bool]]:
    """Which switches on-call was told of, and whether that they are heard."""
    return [(notice.switch, notice.over) for notice in engine.take().notices if notice.kind is NoticeKind.BLIND]


def test_what_was_told_of_a_switch_too_many_ends_when_it_is_named() -> None:
    engine = full_of_switches()
    engine.report("one-more", ended("A1"), NOW_MS)
    engine.report("and-another", ended("A1"), NOW_MS)
    engine.reload(named(engine, "one-more"), NOW_MS)
    engine.report("and-another", ended("A1"), NOW_MS + 1)
    assert blind(engine) == [("one-more", False), ("one-more", True), ("and-another", False)]


def test_it_ends_after_an_hour_in_which_none_has_reported() -> None:
    engine = full_of_switches()
    engine.subscribed(NOW_MS)
    hour_ms = (NOW_MS // HOUR_MS + 1) * HOUR_MS
    engine.report("one-more", ended("A1"), NOW_MS)
    engine.advance(hour_ms)
    engine.report("another", ended("A1"), hour_ms)
    engine.advance(hour_ms + HOUR_MS)
    assert blind(engine) == [("one-more", False)]
    engine.advance(hour_ms + 2 * HOUR_MS)
    assert blind(engine) == [("one-more", True)]


def test_it_ends_also_if_guard_was_restarted_with_the_switch_in_its_files() -> None:
    engine = full_of_switches()
    engine.report("one-more", ended("A1"), NOW_MS)
    kept = engine.take().kept
    again = an_engine(replace(FEW, switches={"one-more": SwitchSettings()}))
    again.restore(Restored(kept=kept), NOW_MS)
    again.subscribed(NOW_MS)
    again.advance(NOW_MS + HOUR_MS)
    changes = again.take()
    assert [(notice.switch, notice.over) for notice in changes.notices] == [("one-more", True)]
    assert [row for row in changes.kept if row.kind == "told"] == [KeptRow("told", "surplus", None)]


def test_that_the_broker_is_back_is_told_also_after_a_restart() -> None:
    engine = an_engine()
    engine.cut_off(NOW_MS)
    engine.advance(NOW_MS + HOUR_MS)
    changes = engine.take()
    assert [(notice.kind, notice.over) for notice in changes.notices] == [(NoticeKind.BLIND, False)]
    again = an_engine()
    again.restore(Restored(kept=changes.kept), NOW_MS)
    again.subscribed(NOW_MS)
    assert blind(again) == [("", True)]


def test_a_declared_switch_is_always_heard() -> None:
    """Also when somebody has invented a thousand names before it was declared."""
    engine = full_of_switches()
    engine.reload(named(engine, "real"), NOW_MS)
    assert engine.report("real", ended("A1"), NOW_MS) is Outcome.ACCEPTED


def test_a_restart_knows_every_switch_it_knew_however_many_are_declared_since() -> None:
    engine = full_of_switches()
    engine.report("sw999", Report("C1", Event.TICK, "A1", NOW_MS, 1_000, "+1613", Micros(1)), NOW_MS)
    engine.intent(Block(account="A1", by="ana", reason="test"), NOW_MS)
    engine.control(SwitchStatus(switch="sw0", up=True), NOW_MS)
    changes = engine.take()
    rows = [switch.row() for switch in engine.world.switches.values()]
    again = an_engine(replace(FEW, switches={"real": SwitchSettings(), "other": SwitchSettings()}))
    again.restore(Restored(accounts=changes.accounts, calls=changes.calls, switches=rows), NOW_MS)
    assert again.world.switches["sw999"].calls
    assert len(again.world.switches) == MAX_SWITCHES + 2


# -- who is on call


def test_a_switch_cannot_flood_who_is_on_call() -> None:
    """A wrong currency each time, and a new excuse for every command: a hundred of a kind an hour are told."""
    engine = an_engine(Settings())
    for number in range(3 * MOST_AN_HOUR):
        report = replace(ended("A1"), currency=f"X{number}")
        assert engine.report("sw1", report, NOW_MS) is Outcome.QUARANTINED
    assert len(notices(engine)) == MOST_AN_HOUR
    engine.intent(Block(account="A1", by="ana", reason="test"), NOW_MS)
    command = next(iter(engine.world.switches["sw1"].pending))
    for number in range(3 * MOST_AN_HOUR):
        engine.control(Ack(switch="sw1", id=command, ok=False, error=f"excuse {number}"), NOW_MS)
    refused = [notice for notice in notices(engine) if notice.kind is NoticeKind.REFUSED]
    assert len(refused) == MOST_AN_HOUR
    later_ms = NOW_MS + HOUR_MS
    engine.report("sw1", replace(ended("A2", at_ms=later_ms), currency="EUR"), later_ms)
    assert len([notice for notice in notices(engine) if notice.kind is NoticeKind.QUARANTINED]) == 1


def test_a_page_opens_for_a_flood_of_strangers_and_closes_by_itself() -> None:
    """One matter a switch: what tells of it and what tells of its end are of the same."""
    engine = flooded()
    engine.report("sw1", ended("X10"), NOW_MS)
    (begun,) = notices(engine)
    for number in range(2):
        engine.billing(AccountMessage(id=f"m{number}", account=f"X{number}"), NOW_MS)
    (over,) = notices(engine)
    opened, closed = (incident_of(Told(number=1, told=notice)) for notice in (begun, over))
    assert (opened.about, opened.over, opened.lasts) == ((("switch", "sw1"),), False, True)
    assert (closed.matter, closed.over) == (opened.matter, True)
