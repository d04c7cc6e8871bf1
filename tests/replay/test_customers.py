"""Customers and attacks: seeded, exact, and as much traffic as their kind says."""

from __future__ import annotations

from itertools import islice, takewhile

import pytest

from guard.core.money import parse_money
from guard.core.records import Direction
from guard.replay.attacks import RevenueShareFraud, ScriptedCall, scripted
from guard.replay.catalog import DESTINATIONS, KINDS, destination_of
from guard.replay.customers import (
    DEMO_CUSTOMERS,
    Attempt,
    Customer,
    calls_per_second,
    make_customers,
    merge,
    traffic,
)

OFFICE = next(customer for customer in DEMO_CUSTOMERS if customer.kind.name == "office")


def first(count: int, *, seed: int = 1, customer: Customer = OFFICE) -> list[Attempt]:
    return list(islice(traffic(customer, seed=seed), count))


def test_the_same_seed_makes_the_same_calls() -> None:
    assert first(200) == first(200)
    assert first(200) != first(200, seed=2)


def test_a_customer_draws_alone() -> None:
    """Merging with others changes nothing in what one of them does."""
    everybody = merge(traffic(customer, seed=1) for customer in DEMO_CUSTOMERS)
    theirs = (attempt for attempt in everybody if attempt.account == OFFICE.account)
    assert list(islice(theirs, 50)) == first(50)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_traffic_is_as_busy_as_its_kind(kind: object) -> None:
    customer = next(each for each in make_customers(200, 1) if each.kind is kind)
    day = list(takewhile(lambda attempt: attempt.offset_ms < 86_400_000, traffic(customer, seed=3)))
    expected = 24 * customer.kind.calls_per_hour
    assert 0.8 * expected < len(day) < 1.2 * expected
    assert [attempt.offset_ms for attempt in day] == sorted(attempt.offset_ms for attempt in day)


def test_only_calls_that_leave_the_switch_cost_anything() -> None:
    for attempt in first(500):
        if attempt.direction in {Direction.INCOMING, Direction.INTERNAL}:
            assert attempt.rate_micros == 0
        else:
            place = destination_of(attempt.to)
            assert place is not None
            assert attempt.rate_micros == place.rate_micros


def test_numbers_have_the_length_of_their_country() -> None:
    for attempt in first(500):
        if attempt.direction is Direction.OUTGOING:
            place = destination_of(attempt.to)
            assert place is not None
            assert len(attempt.to) == place.digits + 1


def test_the_longest_prefix_tells_the_destination() -> None:
    assert [destination_of("+" + place.prefix + "00") for place in DESTINATIONS] == list(DESTINATIONS)
    assert destination_of("+99900000") is None


def test_prices_are_money_of_the_contract() -> None:
    for place in DESTINATIONS:
        assert place.rate_micros == parse_money(place.rate) > 0


def test_many_customers_have_all_kinds_and_their_own_accounts() -> None:
    customers = make_customers(500, 1)
    assert len({customer.account for customer in customers}) == 500
    assert {customer.kind.name for customer in customers} == {kind.name for kind in KINDS}
    assert make_customers(500, 1) == customers
    assert calls_per_second(customers) > 1


def test_the_fraud_is_many_long_dear_calls_to_few_far_numbers() -> None:
    fraud = RevenueShareFraud(account="A1", starts_ms=8_000)
    calls = list(islice(fraud.attempts(seed=1), 100))
    assert calls == list(islice(fraud.attempts(seed=1), 100))
    assert calls[0].offset_ms == 8_000
    assert {attempt.offset_ms - 8_000 for attempt in calls} == set(range(0, 40_000, 400))
    assert all(11_000_000 <= attempt.rate_micros <= 22_000_000 for attempt in calls)
    assert all(20 * 60_000 <= attempt.talk_ms <= 120 * 60_000 for attempt in calls)
    assert len({attempt.to for attempt in calls}) <= 8
    assert all(attempt.fraud for attempt in calls)


def test_scripted_calls_come_at_their_times() -> None:
    late = ScriptedCall(account="A1", at_ms=5_000, to="911", talk_ms=1, emergency=True)
    early = ScriptedCall(account="A1", at_ms=1_000, to="988", talk_ms=1)
    assert [(call.offset_ms, call.to) for call in scripted([late, early])] == [(1_000, "988"), (5_000, "911")]
