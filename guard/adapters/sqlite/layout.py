"""The file's layout, version by version: statements, and nothing that runs them (`schema` does).

`MIGRATIONS` is the whole history, by the rules of `guard.ports.migrations`; the tests hold the layout against a dump
(`tests/store/schema-3.sql`), so it cannot change silently.

Columns of `account`, `call` and `switch` are the fields of `guard.core.rows`, by name and order. A column is only ever
added, at the end, with a default in both places: journal entries written before have shorter rows and are read with
the default. That is why a migration takes the same time however many rows there are: `ADD COLUMN` writes the table's
definition, and rows that lack the column read as its default.

Two kinds of table. *Hot* ones get a row a call or more (`journal`, `ledger`, `remembered`): their keys only increase
and what index they have is either in step with that (`remembered_age`) or filled lazily in sorted order
(`ledger_place`). The others are small or slow and have the index that their queries want.
"""

from __future__ import annotations

Migration = tuple[str, ...]

_VERSION_1: Migration = (
    """CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID""",
    "INSERT INTO meta VALUES ('saved', 0), ('placed', 0), ('forgotten_before_ms', 0), ('published', 0)",
    """CREATE TABLE journal (
  number INTEGER PRIMARY KEY,
  rows BLOB NOT NULL
)""",
    """CREATE TABLE account (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  opened TEXT NOT NULL,
  "plan" TEXT NOT NULL,
  tariff TEXT NOT NULL,
  provisional INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  owed_micros INTEGER NOT NULL,
  pending_micros INTEGER NOT NULL,
  trusted_micros INTEGER NOT NULL,
  limit_micros INTEGER,
  limit_source TEXT NOT NULL,
  cycles_micros INTEGER,
  floor_micros INTEGER,
  cap_micros INTEGER,
  until_limit_micros INTEGER,
  until_ms INTEGER,
  level INTEGER NOT NULL,
  spoken INTEGER NOT NULL,
  allow_until_ms INTEGER,
  seq INTEGER NOT NULL,
  decisions INTEGER NOT NULL,
  lifted_at_ms INTEGER NOT NULL,
  command TEXT,
  causes TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE call (
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  event INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  newest_at_ms INTEGER NOT NULL,
  answered_at_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  charge_micros INTEGER NOT NULL,
  stated_charge_micros INTEGER NOT NULL,
  rate_micros INTEGER NOT NULL,
  rate_known INTEGER NOT NULL,
  posted_micros INTEGER NOT NULL,
  "to" TEXT NOT NULL,
  caller TEXT NOT NULL,
  direction TEXT NOT NULL,
  emergency INTEGER NOT NULL,
  source TEXT NOT NULL,
  silent_carry_scaled INTEGER NOT NULL,
  defies INTEGER NOT NULL,
  PRIMARY KEY (switch, call)
) WITHOUT ROWID""",
    """CREATE TABLE switch (
  name TEXT PRIMARY KEY NOT NULL,
  up INTEGER NOT NULL,
  first_heard_ms INTEGER NOT NULL,
  last_heard_ms INTEGER NOT NULL,
  skew_ms INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE ledger (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  amount_micros INTEGER NOT NULL,
  currency TEXT NOT NULL,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  "to" TEXT NOT NULL,
  direction TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  emergency INTEGER NOT NULL,
  ref TEXT NOT NULL,
  method TEXT NOT NULL,
  text TEXT NOT NULL
)""",
    """CREATE TABLE ledger_place (
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (account, at_ms, number)
) WITHOUT ROWID""",
    """CREATE TABLE decisions (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  account TEXT NOT NULL,
  action TEXT NOT NULL,
  scope TEXT NOT NULL,
  mode TEXT NOT NULL,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  "key" TEXT NOT NULL,
  mark TEXT NOT NULL,
  exposure_micros INTEGER NOT NULL,
  limit_micros INTEGER,
  currency TEXT NOT NULL,
  evidence TEXT NOT NULL,
  text TEXT NOT NULL,
  "by" TEXT NOT NULL
)""",
    "CREATE INDEX decisions_account ON decisions (account, number)",
    """CREATE TABLE remembered (
  number INTEGER PRIMARY KEY,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  newest_at_ms INTEGER NOT NULL,
  event INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  charge_micros INTEGER NOT NULL,
  posted_micros INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  emergency INTEGER NOT NULL,
  direction TEXT NOT NULL
)""",
    "CREATE INDEX remembered_age ON remembered (newest_at_ms)",
    """CREATE TABLE quarantine (
  number INTEGER PRIMARY KEY,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  rule TEXT NOT NULL,
  event TEXT NOT NULL,
  charge_micros INTEGER,
  currency TEXT NOT NULL
)""",
    """CREATE TABLE billing (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  type TEXT NOT NULL,
  amount_micros INTEGER,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  payload TEXT NOT NULL
)""",
    """CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL
)""",
    "CREATE INDEX audit_account ON audit (account, number)",
    """CREATE TABLE pending (
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (switch, account)
) WITHOUT ROWID""",
)

_VERSION_2: Migration = (
    "ALTER TABLE account ADD COLUMN books TEXT",
    "ALTER TABLE call ADD COLUMN stated_duration_ms INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE call ADD COLUMN posted_gross_micros INTEGER",
    "ALTER TABLE call ADD COLUMN posted_billed_s INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE call ADD COLUMN posted_covered_s INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN gross_micros INTEGER",
    "ALTER TABLE ledger ADD COLUMN billed_s INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN covered_s INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN kind_of_call TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE ledger ADD COLUMN destination TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE remembered ADD COLUMN rated TEXT",
    "CREATE INDEX billing_account ON billing (account, number)",
    """CREATE TABLE kept (
  kind TEXT NOT NULL,
  "key" TEXT NOT NULL,
  row BLOB NOT NULL,
  PRIMARY KEY (kind, "key")
) WITHOUT ROWID""",
)

_VERSION_3: Migration = (
    """CREATE TABLE notices (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  text TEXT NOT NULL,
  over INTEGER NOT NULL
)""",
    """CREATE TABLE webhook (
  name TEXT PRIMARY KEY NOT NULL,
  decision INTEGER NOT NULL,
  notice INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE delivery (
  webhook TEXT NOT NULL,
  event TEXT NOT NULL,
  is_notice INTEGER NOT NULL,
  number INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  tried_ms INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (webhook, event)
) WITHOUT ROWID""",
    "ALTER TABLE account ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0",
    "INSERT INTO meta VALUES ('lines_without_details', 0), ('decisions_without_details', 0)",
    """CREATE TABLE forget (
  account TEXT PRIMARY KEY NOT NULL,
  at_ms INTEGER NOT NULL,
  last_line INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE scrub (
  number INTEGER PRIMARY KEY,
  zeros BLOB NOT NULL
)""",
    "ALTER TABLE switch ADD COLUMN last_seen_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE switch ADD COLUMN down_at_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE switch ADD COLUMN silence TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE switch ADD COLUMN told_at_ms INTEGER",
)

MIGRATIONS: tuple[Migration, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Entry n makes version n + 1 of version n."""
