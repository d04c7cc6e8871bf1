"""The third stranger's town: who lives there, what billing knows of them, and everything that happens.

Days are made first, then the innocent surprises, then the frauds, so that a surprise may change a customer's own day.
Credit is two to three cycles of what the customer usually spends, a fixed sum, or (of those whom billing has never told
of) guard's default. Most pay what they owe within the first fortnight.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.strangers.paper import money
from tests.strangers.third import frauds, slyness, surprises
from tests.strangers.third.folk import KINDS, Customer, newcomer
from tests.strangers.third.land import HOMES, MICROS
from tests.strangers.third.stage import HISTORY, Stage
from tests.strangers.town import Town

STRANGE, UNTOLD, PAYS = 0.04, 0.12, 0.9
"""How many have no invoices yet though they are of old, whom billing does not speak of, who pay within a fortnight."""

FREE_HANDS = 160
"""Customers that the stories of one town need, at least."""


def build(seed: int, *, accounts: int = 185, count: int = 24) -> Town:
    """Everything about one town."""
    draw = Random(seed)
    home, first = HOMES[seed % len(HOMES)], date(2026, 1, 5) + timedelta(days=draw.randrange(200))
    kinds = [each.name for each in KINDS]
    kinds += draw.choices(kinds, [each.share for each in KINDS], k=max(accounts, FREE_HANDS) - len(kinds))
    people = [newcomer(kind, index, home, draw) for index, kind in enumerate(kinds)]
    stage = Stage(draw, home, first, max(count, HISTORY + 7), people)
    for who in people:
        stage.live(who)
    for story in (*surprises.ALL, *frauds.ALL, *slyness.ALL):
        story(stage)
    for who in people:
        _bill(stage, who)
    stage.calls.sort(key=lambda each: (each.at_ms, each.account))
    return Town(home, first, stage.count, people, stage.calls, stage.bills, stage.cases)


def _bill(stage: Stage, who: Customer) -> None:
    """What billing says of one customer."""
    draw, usual = stage.draw, stage.usual[who.account]
    if draw.random() < UNTOLD and usual < 80 * MICROS and not who.opens:
        return
    opened = (
        stage.first + timedelta(days=who.opens) if who.opens else stage.first - timedelta(days=draw.randint(60, 3000))
    )
    begins_ms = stage.at(who, who.opens, 0)
    credit = _credit(who, usual, draw)
    stage.bill(
        "account",
        who,
        begins_ms,
        name=f"{who.kind} {who.account}",
        currency=stage.home.currency,
        timezone=who.zone,
        opened=opened.isoformat(),
        credit=credit,
    )
    if who.opens:
        return
    owed = draw.randint(usual // 4, usual)
    stage.bill("balance", who, begins_ms, owed=money(owed), as_of=f"{stage.first.isoformat()}T00:00:00Z")
    if "cycles" in credit and draw.random() >= STRANGE:
        for month in range(3, 0, -1):
            ends = (stage.first - timedelta(days=30 * (month - 1))).replace(day=1)
            begins = (ends - timedelta(days=1)).replace(day=1)
            amount = max(1, round(usual * draw.uniform(0.75, 1.2)))
            stage.bill(
                "invoice",
                who,
                begins_ms,
                amount=money(amount),
                period_start=begins.isoformat(),
                period_end=ends.isoformat(),
            )
    if draw.random() < PAYS and owed:
        method, day = draw.choice(("card", "eft", "cheque", "e_transfer")), draw.randint(2, 12)
        stage.bill("payment", who, stage.at(who, day, 12), amount=money(owed), method=method, status="posted")


def _credit(who: Customer, usual: int, draw: Random) -> dict[str, str]:
    """A limit as operators set them."""
    if who.opens:
        generous = {"call shop": "1500", "reseller": "3000", "world call centre": "3000", "relief agency": "1500"}
        return {"limit": generous.get(who.kind, draw.choice(("300", "500", "800")))}
    if draw.random() < 0.25:
        return {"limit": money(max(3 * usual, draw.choice((150, 250, 500)) * MICROS))}
    cycles = draw.choice(("2", "2.5", "3"))
    return {"cycles": cycles, "floor": draw.choice(("100", "150", "250")), "cap": "20000"}
