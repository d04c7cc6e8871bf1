"""The limit review looks at a slice of the accounts at a time, so that the loop turns on."""

from __future__ import annotations

import asyncio

import pytest

from guard.core.money import Micros, parse_money
from guard.core.records import InvoiceMessage
from guard.shell import desk as shell_desk
from guard.shell.desk import Desk
from tests.shell.fakes import START_MS, House


def desk_of_invoiced(*amounts: tuple[str, str]) -> Desk:
    """Accounts with one invoice each, all with the default limit of 100.00."""
    house = House()
    for account, amount in amounts:
        house.engine.billing(
            InvoiceMessage(id=account, account=account, amount_micros=Micros(parse_money(amount))), START_MS
        )
    return Desk(
        engine=house.engine,
        loop=house.loop,
        store=house.store,
        clock=house.clock,
        missing=lambda: "",
        metrics=lambda: b"",
        reloader=house.reloader,
    )


def pages(desk: Desk, limit: int) -> list[list[str]]:
    """The accounts of each page, to the last."""
    found: list[list[str]] = []
    after: str | None = ""
    while after is not None:
        reviews, after = asyncio.run(desk.limit_review(after=after, limit=limit))
        found.append([review.account for review in reviews])
    return found


def test_only_limits_that_do_not_fit_in_the_order_of_their_ids() -> None:
    desk = desk_of_invoiced(("C", "90"), ("A", "80"), ("fits", "40"), ("B", "10"))
    assert pages(desk, 9) == [["A", "B", "C"]]
    [only], after = asyncio.run(desk.limit_review(after="B", limit=1))
    assert (only.account, only.limit_micros, only.suggested_micros) == ("C", 100_000_000, 230_000_000)
    assert after == "C"


def test_a_page_is_no_longer_than_asked_for() -> None:
    desk = desk_of_invoiced(("A", "80"), ("B", "80"), ("C", "80"))
    assert pages(desk, 2) == [["A", "B"], ["C"]]


def test_only_so_many_accounts_are_looked_at_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be empty and still have a next one."""
    monkeypatch.setattr(shell_desk, "REVIEWED", 2)
    desk = desk_of_invoiced(("A", "40"), ("B", "40"), ("C", "80"), ("D", "40"), ("E", "80"))
    assert pages(desk, 9) == [[], ["C"], ["E"]]


def test_without_accounts_there_is_nothing() -> None:
    assert pages(desk_of_invoiced(), 9) == [[]]
