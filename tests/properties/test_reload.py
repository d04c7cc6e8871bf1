"""Another tariff and other plans while calls are up, against the oracle: as if they had always been in force.

What is posted stays as it is, to the micro; what is in flight, and what is posted from then on, is the oracle's by the
new prices, whether they came by a reload, or by a restart or a crash with other files. `GUARD_DEEP=n` runs n times as
many examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.engine import Engine
from guard.core.flights import Flight
from guard.core.plans import Plan
from guard.core.scopes import Scopes
from guard.core.setup import Reload, Setup
from tests.properties.rating_draws import House, Sketch, plans, tariffs
from tests.properties.rating_oracle import PriceList
from tests.properties.test_rating import PATIENT, SLOW, Trial, agrees_in_flight, flights, in_time

DEEP = int(os.environ.get("GUARD_DEEP", "1"))

WAYS = ("reload", "reload", "reload", "restart", "crash")
"""How guard comes to other prices, mostly."""


@st.composite
def others(draw: st.DrawFn, house: House) -> House:
    """Other prices for the same customers: some rows stay, plans change or are no more."""
    rows = draw(tariffs())
    stay = {row.prefix: row for row in house.rows if draw(st.booleans())}
    changed: dict[str, Plan | None] = {}
    for account, plan in house.plans.items():
        if plan is None or draw(st.booleans()):
            changed[account] = plan
        else:
            known = next((each for each in changed.values() if each is not None and each.id == plan.id), None)
            changed[account] = known or draw(st.one_of(plans(plan.id), plans(plan.id), st.none()))
    same = {plan.id: plan for plan in changed.values() if plan is not None}
    changed = {account: same.get(plan.id) if plan else None for account, plan in house.plans.items()}
    return House(tuple(stay.get(row.prefix, row) for row in rows), changed, house.timezones)


@st.composite
def stories(draw: st.DrawFn) -> tuple[House, list[Sketch], list[tuple[int, str, House]]]:
    """Calls, and before which of their reports which prices come in which way."""
    house, calls = draw(flights())
    count = len(in_time(calls))
    changes = [
        (
            draw(st.integers(1, max(1, count - 1))),
            draw(st.sampled_from(WAYS)),
            draw(st.one_of(others(house), others(house), others(house), st.just(house))),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    return house, calls, changes


def take_up(trial: Trial, way: str, house: House) -> None:
    """Guard comes to other prices, and so does the oracle."""
    stage = trial.stage
    if way == "reload":
        setup = Setup(settings=stage.settings, scopes=stage.scopes, rating=house.rating())
        stage.engine.reload(Reload(setup=setup, by="ana", what="prices"), stage.now_ms)
        stage.settle()
    stage.rating = house.rating()
    if way != "reload":
        stage.restart(crash=way == "crash")
        stage.subscribed()
        trial.all_switches_speak()
    trial.oracle.prices = PriceList(house.rows, trial.oracle.prices.unknown.rate_micros)
    trial.oracle.plans = house.plans


@settings(max_examples=150 * DEEP, deadline=None, suppress_health_check=SLOW)
@given(stories())
def test_prices_that_change_under_calls_that_are_up(
    story: tuple[House, list[Sketch], list[tuple[int, str, House]]],
) -> None:
    """Exposure around each report, every posted line, the use of plans; and the sums are those of the rows."""
    house, calls, changes = story
    reports = in_time(calls)
    trial = Trial.at(house, reports[0][0], PATIENT)
    for number, (at_ms, switch, report) in enumerate(reports):
        trial.stage.advance_to(at_ms)
        for before, way, other in changes:
            if before == number:
                owed = dict(trial.oracle.owed)
                take_up(trial, way, other)
                assert trial.written() == [], "what is posted stays"
                assert {name: trial.stage.engine.world.accounts[name].owed_micros for name in owed} == owed
                assert sums(trial.stage.engine) == sums(anew(trial))
                agrees_in_flight(trial, "A1", at_ms)
        trial.hear(switch, report)
        agrees_in_flight(trial, "A1", at_ms)
    trial.agrees()


def anew(trial: Trial) -> Engine:
    """The engine that would come of what is stored."""
    stage = trial.stage
    engine = Engine(stage.settings, Scopes.of_country_code("1"), stage.now_ms, rating=stage.rating)
    engine.restore(stage.store.restored(), stage.now_ms)
    return engine


def sums(engine: Engine) -> list[object]:
    """All that is kept about calls in flight, whatever the order in which it came to be."""
    found: list[object] = []
    for name, account in sorted(engine.world.accounts.items()):
        found += [(name, account.pooled, sorted(map(of_flight, account.flights), key=repr))]
    for name, switch in sorted(engine.world.switches.items()):
        found += [(name, currency, of_flight(total)) for currency, total in switch.totals.items() if total.calls]
    return found


def of_flight(flight: Flight) -> tuple[object, ...]:
    """The sums of a flight, and of its pools by what they are about."""
    return (
        flight.switch.name,
        flight.calls,
        (flight.stated_micros, flight.rate_micros, flight.anchor, flight.frozen_scaled, flight.over_micros),
        sorted(of_pools(flight)),
    )


def of_pools(flight: Flight) -> Iterator[tuple[object, ...]]:
    """Each pool, by the keys of its quota and its discount."""
    for cover, pool in (flight.pools or {}).items():
        yield (
            cover.quota.key if cover.quota else "",
            cover.discount.key if cover.discount else "",
            (pool.calls, pool.billed_ms, pool.growing, pool.anchor_ms),
            (pool.money_scaled, pool.rate_micros, pool.anchor_scaled),
        )
