"""Rows: what is kept of an account and of a call is all that a restart needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.core.accounts import AUTOMATIC, Account, Cause
from guard.core.calls import GROWING, Call
from guard.core.decisions import Reason
from guard.core.flights import Flight
from guard.core.rating import Rating
from guard.core.records import Scope
from guard.core.rows import (
    AccountRow,
    BooksRow,
    CallRow,
    CardRow,
    CauseRow,
    CommandRow,
    InvoiceRow,
    UseRow,
)
from guard.core.scopes import width
from guard.core.switches import Switch

NOWHERE = Rating(unknown_rate_micros=1_000_000).nowhere

numbers = st.integers(-(2**62), 2**62)
moments = st.integers(0, 2**48)
optional_moments = st.none() | moments
names = st.text(max_size=12)
scopes = st.sampled_from([scope.value for scope in Scope])

cause_rows = st.builds(
    CauseRow,
    reason=st.sampled_from(["credit_limit", "rule", "anomaly", "operator", "closed"]),
    rule=names,
    scope=scopes,
    end_calls=st.booleans(),
    since_ms=moments,
    until_ms=optional_moments,
    text=names,
    decision_id=names,
)
account_rows = st.builds(
    AccountRow,
    id=names,
    name=names,
    currency=names,
    timezone=names,
    opened=names,
    plan=names,
    tariff=names,
    provisional=st.booleans(),
    closed=st.booleans(),
    owed_micros=numbers,
    pending_micros=numbers,
    trusted_micros=numbers,
    limit_micros=st.none() | numbers,
    limit_source=names,
    cycles_micros=st.none() | numbers,
    floor_micros=st.none() | numbers,
    cap_micros=st.none() | numbers,
    until_limit_micros=st.none() | numbers,
    until_ms=optional_moments,
    level=st.integers(0, 3),
    spoken=st.integers(0, 15),
    allow_until_ms=optional_moments,
    seq=numbers,
    decisions=numbers,
    lifted_at_ms=moments,
    command=st.none()
    | st.builds(
        CommandRow,
        id=names,
        action=st.sampled_from(["block", "unblock"]),
        scope=scopes,
        end_calls=st.booleans(),
        reason=names,
        at_ms=moments,
        until_ms=optional_moments,
    ),
    causes=st.lists(cause_rows, max_size=3).map(tuple),
    forgotten=st.booleans(),
    books=st.none()
    | st.builds(
        BooksRow,
        use=st.dictionaries(st.tuples(moments, names), numbers, max_size=3).map(
            lambda use: tuple(UseRow(cycle_ms, key, used) for (cycle_ms, key), used in sorted(use.items()))
        ),
        invoices=st.lists(st.builds(InvoiceRow, names, names, names, numbers, moments), max_size=3).map(tuple),
        invoiced_micros=numbers,
        opening_micros=numbers,
        advance_micros=numbers,
        card=st.none() | st.builds(CardRow, names, names, moments, st.booleans()),
        pace_micros=numbers,
        pace_at_ms=moments,
        pace_since_ms=moments,
        step_micros=st.none() | numbers,
        limit_by=names,
        until_by=names,
    ),
)
call_rows = st.builds(
    CallRow,
    switch=st.just("sw1"),
    call=names,
    account=st.just("A1"),
    event=st.integers(1, 2),
    at_ms=moments,
    newest_at_ms=moments,
    answered_at_ms=moments,
    duration_ms=moments,
    charge_micros=numbers,
    stated_charge_micros=numbers,
    rate_micros=numbers,
    rate_known=st.integers(0, 2),
    posted_micros=numbers,
    to=names,
    caller=names,
    direction=st.sampled_from(["", "outgoing", "incoming", "forwarded", "internal"]),
    emergency=st.booleans(),
    source=names,
    silent_carry_scaled=st.just(GROWING) | st.integers(0, 2**62),
    defies=st.booleans(),
    stated_duration_ms=moments,
    posted_gross_micros=numbers,
    posted_billed_s=numbers,
    posted_covered_s=numbers,
)


@given(account_rows)
def test_an_account_comes_back_as_it_was(row: AccountRow) -> None:
    """Every column."""
    assert Account.from_row(row).row() == row


@given(call_rows)
def test_a_call_comes_back_as_it_was(row: CallRow) -> None:
    """Every column; the flight it hangs on is made anew."""
    switch = Switch("sw1", ticks=True, now_ms=0)
    account = Account("A1", "CAD", None)
    assert Call.from_row(row, switch, account, Flight(switch), NOWHERE, None).row() == row


@given(st.lists(cause_rows, max_size=4))
def test_the_desired_state_is_the_widest_of_all_causes(rows: list[CauseRow]) -> None:
    """The widest scope; calls end if any cause ends them; without an end as long as one cause has none."""
    account = Account("A1", "CAD", None)
    account.causes = tuple(
        Cause(
            reason=Reason(row.reason),
            rule=row.rule,
            scope=Scope(row.scope),
            end_calls=row.end_calls,
            since_ms=row.since_ms,
            until_ms=row.until_ms,
            text=row.text,
            decision_id=row.decision_id,
        )
        for row in rows
    )
    desired = account.desired()
    if not rows:
        assert desired is None
        return
    assert desired is not None
    assert width(desired.scope) == max(width(Scope(row.scope)) for row in rows)
    assert desired.end_calls == any(row.end_calls for row in rows)
    ends = [row.until_ms for row in rows]
    assert desired.until_ms == (None if None in ends else max(end for end in ends if end is not None))


def test_allow_covers_every_automatic_cause_and_no_other() -> None:
    """An operator's block and a closed account stay blocked."""
    assert set(Reason) >= AUTOMATIC == {Reason.CREDIT_LIMIT, Reason.RULE, Reason.ANOMALY}
