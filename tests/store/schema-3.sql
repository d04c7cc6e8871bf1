PRAGMA application_id = 1735745906;
PRAGMA user_version = 3;
CREATE TABLE account (
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
, books TEXT, forgotten INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE TABLE billing (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  type TEXT NOT NULL,
  amount_micros INTEGER,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  payload TEXT NOT NULL
);
CREATE TABLE call (
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
  defies INTEGER NOT NULL, stated_duration_ms INTEGER NOT NULL DEFAULT -1, posted_gross_micros INTEGER, posted_billed_s INTEGER NOT NULL DEFAULT 0, posted_covered_s INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (switch, call)
) WITHOUT ROWID;
CREATE TABLE decisions (
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
);
CREATE TABLE delivery (
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
) WITHOUT ROWID;
CREATE TABLE forget (
  account TEXT PRIMARY KEY NOT NULL,
  at_ms INTEGER NOT NULL,
  last_line INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE journal (
  number INTEGER PRIMARY KEY,
  rows BLOB NOT NULL
);
CREATE TABLE kept (
  kind TEXT NOT NULL,
  "key" TEXT NOT NULL,
  row BLOB NOT NULL,
  PRIMARY KEY (kind, "key")
) WITHOUT ROWID;
CREATE TABLE ledger (
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
, gross_micros INTEGER, billed_s INTEGER NOT NULL DEFAULT 0, covered_s INTEGER NOT NULL DEFAULT 0, kind_of_call TEXT NOT NULL DEFAULT '', destination TEXT NOT NULL DEFAULT '');
CREATE TABLE ledger_place (
  account TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (account, at_ms, number)
) WITHOUT ROWID;
CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('decisions_without_details',0);
INSERT INTO "meta" VALUES('forgotten_before_ms',0);
INSERT INTO "meta" VALUES('lines_without_details',0);
INSERT INTO "meta" VALUES('placed',0);
INSERT INTO "meta" VALUES('published',0);
INSERT INTO "meta" VALUES('saved',0);
CREATE TABLE notices (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  text TEXT NOT NULL,
  over INTEGER NOT NULL
);
CREATE TABLE pending (
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (switch, account)
) WITHOUT ROWID;
CREATE TABLE quarantine (
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
);
CREATE TABLE remembered (
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
, rated TEXT);
CREATE TABLE scrub (
  number INTEGER PRIMARY KEY,
  zeros BLOB NOT NULL
);
CREATE TABLE switch (
  name TEXT PRIMARY KEY NOT NULL,
  up INTEGER NOT NULL,
  first_heard_ms INTEGER NOT NULL,
  last_heard_ms INTEGER NOT NULL,
  skew_ms INTEGER NOT NULL
, last_seen_ms INTEGER NOT NULL DEFAULT 0, down_at_ms INTEGER NOT NULL DEFAULT 0, silence TEXT NOT NULL DEFAULT '', told_at_ms INTEGER) WITHOUT ROWID;
CREATE TABLE webhook (
  name TEXT PRIMARY KEY NOT NULL,
  decision INTEGER NOT NULL,
  notice INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX decisions_account ON decisions (account, number);
CREATE INDEX remembered_age ON remembered (newest_at_ms);
CREATE INDEX audit_account ON audit (account, number);
CREATE INDEX billing_account ON billing (account, number);
