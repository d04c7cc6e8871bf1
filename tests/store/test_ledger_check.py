"""`guard check --ledger` finds every sum that does not add up, and nothing in a store that is sound."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from guard.adapters.sqlite import check_ledger, ledger_check, open_store
from guard.core.decisions import Changes, LineKind
from guard.core.ledger_findings import FINDINGS
from guard.core.records import Event
from guard.ports import Store, StoreError
from tests.store.samples import account, line, over, posting

SPOILED: list[tuple[str, list[str]]] = [
    (
        "UPDATE account SET owed_micros = owed_micros + 10 WHERE id = 'A1'",
        [
            "account A1: owes 5.00001 CAD, but its ledger lines add up to 5.00 (difference 0.00001)",
        ],
    ),
    (
        "UPDATE account SET owed_micros = 1 WHERE id = 'idle'",
        ["account idle: owes 0.000001 CAD, but its ledger lines add up to 0.00 (difference 0.000001)"],
    ),
    (
        "UPDATE ledger SET amount_micros = 0 WHERE number = 4",
        [
            "account A0: owes 5.00 CAD, but its ledger lines add up to 4.00 (difference 1.00)",
            "call call-4 of switch sw1 (account A0): 1.00 was posted, but its ledger lines add up to 0.00",
        ],
    ),
    (
        "DELETE FROM ledger WHERE number IN (3, 5, 6)",
        [
            "ledger: line 3 is missing",
            "ledger: lines 5 to 6 are missing",
            "ledger: 7 lines up to number 10, but 10 in the directory of accounts",
            "account A0: owes 5.00 CAD, but its ledger lines add up to 4.00 (difference 1.00)",
            "account A1: owes 5.00 CAD, but its ledger lines add up to 3.00 (difference 2.00)",
            "call call-3 of switch sw1 (account A1): 1.00 was posted, but its ledger lines add up to 0.00",
            "call call-5 of switch sw1 (account A1): 1.00 was posted, but its ledger lines add up to 0.00",
            "call call-6 of switch sw1 (account A0): 1.00 was posted, but its ledger lines add up to 0.00",
        ],
    ),
    (
        "UPDATE ledger SET currency = 'USD' WHERE number = 2",
        ["account A0: is in CAD, but has ledger lines in USD"],
    ),
    (
        "DELETE FROM account WHERE id = 'A0'",
        ["account A0: has ledger lines of 5.00 but is not among the accounts"],
    ),
    (
        "DELETE FROM ledger_place WHERE number = 2",
        ["ledger: 10 lines up to number 10, but 9 in the directory of accounts"],
    ),
    (
        "UPDATE remembered SET posted_micros = 2000000 WHERE call = 'call-9'",
        ["call call-9 of switch sw1 (account A1): 2.00 was posted, but its ledger lines add up to 1.00"],
    ),
    (
        "UPDATE ledger SET gross_micros = 999999 WHERE number = 8",
        ["call call-8 of switch sw1 (account A0): costs 1.00, but without any plan 0.999999"],
    ),
    (
        "UPDATE ledger SET billed_s = 60, covered_s = 61 WHERE number = 8",
        ["call call-8 of switch sw1 (account A0): its plan covers 61 s, but 60 s were billed"],
    ),
    (
        "UPDATE ledger SET covered_s = -1, kind = 'lost' WHERE number = 7",
        ["call call-7 of switch sw1 (account A1): its plan covers -1 s, but 0 s were billed"],
    ),
    ("UPDATE ledger SET number = -1 WHERE number = 10", []),
]
"""What is done to a store of ten calls, and what is said of it; nothing: anything."""


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_check, "PORTION_LINES", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Ten calls of two accounts, closed."""
    file = tmp_path / "guard.db"
    asyncio.run(_ten_calls(file))
    return file


async def _ten_calls(file: Path) -> None:
    async with open_store(file) as store:
        await post_ten_calls(store)


async def post_ten_calls(store: Store) -> None:
    """Of two accounts, and an attempt that failed."""
    for number in range(1, 11):
        name = f"A{number % 2}"
        await store.commit(posting(number, 1_000_000, 1_000_000 * ((number + 1) // 2), name))
    await store.commit(Changes(accounts=[account("idle")], remembered=[over("try", 0, event=int(Event.FAILED))]))


async def post_in_another_currency(store: Store) -> None:
    """An account that was taken for one in CAD, and is in USD."""
    await store.commit(
        Changes(
            accounts=[account("A1", 12, currency="USD")],
            ledger=[
                line(1, amount_micros=5, call="c1"),
                line(2, amount_micros=-5, kind=LineKind.BALANCE),
                line(3, amount_micros=5, kind=LineKind.BALANCE, currency="USD"),
                line(4, amount_micros=7, call="c2", currency="USD"),
            ],
            remembered=[over("c1", 5), over("c2", 7)],
        )
    )


def _spoil(path: Path, statement: str) -> list[str]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0
    return check_ledger(path)


def test_a_sound_store_has_no_findings(path: Path) -> None:
    assert check_ledger(path) == []


@pytest.mark.parametrize(("statement", "findings"), SPOILED)
def test_what_does_not_add_up_is_said_in_words(path: Path, statement: str, findings: list[str]) -> None:
    found = _spoil(path, statement)
    if findings:
        assert found == findings
    assert found


async def test_an_account_that_turned_out_to_be_in_another_currency_adds_up_in_each(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await post_in_another_currency(store)
    assert check_ledger(path) == []
    missing = _spoil(path, "UPDATE ledger SET amount_micros = -4 WHERE number = 2")
    assert missing[1:] == ["account A1: is in USD, but has ledger lines in CAD"]


async def test_unsaved_accounts_are_read_from_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(posting(1, 5, 5))
        await store.commit(posting(2, 5, 11))
        found = check_ledger(path)
    assert found == ["account A1: owes 0.000011 CAD, but its ledger lines add up to 0.00001 (difference 0.000001)"]


async def test_a_damaged_journal_entry_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(posting(1, 5, 5))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE journal SET rows = x'00'")
        found = check_ledger(path)
    assert found[0].startswith("journal entry 1 is damaged")


async def test_a_call_that_was_lost_and_then_ended_adds_up(tmp_path: Path) -> None:
    """And so does one whose name was used before, by a call that has been forgotten since."""
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(
            Changes(
                accounts=[account("A1", 17)],
                ledger=[
                    line(1, amount_micros=7, call="c1"),
                    line(2, amount_micros=4, call="c1", kind=LineKind.LOST),
                    line(3, amount_micros=6, call="c1", kind=LineKind.CORRECTION),
                ],
                remembered=[over("c1", 4, lost=True), over("c1", 10)],
            )
        )
        assert check_ledger(path) == []
    assert check_ledger(path) == []


async def test_the_parts_of_a_call_that_came_back_are_judged_together(tmp_path: Path) -> None:
    """While it was away others used up the minutes that it had; so it costs more than its price has risen."""
    path = tmp_path / "guard.db"
    lost = line(1, amount_micros=0, gross_micros=10, call="c1", kind=LineKind.LOST, billed_s=60, covered_s=60)
    ended = line(2, amount_micros=15, gross_micros=5, call="c1", billed_s=30, covered_s=-60)
    async with open_store(path) as store:
        await store.commit(Changes(accounts=[account("A1", 15)], ledger=[lost, ended], remembered=[over("c1", 15)]))
        assert check_ledger(path) == []
    assert check_ledger(path) == []


async def test_findings_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(Changes(accounts=[account(f"A{nth}", 1) for nth in range(500)]))
    found = check_ledger(path)
    assert len(found) == FINDINGS + 1
    assert found[-1] == "there is more: only the first 100 findings are told"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.touch(), "start guard on it once"),
        (lambda path: path.write_bytes(b"nonsense" * 1_000), "is not an SQLite database"),
    ],
)
def test_what_cannot_be_checked_is_an_error(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "guard.db"
    make(path)
    with pytest.raises(StoreError, match=words):
        check_ledger(path)
