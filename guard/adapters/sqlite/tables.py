"""The tables as statements: what is written to them and read from them, by the columns of `guard.wire.stored`."""

from __future__ import annotations

from guard.adapters.sqlite.bulk import Bulk, selection
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.wire import stored

ACCOUNTS = Bulk("account", AccountRow._fields, replace=True)
CALLS = Bulk("call", CallRow._fields, replace=True)
SWITCHES = Bulk("switch", SwitchRow._fields, replace=True)
SELECT_ACCOUNTS = selection("account", AccountRow._fields)
SELECT_CALLS = selection("call", CallRow._fields)
SELECT_SWITCHES = selection("switch", SwitchRow._fields)

LEDGER = Bulk("ledger", stored.LEDGER_COLUMNS)
LEDGER_COLUMNS = ", ".join(f'line."{column}"' for column in stored.LEDGER_COLUMNS)
"""Read from `ledger AS line`."""
PLACES = Bulk("ledger_place", ("account", "at_ms", "number"), replace=True)

DECISIONS = Bulk("decisions", stored.DECISIONS_COLUMNS)
DECISIONS_AGAIN = Bulk("decisions", stored.DECISIONS_COLUMNS, replace=True)
SELECT_DECISIONS = selection("decisions", stored.DECISIONS_COLUMNS)

REMEMBERED = Bulk("remembered", stored.REMEMBERED_COLUMNS)
SELECT_REMEMBERED = selection("remembered", stored.REMEMBERED_COLUMNS)

QUARANTINE = Bulk("quarantine", stored.QUARANTINE_COLUMNS)
SELECT_QUARANTINE = selection("quarantine", ("number", *stored.QUARANTINE_COLUMNS))

BILLING = Bulk("billing", stored.BILLING_COLUMNS)
SELECT_BILLING = selection("billing", stored.BILLING_COLUMNS[:-1])
"""All but the payload, which nothing judges by."""
SELECT_BILLING_WITH_PAYLOAD = selection("billing", stored.BILLING_COLUMNS)

AUDIT = Bulk("audit", stored.AUDIT_COLUMNS)
SELECT_AUDIT = selection("audit", (*stored.AUDIT_COLUMNS, "number"))

PENDING = Bulk("pending", ("switch", "account", "seq"), replace=True)
FORGET = Bulk("forget", ("account", "at_ms", "last_line"), replace=True)
