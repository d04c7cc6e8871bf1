"""The statement: figures that add up, and sentences that answer "why is my balance not zero?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.answers import Paper, lines, to_cents
from guard.core.cycles import cycle_of_month
from guard.core.decisions import BillingEntry, LineKind
from guard.core.money import Micros, parse_money
from guard.core.statement import (
    Found,
    LedgerSum,
    Statement,
    check_invoice,
    invoiced_until_ms,
    make_statement,
    payments_of,
    period_of,
)
from guard.core.views import AccountState, AccountView, CardView, InvoiceView, UseView

ZONE = "America/Toronto"


def at(day: str) -> int:
    """A moment of the account's own time."""
    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1_000)


NOW_MS = at("2026-11-22T15:00")
OCTOBER, NOVEMBER = cycle_of_month(2026, 10, ZONE), cycle_of_month(2026, 11, ZONE)

INVOICE = InvoiceView(
    id="i11",
    amount_micros=parse_money("118.40"),
    period_start="2026-10-01",
    period_end="2026-11-01",
    at_ms=at("2026-11-02"),
)

VIEW = AccountView(
    account="A1001",
    name="Acme Ltd",
    currency="CAD",
    timezone=ZONE,
    state=AccountState.ACTIVE,
    provisional=False,
    limit_micros=parse_money("500"),
    limit_source="amount",
    limit_until_ms=None,
    exposure_micros=parse_money("85.34"),
    owed_micros=parse_money("83.20"),
    invoiced_micros=Micros(0),
    unbilled_micros=parse_money("83.20"),
    opening_micros=Micros(0),
    in_flight_micros=parse_money("2.14"),
    pending_payments_micros=Micros(0),
    trusted_payments_micros=Micros(0),
    in_flight_gross_micros=parse_money("2.14"),
    burn_micros_per_minute=2_100_000,
    reaches_limit_at_ms=None,
    live_calls=(),
    live_call_count=2,
    block=None,
    allow_until_ms=None,
    plan="office-2000",
    tariff="",
    opened="",
    limit_text="fixed by billing",
    limit_suggested_micros=None,
    invoices=(INVOICE,),
    card=CardView(status="ok", expires="2027-12", text="Card on file: expires December 2027."),
    use=(UseView(key="q", what="312 of 2,000 minutes used (domestic)", used=18_720, of=120_000),),
    spends_micros_per_day=parse_money("3.78"),
    reaches_limit_in_days=109,
)


def summed(kind: LineKind, amount: str, count: int = 1, **more: object) -> LedgerSum:
    micros = parse_money(amount)
    given = {"kind_of_call": "", "method": "", "gross_micros": micros, "duration_ms": 0, "billed_s": 0, "covered_s": 0}
    return LedgerSum(kind=kind, lines=count, amount_micros=micros, **(given | more))  # type: ignore[arg-type]


DOMESTIC = summed(
    LineKind.CALL,
    "0",
    41,
    kind_of_call="domestic",
    gross_micros=parse_money("9.36"),
    duration_ms=18_600_000,
    billed_s=18_720,
    covered_s=18_720,
)
ABROAD = summed(LineKind.CALL, "83.20", 12, kind_of_call="international", duration_ms=2_700_000, billed_s=2_700)
PAID = summed(LineKind.PAYMENT, "-118.40", method="e_transfer")
OF_OCTOBER = [
    summed(LineKind.CALL, "98.40", 60, kind_of_call="international"),
    summed(LineKind.ADJUSTMENT, "20.00"),
    summed(LineKind.PAYMENT, "-70.00", method="card"),
    summed(LineKind.BALANCE, "3.00"),
]


def payment(
    status: str, day: str, *, name: str = "p7", amount: str = "118.40", method: str = "e_transfer"
) -> BillingEntry:
    return BillingEntry(
        id=name,
        account="A1001",
        type="payment",
        amount_micros=parse_money(amount),
        method=method,
        status=status,
        at_ms=at(day),
    )


def made(
    view: AccountView = VIEW,
    sums: Sequence[LedgerSum] = (ABROAD, DOMESTIC, PAID),
    entries: Sequence[BillingEntry] = (payment("posted", "2026-11-05"),),
    opening: str = "118.40",
    of_october: Sequence[LedgerSum] = OF_OCTOBER,
) -> Statement:
    """The statement of November, on the 22nd."""
    found = Found(
        opening_micros=parse_money(opening),
        sums=sums,
        invoice=None,
        last_invoice=check_invoice(view.invoices[-1], of_october) if view.invoices else None,
        entries=entries,
    )
    return make_statement(view, NOVEMBER, NOW_MS, found)


def test_the_answer_of_the_faq() -> None:
    """The invoice was paid, and the balance is not zero: the whole of what a clerk reads out."""
    assert lines(made()) == (
        (
            "The balance is 83.20 CAD: all that was invoiced is paid, and this has come since; it will be on the next"
            " invoice."
        ),
        "The last invoice, for October 2026, was 118.40 CAD.",
        "The calls and fees of October 2026 add up to 118.40 CAD, as invoiced.",
        "118.40 CAD by e-transfer was posted on 5 Nov 2026.",
        "41 domestic calls, 310 minutes: 0.00 CAD; the plan covers 312 of 312 billed minutes; 9.36 without the plan.",
        "12 international calls, 45 minutes: 83.20 CAD.",
        "118.40 (balance on 1 Nov 2026) + 83.20 (calls) - 118.40 (payments) = 83.20 CAD, the balance now.",
        "2 calls in flight, worth 2.14 CAD so far.",
        "Against the limit stand 83.20 (balance) + 2.14 (calls in flight) = 85.34 CAD.",
        "The limit is 500.00 CAD: fixed by billing.",
        "Plan office-2000: 312 of 2,000 minutes used (domestic).",
        "Card on file: expires December 2027.",
        "It spends about 3.78 CAD a day and would reach its limit in about 109 days without a payment.",
    )


def test_the_figures_are_exact() -> None:
    sums = [
        ABROAD,
        summed(LineKind.LOST, "1.000001", kind_of_call="international", gross_micros=parse_money("1.5")),
        summed(LineKind.CORRECTION, "-0.20"),
        summed(LineKind.ADJUSTMENT, "15.00"),
        summed(LineKind.BALANCE, "-2.00"),
        PAID,
        summed(LineKind.PAYMENT, "-10.00", 2, method="card"),
        summed(LineKind.REVERSAL, "10.00", method="card"),
    ]
    statement = made(sums=sums)
    [charge] = statement.charges
    assert (charge.calls, charge.net_micros, charge.gross_micros) == (13, 84_200_001, 84_700_000)
    assert (statement.corrections_micros, statement.adjustments_micros) == (-200_000, 15_000_000)
    assert (statement.reconciled_micros, statement.reversals_micros) == (-2_000_000, 10_000_000)
    assert [(paid.method, paid.payments, paid.amount_micros) for paid in statement.payments] == [
        ("e_transfer", 1, 118_400_000),
        ("card", 2, 10_000_000),
    ]
    assert statement.closing_micros == 118_400_000 + sum(each.amount_micros for each in sums)
    assert statement.closing_micros + statement.posting_micros == VIEW.owed_micros
    assert (statement.name, statement.current) == ("2026-11", True)


def test_what_is_being_posted_while_one_looks_is_said() -> None:
    """The account may be ahead of the ledger by a moment; the paper adds up all the same."""
    statement = made(replace(VIEW, owed_micros=parse_money("83.55")))
    assert statement.posting_micros == 350_000
    assert (
        "118.40 (balance on 1 Nov 2026) + 83.20 (calls) - 118.40 (payments) + 0.35 (being posted at this moment)"
        " = 83.55 CAD, the balance now." in lines(statement)
    )


@pytest.mark.parametrize(
    ("owed", "invoiced", "said"),
    [
        ("0", "0", "The balance is 0.00 CAD: nothing is owed."),
        ("-20", "0", "The balance is -20.00 CAD: 20.00 CAD was paid ahead of the next invoice."),
        ("118.40", "118.40", "The balance is 118.40 CAD: it is invoiced and not paid yet; nothing has come since."),
        (
            "201.60",
            "118.40",
            (
                "The balance is 201.60 CAD: 118.40 CAD is invoiced and not paid yet, 83.20 CAD has come since and will"
                " be on the next invoice."
            ),
        ),
    ],
)
def test_the_balance_in_its_two_parts(owed: str, invoiced: str, said: str) -> None:
    view = replace(VIEW, owed_micros=parse_money(owed), invoiced_micros=parse_money(invoiced))
    assert lines(made(view))[0] == said


def test_without_any_invoice_that_is_said() -> None:
    told = lines(made(replace(VIEW, invoices=())))
    assert told[0] == "The balance is 83.20 CAD: guard knows of no invoice yet, so nothing of it is invoiced."
    assert not any("last invoice" in line for line in told)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("118.404", "as invoiced."),
        ("121.50", "which is 3.10 CAD more than the invoice."),
        ("115.30", "which is 3.10 CAD less than the invoice."),
    ],
)
def test_the_ledger_is_held_against_the_invoice_to_the_cent(amount: str, said: str) -> None:
    [checked] = [line for line in lines(made(of_october=[summed(LineKind.CALL, amount)])) if "add up to" in line]
    assert checked.endswith(said)


def test_an_invoice_that_cannot_be_checked_says_why() -> None:
    assert "The ledger has no calls and fees of October 2026, so guard cannot check it." in lines(
        made(of_october=[summed(LineKind.PAYMENT, "-1")])
    )
    nameless = replace(VIEW, invoices=(replace(INVOICE, period_start=""),))
    assert lines(made(nameless))[1:3] == (
        "The last invoice, of 2 Nov 2026, was 118.40 CAD.",
        "It does not say its period, so guard cannot hold it against the ledger.",
    )


def test_a_period_that_is_no_month_is_named_by_its_days() -> None:
    odd = replace(INVOICE, period_start="2026-10-15", period_end="2026-11-01")
    assert "The last invoice, for 15 Oct 2026 to 31 Oct 2026, was 118.40 CAD." in lines(
        made(replace(VIEW, invoices=(odd,)))
    )


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "No payment has been posted since."),
        (
            [payment("rejected", "2026-11-12", method="cheque"), payment("pending", "2026-11-05", method="cheque")],
            "The payment of 118.40 CAD by cheque of 5 Nov 2026 was rejected on 12 Nov 2026 and does not count.",
        ),
        (
            [payment("reversed", "2026-11-12"), payment("posted", "2026-11-05"), payment("pending", "2026-11-03")],
            "The payment of 118.40 CAD by e-transfer of 3 Nov 2026 was reversed on 12 Nov 2026: it is owed again.",
        ),
        ([payment("posted", "2026-11-12", method="other")], "118.40 CAD by other means was posted on 12 Nov 2026."),
    ],
)
def test_what_became_of_each_payment(entries: list[BillingEntry], said: str) -> None:
    assert said in lines(made(entries=entries))


def test_payments_from_before_the_invoice_are_not_told_again() -> None:
    told = lines(made(entries=[payment("posted", "2026-10-31T23:59")]))
    assert "No payment has been posted since." in told


def test_of_many_payments_the_newest_are_told() -> None:
    entries = [payment("posted", "2026-11-05", name=f"p{number}", amount="1") for number in range(13)]
    told = lines(made(entries=entries))
    assert sum("was posted on" in line for line in told) == 10
    assert "3 earlier payments are in the ledger." in told


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        ("0", "it does not count yet."),
        ("60", "60.00 CAD of it counts already."),
        ("160", "it counts already, all of it."),
    ],
)
def test_pending_payments_and_the_part_that_counts(trusted: str, said: str) -> None:
    view = replace(
        VIEW,
        pending_payments_micros=parse_money("160"),
        trusted_payments_micros=parse_money(trusted),
        live_call_count=0,
    )
    entries = [
        payment("pending", "2026-11-18", name="p9", amount="120", method="cheque"),
        payment("pending", "2026-11-17", name="p8", amount="40", method="eft"),
    ]
    assert (
        "160.00 CAD is announced and not posted yet (40.00 by EFT of 17 Nov 2026, 120.00 by cheque of 18 Nov 2026); "
        + said
        in lines(made(view, entries=entries))
    )


def test_one_pending_payment_is_one_sentence() -> None:
    view = replace(VIEW, pending_payments_micros=parse_money("120"))
    told = lines(made(view, entries=[payment("pending", "2026-11-18", amount="120", method="cheque")]))
    assert "120.00 CAD by cheque of 18 Nov 2026 is announced and not posted yet; it does not count yet." in told


def test_what_stands_against_the_limit_adds_up() -> None:
    view = replace(
        VIEW,
        pending_payments_micros=parse_money("120"),
        trusted_payments_micros=parse_money("60"),
        exposure_micros=parse_money("25.344"),
        in_flight_micros=parse_money("2.144"),
        in_flight_gross_micros=parse_money("3.20"),
    )
    told = lines(made(view))
    assert "2 calls in flight, worth 2.14 CAD so far (3.20 without the plan)." in told
    assert (
        "Against the limit stand 83.20 (balance) + 2.14 (calls in flight) - 60.00 (payments announced that count"
        " already) = 25.34 CAD." in told
    )


def test_no_limit() -> None:
    assert "There is no limit." in lines(made(replace(VIEW, limit_micros=None, limit_text="no limit")))
    until = replace(VIEW, limit_micros=None, limit_text="set by ana until 5 Dec 2026, then 300.00")
    assert "There is no limit: set by ana until 5 Dec 2026, then 300.00." in lines(made(until))


@pytest.mark.parametrize(
    ("limit", "days", "said"),
    [
        ("85.35", 0, "It spends about 3.78 CAD a day and would reach its limit within a day without a payment."),
        ("89.00", 1, "It spends about 3.78 CAD a day and would reach its limit in about 1 day without a payment."),
        ("85.34", 0, "It spends about 3.78 CAD a day and has reached its limit."),
        ("20.00", 0, "It spends about 3.78 CAD a day and has reached its limit."),
    ],
)
def test_how_long_it_goes_on(limit: str, days: int, said: str) -> None:
    assert said in lines(made(replace(VIEW, limit_micros=parse_money(limit), reaches_limit_in_days=days)))


def test_a_bad_card_says_itself_how_long_it_goes_on() -> None:
    card = CardView(status="expired", expires="2026-10", text="Card on file: expired in October 2026; it ends badly.")
    told = lines(made(replace(VIEW, card=card)))
    assert card.text in told
    assert not any("It spends about" in line for line in told)


def test_a_cycle_that_is_over() -> None:
    """No present in it: the sum to its end, its invoice, its payments."""
    found = Found(
        opening_micros=parse_money("70"),
        sums=[*OF_OCTOBER[:3]],
        invoice=check_invoice(INVOICE, OF_OCTOBER),
        last_invoice=None,
        entries=[
            payment("posted", "2026-11-05", name="late"),
            payment("posted", "2026-10-04", name="p5", amount="70", method="card"),
            payment("pending", "2026-10-03", name="p4", amount="9"),
        ],
    )
    statement = make_statement(replace(VIEW, pending_payments_micros=parse_money("9")), OCTOBER, NOW_MS, found)
    assert (statement.name, statement.current, statement.posting_micros) == ("2026-10", False, 0)
    assert lines(statement) == (
        "60 international calls, 0 seconds: 98.40 CAD.",
        (
            "70.00 (balance on 1 Oct 2026) + 98.40 (calls) + 20.00 (fees and adjustments) - 70.00 (payments) = 118.40"
            " CAD, the balance on 1 Nov 2026."
        ),
        "The invoice, for October 2026, was 118.40 CAD.",
        "The calls and fees of October 2026 add up to 118.40 CAD, as invoiced.",
        "70.00 CAD by card was posted on 4 Oct 2026.",
    )


def test_a_cycle_in_which_nothing_happened() -> None:
    found = Found(opening_micros=parse_money("5"), sums=[], invoice=None, last_invoice=None, entries=[])
    assert lines(make_statement(VIEW, OCTOBER, NOW_MS, found)) == (
        "Nothing was posted: the balance is 5.00 CAD on 1 Oct 2026 and on 1 Nov 2026.",
        "guard knows of no invoice for this period.",
    )


def test_a_period_is_of_the_accounts_own_days() -> None:
    assert period_of(INVOICE, ZONE) == OCTOBER
    assert period_of(replace(INVOICE, period_end=""), ZONE) is None
    assert invoiced_until_ms(INVOICE, ZONE) == OCTOBER.end_ms
    assert invoiced_until_ms(replace(INVOICE, period_end=""), ZONE) == INVOICE.at_ms


def test_one_payment_of_each_id() -> None:
    entries = [
        payment("posted", "2026-11-05"),
        payment("pending", "2026-11-03"),
        payment("pending", "2026-11-04", name="p8"),
    ]
    assert [(each.id, each.status.value, each.begun_ms) for each in payments_of(entries)] == [
        ("p8", "pending", at("2026-11-04")),
        ("p7", "posted", at("2026-11-03")),
    ]


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_parts_in_cents_add_up_to_the_total_in_cents(begin: int, parts: list[int]) -> None:
    """However many fractions of a cent there are, no part is off by more than one cent."""
    paper = Paper(begin)
    shown = [paper.add(part) for part in parts]
    assert to_cents(begin) + sum(shown) == paper.total == to_cents(begin + sum(parts))
    assert all(abs(one - part) <= 10_000 for one, part in zip(shown, parts, strict=True))
    assert all(one % 10_000 == 0 for one in shown)


def test_what_is_left_of_a_stated_balance_is_on_no_invoice_to_come() -> None:
    """Owed is what is invoiced, what is left of the balance that billing stated, and what has come since."""
    view = replace(VIEW, opening_micros=parse_money("60.00"))
    said = lines(made(view))[0]
    assert "60.00 CAD is left of the balance that billing stated" in said
