"""Reading everything back: the tables, with what the journal knows better laid over them.

Reading changes nothing: the journal stays until a checkpoint has moved it to the tables, so a crash while restarting
is a crash like any other. What was journalled becomes the first unsaved generation of the new writer.

The calls that are over are the bulk (a week of them, a million and more). Rows older than the memory are passed over
whether or not they have been deleted yet. Of a call that is remembered twice (lost, then ended after all) the later
row wins; its `newest_at_ms` is never the lower one, so it is not the first to go. Billing messages come in the order
in which they were taken, without their payloads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from guard.adapters.sqlite import journal, kept, tables
from guard.adapters.sqlite.checkpoint import Checkpoint
from guard.adapters.sqlite.generation import Generation
from guard.core.decisions import Decision, Remembered
from guard.core.restored import Restored
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.wire import stored

UNPUBLISHED_KEPT = 10_000
"""Decisions told again after a restart at most: the newest. Who needs all of them reads the history."""


def last_number(connection: sqlite3.Connection) -> int:
    """Number of the last batch that is in the file."""
    number: int = connection.execute(
        "SELECT max((SELECT value FROM meta WHERE name = 'saved'), (SELECT ifnull(max(number), 0) FROM journal))"
    ).fetchone()[0]
    return number


def read_journal(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Make what the tables lack the open generation; `JournalError` (naming the entry) when it does not read."""
    entries = connection.execute(
        "SELECT number, rows FROM journal WHERE number > (SELECT value FROM meta WHERE name = 'saved') ORDER BY number"
    )
    for number, blob in entries:
        try:
            entry = journal.decode(blob)
        except journal.JournalError as error:
            raise journal.JournalError(f"journal entry {number} is damaged ({error})") from error
        checkpoint.add(number, entry, (), quarantined=True)
    places = connection.execute(
        "SELECT account, at_ms, number FROM ledger WHERE number > (SELECT value FROM meta WHERE name = 'placed')"
    )
    checkpoint.place(places.fetchall())


def restore(connection: sqlite3.Connection, generations: Iterable[Generation]) -> Restored:
    """The whole state: tables, overlaid with unsaved generations, older first."""
    accounts: dict[str, AccountRow] = {}
    calls: dict[tuple[str, str], CallRow | None] = {}
    switches: dict[str, SwitchRow] = {}
    forgotten_before_ms = connection.execute("SELECT value FROM meta WHERE name = 'forgotten_before_ms'").fetchone()[0]
    for generation in generations:
        accounts.update(generation.accounts)
        calls.update(generation.calls)
        switches.update(generation.switches)
        forgotten_before_ms = max(forgotten_before_ms, generation.forgotten_before_ms)
    return _read(connection, accounts, calls, switches, forgotten_before_ms)


def _read(
    connection: sqlite3.Connection,
    accounts: dict[str, AccountRow],
    calls: dict[tuple[str, str], CallRow | None],
    switches: dict[str, SwitchRow],
    forgotten_before_ms: int,
) -> Restored:
    billing = connection.execute(f"{tables.SELECT_BILLING} ORDER BY number")
    return Restored(
        accounts=_accounts(connection, accounts),
        calls=_calls(connection, calls),
        switches=_switches(connection, switches),
        remembered=_remembered(connection, forgotten_before_ms),
        billing=[stored.billing_entry(values) for values in billing],
        pending=connection.execute("SELECT switch, account, seq FROM pending").fetchall(),
        kept=kept.read(connection),
        last_line=last_line(connection),
        last_decision=_last_decision(connection),
        forgotten_before_ms=forgotten_before_ms,
        unpublished=_unpublished(connection),
    )


def _accounts(connection: sqlite3.Connection, newer: dict[str, AccountRow]) -> list[AccountRow]:
    read = connection.execute(tables.SELECT_ACCOUNTS)
    rows = [stored.account_row(values) for values in read if values[0] not in newer]
    rows.extend(newer.values())
    return rows


def _calls(connection: sqlite3.Connection, newer: dict[tuple[str, str], CallRow | None]) -> list[CallRow]:
    read = connection.execute(tables.SELECT_CALLS)
    rows = [stored.call_row(values) for values in read if values[:2] not in newer]
    rows.extend(row for row in newer.values() if row is not None)
    return rows


def _switches(connection: sqlite3.Connection, newer: dict[str, SwitchRow]) -> list[SwitchRow]:
    read = connection.execute(tables.SELECT_SWITCHES)
    rows = {values[0]: stored.switch_row(values) for values in read}
    return list((rows | newer).values())


def _remembered(connection: sqlite3.Connection, forgotten_before_ms: int) -> list[Remembered]:
    read = connection.execute(
        f"{tables.SELECT_REMEMBERED} WHERE newest_at_ms >= ? ORDER BY number",
        (forgotten_before_ms,),
    )
    return list({values[:2]: stored.remembered(values) for values in read}.values())


def _unpublished(connection: sqlite3.Connection) -> list[Decision]:
    where = "WHERE number > (SELECT value FROM meta WHERE name = 'published')"
    read = connection.execute(f"{tables.SELECT_DECISIONS} {where} ORDER BY number DESC LIMIT ?", (UNPUBLISHED_KEPT,))
    return [stored.decision(values) for values in reversed(read.fetchall())]


def last_line(connection: sqlite3.Connection) -> int:
    """The highest number in the ledger; 0 when it is empty."""
    number: int = connection.execute("SELECT ifnull(max(number), 0) FROM ledger").fetchone()[0]
    return number


def _last_decision(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("SELECT ifnull(max(number), 0) FROM decisions").fetchone()[0]
    return number
