"""A switch that states charges and no rate: rules wait for the second charge, and miss no money by it."""

from __future__ import annotations

from dataclasses import replace

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import Event, Report
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Where
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.setup import Reload, Setup
from guard.core.tariff import CallClass

NOW_MS = 1_767_571_200_000
ABROAD = Where(kinds=frozenset({CallClass.INTERNATIONAL}), rate_from_micros=500_000)


def engine(rule: Rule) -> Engine:
    scopes = Scopes.of_country_code("1")
    rating = Rating(unknown_rate_micros=1_000_000, kind_of=scopes.kind_of)
    return Engine(Settings(), scopes, NOW_MS, rating=rating, rules=(rule,))


def rule(measure: Measure, block: int, window_ms: int | None) -> Rule:
    return Rule(
        id="dear",
        title="Dear",
        mode=RuleMode.SHADOW,
        measure=measure,
        window_ms=window_ms,
        per=Per.ACCOUNT,
        where=ABROAD,
        block=block,
    )


def say(of: Engine, call: str, at_s: int, charge_micros: int, rate_micros: int | None = None) -> list[str]:
    """One report of a call abroad; what the rule decides about it."""
    event = Event.ANSWERED if at_s == 0 else Event.TICK
    at_ms = NOW_MS + at_s * 1_000
    report = Report(
        call,
        event,
        "A1",
        at_ms,
        at_s * 1_000,
        to="+33123456789",
        charge_micros=Micros(charge_micros),
        rate_micros=rate_micros,
    )
    of.report("sw1", report, at_ms)
    return [decision.rule for decision in of.take().decisions if decision.rule]


def test_calls_of_an_unknown_price_are_not_dear_ones() -> None:
    of = engine(rule(Measure.CONCURRENT, 2, None))
    assert say(of, "c1", 0, 0) == say(of, "c2", 0, 0) == []
    assert say(of, "c1", 60, 20_000) == say(of, "c2", 60, 20_000) == []


def test_dear_calls_are_dear_as_soon_as_the_second_charge_says_so() -> None:
    of = engine(rule(Measure.CONCURRENT, 2, None))
    assert say(of, "c1", 0, 0) == say(of, "c2", 0, 0) == say(of, "c1", 60, 2_000_000) == []
    assert say(of, "c2", 60, 2_000_000) == ["dear"]


def test_what_was_charged_meanwhile_counts() -> None:
    of = engine(rule(Measure.GROSS, 3_000_000, 3_600_000))
    assert say(of, "c1", 0, 1_500_000) == []
    assert say(of, "c1", 60, 3_000_000) == ["dear"]


def test_a_stated_rate_needs_no_second_charge() -> None:
    of = engine(rule(Measure.CONCURRENT, 2, None))
    assert say(of, "c1", 0, 0, 2_000_000) == []
    assert say(of, "c2", 0, 0, 2_000_000) == ["dear"]


def test_a_switch_that_says_no_more_is_not_waited_for() -> None:
    of = engine(rule(Measure.GROSS, 2_000_000, 3_600_000))
    say(of, "c1", 0, 0)
    silent = Report("c1", Event.TICK, "A1", NOW_MS + 120_000, 120_000)
    of.report("sw1", silent, NOW_MS + 120_000)
    assert [decision.rule for decision in of.take().decisions if decision.rule] == ["dear"]


def test_a_first_charge_within_a_started_minute_shows_no_price_yet() -> None:
    """After twenty seconds 0.30 may be the price of a minute, or a third of it."""
    of = engine(rule(Measure.CONCURRENT, 2, None))
    for at_s, charge in ((0, 0), (20, 300_000), (40, 300_000), (60, 300_000), (80, 600_000), (100, 600_000)):
        assert say(of, "c1", at_s, charge) == say(of, "c2", at_s, charge) == [], "0.30 for each started minute"


def test_charges_by_the_second_show_their_price_with_the_second_of_them() -> None:
    of = engine(rule(Measure.CONCURRENT, 2, None))
    for at_s, charge in ((0, 30_000), (10, 130_000)):
        assert say(of, "c1", at_s, charge) == say(of, "c2", at_s, charge) == []
    assert say(of, "c1", 20, 230_000) == []
    assert say(of, "c2", 20, 230_000) == ["dear"]


def test_numbers_count_once_the_price_shows() -> None:
    of = engine(rule(Measure.NUMBERS, 1, 3_600_000))
    assert say(of, "c1", 0, 0) == say(of, "c1", 10, 100_000) == []
    assert say(of, "c1", 20, 200_000) == ["dear"]


def test_no_second_of_a_call_is_lost_by_waiting() -> None:
    of = engine(rule(Measure.MINUTES, 2, 3_600_000))
    assert say(of, "c1", 0, 0) == say(of, "c1", 30, 300_000) == say(of, "c1", 60, 600_000) == []
    assert say(of, "c1", 119, 1_190_000) == []
    assert say(of, "c1", 120, 1_200_000) == ["dear"]


def test_rules_that_come_later_are_not_told_of_the_hours_before_them() -> None:
    """A call that has been up for three hours is no 3 hours of calls in the minute in which rules are switched on."""
    of = engine(rule(Measure.MINUTES, 30, 3_600_000))
    whole = Setup(settings=Settings(), scopes=Scopes.of_country_code("1"), rating=of.world.rating, rules=())
    of.reload(Reload(setup=whole, by="ops", what="rules"), NOW_MS)
    for at_s in range(0, 10_801, 60):
        assert say(of, "c1", at_s, at_s * 10_000, 600_000) == []
    rules = (rule(Measure.MINUTES, 30, 3_600_000),)
    of.reload(Reload(setup=replace(whole, rules=rules), by="ops", what="rules"), NOW_MS + 10_801_000)
    heard = [say(of, "c1", at_s, at_s * 10_000, 600_000) for at_s in range(10_860, 10_860 + 30 * 60, 60)]
    assert heard == [[]] * 29 + [["dear"]]
