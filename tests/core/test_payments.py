"""Payments: the table says what every status does after every other, and any order comes to the same."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from guard.core.engine import Engine
from guard.core.money import MAX_MICROS, Micros
from guard.core.payments import PAYMENT_STEPS
from guard.core.records import BillingOutcome, PaymentMessage, PaymentStatus
from guard.core.scopes import Scopes
from guard.core.settings import Settings

PENDING, POSTED = PaymentStatus.PENDING, PaymentStatus.POSTED
REJECTED, REVERSED = PaymentStatus.REJECTED, PaymentStatus.REVERSED
AMOUNT = 120_000_000
NOW_MS = 1_800_000_000_000
TRUST = 400_000
"""Two fifths of a pending cheque count."""


def paid(*statuses: PaymentStatus, amount: int = AMOUNT) -> tuple[Engine, list[BillingOutcome]]:
    """An engine that was told of one payment in these states, and what became of each message."""
    engine = Engine(Settings(trust={"cheque": TRUST}), Scopes.of_country_code("1"), NOW_MS)
    outcomes = [
        engine.billing(
            PaymentMessage(id="p", account="A1", amount_micros=Micros(amount), method="cheque", status=status), NOW_MS
        )
        for status in statuses
    ]
    return engine, outcomes


def test_the_table_is_exhaustive() -> None:
    """Every status has an answer after nothing and after every status."""
    assert set(PAYMENT_STEPS) == set(product([None, *PaymentStatus], PaymentStatus))


@pytest.mark.parametrize("before", PaymentStatus)
def test_the_same_status_again_is_a_duplicate(before: PaymentStatus) -> None:
    """Delivered at least once means: sometimes twice."""
    _, outcomes = paid(before, before)
    assert outcomes == [BillingOutcome.ACCEPTED, BillingOutcome.DUPLICATE]


@pytest.mark.parametrize("after", [POSTED, REJECTED, REVERSED])
def test_a_lower_status_later_is_a_duplicate(after: PaymentStatus) -> None:
    """`pending` after anything else says nothing new."""
    _, outcomes = paid(after, PENDING)
    assert outcomes[1] is BillingOutcome.DUPLICATE
    _, outcomes = paid(REVERSED, POSTED)
    assert outcomes[1] is BillingOutcome.DUPLICATE


def worth(statuses: tuple[PaymentStatus, ...]) -> tuple[int, int]:
    """(owed, pending) by a rule of its own: the first final word decides, a reversal takes a posting back."""
    final = next((status for status in statuses if status is not PENDING), None)
    if final is None:
        return 0, AMOUNT if statuses else 0
    if final is REJECTED or REVERSED in statuses:
        return 0, 0
    return -AMOUNT, 0


@pytest.mark.parametrize(
    "statuses", [order for count in range(5) for order in permutations(PaymentStatus, count)], ids=str
)
def test_every_order_comes_to_what_the_first_final_word_says(statuses: tuple[PaymentStatus, ...]) -> None:
    """Nothing is counted twice, nothing pending is left behind, and the trusted part follows what is pending."""
    engine, _ = paid(*statuses)
    account = engine.world.accounts.get("A1")
    owed, pending = (account.owed_micros, account.pending_micros) if account else (0, 0)
    assert (owed, pending) == worth(statuses)
    if account is not None:
        assert account.trusted_micros == pending * TRUST // 1_000_000
    assert sum(line.amount_micros for line in engine.take().ledger) == owed


@pytest.mark.parametrize("other", [{"amount": 1}, {"method": "eft"}, {"account": "A2"}])
@pytest.mark.parametrize(("before", "after"), list(product(PaymentStatus, PaymentStatus)))
def test_another_amount_method_or_account_is_refused(
    before: PaymentStatus, after: PaymentStatus, other: dict[str, object]
) -> None:
    """Whatever the statuses are."""
    engine, _ = paid(before)
    owed = engine.world.accounts["A1"].owed_micros
    message = PaymentMessage(
        id="p",
        account=str(other.get("account", "A1")),
        amount_micros=Micros(1 if "amount" in other else AMOUNT),
        method=str(other.get("method", "cheque")),
        status=after,
    )
    assert engine.billing(message, NOW_MS) is BillingOutcome.REFUSED
    assert engine.world.accounts["A1"].owed_micros == owed
    assert "A2" not in engine.world.accounts


def test_only_a_sum_that_really_overflows_is_refused() -> None:
    """What the account owes may come close to the bound; a payment that leads away from it is taken."""
    engine, outcomes = paid(POSTED, amount=MAX_MICROS)
    assert outcomes == [BillingOutcome.ACCEPTED]
    more = PaymentMessage(id="q", account="A1", amount_micros=Micros(1), method="card", status=POSTED)
    assert engine.billing(more, NOW_MS) is BillingOutcome.REFUSED
    back = PaymentMessage(id="p", account="A1", amount_micros=Micros(MAX_MICROS), method="cheque", status=REVERSED)
    assert engine.billing(back, NOW_MS) is BillingOutcome.ACCEPTED
    assert engine.world.accounts["A1"].owed_micros == 0
