"""The second stranger's towns: people, stories and bills of one seed, in the form that the judge reads.

Limits are two to three months of what a customer usually spends and no more than that, some as an amount; a tenth of
the customers billing never speaks of, so they are provisional from their first call on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.strangers.paper import DAY, HOUR, Call, instant, money
from tests.strangers.second import frauds, surprises
from tests.strangers.second.folk import Folk, Stage, settle, usual
from tests.strangers.second.land import HOMES
from tests.strangers.town import Town

MICROS = 1_000_000
YOUNG = 6
"""Accounts that are opened meanwhile."""


def build(seed: int, *, accounts: int = 150, count: int = 24) -> Town:
    """Everything that happens in so many days."""
    draw = Random(f"second stranger {seed}")
    home = HOMES[("CA", "AU", "CA", "FR", "ZA")[seed % 5]]
    first = date(2025, 1, 1) + timedelta(days=draw.randrange(500))
    folk = settle(home, accounts, draw)
    plain = [each for each in folk if each.kind in {"flat", "workshop", "bureau", "family from afar"}]
    for who in draw.sample(plain, YOUNG):
        who.opens = draw.randint(2, count - 8)
    stage = Stage(home, first, count, folk, draw)
    growing = {
        who.account: (draw.randint(count // 2, count - 4), draw.uniform(1.8, 3.5)) for who in draw.sample(folk, 8)
    }
    for who in folk:
        stage.calls += usual(who, first, count, growing)
    spent: dict[str, int] = {}
    for each in stage.calls:
        spent[each.account] = spent.get(each.account, 0) + each.cost
    # Crowds last, of those who are left.
    crowds = (*frauds.WAVES, *surprises.CROWDS)
    for story in sorted((*frauds.ALL, *surprises.ALL), key=crowds.__contains__):
        story(stage)
    calls: list[Call] = sorted(stage.calls, key=lambda each: each.at_ms)
    bills: list[dict[str, Any]] = [message for who in folk for message in _bills(who, spent, first, count, draw)]
    return Town(home, first, count, folk, calls, [*bills, *stage.bills], stage.cases())


def _bills(who: Folk, spent: dict[str, int], first: date, count: int, draw: Random) -> Iterator[dict[str, Any]]:
    """The account as billing tells it, three invoices, what is owed, and a payment."""
    if not who.opens and draw.random() < 0.1:
        return
    month = spent.get(who.account, 0) * 30 // (count - who.opens) + draw.randint(15, 45) * MICROS
    cycles = {"cycles": draw.choice(("2", "2.5", "3")), "floor": draw.choice(("50", "100")), "cap": "4000"}
    by_hand = {"limit": f"{max(50, round(month * draw.uniform(2, 3) / MICROS))}.00"}
    opened = first + timedelta(days=who.opens) if who.opens else first - timedelta(days=draw.randint(60, 2000))
    opened_ms = who.at(first, 24 * who.opens) - HOUR
    yield {
        "type": "account",
        "id": f"a/{who.account}",
        "account": who.account,
        "name": who.kind,
        "currency": who.home.currency,
        "timezone": str(who.zone),
        "opened": opened.isoformat(),
        "credit": {"limit": draw.choice(("100.00", "200.00"))} if who.opens else draw.choice((cycles, by_hand)),
        "at": instant(opened_ms),
    }
    if who.opens:
        return
    end = first.replace(day=1)
    for number in range(3):
        begin = (end - timedelta(days=1)).replace(day=1)
        yield {
            "type": "invoice",
            "id": f"i{number}/{who.account}",
            "account": who.account,
            "amount": money(int(month * draw.uniform(0.85, 1.15)) + MICROS),
            "period_start": begin.isoformat(),
            "period_end": end.isoformat(),
            "at": instant(opened_ms),
        }
        end = begin
    owed = month if draw.random() < 0.4 else month * first.day // 60
    yield {
        "type": "balance",
        "id": f"b/{who.account}",
        "account": who.account,
        "owed": money(owed),
        "as_of": instant(opened_ms),
    }
    if owed == month:
        yield {
            "type": "payment",
            "id": f"p/{who.account}",
            "account": who.account,
            "amount": money(owed + MICROS),
            "method": "card",
            "status": "posted",
            "at": instant(opened_ms + draw.randint(1, 9) * DAY),
        }
