"""Limits: the mean of the last invoices against an oracle of its own, and the review of limits that no longer fit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core import pace
from guard.core.accounts import Account
from guard.core.engine import Engine
from guard.core.limits import LimitReview, amount_of, readable_up, review
from guard.core.money import MAX_MICROS, Micros
from guard.core.records import AccountMessage, CloseMessage, Credit, CreditMessage, InvoiceMessage, SetLimit
from guard.core.rows import InvoiceRow
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, Settings

NOW_MS = 1_800_000_000_000
UNIT = 1_000_000
amounts = st.integers(1, MAX_MICROS)
bounds = st.none() | st.integers(0, 10_000 * UNIT)


def invoices_of(*micros: int) -> tuple[InvoiceRow, ...]:
    """Invoices of these amounts."""
    return tuple(InvoiceRow(f"i{place}", "", "", amount, NOW_MS) for place, amount in enumerate(micros))


@given(st.integers(1, 20 * UNIT), st.lists(amounts, max_size=3), bounds, bounds)
def test_cycles_of_the_mean_invoice_within_floor_and_cap(
    cycles: int, micros: list[int], floor: int | None, cap: int | None
) -> None:
    """The oracle calculates in decimals; the default is the floor's understudy, and the cap has the last word."""
    settings = Settings(default_limit_micros=Micros(300 * UNIT))
    credit = Credit(
        cycles_micros=cycles,
        floor_micros=None if floor is None else Micros(floor),
        cap_micros=None if cap is None else Micros(cap),
    )
    if micros:
        mean = Decimal(sum(micros)) * cycles / (UNIT * len(micros))
        expected = max(int(mean.quantize(Decimal(1), ROUND_HALF_UP)), floor or 0)
    else:
        expected = 300 * UNIT if floor is None else floor
    expected = min(expected, MAX_MICROS if cap is None else cap)
    assert amount_of(credit, invoices_of(*micros), settings) == expected


@pytest.mark.parametrize(
    ("amount", "readable"),
    [
        ("0.01", 5),
        ("5", 5),
        ("5.000001", 10),
        ("87", 90),
        ("96", 100),
        ("100", 100),
        ("101", 110),
        ("296", 300),
        ("999", 1_000),
        ("1234", 1_300),
        ("12345", 13_000),
    ],
)
def test_a_suggestion_can_be_read_out(amount: str, readable: int) -> None:
    """A multiple of 5, from 100 on two digits and zeros; never less than what it rounds."""
    assert readable_up(int(Decimal(amount) * UNIT)) == readable * UNIT


def an_account(credit: Credit, *invoices: int, default: int = 100 * UNIT) -> Account:
    """A1 with these terms and invoices."""
    engine = Engine(Settings(default_limit_micros=Micros(default)), Scopes.of_country_code("1"), NOW_MS)
    engine.billing(AccountMessage(id="a", account="A1", name="Acme Ltd"), NOW_MS)
    for number, amount in enumerate(invoices):
        message = InvoiceMessage(
            id=f"i{number}", account="A1", amount_micros=Micros(amount), period_end=f"2026-1{number}-01"
        )
        engine.billing(message, NOW_MS)
    engine.billing(CreditMessage(id="c", account="A1", credit=credit), NOW_MS)
    return engine.world.accounts["A1"]


def test_a_limit_that_covers_too_little_is_reviewed() -> None:
    """With what it covers, what would fit, and why."""
    account = an_account(Credit(limit_micros=Micros(150 * UNIT)), 100 * UNIT, 110 * UNIT, 120 * UNIT)
    assert review(account, NOW_MS) == LimitReview(
        account="A1",
        name="Acme Ltd",
        currency="CAD",
        limit_micros=Micros(150 * UNIT),
        limit_source="amount",
        spend_per_cycle_micros=Micros(110 * UNIT),
        cycles_covered_millionths=1_363_636,
        suggested_micros=Micros(280 * UNIT),
        why="It covers only 1.36 cycles, where 2 to 3 are meant: the mean of the last 3 invoices is 110.00.",
    )


def why(account: Account, now_ms: int = NOW_MS) -> str:
    """What the review says of it; empty: nothing."""
    found = review(account, now_ms)
    return "" if found is None else found.why


@pytest.mark.parametrize(("limit", "said"), [(199, True), (200, False), (300, False), (301, True)])
def test_a_limit_between_two_and_three_cycles_fits(limit: int, said: bool) -> None:  # noqa: FBT001 -- a column
    """Both ends fit."""
    assert bool(why(an_account(Credit(limit_micros=Micros(limit * UNIT)), 100 * UNIT))) is said


def test_there_is_nothing_to_say_without_a_limit_or_spending_or_of_a_closed_account() -> None:
    """Nor when the suggestion is what it has already."""
    assert not why(an_account(Credit(limit_micros=None), 100 * UNIT))
    assert not why(an_account(Credit(limit_micros=Micros(5 * UNIT))))
    assert not why(an_account(Credit(limit_micros=Micros(5 * UNIT)), UNIT))
    closed = an_account(Credit(limit_micros=Micros(5 * UNIT)), 100 * UNIT)
    closed.closed = True
    assert not why(closed)


def test_what_holds_a_limit_is_named() -> None:
    """A floor, a cap, the terms, a step that waits, the default."""
    cycles = Micros(2_500_000)
    floored = Credit(cycles_micros=cycles, floor_micros=Micros(100 * UNIT))
    assert why(an_account(floored, 10 * UNIT)).endswith("is 10.00; the floor of 100.00 holds it up.")
    capped = Credit(cycles_micros=cycles, cap_micros=Micros(100 * UNIT))
    assert why(an_account(capped, 100 * UNIT)).endswith("is 100.00; the cap of 100.00 holds it down.")
    low = an_account(Credit(cycles_micros=Micros(1_500_000)), 100 * UNIT)
    assert why(low).endswith("; billing has stated 1.5 cycles.")
    low.open_books().step_micros = 400 * UNIT
    assert why(low).endswith("; 400.00 waits for an operator.")
    default = an_account(Credit(limit_micros=None))
    default.limit_micros, default.limit_source = 100 * UNIT, "default"
    default.open_books().invoices = invoices_of(80 * UNIT)
    assert why(default).endswith("is 80.00; it is the default.")


def test_without_invoices_the_pace_of_two_weeks_is_what_it_spends() -> None:
    """Not before: a fortnight shows more than one busy day."""
    account = an_account(Credit(limit_micros=Micros(100 * UNIT)))
    for day in range(14):
        pace.note(account.open_books(), 10 * UNIT, NOW_MS + day * DAY_MS)
    assert review(account, NOW_MS + 14 * DAY_MS - 1) is None
    found = review(account, NOW_MS + 14 * DAY_MS)
    assert found is not None
    assert 280 * UNIT < found.spend_per_cycle_micros < 320 * UNIT
    assert "no invoice is known, but at the present pace a month is" in found.why


def history(*intents: SetLimit) -> list[tuple[str, str, str]]:
    """(by, what, reason) of what these intents left in the history of an account in which a step waits."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    credit = Credit(cycles_micros=UNIT)
    engine.billing(CreditMessage(id="c", account="A1", credit=credit), NOW_MS)
    for number, amount in enumerate((100, 100, 100, 700)):
        message = InvoiceMessage(id=f"i{number}", account="A1", amount_micros=Micros(amount * UNIT))
        engine.billing(message, NOW_MS + number)
    for intent in intents:
        engine.intent(intent, NOW_MS + 10)
    return [(audit.by, audit.what, audit.reason) for audit in engine.take().audit]


def test_who_moved_a_limit_is_in_the_history() -> None:
    """A step that waits, and what an operator made of it, with the amount."""
    taken = SetLimit(account="A1", by="ana", reason="new branch", limit_micros=None, suggested=True)
    fixed = SetLimit(account="A1", by="bob", reason="EFT promised", limit_micros=Micros(800 * UNIT))
    none = SetLimit(account="A1", by="bob", reason="city hall", limit_micros=None)
    stated, step, *by_hand = history(taken, fixed, none)
    assert stated == ("billing", "credit", "")
    assert step[:2] == ("guard", "limit")
    assert step[2] == (
        "The last 3 invoices ask for a limit of 300.00 CAD in place of 100.00: more than half as much again, so it "
        "waits for an operator."
    )
    assert by_hand == [
        ("ana", "limit", "new branch (300.00 CAD)"),
        ("bob", "limit", "EFT promised (800.00 CAD)"),
        ("bob", "limit", "city hall (no limit)"),
    ]


def test_a_plan_that_is_not_configured_is_told_once() -> None:
    """Billing repeats itself every night; on-call need not hear it every night."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    for number, plan in enumerate(("office", "office", "", "city", "office")):
        engine.billing(AccountMessage(id=f"m{number}", account="A1", plan=plan), NOW_MS)
    engine.billing(CloseMessage(id="z", account="A1"), NOW_MS)
    told = [(notice.kind.value, notice.account, notice.text.split("'")[1]) for notice in engine.take().notices]
    assert told == [("plan", "A1", "office"), ("plan", "A1", "city")]
