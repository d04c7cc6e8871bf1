"""All accounts in order, searched through without holding up the loop; a few of a rare state by what matters."""

from __future__ import annotations

import asyncio
import random

import pytest

from guard.core.accounts import Account
from guard.core.views import AccountState
from guard.shell import directory
from guard.shell.directory import FRESH_MS, Directory, Ranking


def known(*ids: str, name: str = "") -> dict[str, Account]:
    """Accounts by their ids."""
    made = {each: Account(each, "CAD", 100_000_000) for each in ids}
    for account in made.values():
        account.name = name
    return made


def found(shelf: Directory, wanted: str = "", *, after: str = "", count: int = 99) -> list[str]:
    """What a search brings."""
    return [account.id for account in asyncio.run(shelf.find(wanted, None, after, count))]


@pytest.fixture(autouse=True)
def _little_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few accounts make many blocks and steps."""
    monkeypatch.setattr(directory, "BLOCK", 4)
    monkeypatch.setattr(directory, "BLOCKS_AT_ONCE", 2)
    monkeypatch.setattr(directory, "TAKEN_IN_AT_ONCE", 3)


def test_accounts_come_in_the_order_of_their_ids_whenever_they_came() -> None:
    ids = [f"A{number:03}" for number in range(100)]
    late = random.Random(7).sample(ids, 60)
    accounts = known(*(each for each in ids if each not in late))
    shelf = Directory(accounts)
    accounts.update(known(*late))
    assert found(shelf, count=1_000) == ids
    assert found(shelf, after="A041", count=3) == ["A042", "A043", "A044"]
    assert found(shelf, after="A0415", count=1) == ["A042"], "an id that there is not has its place all the same"


def test_a_part_of_an_id_or_of_a_name_is_enough_whatever_its_case() -> None:
    accounts = known(*(f"A{number:03}" for number in range(50)))
    accounts["A007"].name, accounts["A033"].name = "Straße & Söhne", "Acme Ltd"
    shelf = Directory(accounts)
    assert found(shelf, "ACME") == ["A033"]
    assert found(shelf, "strasse") == ["A007"]
    assert found(shelf, "a04", count=3) == ["A040", "A041", "A042"]
    assert found(shelf, "nobody") == []


def test_a_new_name_counts_at_once() -> None:
    accounts = known("A1", "A2")
    shelf = Directory(accounts)
    assert found(shelf, "acme") == []
    accounts["A2"].name = "Acme"
    assert found(shelf, "acme") == ["A2"]


def test_an_id_and_the_next_name_do_not_run_into_each_other() -> None:
    """They are written down one after the other, and what is between them is in no search."""
    shelf = Directory(known("A1", "A2", name="Bob"))
    assert found(shelf, "bobA2") == found(shelf, "A1Bob") == []


def test_a_state_is_asked_for_beside_it() -> None:
    accounts = known("A1", "A2", "A3", name="Acme")
    accounts["A2"].state = AccountState.CLOSED
    shelf = Directory(accounts)
    assert [each.id for each in asyncio.run(shelf.find("acme", AccountState.CLOSED, "", 9))] == ["A2"]
    assert [each.id for each in asyncio.run(shelf.find("", AccountState.ACTIVE, "", 9))] == ["A1", "A3"]


async def test_the_loop_turns_while_it_is_searched() -> None:
    """And what comes meanwhile behind the walker is for the next search, before him for this one."""
    accounts = known(*(f"A{number:03}" for number in range(40)))
    shelf, turns = Directory(accounts), 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            if turns == 2:
                accounts.update(known("A000-wanted", "B-wanted"))
            await asyncio.sleep(0)

    loop = asyncio.create_task(turning())
    first = [account.id for account in await shelf.find("wanted", None, "", 9)]
    loop.cancel()
    assert first == ["B-wanted"]
    assert turns >= 40 // 4 // 2
    assert [account.id for account in await shelf.find("wanted", None, "", 9)] == ["A000-wanted", "B-wanted"]


def of_level(account: Account, _now_ms: int) -> int:
    """For a ranking."""
    return account.level


def test_a_ranking_has_those_first_that_matter_most() -> None:
    accounts = known("A", "B", "C")
    accounts["B"].level, accounts["C"].level = 3, 1
    ranking = Ranking(accounts, of_level)
    assert [each.id for each in asyncio.run(ranking.first(0))] == ["B", "C", "A"]
    accounts["A"].level = 9
    assert [each.id for each in asyncio.run(ranking.first(0))] == ["A", "B", "C"], "of few it is always fresh"


def test_a_ranking_of_many_is_good_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "RANKED_AT_ONCE", 2)
    accounts = known("A", "B", "C", "D", "E")
    ranking = Ranking(accounts, of_level)
    asyncio.run(ranking.first(0))
    accounts["A"].level = 9
    del accounts["E"]
    assert [each.id for each in asyncio.run(ranking.first(FRESH_MS - 1))] == ["D", "C", "B", "A"], (
        "but who has left has"
    )
    assert asyncio.run(ranking.first(FRESH_MS))[0].id == "A"
    accounts["B"].level = 10
    assert asyncio.run(ranking.first(0))[0].id == "B", "a clock that was set back does not stop it"
