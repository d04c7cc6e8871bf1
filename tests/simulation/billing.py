"""Billing: what customers owe and pay besides their calls, and what their limits are. The ground truth of money.

Messages go to one topic and keep their order. Some come again later under the same id (nothing may come of it), some
come again with another amount (to be refused).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from tests.simulation.broker import Broker
from tests.simulation.schedule import Schedule
from tests.simulation.switch import Luck, money

TOPIC = "guard/v1/billing"


@dataclass(slots=True)
class Statement:
    """A balance that was stated."""

    id: str
    owed_micros: int
    as_of_ms: int


@dataclass(slots=True)
class Books:
    """One account, as billing has it."""

    id: str
    adjustments: dict[str, int] = field(default_factory=dict)
    payments: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By id: amount and how far it has come."""
    balances: list[Statement] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)
    """(true time of sending, what it adds to what is owed): adjustments, payments, reversals."""
    limits: list[tuple[int, int | None, int | None]] = field(default_factory=list)
    """(true time of sending, limit, until when by guard's clock)."""
    closed: bool = False
    known: bool = False
    """Billing has opened it: it is no longer provisional."""

    def owed_besides_calls(self) -> int:
        """By adjustments and payments."""
        paid = sum(amount for amount, status in self.payments.values() if status == "posted")
        return sum(self.adjustments.values()) - paid

    def trusted(self, percent: int) -> int:
        """What of pending payments counts already."""
        return sum(amount * percent // 100 for amount, status in self.payments.values() if status == "pending")

    def limit(self, now_ms: int, default_micros: int, messages: int | None = None) -> int | None:
        """In force by the messages sent so far, or by the first so many; `now_ms` by guard's clock."""
        lasting: int | None = default_micros
        passing: tuple[int | None, int] | None = None
        for _, limit, until_ms in self.limits[:messages]:
            if until_ms is None:
                lasting, passing = limit, None
            else:
                passing = limit, until_ms
        return passing[0] if passing is not None and now_ms < passing[1] else lasting


class Office:
    """Sends billing's messages."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        random: Random,
        broker: Broker,
        luck: Luck,
        accounts: list[str],
        clock_ms: Callable[[], int],
    ) -> None:
        """`clock_ms` is guard's clock, in which it judges `until`."""
        self._schedule = schedule
        self._random = random
        self._broker = broker
        self._luck = luck
        self._clock_ms = clock_ms
        self._sent = 0
        self.books = {account: Books(account) for account in accounts}

    def _id(self, what: str) -> str:
        self._sent += 1
        return f"{what}-{self._sent}"

    def _send(self, *messages: dict[str, Any], late: bool = True) -> None:
        delay_ms = self._random.randint(1, 10)
        for message in messages:
            self._broker.publish_late(TOPIC, json.dumps(message).encode(), delay_ms)
            if late and self._luck.strikes("billing doubled"):
                again = dict(message)
                if "amount" in again and self._random.random() < 0.3:
                    again["amount"] = "999.990000"
                self._broker.publish_late(TOPIC, json.dumps(again).encode(), self._random.randint(20, 90_000))

    def open_account(self, account: str) -> None:
        """Say whose it is."""
        self.books[account].known, self.books[account].closed = True, False
        self._send({"type": "account", "id": self._id("m"), "account": account, "name": f"Customer {account}"})

    def limit(self, account: str, limit_micros: int | None, lasts_ms: int | None = None) -> None:
        """State a limit, for good or for a while."""
        credit: dict[str, Any] = {"limit": None if limit_micros is None else money(limit_micros)}
        until_ms = None if lasts_ms is None else self._clock_ms() + lasts_ms
        self.books[account].limits.append((self._schedule.now_ms, limit_micros, until_ms))
        message = {"type": "credit", "id": self._id("c"), "account": account, **credit}
        if until_ms is not None:
            message |= {"until": until_ms / 1_000, "by": "ana", "reason": "promised"}
        self._send(message, late=False)

    def adjust(self, account: str, amount_micros: int) -> None:
        """A fee or a credit."""
        made = self._id("a")
        self.books[account].adjustments[made] = amount_micros
        self.books[account].moves.append((self._schedule.now_ms, amount_micros))
        self._send(
            {"type": "adjustment", "id": made, "account": account, "amount": money(amount_micros), "reason": "fee"}
        )

    def pay(self, account: str, amount_micros: int, fate: str) -> None:
        """A payment that is posted at once or comes to its `fate` over time."""
        made = self._id("p")
        books = self.books[account]
        method = "card" if fate == "posted" else "e_transfer"
        stages = {
            "posted": ("posted",),
            "slow": ("pending", "posted"),
            "waiting": ("pending",),
            "reversed": ("pending", "posted", "reversed"),
            "rejected": ("pending", "rejected"),
        }[fate]

        def stage(status: str) -> None:
            books.payments[made] = (amount_micros, status)
            moved = {"posted": -amount_micros, "reversed": amount_micros}.get(status, 0)
            books.moves.append((self._schedule.now_ms, moved))
            body = {"type": "payment", "id": made, "account": account, "amount": money(amount_micros)}
            self._send(body | {"method": method, "status": status})

        delay_ms = 0
        for status in stages:
            self._schedule.after(delay_ms, partial(stage, status))
            delay_ms += self._random.randint(1_000, 60_000)

    def state_balance(self, account: str, owed_micros: int, ago_ms: int) -> None:
        """What was owed at a time, by guard's clock."""
        made = Statement(self._id("s"), owed_micros, self._clock_ms() - ago_ms)
        self.books[account].balances.append(made)
        self._send(
            {
                "type": "balance",
                "id": made.id,
                "account": account,
                "owed": money(owed_micros),
                "as_of": made.as_of_ms / 1_000,
            }
        )

    def close(self, account: str) -> None:
        """For good."""
        self.books[account].closed = True
        self._send({"type": "close", "id": self._id("z"), "account": account})
