"""Customers and the demonstration's fraud: seeded, exact, and as much traffic as their kind says."""

from __future__ import annotations

from collections import Counter
from itertools import islice, takewhile

import pytest

from guard.core.money import parse_money
from guard.core.records import Direction
from guard.core.tariff import CallClass
from guard.replay.attacks import RevenueShareFraud, ScriptedCall, scripted
from guard.replay.attempts import Attempt, merge
from guard.replay.catalog import DESTINATIONS, destination_of, tariff_rows
from guard.replay.customers import DEMO_CUSTOMERS, Customer, calls_per_second, make_customer, make_customers
from guard.replay.habits import Kind
from guard.replay.kinds import HOUSEHOLD, KINDS, OFFICE, START_UP
from guard.replay.traffic import traffic
from guard.replay.weeks import DAY_MS, Calendar

DENTIST = next(customer for customer in DEMO_CUSTOMERS if customer.kind is OFFICE)
MONDAY_MS = 1_788_220_800_000 - DAY_MS
"""2026-08-31T00:00:00Z."""


def first(count: int, *, seed: int = 1, customer: Customer = DENTIST) -> list[Attempt]:
    return list(islice(merge(traffic(customer, seed=seed)), count))


def test_the_same_seed_makes_the_same_calls() -> None:
    assert first(200) == first(200)
    assert first(200) != first(200, seed=2)


def test_a_customer_draws_alone() -> None:
    """Merging with others changes nothing in what one of them does."""
    everybody = merge(stream for customer in DEMO_CUSTOMERS for stream in traffic(customer, seed=1))
    theirs = (attempt for attempt in everybody if attempt.account == DENTIST.account)
    assert list(islice(theirs, 50)) == first(50)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_without_a_calendar_it_is_always_the_busiest_hour(kind: Kind) -> None:
    customer = make_customer("S1", kind, 1)
    days = 2 if kind.calls_per_hour > 1 else 400
    calls = list(takewhile(lambda each: each.offset_ms < days * DAY_MS, merge(traffic(customer, seed=3))))
    staying = sum(habit.calls_per_hour for habit in kind.habits if not habit.journeys)
    usual = sum(customer.level(day * DAY_MS) for day in range(days)) * 24 * staying * customer.size / 100
    assert 0.6 * usual < len(calls) < 1.6 * usual
    assert [each.offset_ms for each in calls] == sorted(each.offset_ms for each in calls)


def test_only_calls_that_leave_the_switch_cost_anything() -> None:
    for attempt in first(500):
        if attempt.direction in {Direction.INCOMING, Direction.INTERNAL}:
            assert attempt.rate_micros == 0
        else:
            place = destination_of(attempt.to)
            assert place is not None
            assert attempt.rate_micros == place.rate_micros


def test_a_plan_includes_domestic_calls_and_no_others() -> None:
    flat = make_customer("S3", HOUSEHOLD, 2)
    assert flat.flat
    prices: dict[CallClass, set[bool]] = {}
    for attempt in first(400, customer=flat):
        place = destination_of(attempt.to)
        if attempt.direction is Direction.OUTGOING and place:
            prices.setdefault(place.kind, set()).add(attempt.rate_micros == 0)
    assert prices == {CallClass.DOMESTIC: {True}, CallClass.INTERNATIONAL: {False}}


def test_numbers_have_the_length_of_their_country() -> None:
    for attempt in first(500):
        if attempt.direction is Direction.OUTGOING:
            place = destination_of(attempt.to)
            assert place is not None
            assert len(attempt.to) == place.digits + 1


def test_some_numbers_are_called_again_and_again() -> None:
    called = Counter(each.to for each in first(2_000) if each.direction is Direction.OUTGOING)
    total = called.total()
    assert sum(count for _, count in called.most_common(10)) > total * 0.3
    assert sum(1 for count in called.values() if count == 1) > total * 0.03


def test_the_longest_prefix_tells_the_destination() -> None:
    assert [destination_of("+" + place.prefix + "00") for place in DESTINATIONS] == list(DESTINATIONS)
    assert destination_of("+99900000") is None


def test_prices_are_money_of_the_contract() -> None:
    for place in DESTINATIONS:
        assert place.rate_micros == parse_money(place.rate) > 0


def test_the_tariff_has_each_price_once_and_what_only_looks_domestic_is_not() -> None:
    rows = [row.split(",") for row in tariff_rows()]
    kinds = {row[0]: row[-5] for row in rows[1:]}
    assert len(kinds) == len(rows) - 1 == len(DESTINATIONS) + 1
    assert (kinds["1"], kinds["1416"], kinds["1876"], kinds["1900"]) == (
        "domestic", "domestic", "international", "premium",
    )  # fmt: skip


def test_many_customers_have_all_kinds_and_their_own_accounts() -> None:
    customers = make_customers(500, 1)
    assert len({customer.account for customer in customers}) == 500
    assert {customer.kind.name for customer in customers} == {kind.name for kind in KINDS}
    assert make_customers(500, 1) == customers
    assert calls_per_second(customers) > 0.3


def test_a_limit_covers_what_a_customer_is_to_grow_into() -> None:
    """Two and a half of its dearest months; nobody is blocked by his own usual calls."""
    calendar = Calendar(MONDAY_MS, 60)
    for number in range(20):
        customer = make_customer(f"S{number}", START_UP, 1, calendar)
        assert parse_money(customer.limit) >= 100_000_000
        assert parse_money(customer.limit) >= 9 * parse_money(customer.owed)


def test_the_fraud_is_many_long_dear_calls_to_few_far_numbers() -> None:
    fraud = RevenueShareFraud(account="A1", starts_ms=8_000)
    calls = list(islice(fraud.attempts(seed=1), 100))
    assert calls == list(islice(fraud.attempts(seed=1), 100))
    assert calls[0].offset_ms == 8_000
    assert {attempt.offset_ms - 8_000 for attempt in calls} == set(range(0, 40_000, 400))
    assert all(11_000_000 <= attempt.rate_micros <= 22_000_000 for attempt in calls)
    assert all(20 * 60_000 <= attempt.talk_ms <= 120 * 60_000 for attempt in calls)
    assert len({attempt.to for attempt in calls}) <= 8
    assert all(attempt.case for attempt in calls)


def test_scripted_calls_come_at_their_times() -> None:
    late = ScriptedCall(account="A1", at_ms=5_000, to="911", talk_ms=1, emergency=True)
    early = ScriptedCall(account="A1", at_ms=1_000, to="988", talk_ms=1)
    assert [(call.offset_ms, call.to) for call in scripted([late, early])] == [(1_000, "988"), (5_000, "911")]
