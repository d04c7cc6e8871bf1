"""Bounds: what a hostile or broken publisher cannot make grow without end."""

from __future__ import annotations

from guard.core.engine import Engine
from guard.core.money import MAX_MICROS, Micros
from guard.core.records import Ack, AdjustmentMessage, Event, Outcome, Report, SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.world import MAX_SWITCHES

NOW_MS = 1_800_000_000_000


def an_engine() -> Engine:
    """An engine that knows nothing."""
    return Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)


def test_at_most_a_thousand_switches_are_known() -> None:
    """The thousand-and-first is not heard; the others are, as before."""
    engine = an_engine()
    for number in range(MAX_SWITCHES):
        engine.control(SwitchStatus(switch=f"sw{number}", up=True), NOW_MS)
    assert len(engine.world.switches) == MAX_SWITCHES == 1_000
    failed = Report("C1", Event.FAILED, "A1", NOW_MS, to="+1")
    assert engine.report("one-more", failed, NOW_MS) is Outcome.INVALID
    engine.control(SwitchStatus(switch="one-more", up=True), NOW_MS)
    engine.control(Ack(switch="one-more", id="x", ok=True), NOW_MS)
    assert "one-more" not in engine.world.switches
    assert engine.report("sw7", failed, NOW_MS) is Outcome.ACCEPTED


def test_alarms_that_were_overtaken_do_not_pile_up() -> None:
    """Each report that brings a breach nearer sets an earlier alarm; the heap does not grow with the reports."""
    engine = an_engine()
    most = 0
    for number in range(20_000):
        now_ms = NOW_MS + number
        engine.advance(now_ms)
        report = Report("C1", Event.TICK, "A1", now_ms, number, None, Micros(0), 10 + number)
        assert engine.report("sw1", report, now_ms) is Outcome.ACCEPTED
        most = max(most, len(engine.world.alarms))
    assert 1_000 < most <= 8_192


def test_no_charge_can_take_an_account_out_of_the_bound_of_money() -> None:
    """A single charge, and many: refused as invalid, and the account goes on as before."""
    engine = an_engine()
    too_much = Report("C1", Event.ENDED, "A1", NOW_MS, 3_600_000, "+1", None, MAX_MICROS)
    assert engine.report("sw1", too_much, NOW_MS) is Outcome.INVALID
    for number in range(20):
        report = Report(f"D{number}", Event.TICK, "A1", NOW_MS, 1_000, "+1", Micros(MAX_MICROS // 10), 0)
        expected = Outcome.ACCEPTED if number < 10 else Outcome.INVALID
        assert engine.report("sw1", report, NOW_MS) is expected
    engine.advance(NOW_MS + 5 * 3_600_000)
    assert engine.world.accounts["A1"].owed_micros == MAX_MICROS // 10 * 10


def test_a_late_rate_that_would_overflow_is_not_taken() -> None:
    """An older report may state a rate at which the call would already cost too much: it stays as it was."""
    engine = an_engine()
    engine.report("sw1", Report("C1", Event.TICK, "A1", NOW_MS, 3_600_000, "+1"), NOW_MS)
    late = Report("C1", Event.ANSWERED, "A1", NOW_MS - 4_000, 0, "+1", rate_micros=MAX_MICROS)
    assert engine.report("sw1", late, NOW_MS) is Outcome.LATE
    (call,) = engine.world.switches["sw1"].calls.values()
    assert call.rate_micros == Settings().unknown_rate_micros
    ended = Report("C1", Event.ENDED, "A1", NOW_MS, 3_600_000)
    assert engine.report("sw1", ended, NOW_MS) is Outcome.ACCEPTED


def test_money_that_cannot_be_given_back_within_the_bound_stays_where_it_is() -> None:
    """A posted call turns out to have gone to 911 when the account is owed all that money can be."""
    engine = an_engine()
    dear = Micros(100_000_000)
    engine.report(
        "sw1", Report("C1", Event.ENDED, "A1", NOW_MS, 60_000, to="+252612345678", charge_micros=dear), NOW_MS
    )
    for number, amount in enumerate((-MAX_MICROS, -dear)):
        engine.billing(AdjustmentMessage(id=f"a{number}", account="A1", amount_micros=Micros(amount)), NOW_MS)
    before = engine.world.accounts["A1"].owed_micros
    late = Report("C1", Event.ANSWERED, "A1", NOW_MS - 60_000, 0, to="911", emergency=True)
    assert engine.report("sw1", late, NOW_MS) is Outcome.LATE
    assert engine.world.accounts["A1"].owed_micros == before == -MAX_MICROS
