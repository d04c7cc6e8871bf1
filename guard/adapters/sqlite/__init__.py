"""The store in one SQLite file: everything that guard must not forget, and the history that people ask for.

**What is durable when.** `commit` returns when its transaction is in the write-ahead log and the log is synced. Only
then does guard acknowledge, send or show anything, so a machine may die at any moment: after the restart the state is
that of the last commit that returned, or of the one that was being made.

**Two halves.** State (accounts, live calls, switches) changes with every report, but only its newest form matters.
History (ledger, decisions, calls that are over, billing, audit, quarantine) is written once and never changed, but for
who called whom, which is deleted when it is old (`details`). History is appended by each commit. State goes into a redo
journal, one blob a commit, and reaches its tables later, sorted, in bites, a row once however often it changed. Upserts
by the batch were measured beside it: from a hundred rows a batch on they cost a page of the file for nearly every row,
and three times the whole of this. A restart reads the tables, the journal laid over them. Beside the two, what the
rules know is written as it comes: few rows, and big ones (`kept`).

**Keys increase.** Ledger lines, decisions, batches and memory have numbers that only grow, so they are written at the
end of their tables. The one index that would be hit at random (whose ledger line is where) is a table of its own that
is filled with the state tables, a sorted generation at a time: 3 microseconds a line instead of 25. Until then a
reader finds the newest lines at the end of the ledger.

**Bounds.** Kept for ever: accounts, ledger, decisions, audit, and billing messages with their ids (an id may come again
after years and must be known). Forgotten: calls that are over, when the engine says so; all but the newest 100,000
reports in quarantine and the newest 100,000 notices; what a webhook has got; the journal, as it is saved. The WAL is
emptied each 4 MiB, and later only while somebody reads for long.

**Threads.** One thread writes (`writer`), one reads (`reader`). Each commit is one hop to the writer and back.

Reading order: `layout` (tables and versions), `schema` (which files are opened), `journal`, `generation`, `checkpoint`,
`keeper` (a commit), `restoring`, `reader` with `sums`, `outbox` (notices, and what webhooks are owed), `details` (what
is deleted when it is old), `store` (open and close); `bulk` and `tables` are how rows become statements, `kept` how
what the rules know does, `ownership` is the lock, `failures` the words of errors, `ledger_check` the auditor behind
`guard check --ledger`, `backup` what `guard backup` does, `upgrade` what is kept of a file before it is migrated,
`revival` what is done to a backup that is put back, `origin` the file as it is moved into a database.
"""

from guard.adapters.sqlite.backup import Copied, back_up
from guard.adapters.sqlite.ledger_check import check_ledger
from guard.adapters.sqlite.store import SqliteStore, open_store

__all__ = ["Copied", "SqliteStore", "back_up", "check_ledger", "open_store"]
