"""What `guard train --store` learns from: the store of a daemon, which may be running on it.

The ledger has each call that was posted, with its account, number, direction, length, end and gross price: played as
answered, a tick each 30 s, and ended, it is what the switch had reported, but for three things that no ledger knows:
attempts that nobody answered, the addresses that calls came from, and how a price came about in between. What the model
would see in the former two is left out (`UNTOLD`): such a model looks at all the rest. What was not good is not guessed
from the calls again; the store has what was decided at the time.

Limits are not: here nothing is to be blocked, so all accounts are played without one. At most as much is told as the
details of calls are kept for (`[privacy] keep_call_details`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from guard.adapters.sqlite.past import Past
from guard.backtest.history import EARLIEST_MS, Sorter
from guard.backtest.inputs import Bill
from guard.core.decisions import LedgerLine
from guard.core.money import Micros
from guard.core.records import AccountMessage, Credit, Direction, Event, Report
from guard.replay.cdr import LONGEST_S, TICK_MS

UNTOLD = frozenset({"failed_share", "failed_growth", "new_sources", "source_spend"})
"""Features of which the ledger tells nothing."""


def take_calls(past: Past, sorter: Sorter) -> None:
    """All calls of the ledger, as reports."""
    for line in past.calls():
        if line.duration_ms <= LONGEST_S * 1_000:
            sorter.add_reports(line.switch, _reports(line))


def _reports(line: LedgerLine) -> Iterator[Report]:
    gross = line.amount_micros if line.gross_micros is None else line.gross_micros
    duration = line.duration_ms
    said = partial(Report, account=line.account, to=line.to, direction=Direction(line.direction))
    for event, after_ms in (
        (Event.ANSWERED, 0),
        *((Event.TICK, after_ms) for after_ms in range(TICK_MS, duration, TICK_MS)),
        (Event.ENDED, duration),
    ):
        charge = gross * after_ms // duration if duration else gross
        at_ms = line.at_ms - duration + after_ms
        yield said(call=line.call, event=event, at_ms=at_ms, duration_ms=after_ms, charge_micros=Micros(max(charge, 0)))


def accounts_of(past: Past) -> list[Bill]:
    """Who there is: where their days begin, since when they are customers; and no limits."""
    return [
        Bill(
            EARLIEST_MS,
            AccountMessage(
                id=f"account-{row.id}",
                account=row.id,
                currency=row.currency or None,
                timezone=row.timezone or None,
                opened=row.opened or None,
                credit=Credit(limit_micros=None),
            ),
        )
        for row in past.accounts()
    ]
