"""Billing: what customers owe and pay besides their calls, and what their limits are. The ground truth of money.

Messages go to one topic and keep their order. Some come again later under the same id (nothing may come of it), some
come again with another amount (to be refused).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any, NamedTuple

from tests.simulation.broker import Broker
from tests.simulation.limits import By, Limit, Word
from tests.simulation.schedule import Schedule
from tests.simulation.switch import Luck, money

TOPIC = "guard/v1/billing"
CURRENCIES = ("CAD", "CAD", "EUR")
BAD_CARDS = ("expired", "declined")


@dataclass(slots=True)
class Statement:
    """A balance that was stated."""

    id: str
    owed_micros: int
    as_of_ms: int


class Terms(NamedTuple):
    """What billing has said of an account's plan, and where its cycles begin."""

    sent_ms: int
    plan: str
    timezone: str


class Paper(NamedTuple):
    """What moves the part of what is owed that is invoiced."""

    kind: str
    """`invoice`, `payment`, `reversal`."""
    amount_micros: int


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
    words: list[Word] = field(default_factory=list)
    """About its limit."""
    terms: list[Terms] = field(default_factory=lambda: [Terms(0, "", "")])
    papers: list[Paper] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    """What was said of the card on file."""
    closed: bool = False
    currency: str = ""
    """Empty: billing has not said; what guard takes it for is not the auditor's business then."""
    forgotten: bool = False
    """An operator has let it be forgotten."""

    def open_anew(self, now_ms: int) -> None:
        """Somebody calls under its id after it was forgotten: nothing that billing said of it holds any more."""
        self.closed = False
        self.currency = ""
        self.words.clear()
        self.terms.append(Terms(now_ms, "", ""))

    def owed_besides_calls(self) -> int:
        """By adjustments and payments."""
        paid = sum(amount for amount, status in self.payments.values() if status == "posted")
        return sum(self.adjustments.values()) - paid

    def trusted(self, percent: int) -> int:
        """What of pending payments counts already."""
        return sum(amount * percent // 100 for amount, status in self.payments.values() if status == "pending")

    def limit(self, now_ms: int, default_micros: int, words: int | None = None) -> int | None:
        """In force by the words sent so far, or by the first so many; `now_ms` by guard's clock."""
        return Limit(default_micros).take(self.words[:words]).at(now_ms)

    def invoiced(self, owed_micros: int) -> int:
        """The part of what is owed that is invoiced: payments pay that first, and what is left over the next one."""
        invoiced = advance = 0
        for kind, amount in self.papers:
            if kind == "payment":
                paid = min(invoiced, amount)
                invoiced, advance = invoiced - paid, advance + amount - paid
            else:
                # An invoice, or a payment that bounces: both use up first what was paid in advance.
                used = min(advance, amount)
                invoiced, advance = invoiced + amount - used, advance - used
        return min(invoiced, max(0, owed_micros))


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
        self._line_free_ms = 0
        self.books = {account: Books(account) for account in accounts}

    def _id(self, what: str) -> str:
        self._sent += 1
        return f"{what}-{self._sent}"

    def _send(self, message: dict[str, Any], *, again: bool = True) -> None:
        now_ms, payload = self._schedule.now_ms, json.dumps(message).encode()
        self._line_free_ms = max(self._line_free_ms, now_ms + self._random.randint(1, 10))
        self._broker.publish_late(TOPIC, payload, self._line_free_ms - now_ms)
        if again and self._luck.strikes("billing doubled"):
            repeated = dict(message)
            if "amount" in repeated and self._random.random() < 0.3:
                repeated["amount"] = "999.990000"
            self._broker.publish_late(TOPIC, json.dumps(repeated).encode(), self._random.randint(20, 90_000))

    # -- accounts

    def open_account(self, account: str, plan: str = "", timezone: str = "") -> None:
        """Say whose it is, in which currency, and which plan it has."""
        books = self.books[account]
        books.closed = False
        books.currency = books.currency or self._random.choice(CURRENCIES)
        message = {"type": "account", "id": self._id("m"), "account": account, "name": f"Customer {account}"}
        message["currency"] = books.currency
        if plan or timezone:
            before = books.terms[-1]
            books.terms.append(Terms(self._schedule.now_ms, plan or before.plan, timezone or before.timezone))
            message |= {key: value for key, value in (("plan", plan), ("timezone", timezone)) if value}
        self._send(message)

    def close(self, account: str) -> None:
        """For good."""
        self.books[account].closed = True
        self._send({"type": "close", "id": self._id("z"), "account": account})

    def put_card(self, account: str, status: str) -> None:
        """Say how the card on file is."""
        self.books[account].cards.append(status)
        self._send({"type": "card", "id": self._id("k"), "account": account, "status": status})

    # -- limits

    def _word(self, account: str, word: Word, credit: dict[str, Any], *, until_ms: int | None = None) -> None:
        self.books[account].words.append(word)
        message = {"type": "credit", "id": self._id("c"), "account": account, **credit}
        if until_ms is not None:
            message |= {"until": until_ms / 1_000, "by": "ana", "reason": "promised"}
        self._send(message, again=False)

    def limit(self, account: str, limit_micros: int | None, lasts_ms: int | None = None) -> None:
        """State a limit, for good or for a while."""
        until_ms = None if lasts_ms is None else self._clock_ms() + lasts_ms
        word = Word(sent_ms=self._schedule.now_ms, by=By.AMOUNT, amount_micros=limit_micros, until_ms=until_ms)
        credit = {"limit": None if limit_micros is None else money(limit_micros)}
        self._word(account, word, credit, until_ms=until_ms)

    def limit_by_cycles(
        self, account: str, cycles_tenths: int, floor_micros: int | None, cap_micros: int | None
    ) -> None:
        """State it as so many times the mean invoice."""
        word = Word(
            sent_ms=self._schedule.now_ms,
            by=By.CYCLES,
            cycles=Fraction(cycles_tenths, 10),
            floor_micros=floor_micros,
            cap_micros=cap_micros,
        )
        credit = {"cycles": f"{cycles_tenths // 10}.{cycles_tenths % 10}"}
        bounds = (("floor", floor_micros), ("cap", cap_micros))
        self._word(account, word, credit | {key: money(micros) for key, micros in bounds if micros is not None})

    # -- money

    def invoice(self, account: str, amount_micros: int, month: int) -> None:
        """For that month of the year before: the later ones count."""
        books, ends = self.books[account], f"2026-{month + 1:02}-01"
        word = Word(sent_ms=self._schedule.now_ms, by=By.INVOICE, amount_micros=amount_micros, ends=ends)
        books.words.append(word)
        books.papers.append(Paper("invoice", amount_micros))
        message = {"type": "invoice", "id": self._id("i"), "account": account, "amount": money(amount_micros)}
        self._send(message | {"period_start": f"2026-{month:02}-01", "period_end": ends})

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
            if moved:
                books.papers.append(Paper("payment" if status == "posted" else "reversal", amount_micros))
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
