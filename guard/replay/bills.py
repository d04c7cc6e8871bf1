"""What billing says while the calls go on: accounts, opening balances, invoices on the 1st, and how they are paid.

Invoices hold what the ground truth has posted in the cycle without what was fraud (which a customer disputes), in the
account's own time zone; they are paid after days, by the customer's method, first pending and then posted where the
method is one that has to be reconciled. Without a calendar there are no cycles: accounts open and nothing more, besides
what cases bring. Pure: `due` says what is to be said by a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from guard.core.money import format_money, parse_money
from guard.replay.cases.setting import Case
from guard.replay.customers import Customer
from guard.replay.opening import account_message, balance_message
from guard.replay.payloads import time_text
from guard.replay.truth import Truth
from guard.replay.weeks import DAY_MS, HOUR_MS, SECOND_MS, Calendar

Message = dict[str, Any]

PAID_AFTER_DAYS = {"card": (2, 4), "e_transfer": (4, 12), "eft": (6, 18), "cheque": (8, 24)}
POSTED_AFTER_DAYS = {"card": (0, 0), "e_transfer": (1, 2), "eft": (2, 4), "cheque": (3, 6)}
FLAT_PLAN = "unlimited"
PLANS = """\
[plan.unlimited]
title = "All calls to Canada and the USA"
[[plan.unlimited.quota]]
class = ["domestic"]
minutes = 1000000
"""


class Bills:
    """Billing messages in the order of their times, in milliseconds since the simulation began."""

    def __init__(
        self,
        customers: Iterable[Customer],
        cases: Iterable[Case],
        truth: Truth,
        *,
        run: str,
        seed: int,
        start_ms: int,
        calendar: Calendar | None,
    ) -> None:
        """`run` makes ids differ from those of every other run."""
        self._customers = list(customers)
        self._frauds = set[str]()
        self._truth = truth
        self._run = run
        self._seed = seed
        self._start_ms = start_ms
        self._calendar = calendar
        self._order = count()
        self._billed: dict[str, int] = {}
        self._due: list[tuple[int, int, Callable[[int], Iterator[Message]]]] = []
        for customer in self._customers:
            self._plan(customer.begins_ms, partial(self._open, customer))
        for case in cases:
            if case.fraud:
                self._frauds.add(case.id)
            for number, (offset_ms, message) in enumerate(case.bills):
                # The same payment in another state keeps its id.
                name = "payment" if message["type"] == "payment" else f"{message['type']}-{number}"
                self._say(offset_ms, {"id": f"{run}-{case.id}-{name}"} | message)
        for offset_ms, timezone, period in self._cycle_ends():
            self._plan(offset_ms, partial(self._invoices, timezone, period))

    def next_ms(self) -> int | None:
        """When something is to be said next."""
        return self._due[0][0] if self._due else None

    def due(self, offset_ms: int) -> list[Message]:
        """What is to be said by then."""
        said: list[Message] = []
        while self._due and self._due[0][0] <= offset_ms:
            at_ms, _, make = heapq.heappop(self._due)
            said += make(at_ms)
        return said

    # -- inside ------------------------------------------------------------------------------------

    def _plan(self, offset_ms: int, make: Callable[[int], Iterator[Message]]) -> None:
        heapq.heappush(self._due, (offset_ms, next(self._order), make))

    def _say(self, offset_ms: int, message: Message) -> None:
        self._plan(offset_ms, partial(self._as_is, message))

    def _as_is(self, message: Message, at_ms: int) -> Iterator[Message]:
        yield message | {"at": self._time(at_ms)}

    def _time(self, offset_ms: int) -> str:
        return time_text(self._start_ms + offset_ms)

    def _open(self, customer: Customer, at_ms: int) -> Iterator[Message]:
        """An account; one that is older than the simulation owes its last invoice."""
        opened = datetime.fromtimestamp((self._start_ms + customer.opened_ms) // SECOND_MS, UTC)
        message = account_message(customer, run=self._run) | {"opened": f"{opened:%Y-%m-%d}", "at": self._time(at_ms)}
        if self._calendar is None:
            yield message
            return
        yield message | {"plan": FLAT_PLAN} if customer.flat else message
        if customer.opened_ms >= 0:
            return
        yield balance_message(customer, run=self._run, as_of=self._time(at_ms)) | {"at": self._time(at_ms)}
        first = self._calendar.midnight(0, customer.timezone).date().replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)
        yield from self._invoice(customer, parse_money(customer.owed), at_ms, (f"{before}", f"{first}"))

    def _cycle_ends(self) -> Iterator[tuple[int, str, tuple[str, str]]]:
        """When a cycle ends in which time zone, and its first and last day."""
        calendar = self._calendar
        if calendar is None:
            return
        for timezone in sorted({customer.timezone for customer in self._customers}):
            for day in range(1, calendar.days + 1):
                midnight = calendar.midnight(day, timezone)
                if midnight.day == 1:
                    before = (midnight - timedelta(days=1)).replace(day=1)
                    yield calendar.offset(midnight), timezone, (f"{before:%Y-%m-%d}", f"{midnight:%Y-%m-%d}")

    def _invoices(self, timezone: str, period: tuple[str, str], at_ms: int) -> Iterator[Message]:
        """Everybody's usage since the last invoice."""
        fraud: dict[str, int] = {}
        for (case, account), part in self._truth.cases().items():
            if case in self._frauds:
                fraud[account] = fraud.get(account, 0) + part.spent_micros
        for customer in self._customers:
            account = customer.account
            if customer.timezone != timezone or customer.begins_ms > at_ms:
                continue
            total = self._truth.account(account).posted_micros - fraud.get(account, 0)
            amount = total - self._billed.get(account, 0)
            self._billed[account] = total
            yield from self._invoice(customer, amount, at_ms, period)

    def _invoice(self, customer: Customer, amount: int, at_ms: int, period: tuple[str, str]) -> Iterator[Message]:
        """One invoice; what pays it is planned."""
        if amount <= 0:
            return
        name = f"{customer.account}-{period[0]}"
        start, end = period
        yield {
            "type": "invoice",
            "id": f"{self._run}-invoice-{name}",
            "account": customer.account,
            "amount": format_money(amount),
            "period_start": start,
            "period_end": end,
            "at": self._time(at_ms),
        }
        draw = Random(f"{self._seed}/payment/{name}")
        payment = {
            "type": "payment",
            "id": f"{self._run}-payment-{name}",
            "account": customer.account,
            "amount": format_money(amount),
            "method": customer.method,
        }
        paid_ms = at_ms + draw.randint(*PAID_AFTER_DAYS[customer.method]) * DAY_MS + draw.randint(9, 16) * HOUR_MS
        posted_ms = paid_ms + draw.randint(*POSTED_AFTER_DAYS[customer.method]) * DAY_MS
        if posted_ms > paid_ms:
            self._say(paid_ms, payment | {"status": "pending"})
        self._say(posted_ms, payment | {"status": "posted"})
