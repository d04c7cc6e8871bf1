"""What billing says about a town: limits of two to three cycles, invoices that fit what is spent, payments that come.

Amounts follow what a customer usually spends, so an honest one seldom comes near its limit. Most limits are told in
cycles with a floor and a cap, some as an amount that somebody set by hand long ago. A few payments bounce and are made
good, and a few cards expire, because that happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.strangers.paper import instant, money
from tests.strangers.people import Customer

MICROS = 1_000_000


def billing(
    people: list[Customer], usual: dict[str, int], first: date, count: int, draw: Random
) -> list[dict[str, Any]]:
    """All messages, in order of what they are about."""
    return [
        message
        for who in people
        for message in _of(who, max(usual.get(who.account, 0) * 30 // max(1, count - who.opens), 0), first, count, draw)
    ]


def _of(who: Customer, monthly: int, first: date, count: int, draw: Random) -> Iterator[dict[str, Any]]:
    rent = who.habit.lines * draw.randint(14, 32) * MICROS
    cycle = monthly + rent
    opened_ms = who.at(first, 24 * who.opens - 1)
    opened = first + timedelta(days=who.opens) if who.opens else first - timedelta(days=draw.randint(200, 3000))
    yield {
        "type": "account",
        "id": f"open {who.account}",
        "account": who.account,
        "name": f"{who.kind} {who.account}",
        "currency": who.home.currency,
        "timezone": str(who.zone),
        "opened": opened.isoformat(),
        "credit": _credit(cycle, draw, new=bool(who.opens)),
        "at": instant(opened_ms),
    }
    if who.opens:
        return
    yield from _past(who, cycle, monthly, first, draw)
    for number in range(1, count):
        day = first + timedelta(days=number)
        if day.day == 1:
            yield from _turn(who, cycle, rent, day, draw)


def _credit(cycle: int, draw: Random, *, new: bool) -> dict[str, Any]:
    if new:
        return {"limit": draw.choice(("100.00", "150.00", "250.00"))}
    if draw.random() < 0.7:
        cycles = draw.choice(("2", "2.5", "3"))
        return {"cycles": cycles, "floor": draw.choice(("60", "100", "150")), "cap": draw.choice(("3000", "5000"))}
    return {"limit": f"{max(60, round(cycle * draw.uniform(2, 3.2) / MICROS, -1)):.2f}"}


def _past(who: Customer, cycle: int, monthly: int, first: date, draw: Random) -> Iterator[dict[str, Any]]:
    """Three invoices, of which the last may still be open, and what has been called since."""
    begin, owed = first.replace(day=1), 0
    for number in range(3):
        end, begin = begin, (begin - timedelta(days=1)).replace(day=1)
        amount = int(cycle * draw.lognormvariate(0, 0.12)) // 10_000 * 10_000
        if number == 0 and first.day < 15 and draw.random() < 0.5:
            owed = amount
        yield _message(
            "invoice",
            who,
            who.at(first, -1),
            f"{end}",
            amount=money(amount),
            period_start=begin.isoformat(),
            period_end=end.isoformat(),
        )
    unbilled = monthly * (first.day - 1) // 30
    yield {
        "type": "balance",
        "id": f"balance {who.account}",
        "account": who.account,
        "owed": money(owed + unbilled),
        "as_of": instant(who.at(first, -0.5)),
    }
    if owed:
        yield from _payment(who, owed, first + timedelta(days=draw.randint(1, 12)), draw)


def _turn(who: Customer, cycle: int, rent: int, day: date, draw: Random) -> Iterator[dict[str, Any]]:
    """The first of a month: the rent, the invoice, and some days later the money."""
    amount = int(cycle * draw.lognormvariate(0, 0.12)) // 10_000 * 10_000
    yield _message("adjustment", who, who.at(day, 0.4), f"rent {day}", amount=money(rent), reason="rent")
    yield _message(
        "invoice",
        who,
        who.at(day, 3),
        f"{day}",
        amount=money(amount),
        period_start=(day - timedelta(days=1)).replace(day=1).isoformat(),
        period_end=day.isoformat(),
    )
    yield from _payment(who, amount, day + timedelta(days=draw.randint(2, 12)), draw)


def _payment(who: Customer, amount: int, day: date, draw: Random) -> Iterator[dict[str, Any]]:
    method = draw.choice(("card", "card", "eft", "e_transfer", "cheque"))
    key = f"payment {day}"
    if method == "card":
        if draw.random() < 0.05:
            yield _message("card", who, who.at(day, 1), f"card {day}", status="declined")
        yield _message("payment", who, who.at(day, 11), key, amount=money(amount), method=method, status="posted")
        return
    yield _message("payment", who, who.at(day, 11), key, amount=money(amount), method=method, status="pending")
    posted = "rejected" if draw.random() < 0.03 else "posted"
    yield _message("payment", who, who.at(day, 24 * 3 + 11), key, amount=money(amount), method=method, status=posted)
    if posted == "rejected":
        yield _message(
            "payment", who, who.at(day, 24 * 5), f"{key} again", amount=money(amount), method="card", status="posted"
        )


def _message(kind: str, who: Customer, at_ms: int, key: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{who.account} {key}", "account": who.account, "at": instant(at_ms), **more}
