"""The store in PostgreSQL: for a daemon with a warm standby, and for the partitions of a cluster.

**One database, many partitions.** Every table has `part` in front of its key. A daemon of its own is partition 0 of 1;
a cluster has 256, and a worker writes those that it holds leases of. What one partition reads and writes is never seen
by another.

**What is durable when.** `commit` returns when its transaction has been committed with the server's
`synchronous_commit` on. A server that has lost a committed transaction (a standby promoted that had not received it)
has lost what guard had acknowledged: `docs/postgres.md` says how to set the server so that it cannot.

**Who may write.** Each claim of a partition raises its epoch and draws a token, and each transaction begins with an
UPDATE that finds its row only under both (`committer`). So whatever a process that was frozen, cut off or given up for
dead still has in mind, it cannot get it into the store, and learns it at its first try (`FencedError`). Leases
(`leases`) decide who tries.

**State** is one row an account, call and switch, replaced with each batch that touches it: PostgreSQL writes a changed
row to a page in memory and the change to its log, in order, so there is no need for the redo journal that SQLite's
store has. A batch of 1,000 reports of 700 accounts costs the server 17 ms of a processor and guard 7, some 40,000
reports/s; one of 5,000 costs 56 and 27, some 60,000.

**Bounds.** As with SQLite: accounts, ledger, decisions, audit and billing are kept for ever, what is remembered of
calls until the engine says so, 100,000 reports in quarantine and as many notices.

Reading order: `layout` and `schema` (tables, versions), `address` and `encryption`, `tables` and `batch` (how rows get
in), `committer` (a commit, the fence), `leases`, `restoring`, `reader`, `beside` with `outbox` and `details`, `store`
(open and close); for whoever looks at all partitions `archive` (accounts), `feeds` (history), `mailroom` (webhooks),
`board` (what workers tell); `lone` is the connection that leases, board and `beside` have each, `failures` the words
of errors, `ledger_check` the auditor behind `guard check --ledger`.
"""

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.ledger_check import check_ledger
from guard.adapters.postgres.store import Postgres, PostgresStore, open_postgres

__all__ = ["Postgres", "PostgresAddress", "PostgresStore", "check_ledger", "open_postgres"]
